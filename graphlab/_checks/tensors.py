"""Tensors of the user: layout, shape, dtype, values, device.

Checks that read values do so once, and only where :func:`values_visible` allows it.
"""

from __future__ import annotations

from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphlab._checks.visibility import values_visible

__all__: list[str] = []


_T = TypeVar("_T")

#: What functions that read numbers and hand none back take where they take tensors.
Array = Tensor | npt.NDArray[Any]


@overload
def from_array(value: npt.NDArray[Any], name: str) -> Tensor: ...  # type: ignore[overload-overlap]


@overload
def from_array(value: _T, name: str) -> _T: ...


def from_array(value: Any, name: str) -> Any:
    """A numpy array as a tensor on the CPU; anything else as it is.

    The memory is shared where torch can read it as it lies: an array that is read-only, runs
    backwards or has the other byte order is copied.

    Raises:
        TypeError: If it is an array of something else than numbers.
    """
    if not isinstance(value, np.ndarray):
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must not be a masked array: fill it, as its mask would be lost")
    if not value.itemsize:
        raise TypeError(f"{name} must hold numbers, got an array of {value.dtype}")
    readable = value.dtype.isnative and value.flags.writeable and value.flags.aligned
    if not readable or any(step < 0 or step % value.itemsize for step in value.strides):
        value = np.array(value, dtype=value.dtype.newbyteorder("="), order="C")
    try:
        return torch.from_numpy(value)
    except TypeError:
        raise TypeError(
            f"{name} must hold numbers that torch has, got an array of {value.dtype}"
        ) from None


def plain(x: Any) -> Any:
    """The tensor in a PyG ``EdgeIndex`` or ``Index``, without a copy; anything else as it is.

    Arithmetic on these classes is slower, and a kernel of ours would not know them.
    """
    wrapped = isinstance(x, Tensor) and type(x) is not Tensor and hasattr(x, "as_tensor")
    return x.as_tensor() if wrapped else x


def check_tensor(x: Any, name: str, *, csr: bool = False) -> Tensor:
    """Require a strided tensor, or one of sparse CSR rows where these are allowed."""
    x = plain(x)
    if not isinstance(x, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(x).__name__}")
    if x.layout != torch.strided and not (csr and x.layout == torch.sparse_csr):
        raise TypeError(f"{name} must be a dense (strided) tensor, got layout {x.layout}")
    return x


def check_matrix(
    value: Any,
    name: str,
    *,
    rows: int | None = None,
    cols: int | None = None,
    finite: bool = True,
    csr: bool = False,
) -> Tensor:
    """Require a 2-D floating-point tensor, optionally of a given size and free of NaN and inf."""
    x: Tensor = check_tensor(value, name, csr=csr)
    if not x.is_floating_point():
        raise TypeError(f"{name} must be floating point, got dtype {x.dtype}")
    if x.dim() != 2:
        raise ValueError(f"{name} must be 2-D (rows, features), got shape {tuple(x.shape)}")
    if rows is not None and x.size(0) != rows:
        raise ValueError(f"{name} must have {rows} rows, got shape {tuple(x.shape)}")
    if cols is not None and x.size(1) != cols:
        raise ValueError(f"{name} must have {cols} columns, got shape {tuple(x.shape)}")
    if finite and values_visible(x):
        check_finite(x, name)
    return x


def check_pair(
    first: Any,
    second: Any,
    names: tuple[str, str] = ("z1", "z2"),
    *,
    min_rows: int = 0,
    finite: bool = True,
) -> tuple[Tensor, Tensor]:
    """Require two matrices of one shape on one device; their types may differ."""
    one = check_matrix(first, names[0], finite=finite)
    two = check_matrix(second, names[1], rows=one.size(0), cols=one.size(1), finite=finite)
    check_same_device(**dict(zip(names, (one, two), strict=True)))
    if one.size(0) < min_rows:
        raise ValueError(f"{names[0]} must have at least {min_rows} rows, got {one.size(0)}")
    return one, two


def check_finite(x: Tensor, name: str) -> None:
    """Require every value to be finite; the error names the first offending index."""
    # A sum is finite unless a value is not (or the sum overflows): one cheap pass in the good case.
    if x.numel() == 0 or bool(torch.isfinite(x.detach().sum())):
        return
    x = x if x.layout == torch.strided else x.to_dense()
    bad = torch.isfinite(x.detach()).logical_not().nonzero()
    if bad.size(0) == 0:
        return
    index = tuple(int(i) for i in bad[0])
    raise ValueError(f"{name} must be finite, but {name}[{index}] = {float(x.detach()[index])}")


def check_index(value: Any, size: int, name: str, *, length: int | None = None) -> Tensor:
    """Require a 1-D integer tensor with values in ``[0, size)``; returned as int64."""
    x: Tensor = check_tensor(value, name)
    if x.dtype not in (torch.int64, torch.int32):
        raise TypeError(f"{name} must be int64 or int32, got dtype {x.dtype}")
    if x.dim() != 1:
        raise ValueError(f"{name} must be 1-D, got shape {tuple(x.shape)}")
    if length is not None and x.numel() != length:
        raise ValueError(f"{name} must have {length} entries, got {x.numel()}")
    check_range(x, size, name)
    return x.long()


def check_subset(value: Any, size: int, name: str) -> Tensor:
    """Require nodes of a graph, as numbers in ``[0, size)`` or as a mask ``(size,)``."""
    x: Tensor = check_tensor(value, name)
    if x.dtype != torch.bool:
        return check_index(x, size, name)
    if x.shape != (size,):
        raise ValueError(f"{name} must be a mask of shape ({size},), got shape {tuple(x.shape)}")
    return x


def check_distinct(value: Any, size: int, name: str) -> Tensor:
    """Require a 1-D integer tensor with different values in ``[0, size)``; returned as int64."""
    x = check_index(value, size, name)
    if values_visible(x) and x.unique().numel() != x.numel():
        raise ValueError(
            f"{name} must be distinct, got {x.numel()} entries with {x.unique().numel()} different "
            "ones"
        )
    return x


def check_range(x: Tensor, size: int, name: str, hint: str = "") -> None:
    """Require integer values in ``[0, size)``; the error names the first offending entry.

    The hint, what to do about values that are far too large, ends the error.
    """
    if x.numel() == 0 or not values_visible(x):
        return
    low, high = torch.stack(torch.aminmax(x)).tolist()
    if low >= 0 and high < size:
        return
    position = ((x < 0) | (x >= size)).nonzero()[0]
    where = ", ".join(str(int(i)) for i in position)
    value = int(x[tuple(position)])
    advice = f": {hint}" if hint and value >= 2 * size else ""
    raise IndexError(f"{name}[{where}] = {value} is outside [0, {size}){advice}")


def check_pointers(value: Any, total: int, name: str) -> Tensor:
    """Require int64 pointers ``(B + 1,)`` that ascend from 0 to ``total``."""
    ptr: Tensor = check_tensor(value, name)
    if ptr.dtype != torch.int64 or ptr.dim() != 1:
        raise TypeError(f"{name} must be int64 and 1-D, got {ptr.dtype} {tuple(ptr.shape)}")
    if ptr.numel() == 0:
        raise ValueError(f"{name} must not be empty")
    if values_visible(ptr):
        first, last = int(ptr[0]), int(ptr[-1])
        if first != 0 or last != total or bool((ptr[1:] < ptr[:-1]).any()):
            raise ValueError(f"{name} must ascend from 0 to {total}, got {first} to {last}")
    return ptr


def check_real_dtype(x: Tensor, name: str) -> None:
    """Require real numbers, whole or not."""
    if x.is_complex():
        raise TypeError(f"{name} must be real, got dtype {x.dtype}")


def check_no_negative(x: Tensor, name: str) -> None:
    """Require a vector of real numbers without negative entries; NaN is none of them."""
    check_real_dtype(x, name)
    if x.numel() == 0 or not values_visible(x) or float(x.detach().min()) >= 0:
        return
    wrong = (x.detach() < 0).nonzero()
    if wrong.numel():
        position = int(wrong[0])
        low = float(x.detach()[position])
        raise ValueError(f"{name} must be non-negative, but {name}[{position}] = {low}")


def check_full_precision(x: Tensor, name: str) -> Tensor:
    """Require float32 or float64, where half precision would spoil the result."""
    if x.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name} must be float32 or float64, got {x.dtype}")
    return x


def check_same_device(**tensors: Tensor | None) -> None:
    """Require all given values to be tensors on one device."""
    for name, value in tensors.items():
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
    seen = {name: t.device for name, t in tensors.items() if t is not None}
    if len(set(seen.values())) > 1:
        listing = ", ".join(f"{name} on {device}" for name, device in seen.items())
        raise ValueError(f"all tensors must be on one device, got {listing}")
