"""The released procedure, re-expressed, computes what the library computes."""

from __future__ import annotations

import pytest
import torch

from benchmarks.baselines.graphclip import (
    DenseTower,
    augment,
    pair_objects,
    released_epoch,
    released_step,
    subgraph_objects,
    walk,
)
from graphlab.ops import CSRGraph, random_walk, walk_subgraphs
from graphlab.tag.graphclip import SubgraphStore, adversarial_backward
from tests.tag.graphclip._toy import toy_graph, toy_model, toy_pairs


def undirected(nodes=60):
    _, edges, _ = toy_graph(nodes)
    edges = edges[:, edges[0] != edges[1]]
    return CSRGraph.from_edge_index(torch.cat([edges, edges.flip(0)], 1), nodes)


def test_objects_of_walks_are_the_packed_subgraphs():
    graph = undirected()
    walks = random_walk(graph, torch.arange(60), length=20, restart=0.5)
    walks[7, 1:] = -1  # a walk that never leaves
    returned = walks < 0
    path = torch.where(returned, walks[:, :1], walks).long()
    store = SubgraphStore(*(part.numpy() for part in walk_subgraphs(walks)))
    for i, data in enumerate(subgraph_objects(path, returned)):
        part = store[i]
        assert torch.equal(data.node, part.node)
        assert data.root_n_index == part.root
        assert torch.equal(data.edge_index, part.edge_index)


def test_walks_stay_on_edges_and_return_to_their_start():
    graph = undirected()
    generator = torch.Generator().manual_seed(0)
    path, returned = walk(graph.rowptr, graph.col, torch.arange(60), 30, 0.5, generator)
    assert path.shape == returned.shape == (60, 31)
    source = torch.repeat_interleave(torch.arange(60), graph.rowptr.diff())
    known = set(zip(source.tolist(), graph.col.tolist(), strict=True))
    for i in range(60):
        for t in range(1, 31):
            pair = (int(path[i, t - 1]), int(path[i, t]))
            assert path[i, t] == i if returned[i, t] else pair in known
    assert 0.4 < returned[:, 1:].double().mean() < 0.6


def test_the_dense_step_has_the_losses_and_gradients_of_the_packed_one():
    model, pairs = toy_model().train(), toy_pairs()
    dense = DenseTower(model.graph_model).train()
    index = torch.arange(16)
    graphs = [g.clone() for g in pair_objects(pairs, 6)[:16]]
    batch = pairs.store.batch(index)
    x, pe = pairs.x[batch.node], pairs.encoding(6)[batch.node_row]
    delta = torch.empty_like(x).uniform_(-0.01, 0.01, generator=torch.Generator().manual_seed(1))

    def closure(features):
        rest = (pe, batch.edge_index, batch.batch, batch.root_index)
        return model.criterion(model(features, *rest), pairs.text[index])

    wanted = adversarial_backward(closure, x, eps=0.01, delta=delta, accumulate_perturbation=True)
    scale = model.criterion.logit_scale.detach().clone().requires_grad_()
    found = released_step(dense, scale, graphs, pairs.text[index], eps=0.01, delta=delta)
    assert found == pytest.approx(wanted, rel=1e-4)
    torch.testing.assert_close(scale.grad, model.criterion.logit_scale.grad, rtol=1e-3, atol=1e-5)
    ours = dict(model.graph_model.named_parameters())
    for name, weight in dense.named_parameters():
        if weight.grad is not None:
            torch.testing.assert_close(weight.grad, ours[name].grad, rtol=1e-3, atol=1e-4)


def test_the_released_epoch_learns():
    model, pairs = toy_model(), toy_pairs()
    dense, graphs = DenseTower(model.graph_model), pair_objects(pairs, 6)
    before = graphs[0].x.clone()
    epochs = [
        released_epoch(dense, graphs, pairs.text, batch_size=20, eps=1e-3, lr=3e-3, seed=seed)
        for seed in range(6)
    ]
    assert all(len(losses) == 3 for losses in epochs)
    assert sum(epochs[-1]) < sum(epochs[0])
    assert torch.equal(graphs[0].x, before)  # views are copies


def test_views_zero_columns_and_drop_edges():
    data = pair_objects(toy_pairs(), 6)[0]
    view = augment(data, 0.5, 0.5, torch.Generator().manual_seed(0))
    zero = (view.x == 0).all(0)
    assert zero.any() and torch.equal(view.x[:, ~zero], data.x[:, ~zero])
    assert view.edge_index.size(1) <= data.edge_index.size(1)
    assert view.root_n_index == data.root_n_index
