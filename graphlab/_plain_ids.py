"""Ids as numbers and words of Python, whichever library gave them."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

__all__: list[str] = []


def plain_id(identity: Any) -> Any:
    """An id, numbers and words of numpy and torch as those of Python; anything else as it is."""
    single = isinstance(identity, Tensor) and identity.dim() == 0
    kinds = (np.integer, np.floating, np.str_, np.bool_)
    return identity.item() if single or isinstance(identity, kinds) else identity


def plain_ids(column: Any) -> Any:
    """A column without the types that only pandas has; floats of whole numbers as integers."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if column.dtype.kind == "f":
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        if np.isfinite(values).all() and (values == np.round(values)).all() and _fit(values):
            return pd.Series(values.astype(np.int64))
    elif column.dtype.kind in "iu" and (not len(column) or int(column.max()) < 2**63):
        return pd.Series(column.to_numpy(dtype=np.int64))
    return column.astype(object)


def _fit(values: Any) -> bool:
    """Whether int64 holds them: beyond it, all would become one number."""
    return bool((np.abs(values) < 2.0**63).all())


def kind_of_ids(values: Any) -> str:
    """The kind of ids that a column holds, for comparison."""
    if getattr(getattr(values, "dtype", None), "kind", None) in ("i", "u"):
        return "whole numbers"
    kinds = set(map(type, values))
    if len(kinds) > 1:
        return "words and numbers"
    kind = kinds.pop().__name__
    return {"str": "words", "int": "whole numbers", "float": "numbers with fractions"}.get(
        kind, kind
    )
