"""Names of the records of a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable

__all__: list[str] = []


def distinct_ids(ids: Iterable[Hashable] | None, count: int) -> list[Hashable]:
    """Distinct names of records, by default their positions.

    Raises:
        TypeError: If they are no names.
        ValueError: If names repeat, or their number is wrong.
    """
    if ids is not None and (isinstance(ids, str) or not isinstance(ids, Iterable)):
        raise TypeError(f"ids must be a list of names, got {type(ids).__name__}")
    names: list[Hashable] = list(range(count)) if ids is None else list(ids)
    if len(names) != count:
        raise ValueError(f"ids must have {count} entries, got {len(names)}")
    odd = [name for name in names if not isinstance(name, Hashable)]
    if odd:
        raise TypeError(f"ids must be hashable, got {odd[0]!r:.40}")
    repeated = repeated_in(names)
    if repeated:
        raise ValueError(f"ids must be distinct, but {repeated[:5]} repeat")
    return names


def repeated_in(names: Iterable[Hashable]) -> list[Hashable]:
    """Names that occur more than once, each of them once, in their order."""
    return [name for name, times in Counter(names).items() if times > 1]
