"""Certificates of graph convolutions on plain tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from graphlab._checks import (
    check_choice,
    check_distinct,
    check_full_precision,
    check_index,
    check_matrix,
    check_same_device,
)
from graphlab._precision import full_precision
from graphlab.contrastive.pot.certificate import certify
from graphlab.contrastive.pot.drops import DropSet
from graphlab.contrastive.pot.interval_trace import trace_intervals
from graphlab.contrastive.pot.steps import Activation, Hop, Step, gcn_steps
from graphlab.ops import interval_propagate

__all__ = [
    "BOUNDS",
    "clean_output",
    "compactness_bound",
    "lower_bound",
    "pairing_target",
    "preactivation_bounds",
    "unchecked_pairing",
]

Bound = Literal["interval", "budget", "budget_crown"]
BOUNDS: tuple[Bound, ...] = get_args(Bound)

Layers = Sequence[tuple[Tensor, Tensor | None]]


def compactness_bound(
    x: Tensor,
    edge_index: Tensor,
    layers: Layers,
    target: Tensor,
    budget: Tensor,
    *,
    negative_slope: float | Tensor = 0.0,
    bound: Bound = "interval",
    directed: bool = False,
    nodes: Tensor | None = None,
) -> Tensor:
    r"""Certificate that every node keeps its pairing, whichever edges are dropped.

    .. math:: b_i \le \min_{A \in \mathcal{A}} \langle t_i, z_i(A) \rangle

    z is the output of graph convolutions with leaky rectifiers behind each (also the last), and
    :math:`\mathcal{A}` holds every graph that remains when node i loses at most ``budget[i]`` of
    its edges. Unlike :func:`reference_compactness`, which is the published score, this is a bound.

    Args:
        x (Tensor): Features ``(N, F)``, float32 or float64.
        edge_index (Tensor): ``(2, E)`` integers, source and target; no self-loops (they are
            added), no duplicates, symmetric unless ``directed``.
        layers (sequence): ``(weight (out, in), bias (out,) or None)`` per convolution.
        target (Tensor): t, ``(N, d)``, or ``(n, d)`` with ``nodes``.
        budget (Tensor): Whole numbers ``(N,)``; cut at the degrees.
        negative_slope (float or Tensor): Of the rectifiers, in [0, 1]; one number or one per
            channel of every layer.
        bound (str): ``"interval"``; ``"budget"`` counts the drops of whole rows; ``"budget_crown"``
            looks two hops back as well, at a cost of all two-edge paths times d.
        directed (bool): The set that independent drops of directed edges reach (larger): node i
            loses at most ``budget[i]`` in-edges. Otherwise edges go with their reverse.
        nodes (Tensor, optional): Distinct nodes ``(n,)`` to certify. The bounds are those of the
            whole graph; only the neighbourhoods are computed.

    Returns:
        Tensor: b, ``(N,)``, or ``(n,)`` in the order of ``nodes``. Differentiable in ``x``, the
        layers and ``target``.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(E d + N d²) time, O(E + N d) memory; ``"budget"`` sorts rows.
    Determinism: bitwise for a given device where kernels are compiled.

    Example:
        >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> weight = torch.eye(2)
        >>> x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
        >>> layers = [(weight, None), (weight, None)]
        >>> compactness_bound(x, path, layers, x, torch.zeros(3)).shape
        torch.Size([3])
    """
    steps = gcn_steps(layers, negative_slope)
    check_matrix(x, "x", cols=layers[0][0].size(1), csr=True)
    _check_dtypes(x, layers, target=target)
    check_same_device(x=x, edge_index=edge_index, target=target, budget=budget, nodes=nodes)
    check_choice(bound, "bound", BOUNDS)
    drops = DropSet(edge_index, x.size(0), budget, directed)
    nodes = None if nodes is None else check_distinct(nodes, x.size(0), "nodes")
    check_matrix(target, "target", rows=x.size(0) if nodes is None else nodes.numel())
    return lower_bound(steps, x, drops, target, bound, nodes)


def lower_bound(
    steps: Sequence[Step],
    x: Tensor,
    drops: DropSet,
    target: Tensor,
    bound: str,
    nodes: Tensor | None = None,
) -> Tensor:
    """Certificate of any list of steps; :func:`compactness_bound` of checked arguments."""
    if nodes is None:
        return _certified(steps, x, drops, bound, target)
    # Rows are restricted in ascending order; the result goes back to that of the caller.
    ascending, position = nodes.sort()
    result = _certified(steps, x, drops, bound, target[position], ascending)
    return result[torch.argsort(position)]


def _certified(
    steps: Sequence[Step],
    x: Tensor,
    drops: DropSet,
    bound: str,
    target: Tensor,
    nodes: Tensor | None = None,
) -> Tensor:
    with full_precision(x):  # rounded to half precision a bound is none
        trace = trace_intervals(steps, x, drops, bound, nodes)
        check_matrix(target, "target", cols=trace.boxes[-1].low.size(1), finite=False)
        return certify(trace, target)


def _check_dtypes(x: Tensor, layers: Layers, **others: Tensor) -> None:
    """Require one dtype, in which bounds can be computed."""
    check_full_precision(x, "x")
    weights = {f"layers[{k}] weight": weight for k, (weight, _) in enumerate(layers)}
    for name, value in (weights | others).items():
        if isinstance(value, Tensor) and value.dtype != x.dtype:
            raise TypeError(f"{name} must have the dtype of x, {x.dtype}, got {value.dtype}")


def preactivation_bounds(
    x: Tensor,
    edge_index: Tensor,
    layers: Layers,
    budget: Tensor,
    *,
    negative_slope: float | Tensor = 0.0,
    bound: Bound = "interval",
    directed: bool = False,
) -> list[tuple[Tensor, Tensor]]:
    """Bounds of the inputs of every rectifier, over all graphs within a budget of drops.

    Args:
        x (Tensor): Features ``(N, F)``.
        edge_index (Tensor): ``(2, E)``, as for :func:`compactness_bound`.
        layers (sequence): ``(weight (out, in), bias or None)`` per convolution.
        budget (Tensor): Whole numbers ``(N,)``.
        negative_slope (float or Tensor): In [0, 1].
        bound (str): ``"interval"``, or ``"budget"`` (``"budget_crown"`` means the same here).
        directed (bool): As for :func:`compactness_bound`.

    Returns:
        list: ``(low, high)``, ``(N, out)`` each, per layer.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.
    """
    steps = gcn_steps(layers, negative_slope)
    check_matrix(x, "x", cols=layers[0][0].size(1), csr=True)
    _check_dtypes(x, layers)
    check_choice(bound, "bound", BOUNDS)
    with full_precision(x):
        trace = trace_intervals(steps, x, DropSet(edge_index, x.size(0), budget, directed), bound)
    return [
        (box.low, box.high)
        for step, box in zip(trace.steps, trace.boxes, strict=False)
        if isinstance(step, Activation)
    ]


def clean_output(steps: Sequence[Step], x: Tensor, drops: DropSet) -> Tensor:
    """Output of the steps on the graph itself."""
    states = [x]
    for step in steps:
        if not isinstance(step, Hop):
            states.append(step.forward(states[-1]))
            continue
        matrix = drops.matrix(step.norm)
        sums, _ = interval_propagate(
            states[-1], states[-1], matrix.pattern, matrix.full, matrix.full
        )
        out = step.scale * sums
        if step.root_state is not None:
            out = out + step.root(states[step.root_state])
        states.append(out)
    return states[-1]


def pairing_target(anchor: Tensor, nodes: Tensor | None = None) -> Tensor:
    r"""Direction of a node towards its own anchor and away from the mean of the others.

    .. math:: t_i = \frac{N n_i - \sum_j n_j}{N - 1}, \qquad n = \text{unit rows of the anchor}

    Args:
        anchor (Tensor): Outputs of the other view ``(N, d)``; zero rows stay zero.
        nodes (Tensor, optional): Rows to return; the mean is over all in any case.

    Returns:
        Tensor: ``(N, d)`` or ``(n, d)``.

    Raises:
        TypeError, ValueError: If there are fewer than two rows.
    """
    count = check_matrix(anchor, "anchor").size(0)
    if count < 2:
        raise ValueError(f"anchor must have at least 2 rows, got shape {tuple(anchor.shape)}")
    if nodes is not None:
        nodes = check_index(nodes, count, "nodes")
    return unchecked_pairing(anchor, nodes)


def unchecked_pairing(anchor: Tensor, nodes: Tensor | None = None) -> Tensor:
    """:func:`pairing_target` of checked arguments."""
    count = anchor.size(0)
    unit = torch.nn.functional.normalize(anchor, dim=1)
    # The mean over all nodes, the own one taken out: no N x N matrix of pairs.
    rest = unit.sum(0) / (count - 1)
    own = unit if nodes is None else unit[nodes]
    return own * (count / (count - 1)) - rest
