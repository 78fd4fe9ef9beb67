"""Features and logits of texts, and the check that they are usable."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlab._progress import Progress
from graphlab.tag.fine_tune._model import TextClassifier
from graphlab.tag.fine_tune._tokens import TokenTable

__all__: list[str] = []

_BATCH = 64


def forward(
    model: TextClassifier, tokens: TokenTable, index: np.ndarray, device: torch.device, bf16: bool
) -> tuple[Tensor, Tensor]:
    """Features and logits of a batch, float32 whatever was computed in."""
    ids, mask = tokens.batch(index, device)
    # bfloat16 has the range of float32: float16 overflows in some models and gives rows of zeros.
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        features, logits = model(ids, mask)
    return features.float(), logits.float()


@torch.no_grad()
def outputs(
    model: TextClassifier,
    tokens: TokenTable,
    index: np.ndarray,
    device: torch.device,
    bf16: bool,
    bar: Progress | None = None,
) -> tuple[Tensor, Tensor]:
    """Features and logits without dropout, on the CPU, in the order of ``index``."""
    model.eval()
    # Batches come by length; this takes their rows back to the order of ``index``.
    position = np.empty(tokens.length.size, np.int64)
    position[index] = np.arange(index.size)
    whole: list[Tensor] = []
    for batch in tokens.by_length(index, _BATCH):
        parts = forward(model, tokens, batch, device, bf16)
        whole = whole or [torch.empty(index.size, part.size(1)) for part in parts]
        for rows, part in zip(whole, parts, strict=True):
            rows[torch.from_numpy(position[batch])] = part.cpu()
        if bar is not None:
            bar.update()
    return whole[0], whole[1]


def output_batches(count: int) -> int:
    """Updates of the bar that :func:`outputs` makes."""
    return -(-count // _BATCH)


def check_features(features: Tensor, logits: Tensor) -> None:
    """Refuse what a broken training leaves behind.

    Raises:
        RuntimeError: If a value is not finite, a row is zero, or all rows are equal.
    """
    for name, rows in (("features", features), ("logits", logits)):
        bad = ~rows.isfinite().all(1)
        if bad.any():
            raise RuntimeError(f"{name} are not finite for {_some(bad)}: try a lower lr")
    zero = ~features.any(1)
    if zero.any():
        raise RuntimeError(f"features are zero for {_some(zero)}: try a lower lr")
    if features.size(0) > 1 and bool((features == features[0]).all()):
        raise RuntimeError("all texts have the same features: the model has collapsed; try a "
                           "lower lr")  # fmt: skip


def _some(rows: Tensor) -> str:
    index = rows.nonzero().view(-1)
    return f"{index.numel()} texts, the first are {index[:5].tolist()}"
