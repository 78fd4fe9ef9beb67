"""Numbers of nodes whose ids are words or numbers of any size."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphlab._ordered import refuse_unordered
from graphlab._plain_ids import kind_of_ids, plain_ids
from graphlab.datasets._table import Table

if TYPE_CHECKING:
    import pandas as pd

__all__: list[str] = []

Ints = NDArray[np.int64]

_FRACTION = re.compile(r"-?\d+\.0+")


def number_nodes(table: Table, columns: tuple[Any, Any], nodes: Any) -> tuple[Ints, pd.Index]:
    """Numbers ``(2, E)`` of the ids in two columns, and the ids in the order of their numbers.

    Raises:
        ValueError: If an id is missing, is of another kind than the others, or is not among
            ``nodes``.
    """
    import pandas as pd

    for side, column in enumerate(columns):
        values = table.frame[column]
        missing = np.flatnonzero(np.asarray(values.isna()) | np.asarray(values == ""))
        if missing.size:
            at = side * len(values) + int(missing[0])
            _refuse(table, columns, at, "lacks the id of a node")
    parts = [plain_ids(table.frame[column]) for column in columns]
    kinds = {kind_of_ids(part) for part in parts if len(part)}
    if len(kinds) > 1 or "words and numbers" in kinds:  # 1 and "1" would be two nodes
        raise ValueError(
            f"{table.name} has ids of two kinds, {' and '.join(sorted(kinds))}, in columns "
            f"{columns[0]!r:.80} and {columns[1]!r:.80}: convert both, for instance with "
            "astype(str)"
        )
    codes, found = pd.factorize(np.concatenate([np.asarray(part) for part in parts]))
    if table.is_text:
        codes, found = _without_fractions(codes, found)
    ids = _as_numbers(found, table.is_text)
    if nodes is None:
        order, index = _sorted(ids)
        return order[codes].reshape(2, -1), index
    given = _given(nodes)
    wanted = ids if ids.dtype != np.int64 or kind_of_ids(given) == "whole numbers" else found
    number = given.get_indexer(pd.Index(wanted))
    if (number < 0).any():
        at = int(np.flatnonzero(number[codes] < 0)[0])
        _refuse(table, columns, at, f"names {found[codes[at]]!r:.80}, which is not among nodes")
    return number.astype(np.int64)[codes].reshape(2, -1), given


def _without_fractions(codes: Any, found: Any) -> tuple[Any, Any]:
    """Words such as ``3.0``, as tables with gaps hold integers, without the fraction."""
    import pandas as pd

    if not len(found) or not all(map(_FRACTION.fullmatch, found)):
        return codes, found
    again, distinct = pd.factorize(np.array([w.partition(".")[0] for w in found], dtype=object))
    return again[codes], distinct


def _as_numbers(found: Any, is_text: bool) -> Any:
    """Distinct ids; words of a file as integers if all of them are written as integers are."""
    if not is_text:
        return found
    try:
        numbers = np.array([int(word) for word in found], dtype=np.int64)
    except (ValueError, OverflowError):
        return found
    # "007" and "7" are two ids.
    same = all(str(number) == word for number, word in zip(numbers.tolist(), found, strict=True))
    return numbers if same else found


def _sorted(ids: Any) -> tuple[Ints, pd.Index]:
    """Number of every id in ascending order, and the ids in that order."""
    import pandas as pd

    index = pd.Index(ids, name="id")
    try:
        order = np.argsort(np.asarray(index), kind="stable")
    except TypeError:  # ids that have no order keep that of their appearance
        order = np.arange(len(index))
    number = np.empty(len(index), dtype=np.int64)
    number[order] = np.arange(len(index))
    return number, index[order]


def _given(nodes: Any) -> pd.Index:
    import pandas as pd

    refuse_unordered(nodes, "nodes")
    given = pd.Index(nodes.tolist() if hasattr(nodes, "detach") else nodes, name="id")
    if isinstance(given.dtype, pd.CategoricalDtype):
        given = given.astype(given.categories.dtype)
    if not given.is_unique:
        twice = given[given.duplicated()].unique().tolist()
        raise ValueError(
            f"nodes must not repeat an id, but repeats {len(twice)}: {twice[:5]!s:.400}"
        )
    return given


def _refuse(table: Table, columns: tuple[Any, Any], at: int, what: str) -> None:
    side, row = divmod(at, len(table.frame))
    raise ValueError(f"{table.place(row, columns[side])} {what}")
