"""When the values of tensors may be looked at.

A check that reads values costs a pass over the data and, on an accelerator, one synchronisation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

__all__: list[str] = []

_TRUSTED: ContextVar[bool] = ContextVar("graphlab_trusted_values", default=False)


@contextmanager
def trusted_values() -> Iterator[None]:
    """Within it, values of tensors are not checked, so that the host waits for no device.

    Types, shapes and numbers of Python are checked as ever. What only a look at the values would
    find is the caller's matter: a value that is not finite spreads, an index out of range has no
    defined result. Warnings that rest on values do not come either. Where a fast way depends on
    the values, such as an order that is there already, the way that needs none of it is taken.

    Train a step checked first, then in this context; with prepared inputs (a :class:`CSRGraph`, the
    number of clusters given) nothing is read, and on a GPU the step can be captured in a CUDA
    graph. While a CUDA graph is captured, values are trusted without this.

    Applies to the thread, or the task of ``asyncio``, that enters it.

    Example:
        >>> import torch
        >>> from graphlab.ops import trusted_values, unit_rows
        >>> with trusted_values():
        ...     u = unit_rows(torch.ones(2, 4))
        >>> u[0].tolist()
        [0.5, 0.5, 0.5, 0.5]
    """
    token = _TRUSTED.set(True)
    try:
        yield
    finally:
        _TRUSTED.reset(token)


def traced(*tensors: Tensor | None) -> bool:
    """True where tensors have no values: traced, fake, batched or on the meta device."""
    if torch.compiler.is_compiling():
        return True
    present = [t for t in tensors if t is not None]
    if any(_is_batched(t) for t in present):
        return True
    if any(t.device.type == "meta" or torch._is_functional_tensor(t) for t in present):
        return True
    return any(type(t).__name__ == "FakeTensor" for t in present)


def values_visible(*tensors: Tensor | None) -> bool:
    """True where values can be read and shall be: neither traced nor trusted nor captured."""
    if traced(*tensors) or _TRUSTED.get():
        return False
    return not (any(t is not None and t.is_cuda for t in tensors) and _captured())


def _captured() -> bool:
    return torch.cuda.is_available() and torch.cuda.is_current_stream_capturing()


def _is_batched(x: Tensor) -> bool:
    """Whether it stands for many tensors at a time, which have no one value (``torch.vmap``)."""
    functorch = torch._C._functorch
    while functorch.is_functorch_wrapped_tensor(x):
        if functorch.is_batchedtensor(x):
            return True
        x = functorch.get_unwrapped(x)
    return False
