"""Names and descriptions of classes, and labels that fit them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphlab._labels import class_numbers

__all__: list[str] = []


def descriptions_by_name(
    descriptions: Mapping[str, str] | Sequence[str], names: list[str] | None
) -> list[str]:
    """Descriptions in the order of the names.

    Raises:
        ValueError: If names are missing or unknown.
    """
    if not isinstance(descriptions, Mapping):
        return list(descriptions)
    if names is None or set(descriptions) != set(names):
        raise ValueError(f"label_descriptions must describe {names}, got {sorted(descriptions)}")
    return [descriptions[name] for name in names]


def require_tensor(value: Any, name: str) -> None:
    """Require a tensor, or what has its methods, such as a sparse one of another package.

    Raises:
        TypeError: If it is something else.
    """
    if not callable(getattr(value, "size", None)):
        kind = type(value).__name__
        raise TypeError(f"{name} must be a torch.Tensor, got {kind}: torch.as_tensor makes one")


def check_labels(graph: Any, count: int) -> None:
    """Require labels and their names to fit; floats because of a NaN become numbers of classes.

    Raises:
        TypeError, ValueError, IndexError: If they do not.
    """
    y: Any = graph._store.get("y")
    names = graph.label_names if "label_names" in graph else None
    if names is not None and len(set(names)) != len(names):
        raise ValueError(f"label_names must be distinct, got {names!s:.400}")
    if "label_descriptions" in graph and (
        names is None or len(graph.label_descriptions) != len(names)
    ):
        raise ValueError(
            f"label_descriptions must have {0 if names is None else len(names)} entries, "
            f"one per name, got {len(graph.label_descriptions)}"
        )
    if y is None:
        return
    require_tensor(y, "y")
    if y.dim() != 1 or y.size(0) != count:
        raise ValueError(f"y must have shape ({count},), got {tuple(y.shape)}")
    if names is not None or bool(y.isnan().any()):
        y = graph["y"] = class_numbers(y)
    if names is not None and y.is_floating_point():
        raise TypeError(f"y must hold numbers of label_names, integers, got {y.dtype}")
    if names is not None and count:
        low, high = int(y.min()), int(y.max())
        if low < -1 or high >= len(names):
            raise IndexError(f"y must be in [-1, {len(names)}), got values {low} to {high}")
