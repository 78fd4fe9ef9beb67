"""Correlation of properties of nodes with metrics per node."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping

import torch
from torch import Tensor

from graphlab._checks import Array, check_mapping, check_tensor, from_array

__all__ = ["correlation_table"]


def correlation_table(
    properties: Mapping[str, Array], metrics: Mapping[str, Array], mask: Array | None = None
) -> dict[str, dict[str, dict[str, float]]]:
    """Correlation of node properties with per-node metrics.

    State the metric and the set of nodes with every number: precision, for instance, grows with
    the number of true partners, and with it goes along with the degree in the test edges.

    Args:
        properties (Mapping): ``(N,)`` tensors or arrays by name: concentration, degree, clustering,
            ...
        metrics (Mapping): ``(N,)`` tensors or arrays by name; see
            :func:`graphlab.evaluate.per_node_link_metrics`.
        mask (Tensor or ndarray, optional): ``(N,)`` bool, nodes to take; those with NaN are left
            out of the pair concerned.

    Returns:
        dict: ``table[property][metric]`` with ``pearson``, ``spearman`` in [-1, 1] and
        ``num_nodes``; NaN for fewer than two nodes or a constant side.

    Raises:
        TypeError, ValueError: If lengths differ, or the mask is not bool.

    Warns:
        UserWarning: If a side is constant, or fewer than two nodes have both values.
    """
    named, found = _vectors(properties, "properties"), _vectors(metrics, "metrics")
    sizes = [(name, tuple(value.shape)) for name, value in [*named.items(), *found.items()]]
    shapes = {size for _, size in sizes}
    if len(shapes) > 1 or any(len(size) != 1 for size in shapes):
        raise ValueError(f"properties and metrics must be 1-D of one length, got {sizes}")
    mask = from_array(mask, "mask")
    if mask is not None and (
        check_tensor(mask, "mask").dtype != torch.bool or {tuple(mask.shape)} != (shapes or {()})
    ):
        raise ValueError(
            f"mask must be bool of shape {sizes[0][1] if sizes else ()}, got {mask.dtype} "
            f"{tuple(mask.shape)}"
        )
    return {
        name: {
            metric: _correlation(f"{name} and {metric}", x, y, mask) for metric, y in found.items()
        }
        for name, x in named.items()
    }


def _vectors(given: Mapping[str, Array], kind: str) -> dict[str, Tensor]:
    return {
        name: check_tensor(from_array(value, label), label)
        for name, value in check_mapping(given, kind).items()
        for label in (f"{kind}[{name!r}]",)
    }


def _correlation(pair: str, x: Tensor, y: Tensor, mask: Tensor | None) -> dict[str, float]:
    from scipy.stats import pearsonr, spearmanr

    a, b = x.detach().double().cpu(), y.detach().double().cpu()
    keep = a.isfinite() & b.isfinite()
    keep = keep if mask is None else keep & mask.cpu()
    a, b = a[keep], b[keep]
    number = float(a.numel())
    if a.numel() < 2 or bool((a == a[0]).all()) or bool((b == b[0]).all()):
        why = "a side is constant" if a.numel() > 1 else f"{a.numel()} nodes have both"
        warnings.warn(f"correlation of {pair} is undefined: {why}", stacklevel=4)
        return {"pearson": math.nan, "spearman": math.nan, "num_nodes": number}
    return {
        "pearson": float(pearsonr(a.numpy(), b.numpy())[0]),
        "spearman": float(spearmanr(a.numpy(), b.numpy())[0]),
        "num_nodes": number,
    }
