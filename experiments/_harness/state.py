"""Nested training state as plain tensors plus JSON, so that a checkpoint never needs pickle.

``flatten_state`` takes dicts, lists, tuples, tensors and scalars (so the ``state_dict()`` of a
module or an optimizer) and ``unflatten_state`` gives it back exactly: integer keys
stay integers, tuples stay tuples, floats keep every bit, tensors keep dtype and shape.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor


def flatten_state(state: Any) -> tuple[dict[str, Tensor], Any]:
    """Split nested state into named tensors and a JSON value that refers to them.

    Args:
        state (Any): Nested dicts (string or integer keys), lists, tuples, tensors, plain scalars.

    Returns:
        ``(tensors, skeleton)``: contiguous CPU copies by path, and a value for ``json.dumps``.

    Raises:
        TypeError: If a value or a key has another type; the message gives its path.
    """
    tensors: dict[str, Tensor] = {}
    return tensors, _flatten(state, "state", tensors)


def _flatten(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        # A copy of its own: the file format refuses tensors that share memory.
        tensors[path] = value.detach().to("cpu", copy=True).contiguous()
        return {"tensor": path}
    if isinstance(value, Mapping):
        return {"dict": [_item(key, item, path, tensors) for key, item in value.items()]}
    if isinstance(value, list | tuple):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_flatten(v, f"{path}.{i}", tensors) for i, v in enumerate(value)]}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        f"{path} is a {type(value).__name__}; a checkpoint holds tensors, numbers, strings, "
        "None and dicts, lists or tuples of them"
    )


def _item(key: Any, value: Any, path: str, tensors: dict[str, Tensor]) -> list[Any]:
    if not isinstance(key, str | int) or isinstance(key, bool):
        raise TypeError(f"{path} has the key {key!r}; keys must be strings or integers")
    # The repr keeps the key 0 and the key "0" of one dict apart.
    name = key if isinstance(key, str) and "." not in key and not key.isdigit() else repr(key)
    return [key, _flatten(value, f"{path}.{name}", tensors)]


def unflatten_state(tensors: Mapping[str, Tensor], skeleton: Any) -> Any:
    """Invert :func:`flatten_state`.

    Args:
        tensors (Mapping[str, Tensor]): The named tensors.
        skeleton (Any): The JSON value that came with them.

    Returns:
        Any: The nested state.

    Raises:
        ValueError: If the skeleton is malformed or names a tensor that is missing.
    """
    if not isinstance(skeleton, dict):
        return skeleton
    try:
        ((kind, content),) = skeleton.items()
        if kind == "tensor":
            return tensors[content]
        if kind == "dict":
            return {key: unflatten_state(tensors, item) for key, item in content}
        if kind == "list":
            return [unflatten_state(tensors, item) for item in content]
        if kind == "tuple":
            return tuple(unflatten_state(tensors, item) for item in content)
        if kind == "float":
            return float(content)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"skeleton does not fit the tensors beside it: {error!r}") from error
    raise ValueError(f"skeleton has the unknown kind {kind!r}")


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, numpy and torch (all devices); for scripts only."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def random_state(generator: torch.Generator) -> dict[str, Any]:
    """State of every generator a script may draw from, as nested plain state."""
    name, keys, position, has_gauss, gauss = np.random.get_state()
    state = {
        "python": random.getstate(),
        "numpy": [name, torch.from_numpy(np.asarray(keys).astype(np.int64)), position],
        "numpy_gauss": [has_gauss, gauss],
        "torch": torch.get_rng_state(),
        "generator": generator.get_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = list(torch.cuda.get_rng_state_all())
    return state


def set_random_state(state: Mapping[str, Any], generator: torch.Generator) -> None:
    """Put back what :func:`random_state` returned."""
    random.setstate(state["python"])
    name, keys, position = state["numpy"]
    has_gauss, gauss = state["numpy_gauss"]
    legacy = (name, keys.numpy().astype(np.uint32), position, has_gauss, gauss)
    np.random.set_state(legacy)
    torch.set_rng_state(state["torch"])
    generator.set_state(state["generator"])
    if "cuda" in state and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
