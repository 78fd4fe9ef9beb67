"""Validation at the public border: one small function per kind of argument.

Every function returns the (possibly converted) value and raises an error that names the
argument, what was expected and what was given. Checks that read tensor values cost a pass over
the data and, on an accelerator, one synchronisation; they are skipped while ``torch.compile``
traces, because a traced program has no values to look at.
"""

from __future__ import annotations

import math
import numbers
import sys
import warnings
from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from graphlab._graph_kinds import MAP_IDS, refuse_no_edges

__all__: list[str] = []

_Choice = TypeVar("_Choice", bound=str)


def warn_caller(message: str) -> None:
    """Warn (UserWarning) at the line outside of the library that led here."""
    level, frame = 1, sys._getframe(0)
    package = __name__.partition(".")[0]
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(package):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)


def values_visible(*tensors: Tensor | None) -> bool:
    """True where values can be read: not traced, fake, batched or on the meta device."""
    if torch.compiler.is_compiling():
        return False
    present = [t for t in tensors if t is not None]
    if any(_is_batched(t) for t in present):
        return False
    if any(t.device.type == "meta" or torch._is_functional_tensor(t) for t in present):
        return False
    return all(type(t).__name__ != "FakeTensor" for t in present)


def _is_batched(x: Tensor) -> bool:
    """Whether it stands for many tensors at a time, which have no one value (``torch.vmap``)."""
    functorch = torch._C._functorch
    while functorch.is_functorch_wrapped_tensor(x):
        if functorch.is_batchedtensor(x):
            return True
        x = functorch.get_unwrapped(x)
    return False


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
    if bad.numel() == 0:
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


def check_range(x: Tensor, size: int, name: str, hint: str = "") -> None:
    """Require integer values in ``[0, size)``; the error names the first offending entry.

    The hint, what to do about values that are far too large, ends the error.
    """
    if x.numel() == 0 or not values_visible(x):
        return
    low, high = (int(v) for v in torch.aminmax(x))
    if low >= 0 and high < size:
        return
    position = ((x < 0) | (x >= size)).nonzero()[0]
    where = ", ".join(str(int(i)) for i in position)
    value = int(x[tuple(position)])
    advice = f": {hint}" if hint and value >= 2 * size else ""
    raise IndexError(f"{name}[{where}] = {value} is outside [0, {size}){advice}")


def check_num_nodes(value: Any, name: str = "num_nodes", *, minimum: int = 0) -> int:
    """Require a number of nodes that 32-bit indices can name."""
    number = check_int(value, name, minimum=minimum)
    if number > 2**31 - 1:
        raise ValueError(f"{name} must be at most {2**31 - 1}, got {number}: {MAP_IDS}")
    return number


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


def check_edge_index(
    value: Any,
    num_nodes: int,
    name: str = "edge_index",
    *,
    loops: bool = True,
    duplicates: bool = True,
    symmetric: bool = False,
    unless: str = "",
    values: bool = True,
) -> Tensor:
    """Require a ``(2, E)`` integer tensor with values in ``[0, num_nodes)``; returned as int64.

    Args:
        value (Tensor): What the caller gave.
        num_nodes (int): Number of nodes N.
        name (str): Name of the argument.
        loops (bool): Whether self-loops are allowed.
        duplicates (bool): Whether an edge may be given several times.
        symmetric (bool): Whether every edge must be there in both directions.
        unless (str): Option of the caller that lifts the last demand, for the error.
        values (bool): False where the values are checked by what reads them next.
    """
    if not isinstance(value, Tensor) or value.layout != torch.strided:
        refuse_no_edges(value, name)
    edge_index: Tensor = check_tensor(value, name)
    if edge_index.dtype not in (torch.int64, torch.int32):
        square = edge_index.dim() == 2 and edge_index.size(0) == edge_index.size(1) != 2
        hint = ": torch_geometric.utils.dense_to_sparse reads adjacency matrices" if square else ""
        raise TypeError(f"{name} must be int64 or int32, got dtype {edge_index.dtype}{hint}")
    if edge_index.dim() != 2 or edge_index.size(0) != 2:
        hint = " (transpose it?)" if edge_index.dim() == 2 and edge_index.size(1) == 2 else ""
        raise ValueError(f"{name} must have shape (2, E), got {tuple(edge_index.shape)}{hint}")
    if values:
        check_range(edge_index, num_nodes, name, MAP_IDS)
    edge_index = edge_index.long()
    if values and values_visible(edge_index):
        if not loops:
            _check_no_loops(edge_index, name)
        if symmetric or not duplicates:
            _check_keys(edge_index, num_nodes, name, duplicates, symmetric, unless)
    return edge_index


def check_message_edges(value: Any, num_nodes: int, name: str = "edge_index") -> None:
    """Require edges of known nodes, or a sparse matrix, which an encoder of PyG reads itself."""
    if isinstance(value, Tensor) and value.layout == torch.strided:
        check_edge_index(value, num_nodes, name)
    elif not isinstance(value, Tensor) and not hasattr(value, "sparse_sizes"):
        refuse_no_edges(value, name)


def _check_no_loops(edge_index: Tensor, name: str) -> None:
    loops = (edge_index[0] == edge_index[1]).nonzero()
    if loops.numel():
        position = int(loops[0])
        raise ValueError(
            f"{name} must have no self-loops, but {name}[:, {position}] joins node "
            f"{int(edge_index[0, position])} with itself: use "
            "torch_geometric.utils.remove_self_loops"
        )


def _check_keys(
    edge_index: Tensor, num_nodes: int, name: str, duplicates: bool, symmetric: bool, unless: str
) -> None:
    """Compare the edges, as one number each, with one another and with their reverses."""
    key = _ascending(edge_index[0] * num_nodes + edge_index[1])
    again = key[1:] == key[:-1]
    if not duplicates and bool(again.any()):
        source, target = divmod(int(key[:-1][again][0]), num_nodes)
        raise ValueError(
            f"{name} must have no duplicates, but has ({source}, {target}) more than once: use "
            "torch_geometric.utils.coalesce first"
        )
    if not symmetric:
        return
    back = _ascending(edge_index[1] * num_nodes + edge_index[0])
    if torch.equal(key, back) or torch.equal(*(torch.unique_consecutive(k) for k in (key, back))):
        return
    source, target = divmod(int(key[~torch.isin(key, back)][0]), num_nodes)
    hint = f" or {unless}" if unless else ""
    raise ValueError(
        f"{name} must hold every edge in both directions, but has ({source}, {target}) without "
        f"({target}, {source}): use torch_geometric.utils.to_undirected{hint}"
    )


def _ascending(key: Tensor) -> Tensor:
    """Sorted; itself if it is sorted already."""
    if key.numel() > 1 and bool((key[1:] < key[:-1]).any()):
        return key.sort().values
    return key


def check_edge_weight(
    value: Any, num_edges: int, name: str = "edge_weight", *, nonnegative: bool = True
) -> Tensor:
    """Require an ``(E,)`` real tensor, finite and (by default) non-negative.

    Whole numbers and truth values, which is what counts of edges and matrices of other libraries
    hold, are returned in the default floating-point dtype.
    """
    weight: Tensor = check_tensor(value, name)
    check_real_dtype(weight, name)
    if not weight.is_floating_point():
        weight = weight.to(torch.get_default_dtype())
    if weight.dim() != 1 or weight.numel() != num_edges:
        raise ValueError(
            f"{name} must have shape ({num_edges},), one weight per edge, got {tuple(weight.shape)}"
        )
    if values_visible(weight):
        check_finite(weight, name)
        if nonnegative:
            check_no_negative(weight, name)
    return weight


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


def check_device(value: Any, name: str = "device") -> torch.device:
    """Require a device that torch can compute on here, before any work is done for it."""
    try:
        device = torch.device(value)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"{name} must be a device such as 'cpu' or 'cuda', got {value!r}"
        ) from error
    if device.type in ("cpu", "meta"):
        return device
    backend = getattr(torch, device.type, None)
    available = backend is not None and getattr(backend, "is_available", lambda: False)()
    if not available:
        built = " (this torch was built for the CPU only)" if _cpu_only(device) else ""
        raise ValueError(
            f"{name} must be a device that torch sees, but {str(device)!r} is not available"
            f"{built}: use 'cpu'"
        )
    count = getattr(backend, "device_count", lambda: 1)()
    if device.index is not None and device.index >= count:
        raise ValueError(f"{name} must be below {device.type}:{count}, got {str(device)!r}")
    return device


def _cpu_only(device: torch.device) -> bool:
    return device.type == "cuda" and torch.version.cuda is None and torch.version.hip is None


def _check_real(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a real number, got {type(value).__name__}")
    return float(value)


def check_real(value: Any, name: str) -> float:
    """Require a finite number."""
    number = _check_real(value, name)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value}")
    return number


def check_positive(value: Any, name: str) -> float:
    """Require a finite number above zero."""
    number = _check_real(value, name)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return number


def check_nonnegative(value: Any, name: str) -> float:
    """Require a finite number not below zero."""
    number = _check_real(value, name)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{name} must be non-negative and finite, got {value}")
    return number


def check_fraction(value: Any, name: str) -> float:
    """Require a number in ``[0, 1]``."""
    number = _check_real(value, name)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"{name} must lie in [0, 1], got {value}")
    return number


def check_int(
    value: Any, name: str, *, minimum: int | None = None, maximum: int | None = None
) -> int:
    """Require an integer, optionally within inclusive limits."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an int, got {type(value).__name__}")
    number = int(value)
    if minimum is not None and number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {number}")
    if maximum is not None and number > maximum:
        raise ValueError(f"{name} must be at most {maximum}, got {number}")
    return number


def check_choice(value: Any, name: str, choices: Sequence[_Choice]) -> _Choice:
    """Require one of the listed strings."""
    for choice in choices:
        if value == choice:
            return choice
    listing = ", ".join(repr(choice) for choice in choices)
    raise ValueError(f"{name} must be one of {listing}, got {value!r}")
