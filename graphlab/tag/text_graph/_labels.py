"""Descriptions of classes, in the order of their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
