"""What all pretext tasks share: order of calls, gradients, devices and dtypes, bad input."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch_geometric.data import Data

from graphlab.contrastive.pretext import (
    AttributeMask,
    ContextLabel,
    DistanceToCluster,
    DistanceToLabeled,
    EdgeMask,
    MultiTaskLoss,
    NodeProperty,
    PairwiseDistance,
    PairwiseSimilarity,
    PretextTask,
)
from tests._graphs import planted

TASKS: dict[str, Callable[[], PretextTask]] = {
    "attribute_mask": lambda: AttributeMask(5, num_components=4),
    "context_label": lambda: ContextLabel(5, 3, dropout=0.0),
    "distance_to_cluster": lambda: DistanceToCluster(5, num_clusters=4),
    "distance_to_labeled": lambda: DistanceToLabeled(5, 3),
    "edge_mask": lambda: EdgeMask(5),
    "node_property": lambda: NodeProperty(5),
    "pairwise_distance": lambda: PairwiseDistance(5, num_pairs=20, max_hops=2),
    "pairwise_similarity": lambda: PairwiseSimilarity(5),
}
pytestmark = pytest.mark.parametrize("name", TASKS)


def hidden(data: Data) -> torch.Tensor:
    return torch.randn(data.num_nodes, 5, generator=torch.Generator().manual_seed(3))


def made(name: str, data: Data) -> PretextTask:
    torch.manual_seed(0)
    return TASKS[name]().setup(data)


def test_head_learns_and_gradient_is_right(name: str) -> None:
    data = planted(60, 3)
    task = made(name, data).double()
    h = hidden(data).double().requires_grad_()
    # Kinks of |h_i - h_j| are at equal rows, of which there are none.
    assert torch.autograd.gradcheck(task.loss, (h,))
    before = task.loss(h).item()
    assert task(h).item() == task.forward(h).item() == before
    optimizer = torch.optim.Adam(task.parameters(), lr=0.05)
    for _ in range(20):
        optimizer.zero_grad()
        task.loss(h).backward()
        optimizer.step()
    assert task.loss(h).item() < before


def test_the_same_generator_makes_the_same_targets(name: str) -> None:
    data = planted(60, 3)
    h = hidden(data)
    losses = []
    for seed in (5, 5):
        torch.manual_seed(0)
        task = TASKS[name]().setup(data, generator=torch.Generator().manual_seed(seed))
        losses.append(task.loss(h).item())
    assert losses[0] == losses[1]


def test_setup_leaves_the_global_generator_alone(name: str) -> None:
    task, data = TASKS[name](), planted(60, 3)
    state = torch.get_rng_state()
    task.setup(data)
    torch.testing.assert_close(torch.get_rng_state(), state)


def test_only_labels_of_training_nodes_are_read(name: str) -> None:
    data = planted(60, 3)
    before = made(name, data).loss(hidden(data))
    data.y = torch.where(data.train_mask, data.y, (data.y + 1) % 3)
    torch.testing.assert_close(made(name, data).loss(hidden(data)), before, rtol=0, atol=0)


def test_state_is_the_head_and_targets_are_made_again(name: str) -> None:
    data = planted(60, 3)
    first = made(name, data)
    buffer = io.BytesIO()
    torch.save(first.state_dict(), buffer)
    buffer.seek(0)
    assert set(first.state_dict()) == {"head.weight", "head.bias"}
    torch.manual_seed(7)
    second = TASKS[name]()
    second.load_state_dict(torch.load(buffer, weights_only=True))
    second.setup(data)
    torch.testing.assert_close(second.loss(hidden(data)), first.loss(hidden(data)))


def test_perturb_leaves_the_graph_as_it_was(name: str) -> None:
    data = planted(60, 3)
    edges, x = data.edge_index.clone(), data.x.clone()
    seen = made(name, data).perturb(data)
    assert seen.num_nodes == data.num_nodes
    torch.testing.assert_close(data.edge_index, edges, rtol=0, atol=0)
    torch.testing.assert_close(data.x, x, rtol=0, atol=0)


def test_bad_calls_are_named(name: str) -> None:
    data = planted(60, 3)
    task = TASKS[name]()
    with pytest.raises(RuntimeError, match=r"setup\(data\) must be called first"):
        task.loss(hidden(data))
    with pytest.raises(RuntimeError, match=r"setup\(data\) must be called first"):
        task.perturb(data)
    with pytest.raises(TypeError, match="torch_geometric"):
        task.setup(data.edge_index)
    with pytest.raises(ValueError, match="data must have edge_index"):
        task.setup(Data(x=data.x, y=data.y, train_mask=data.train_mask))
    task.setup(data)
    with pytest.raises(ValueError, match="h must have 60 rows"):
        task.loss(hidden(data)[:-1])
    with pytest.raises(TypeError, match="h must have the dtype of the head"):
        task.loss(hidden(data).double())
    with pytest.raises(ValueError, match="must be the graph of setup, of 60 nodes, got 50"):
        task.perturb(planted(50, 3))


def test_a_copy_and_weights_in_a_sum(name: str) -> None:
    data = planted(60, 3)
    task = made(name, data)
    alone = task.loss(hidden(data))
    both = MultiTaskLoss([task, task], [2.0, 0.5])
    torch.testing.assert_close(both(hidden(data)), 2.5 * alone)


def test_nodes_in_another_order_have_the_same_loss(name: str) -> None:
    if name in ("attribute_mask", "edge_mask", "pairwise_distance", "pairwise_similarity"):
        return  # these draw nodes or pairs by their numbers
    data = planted(60, 3)
    task: Any = made(name, data)
    if name == "distance_to_cluster":
        centers = task.centers
        torch.manual_seed(0)
        task = DistanceToCluster(5, num_clusters=4, centers=centers).setup(data)
    h = hidden(data)
    before = task.loss(h)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    place = torch.empty_like(order)
    place[order] = torch.arange(60)
    moved = Data(
        x=data.x[order],
        y=data.y[order],
        train_mask=data.train_mask[order],
        edge_index=place[data.edge_index],
    )
    if name == "distance_to_cluster":
        torch.manual_seed(0)
        task = DistanceToCluster(5, num_clusters=4, centers=place[centers])
    torch.testing.assert_close(task.setup(moved).loss(h[order]), before)
