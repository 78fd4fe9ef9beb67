"""What a package shows to who looks into it, by ``dir`` or the Tab key."""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__: list[str] = []


def listing(names: Sequence[str], *rooms: str) -> Callable[[], list[str]]:
    """The ``__dir__`` of a package: its public names alone, not what it imported for itself.

    Args:
        names (sequence of str): The ``__all__`` of the package.
        *rooms (str): Packages inside it that are public too.

    Returns:
        Callable: Gives the names, sorted.
    """
    shown = sorted({*names, *rooms})
    return lambda: list(shown)
