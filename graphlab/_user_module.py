"""Networks that users hand in: their kind, their results, caches that ignore graphs, copies."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from graphlab._checks import check_finite, check_matrix, values_visible

__all__: list[str] = []

_Module = TypeVar("_Module", bound=nn.Module)


def check_encoder(encoder: _Module, name: str = "encoder") -> _Module:
    """Require a module without a cache that would ignore the graphs it is called with.

    Raises:
        TypeError: If it is no module.
        ValueError: See :func:`refuse_caches`.
    """
    if not isinstance(encoder, nn.Module):
        raise TypeError(f"{name} must be a torch.nn.Module, got {type(encoder).__name__}")
    refuse_caches(encoder, name)
    return encoder


def check_output(
    z: Any,
    rows: int,
    call: str = "encoder(x, edge_index)",
    *,
    cols: int | None = None,
    finite: bool = False,
) -> Tensor:
    """Require what a network returned to be one matrix with a row per node.

    Only its shape is looked at, which costs nothing in every pass; with ``finite`` its values too.

    Args:
        z (Tensor): What the network returned.
        rows (int): Number of nodes N.
        call (str): The call as the user would write it, for the error.
        cols (int, optional): Width D, where it was stated.
        finite (bool): Whether NaN and infinity are refused.

    Raises:
        TypeError, ValueError: If it is anything else; the error names the network.
    """
    matrix = check_matrix(z, call, rows=rows, cols=cols, finite=False)
    if finite and values_visible(matrix):
        try:
            check_finite(matrix, call)
        except ValueError as error:
            raise ValueError(f"{error}; lower lr if this comes after some steps") from None
    return matrix


def refuse_caches(module: nn.Module, name: str = "encoder") -> None:
    """Refuse layers that answer from the graph of an earlier call, as those of PyG can.

    A layer made with ``cached=True`` normalises (or spreads) the first graph that it sees, and
    uses that for every later one: two views, two batches or two graphs then give one result.

    Raises:
        ValueError: If a layer caches, or holds a filled cache; the error names it.
    """
    for path, layer in module.named_modules():
        fields = vars(layer)
        held = {key for key, value in fields.items() if _is_cache(key) and value is not None}
        # A filled cache is read by PyG's layers even where `cached` was turned off afterwards.
        caches = fields.get("cached") is True and any(map(_is_cache, fields))
        if held or caches:
            where = f"layer {path!r} of {name}" if path else name
            state = "cached=True" if caches else f"a filled {sorted(held)[0]}"
            raise ValueError(
                f"{where} must not be cached, got a {type(layer).__name__} with {state}: it would "
                "answer every call with the first graph it saw, so that views and batches all "
                "look alike; build it with cached=False"
            )


def _is_cache(field: str) -> bool:
    return field.startswith("_cached")


def copied(module: nn.Module, name: str, use: str) -> nn.Module:
    """A copy of a network, or an error that says what keeps it from being copied.

    Args:
        module (nn.Module): The network.
        name (str): Name of the argument.
        use (str): What the copy is for, for the error.

    Raises:
        ValueError: If parameters have no size yet, so that both would draw weights of their own, or
            tensors hang in a graph of derivatives, as those of the older weight normalisation do.
    """
    lazy = [key for key, value in module.named_parameters() if is_lazy(value)]
    if lazy:
        raise ValueError(
            f"{name} must have its sizes before it is copied for {use}, but {lazy[0]!r} is "
            "lazy and the copy would draw other weights: call it once on your data under "
            "torch.no_grad(), or give in_channels"
        )
    try:
        return copy.deepcopy(module)
    except RuntimeError as error:
        computed = _computed_tensors(module)
        listing = f" ({', '.join(computed)})" if computed else ""
        raise ValueError(
            f"{name} cannot be copied for {use}: it keeps tensors that were computed from its "
            f"parameters{listing}; use torch.nn.utils.parametrizations.weight_norm (or "
            ".spectral_norm) in place of torch.nn.utils.weight_norm, and drop results of earlier "
            "calls"
        ) from error


def _computed_tensors(module: nn.Module) -> list[str]:
    """Names of tensors of a module that are results, which no copy can be made of."""
    return [
        f"{path}.{key}".lstrip(".")
        for path, layer in module.named_modules()
        for key, value in vars(layer).items()
        if getattr(value, "grad_fn", None) is not None
    ]
