"""Edge lists as people have them: files and frames with ids, weights and times."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.datasets._node_ids import Ints, number_nodes
from graphlab.datasets._table import (
    USUAL_SOURCE,
    USUAL_TARGET,
    Column,
    Layout,
    Table,
    read_table,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_edge_list"]


def read_edge_list(
    table: Any,
    source: Column | None = None,
    target: Column | None = None,
    *,
    weight: Column | None = None,
    time: Column | None = None,
    nodes: Any = None,
    undirected: bool = False,
    sep: str | None = None,
    header: bool | None = None,
    comment: str | Sequence[str] = ("#", "%"),
    encoding: str | None = None,
) -> tuple[Data, pd.Index]:
    """Read a graph out of a table with an edge per row.

    Nodes are numbered by their ids in ascending order, whatever the order of the rows; integers
    0 to N - 1 keep their numbers. Ids of a file are integers if all of them are written so
    (``007`` is not), else words. The results of a model are rows in the order of these numbers:
    :func:`to_frame` puts the ids beside them.

    Args:
        table (path, DataFrame or list): A text file (comma, tab, semicolon, ``|`` or white space
            between the fields; also packed with gzip, bzip2 or xz), a Parquet or Feather file
            (needs pyarrow), a pandas ``DataFrame``, a table of pyarrow or polars, or a list of
            rows.
        source (str or int, optional): Column of the first ends, by name or position; by default the
            one with a usual name (``source``, ``src``, ``from`` ...), else the first.
        target (str or int, optional): Column of the second ends, alike; else the second.
        weight (str or int, optional): Column of weights, finite numbers.
        time (str or int, optional): Column of times: numbers, or dates (ISO 8601 in a file), which
            become seconds since 1970 in UTC.
        nodes (Sequence, optional): Ids of all nodes, distinct, in the order of a table of features;
            then they are numbered in this order, and those without an edge are there, too.
        undirected (bool): Add the other direction, with weight and time, of every row whose other
            direction has no row. Rows keep their place, the added ones follow.
        sep (str, optional): Separator of the fields of a text file; by default as the first row
            has it.
        header (bool, optional): Whether the first row of a text file names the columns; by default
            if a column is asked for by name, a name is a usual one, or a word stands above a
            number.
        comment (str or Sequence[str]): Signs that lines of comments begin with; ``()`` for none.
        encoding (str, optional): Encoding of a text file; by default that of its byte order mark,
            else UTF-8.

    Returns:
        tuple[Data, pandas.Index]: ``edge_index`` (2, E) int64, an edge per row in their order;
        ``num_nodes``; ``edge_weight`` (E,) in the default dtype and ``edge_time`` (E,), int64 or,
        with fractions, float64, where asked for. And the ids: ``ids[number]`` is an id,
        ``ids.get_indexer(["a", "b"])`` are numbers.

    Raises:
        ValueError: If a row is ragged, an id is missing or unknown, or a weight or time cannot be
            read; the message says file, line, column and value.
        FileNotFoundError: If there is no such file.
        TypeError: If ``table`` is none.
        ImportError: If pyarrow is missing for a Parquet file.

    Complexity: O(E + N log N); a million rows of text take some seconds.

    Example:
        >>> rows = [("ann", "bob", 2.0), ("bob", "eve", 0.5)]
        >>> data, ids = read_edge_list(rows, 0, 1, weight=2)
        >>> data.edge_index.tolist(), list(ids)
        ([[0, 1], [1, 2]], ['ann', 'bob', 'eve'])
    """
    signs = (comment,) if isinstance(comment, str) else tuple(comment)
    layout = Layout(sep, header, tuple(filter(None, signs)), encoding)
    content = read_table(table, layout, (source, target, weight, time))
    if content.is_text and content.frame.shape[1] < 2:
        raise ValueError(
            f"{content.name} has the single column {list(content.frame.columns)!s:.400}, edges "
            "need two: sep=... names the separator"
        )
    ends = (
        content.column(source, USUAL_SOURCE, 0),
        content.column(target, USUAL_TARGET, 1),
    )
    if ends[0] == ends[1]:
        raise ValueError(
            f"source and target must be two columns of {content.name}, got {ends[0]!r:.80} twice"
        )
    pairs, ids = number_nodes(content, ends, nodes)
    if content.guessed:
        _warn_of_header(pairs, content)
    data = Data(edge_index=torch.from_numpy(pairs), num_nodes=len(ids))
    if weight is not None:
        data.edge_weight = _weights(content, content.column(weight, (), 0))
    if time is not None:
        data.edge_time = _times(content, content.column(time, (), 0))
    return (_both_directions(data) if undirected else data), ids


def _warn_of_header(pairs: Ints, table: Table) -> None:
    """Say so where the first row may name the columns: words that are nowhere else."""
    if pairs.shape[1] < 3:
        return
    first = table.frame.iloc[0, :2].tolist()
    alone = (pairs == pairs[0, 0]).sum() == (pairs == pairs[1, 0]).sum() == 1
    if alone and not any(re.search(r"\d", str(word)) for word in first):
        warnings.warn(
            f"{table.name}: the first row, {first}, was read as an edge, although its words are in "
            "no other: pass header=True if they name the columns, header=False if not",
            UserWarning,
            stacklevel=3,
        )


def _weights(table: Table, column: Any) -> Tensor:
    values = _numbers(table, column)
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        _refuse(table, column, int(wrong[0]), "is no finite number")
    return torch.from_numpy(values).to(torch.get_default_dtype())


def _numbers(table: Table, column: Any) -> np.ndarray[Any, Any]:
    """Values as float64, NaN for what is none."""
    import pandas as pd

    values = table.frame[column]
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    numbers = pd.to_numeric(values, errors="coerce")
    return np.array(numbers.to_numpy(dtype=np.float64, na_value=np.nan))


def _times(table: Table, column: Any) -> Tensor:
    """Times as numbers; dates as seconds since 1970."""
    import pandas as pd

    values = table.frame[column]
    if not len(values):
        return torch.zeros(0, dtype=torch.int64, device="cpu")
    if isinstance(values.dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
    if values.dtype.kind == "m":
        values = values.dt.total_seconds()
    numbers = None if _is_date(values) else pd.to_numeric(values, errors="coerce")
    if numbers is None or numbers.isna().all():
        return _seconds(table, column, values)
    wrong = np.flatnonzero(~np.isfinite(numbers.to_numpy(dtype=np.float64, na_value=np.nan)))
    if wrong.size:
        _refuse(table, column, int(wrong[0]), "is no time; the column has numbers")
    if numbers.dtype.kind in "iu":
        return torch.from_numpy(numbers.to_numpy(dtype=np.int64, copy=True))
    return _whole(numbers.to_numpy(dtype=np.float64))


def _is_date(values: Any) -> bool:
    import pandas as pd

    return bool(pd.api.types.infer_dtype(values, skipna=True) in ("datetime64", "datetime", "date"))


def _seconds(table: Table, column: Any, values: Any) -> Tensor:
    import pandas as pd

    form = "ISO8601" if pd.api.types.infer_dtype(values, skipna=True) == "string" else None
    dates = pd.to_datetime(values, errors="coerce", utc=True, format=form)
    wrong = np.flatnonzero(np.asarray(dates.isna()))
    if wrong.size:
        _refuse(
            table,
            column,
            int(wrong[0]),
            "is neither a number nor a date of the form 2024-03-01T12:00:00 (pandas.to_datetime "
            "converts columns of other forms)",
        )
    since = dates.dt.tz_localize(None).to_numpy() - np.datetime64(0, "s")
    return _whole(since / np.timedelta64(1, "s"))


def _whole(values: np.ndarray[Any, Any]) -> Tensor:
    """Whole numbers as int64, others as float64."""
    whole = (values == np.round(values)).all() and (np.abs(values) < 2**63).all()
    return torch.from_numpy(values.astype(np.int64 if whole else np.float64))


def _refuse(table: Table, column: Any, row: int, what: str) -> None:
    value = table.frame[column].iloc[row]
    hint = " (a decimal comma? write a point)" if re.fullmatch(r"-?\d+,\d+", str(value)) else ""
    raise ValueError(f"{table.place(row, column)}: {value!r:.80} {what}{hint}")


def _both_directions(data: Data) -> Data:
    """Add the rows that lack their other direction, turned round."""
    edges, count = data.edge_index, int(data.num_nodes)
    back = torch.isin(edges[1] * count + edges[0], edges[0] * count + edges[1])
    added = ~back
    data.edge_index = torch.cat([edges, edges[:, added].flip(0)], dim=1)
    for name in ("edge_weight", "edge_time"):
        if name in data:
            data[name] = torch.cat([data[name], data[name][added]])
    return data
