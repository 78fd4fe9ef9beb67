"""Which nodes are certified: by bound, by budget and by degree; and which scores are no bound."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv

from graphlab.contrastive import DropEdge, TwoViewModel
from graphlab.contrastive.pot import compactness_bound, pairing_target, reference_compactness

#: Draws per node that look for a graph below a score; not the worst graph, so a lower limit.
DRAWS = 50
BOUNDS = ("interval", "budget", "budget_crown")
#: Smallest degree of each group.
DEGREES = (1, 2, 3, 4, 6, 11)


@torch.no_grad()
def certificates(model: TwoViewModel, data: Data, rate: float, seed: int) -> dict[str, float]:
    """Shares of certified nodes, and of nodes for which a score that is no bound was broken.

    A node is certified if its similarity to its own embedding stays above the mean one to the
    others in every graph within the budget.

    Args:
        model (TwoViewModel): A host whose encoder is of graph convolutions and rectifiers.
        data (Data): The graph.
        rate (float): Share of dropped edges that the budgets ``expected`` and ``quantile`` follow.
        seed (int): Of the draws.

    Returns:
        dict[str, float]: ``certified, BOUND, BUDGET``; ``certified, degree D`` at the expected
        budget by the tightest bound; ``broken, SCORE`` for the published score and the bound.
    """
    z = model.embed(data.x, data.edge_index)
    target = pairing_target(z)
    layers, slope = layers_of(model)
    degree = torch.bincount(data.edge_index[1], minlength=z.size(0))
    allowed = budgets(rate, data, degree)
    shares: dict[str, float] = {}
    best: dict[str, Tensor] = {}
    for name, budget in allowed.items():
        for bound in BOUNDS:
            best[name] = compactness_bound(
                data.x, data.edge_index, layers, target, budget,
                negative_slope=slope, bound=bound, directed=True,  # type: ignore[arg-type]
            )  # fmt: skip
            shares[f"certified, {bound}, {name}"] = share(best[name] > 0)
    for low, high in zip(DEGREES, (*DEGREES[1:], None), strict=True):
        group = (degree >= low) & (degree < (high or degree.max() + 1))
        label = f"{low}+" if high is None else str(low) if high == low + 1 else f"{low}-{high - 1}"
        shares[f"nodes, degree {label}"] = share(group)
        if group.any():
            shares[f"certified, degree {label}"] = share(best["expected"][group] > 0)
    generator = torch.Generator().manual_seed(seed)
    lowest = lowest_seen(
        lambda edges: (target * model.embed(data.x, edges)).sum(1),
        data.edge_index, allowed["expected"], generator,
    )  # fmt: skip
    view = within(data.edge_index, allowed["expected"], generator)
    score = reference_compactness(
        data.x, data.edge_index, view, layers, z, rate, negative_slope=slope
    )
    slack = 1e-4 * z.norm(dim=1)  # of float32
    shares["positive, reference score"] = share(score > 0)
    shares["broken, reference score"] = share(lowest < score - slack)
    shares["broken, budget_crown"] = share(lowest < best["expected"] - slack)
    return shares


def budgets(rate: float, data: Data, degree: Tensor) -> dict[str, Tensor]:
    """Drops that every node may suffer, by name; ``expected`` is what the trainings use."""
    from scipy.stats import binom  # takes a second to import

    quantile = torch.from_numpy(binom.ppf(0.95, degree.cpu().numpy(), rate)).to(degree)
    return {
        "1 drop": torch.ones_like(degree),
        "2 drops": torch.full_like(degree, 2),
        "expected": DropEdge(rate).expected_budget(data.edge_index, degree.numel()),
        "quantile": quantile,
        "all": degree,
    }


def layers_of(model: TwoViewModel) -> tuple[list[tuple[Tensor, Tensor | None]], float]:
    """Weights of the convolutions, and the slope of the rectifiers behind them."""
    modules = list(model.encoder.modules())
    layers = [(m.lin.weight, m.bias) for m in modules if isinstance(m, GCNConv)]
    slopes = [float(m.weight) for m in modules if isinstance(m, nn.PReLU)]
    return layers, slopes[0] if slopes else 0.0


def lowest_seen(
    value: Callable[[Tensor], Tensor],
    edge_index: Tensor,
    budget: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Smallest value of every node over the graph itself and random graphs within the budget."""
    lowest = value(edge_index)
    for _ in range(DRAWS):
        lowest = torch.minimum(lowest, value(within(edge_index, budget, generator)))
    return lowest


def within(edge_index: Tensor, budget: Tensor, generator: torch.Generator) -> Tensor:
    """Edges of a graph in which every node has lost as many in-edges as its budget allows."""
    target = edge_index[1]
    order = torch.randperm(target.numel(), generator=generator)
    order = order[target[order].argsort(stable=True)]  # by target, in random order within
    start = torch.bincount(target, minlength=budget.numel()).cumsum(0).roll(1)
    start[0] = 0
    rank = torch.arange(target.numel()) - start[target[order]]
    return edge_index[:, order[rank >= budget[target[order]]]]


def share(mask: Tensor) -> float:
    """Share of true entries."""
    return float(mask.double().mean())
