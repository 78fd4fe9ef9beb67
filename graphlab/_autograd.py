"""Derivatives of our own that have no derivative themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

__all__: list[str] = []

_Grads = tuple[Tensor | None, ...]


def refuse_transforms(name: str) -> None:
    """Refuse to be called within ``torch.func`` where a derivative is our own.

    torch knows no rule for such functions and for operators of libraries there; its errors name
    neither the library nor a way out.

    Args:
        name (str): Name of the function, for the error.

    Raises:
        RuntimeError: Within a transform.
    """
    if not torch.compiler.is_compiling() and torch._C._are_functorch_transforms_active():
        raise RuntimeError(
            f"graphlab: {name} has no rule for torch.func (grad, vmap, jvp, jacrev, ...): take "
            "gradients by backward() or torch.autograd.grad, and use a loop in place of vmap"
        )


class _Refused(torch.autograd.Function):
    """The first tensors as they are; all others are what they depend on."""

    @staticmethod
    def forward(ctx: Any, count: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        return tensors[:count]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> _Grads:
        raise RuntimeError(
            "this function of graphlab is differentiable once: use create_graph=False"
        )


class _Context:
    """A context whose tensors are unpacked once, as checkpoints demand."""

    def __init__(self, ctx: Any) -> None:
        self._ctx = ctx
        self.saved_tensors = ctx.saved_tensors

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)


def first_order(backward: Callable[..., _Grads]) -> Callable[..., _Grads]:
    """Let a ``backward`` be computed with ``create_graph=True``, but not differentiated.

    ``once_differentiable`` looks at the incoming gradients only, and ties its refusal to nothing:
    behind a plain sum, and for ``torch.autograd.grad`` with respect to an input, it would pass the
    result on as a constant, and a penalty on gradients would silently lose its own. Here the result
    depends on the incoming gradients and on what was saved with ``save_for_backward``, which must
    be all that it is a function of; where none of these has a gradient, it is a constant.
    """

    def checked(ctx: Any, *grads: Tensor) -> _Grads:
        if not torch.is_grad_enabled():
            return backward(ctx, *grads)
        ctx = _Context(ctx)
        with torch.no_grad():
            out = backward(ctx, *grads)
        origins = [t for t in (*grads, *ctx.saved_tensors) if t is not None and t.requires_grad]
        if not origins:
            return out
        present = [value.detach() for value in out if value is not None]
        values = iter(_Refused.apply(len(present), *present, *origins))  # type: ignore[no-untyped-call]
        return tuple(None if value is None else next(values) for value in out)

    return checked
