"""Results as tables whose rows carry the ids of the nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from graphlab._ordered import refuse_unordered
from graphlab.datasets._table import load_pandas

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["neighbors_to_frame", "to_frame"]


def to_frame(
    z: Any, ids: Any, *, columns: str | Sequence[str] | None = None, prefix: str = "z"
) -> pd.DataFrame:
    """Rows of a result under the ids of their nodes.

    Args:
        z (Tensor, array or Mapping): ``(N, D)``, such as embeddings; ``(N,)``, such as scores; or
            names with ``(N,)`` each.
        ids (Index or sequence): The N ids, as :func:`read_edge_list` returns them.
        columns (str or Sequence[str], optional): Names of the columns; by default ``z0``, ``z1``
            ..., and ``z`` for a single one. A mapping has names already, and takes none.
        prefix (str): What takes the place of ``z`` in these.

    Returns:
        pandas.DataFrame: N rows with the ids as index, which ``join`` and ``merge`` align with
        other tables, and ``to_parquet`` and ``to_csv`` write.

    Raises:
        ValueError: If the number of rows or columns differs, or a mapping is given ``columns``.
        TypeError: If ``z`` holds no numbers, or ``ids`` or ``columns`` are no sequence.

    Example:
        >>> import torch
        >>> frame = to_frame(torch.eye(2), ["ann", "bob"])
        >>> frame.loc["bob"].tolist(), list(frame.columns)
        ([0.0, 1.0], ['z0', 'z1'])
    """
    pd = load_pandas()
    index = _index(ids)
    refuse_unordered(columns, "columns")
    if isinstance(z, Mapping):
        if columns is not None:
            raise ValueError(
                "columns must be None beside a mapping, whose names are the columns, got "
                f"{columns!r:.80}"
            )
        parts = {name: _array(value, f"z[{name!r}]", len(index), 1) for name, value in z.items()}
        return pd.DataFrame(parts, index=index)
    values = _array(z, "z", len(index), 2)
    if values.ndim == 1:
        values, default = values[:, None], [prefix]
    else:
        default = [f"{prefix}{i}" for i in range(values.shape[1])]
    names = default if columns is None else [columns] if isinstance(columns, str) else list(columns)
    if len(names) != values.shape[1]:
        raise ValueError(f"columns must name {values.shape[1]} columns, got {len(names)}")
    return pd.DataFrame(values, index=index, columns=names)


def neighbors_to_frame(
    score: Any, index: Any, ids: Any, *, nodes: Any = None, target_ids: Any = None
) -> pd.DataFrame:
    """Best partners of every node, as :func:`graphlab.ops.pairwise_topk` finds them, by ids.

    Args:
        score (Tensor or array): ``(B, k)`` scores.
        index (Tensor or array): ``(B, k)`` int64 numbers of the partners; -1 for none.
        ids (Index or sequence): Ids of the nodes.
        nodes (Tensor or array, optional): ``(B,)`` numbers of the nodes that the rows belong to;
            by default row b is node b.
        target_ids (Index or sequence, optional): Ids of the partners, if they are other things.

    Returns:
        pandas.DataFrame: A row per pair: ``id``, ``neighbor``, ``rank`` from 1 and ``score``.

    Raises:
        ValueError: If shapes differ.
        TypeError: If ``ids`` are no sequence, or ``index`` or ``nodes`` hold no whole numbers.
        IndexError: If a number has no id.

    Example:
        >>> import torch
        >>> from graphlab.ops import pairwise_topk
        >>> z = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
        >>> frame = neighbors_to_frame(*pairwise_topk(z, k=1), ["ann", "bob", "eve"])
        >>> frame["neighbor"].tolist()
        ['bob', 'ann', 'bob']
    """
    pd = load_pandas()
    names = _index(ids)
    targets = names if target_ids is None else _index(target_ids)
    found = _array(index, "index", None, 2)
    value = _array(score, "score", len(found), 2)
    if found.ndim != 2 or value.shape != found.shape:
        raise ValueError(f"score and index must be (B, k), got {value.shape} and {found.shape}")
    rows = np.arange(len(found)) if nodes is None else _array(nodes, "nodes", len(found), 1)
    for name, numbers, known, least in (("nodes", rows, names, 0), ("index", found, targets, -1)):
        if numbers.dtype.kind not in "iu" and numbers.size:  # fractions would be cut off
            raise TypeError(f"{name} must hold whole numbers, got dtype {numbers.dtype}")
        wrong = numbers[(numbers < least) | (numbers >= len(known))]
        if wrong.size:
            raise IndexError(f"{name} holds {int(wrong[0])}, but there are {len(known)} ids")
    there = found >= 0
    row, rank = there.nonzero()
    return pd.DataFrame(
        {
            "id": names.take(rows[row]),
            "neighbor": targets.take(found[there]),
            "rank": rank + 1,
            "score": value[there],
        }
    )


def _index(ids: Any) -> pd.Index:
    pd = load_pandas()
    if isinstance(ids, pd.Index):
        return ids
    if isinstance(ids, (str, bytes)) or not hasattr(ids, "__iter__"):
        raise TypeError(f"ids must be a sequence of ids, one per node, got {type(ids).__name__}")
    refuse_unordered(ids, "ids")
    return pd.Index(ids.tolist() if isinstance(ids, Tensor) else ids, name="id")


def _array(value: Any, name: str, rows: int | None, most: int) -> np.ndarray[Any, Any]:
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        if value.dtype in (torch.bfloat16, torch.float16):  # numpy and Parquet know no bfloat16
            value = value.float()
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold numbers, got dtype {array.dtype}")
    if not 1 <= array.ndim <= most:
        raise ValueError(f"{name} must have 1 to {most} dimensions, got shape {array.shape}")
    if rows is not None and array.shape[0] != rows:
        raise ValueError(f"{name} must have {rows} rows, one per id, got {array.shape[0]}")
    return array
