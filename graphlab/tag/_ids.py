"""Names of the records of a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable

__all__: list[str] = []


def distinct_ids(ids: Iterable[Hashable] | None, count: int) -> list[Hashable]:
    """Distinct names of records, by default their positions.

    Raises:
        ValueError: If names repeat, or their number is wrong.
    """
    names: list[Hashable] = list(range(count)) if ids is None else list(ids)
    if len(names) != count:
        raise ValueError(f"ids must have {count} entries, got {len(names)}")
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise ValueError(f"ids must be distinct, but {repeated[:5]} repeat")
    return names
