"""Derivatives of our own that have no derivative themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

__all__: list[str] = []

_Grads = tuple[Tensor | None, ...]


def first_order(backward: Callable[..., _Grads]) -> Callable[..., _Grads]:
    """Let a ``backward`` be computed with ``create_graph=True``, but not differentiated.

    ``once_differentiable`` looks at the incoming gradients only: behind a plain sum it would pass
    the result on as a constant, and a penalty on gradients would silently lose its own.
    """

    def checked(ctx: Any, *grads: Tensor) -> _Grads:
        with torch.no_grad():
            out = backward(ctx, *grads)
        if not torch.is_grad_enabled():
            return out
        present = [value.detach().requires_grad_() for value in out if value is not None]
        message = b"this function of graphlab is differentiable once: use create_graph=False"
        refused = torch._C._functions.DelayedError(message, len(present))(*present)
        values = iter(refused if isinstance(refused, tuple) else (refused,))
        return tuple(None if value is None else next(values) for value in out)

    return checked
