"""The old form of operators that took the tensors of a matrix one by one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from torch import Tensor

from graphlab._deprecation import warn_renamed
from graphlab.ops.csr import SparseRows, check_rows

__all__: list[str] = []

_Function = TypeVar("_Function", bound=Callable[..., Any])


def takes_loose_rows(
    position: int, names: Sequence[str] = ("rowptr", "col", "weight", "row_scale")
) -> Callable[[_Function], _Function]:
    """Let an operator on :class:`SparseRows` be called with their tensors, with a warning.

    Args:
        position (int): Number of arguments before the rows; the first of them, if there is one, has
            a row for every column of the matrix.
        names (sequence of str): The tensors that stood instead of the rows, in their order.
    """

    def decorate(function: _Function) -> _Function:
        parameters = list(inspect.signature(function).parameters)
        rows_name = parameters[position]

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            given_rows = args[position] if len(args) > position else kwargs.get(rows_name)
            # Row pointers are a vector; two rows of edges are what other libraries take.
            loose = len(args) > position and isinstance(given_rows, Tensor) and given_rows.dim() < 2
            if not loose and "rowptr" not in kwargs:
                if len(args) > position or rows_name in kwargs:
                    check_rows(given_rows, rows_name)
                return function(*args, **kwargs)
            before, given = args[:position], args[position:]
            parts = dict(zip(names, given, strict=False))
            parts.update({name: kwargs.pop(name) for name in names if name in kwargs})
            warn_renamed(
                f"{function.__name__}({', '.join(names)})",
                f"{function.__name__} with graphlab.ops.SparseRows instead",
            )
            known = {**dict(zip(parameters, before, strict=False)), **kwargs}
            known |= dict(zip(parameters[position + 1 :], given[len(names) :], strict=False))
            first = known.get(parameters[0])
            rows = SparseRows(**parts)
            if position > 0 and isinstance(first, Tensor) and first.dim() == 2:
                rows = replace(rows, num_cols=first.size(0))
            return function(**{parameters[position]: rows}, **known)

        return wrapper  # type: ignore[return-value]

    return decorate
