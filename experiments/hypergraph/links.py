"""Link prediction by walks on a graph or on the hypergraph reconstructed from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy import sparse
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab.hyper import (
    HypergraphReconstructor,
)

from .._harness.context import Context
from .presets import Config


def link_prediction(
    config: Config, context: Context, source: HyperGraphData, edges: Tensor, nodes: int
) -> dict[str, dict[str, float]]:
    """AUC of hidden edges against as many non-edges, by two kinds of walks."""
    generator = np.random.default_rng(context.seed)
    upper = edges[:, edges[0] < edges[1]].numpy()
    hidden = generator.permutation(upper.shape[1]) < config.hidden_edges * upper.shape[1]
    left = torch.from_numpy(upper[:, ~hidden])
    left = torch.cat([left, left.flip(0)], dim=1)
    wrong = non_edges(upper, nodes, int(hidden.sum()), generator)
    pairs = np.concatenate([upper[:, hidden], wrong], axis=1)
    truth = np.repeat([1, 0], [int(hidden.sum()), wrong.shape[1]])
    model = HypergraphReconstructor(classifier="hgb", seed=context.seed).fit(source)
    predicted = model.predict(left, nodes)
    graph = walk_scores(as_hypergraph(left, nodes), pairs)
    hyper = walk_scores(predicted, pairs)
    both = rank(graph) + rank(hyper)  # the two kinds of chances have different scales
    values = {"projected graph": graph, "reconstructed hypergraph": hyper, "both": both}
    return {
        f"link prediction, {name}": {"auc": float(roc_auc_score(truth, value))}
        for name, value in values.items()
    }


def non_edges(upper: Any, nodes: int, count: int, generator: np.random.Generator) -> Any:
    """Random pairs u < v that are no edges; fewer where there are fewer."""
    known = set((upper[0] * nodes + upper[1]).tolist())
    free = nodes * (nodes - 1) // 2 - len(known)
    drawn: dict[int, None] = {}
    while len(drawn) < min(count, free):
        for u, v in np.sort(generator.integers(nodes, size=(4 * count, 2)), axis=1).tolist():
            if u < v and u * nodes + v not in known and len(drawn) < count:
                drawn[u * nodes + v] = None
    return np.stack(np.divmod(np.array(list(drawn), dtype=np.int64), nodes))


def as_hypergraph(edges: Tensor, nodes: int) -> HyperGraphData:
    """Every edge as a hyperedge of two nodes."""
    upper = edges[:, edges[0] < edges[1]]
    number = torch.arange(upper.size(1)).repeat(2)
    return HyperGraphData(
        edge_index=torch.stack([upper.reshape(-1), number]),
        num_nodes=nodes,
        num_hyperedges=upper.size(1),
    )


def walk_scores(data: HyperGraphData, pairs: Any) -> Any:
    """Chance that walks of two steps, node to hyperedge to node, join the pairs, both ways."""
    node, edge = data.edge_index.numpy()
    shape = (data._store["num_nodes"], int(data.num_hyperedges))
    member = sparse.csr_array((np.ones(node.size), (node, edge)), shape)
    size = np.asarray(member.sum(axis=0)).ravel()
    degree = np.asarray(member.sum(axis=1)).ravel()
    # D_v^-1 H D_e^-1 H^T: a hyperedge of the node, then a node of that hyperedge, uniformly.
    step = sparse.diags_array(1 / np.maximum(degree, 1)) @ member
    step = step @ sparse.diags_array(1 / np.maximum(size, 1)) @ member.T
    two = sparse.csr_array(step @ step)
    u, v = pairs
    return np.asarray(two[u, v] + two[v, u]).ravel()


def rank(values: Any) -> Any:
    """Ranks; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]
