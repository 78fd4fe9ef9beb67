"""Every argument of every public operator, given wrongly, is named by the error."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from graphlab import ops
from tests._rows import rows

N, M, D = 6, 5, 4


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def z(rows: int = N, columns: int = D) -> Tensor:
    return torch.randn(rows, columns, generator=generator())


EDGES = torch.randint(N, (2, 8), generator=generator())
GRAPH = ops.CSRGraph.from_edge_index(EDGES, N)
ENTRIES = GRAPH.col.numel()
CLUSTER = torch.arange(N) % 3
TYPED = ops.RelationalRows.from_edge_index(EDGES, torch.arange(8) % 3, N, 3)
PAIR = {"graph": GRAPH, "pairs": EDGES, "num_hops": 2}

#: One working call per public function.
CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "budget_minimum": (
        ops.budget_minimum,
        {
            "value": z(),
            "pattern": GRAPH,
            "kind": torch.ones(ENTRIES, dtype=torch.int8),
            "positive": torch.ones(N),
            "negative": torch.ones(N),
            "size": torch.full((N,), 5.0),
            "budget": torch.zeros(N, dtype=torch.int64),
            "power": 0.5,
        },
    ),
    "cluster_outer": (ops.cluster_outer, {"x": z(), "cluster": CLUSTER, "num_clusters": 3}),
    "cluster_pair_logsum": (
        ops.cluster_pair_logsum,
        {"centers": z(), "tau": 1.0, "weight": torch.ones(N)},
    ),
    "cluster_sum": (ops.cluster_sum, {"x": z(), "cluster": CLUSTER, "num_clusters": 3}),
    "distinct_ends": (ops.distinct_ends, {"graph": GRAPH, "num_hops": 2}),
    "edge_bound": (
        ops.edge_bound,
        {"weight": z(), "center": z(), "radius": z().abs(), "pattern": GRAPH},
    ),
    "edge_cosine_sum": (ops.edge_cosine_sum, {"z": z(), "graph": GRAPH, "tau": 1.0}),
    "interval_propagate": (
        ops.interval_propagate,
        {
            "low": z() - 3,
            "high": z() + 3,
            "pattern": GRAPH,
            "entry_low": torch.ones(ENTRIES),
            "entry_high": torch.ones(ENTRIES),
        },
    ),
    "meta_logsumexp": (
        ops.meta_logsumexp,
        {
            "u": z(),
            "count": torch.ones(3),
            "mean": z(3),
            "cov": torch.eye(D).repeat(3, 1, 1),
            "tau": 0.5,
        },
    ),
    "hop_distances": (
        ops.hop_distances,
        {
            "nodes": torch.arange(2),
            "rows": ops.SparseRows.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 3),
            "max_hops": 2,
        },
    ),
    "pairwise_rank": (
        ops.pairwise_rank,
        {
            "x": z(),
            "y": z(M),
            "truth": torch.arange(N) % M,
            "truth_ptr": torch.arange(N + 1),
            "filter_ptr": torch.arange(N + 1),
            "filter": torch.arange(N) % M,
        },
    ),
    "pairwise_softplus": (ops.pairwise_softplus, {"x": z(), "y": z(M)}),
    "pairwise_topk": (
        ops.pairwise_topk,
        {
            "x": z(),
            "y": z(M),
            "k": 2,
            "filter_ptr": torch.arange(N + 1),
            "filter": torch.arange(N) % M,
            "metric": "cosine",
        },
    ),
    "pairwise_logsumexp": (
        ops.pairwise_logsumexp,
        {
            "x": z(),
            "y": z(M),
            "scale": 1.0,
            "x_weight": torch.ones(N),
            "y_weight": torch.ones(M),
            "diagonal": "keep",
            "columns": True,
            "precision": "float32",
        },
    ),
    "propagate": (ops.propagate, {"h": z(), "rows": GRAPH, "transposed": GRAPH.transpose()}),
    "propagate_dot": (ops.propagate_dot, {"h": z(), "other": z(), "rows": GRAPH}),
    "propagate_merge": (
        ops.propagate_merge,
        {
            "start": z(),
            "rows": GRAPH,
            "coefficients": [1.0, 1.0],
            "normalize": True,
            "squares": torch.ones(2, N, dtype=torch.float64),
        },
    ),
    "propagate_squares": (
        ops.propagate_squares,
        {"start": z(), "rows": GRAPH, "coefficients": [1.0]},
    ),
    "random_projection": (
        ops.random_projection,
        {
            "factor": torch.ones(N),
            "start": 0,
            "stop": 8,
            "sparsity": 3.0,
            "scale": 1.0,
            "node": torch.arange(N),
            "seed": 0,
            "stream": 0,
        },
    ),
    "random_walk": (
        ops.random_walk,
        {
            "graph": GRAPH,
            "start": torch.arange(N),
            "length": 4,
            "restart": 0.1,
            "seed": 0,
            "stream": 0,
        },
    ),
    "relational_propagate": (
        ops.relational_propagate,
        {
            "x": z().unsqueeze(1),
            "table": z(3),
            "rows": TYPED,
            "boundary": z().unsqueeze(1),
            "message": "transe",
            "reduce": "max",
            "ties": "even",
        },
    ),
    "segment_attention": (
        ops.segment_attention,
        {"qkv": z(N, 12), "ptr": torch.tensor([0, 2, 6]), "heads": 2},
    ),
    "self_logsumexp": (
        ops.self_logsumexp,
        {
            "x": z(),
            "weight": torch.ones(N),
            "scale": 1.0,
            "diagonal": "keep",
            "precision": "float32",
        },
    ),
    "unit_rows": (ops.unit_rows, {"x": z()}),
    "walk_overlap": (ops.walk_overlap, {**PAIR, "beta": 1.0, "count": "walk"}),
    "walk_overlap_visits": (ops.walk_overlap_visits, {**PAIR, "count": "walk"}),
    "walk_subgraphs": (
        ops.walk_subgraphs,
        {"walks": torch.zeros(3, 4, dtype=torch.int32), "max_nodes": 3},
    ),
}


def wrong(value: Any) -> Iterator[tuple[str, Any]]:
    """What somebody might give instead."""
    if isinstance(value, bool):
        return  # whatever is true
    yield "an object", object()
    if isinstance(value, Tensor):
        yield "a list", value.tolist()
        yield "an array", value.numpy() if value.dtype != torch.bfloat16 else np.ones(3)
        yield "complex", value.to(torch.complex64)
        yield "a scalar", value.flatten()[0] if value.numel() else torch.tensor(0.0)
        yield "one dimension more", value.unsqueeze(-1).expand(*value.shape, 2)
        yield "sparse", value.to_sparse()
        if value.is_floating_point():
            yield "text", "x"
        else:
            yield "floating point", value.double() + 0.5
            yield "negative", value - 100
            yield "too large", value.long() + 1000
    elif isinstance(value, (int, float)):
        yield "a string", "1"
        yield "None", None
        yield "NaN", float("nan")
        yield "negative", -value - 1
        yield "a tensor", torch.ones(2)
        yield "infinite", float("inf")
    elif isinstance(value, str):
        yield "another word", "other"
        yield "None", None
    elif isinstance(value, list):
        yield "a string", "1"
        yield "words", ["a"]
        yield "NaN", [float("nan")]
    else:
        yield "None", None
        yield "edges", EDGES


#: What is right although it looks wrong; with the reason.
ALLOWED = {
    ("scale", "negative"): "a scale has any sign",
    ("transposed", "None"): "is optional",
    ("max_nodes", "None"): "is optional",
    ("max_hops", "None"): "is optional",
    ("max_hops", "too large"): "the search ends where nothing new is reached",
    ("node", "too large"): "numbers rows of a matrix without end",
    ("budget", "too large"): "a node loses what it has",
}


def test_every_function_is_here() -> None:
    public = {name for name in ops.__all__ if callable(getattr(ops, name))}
    prepared = {"CSRGraph", "RelationalRows", "SparseRows"}  # tested on their own
    assert public - prepared - {"LibraryStatus", "status", "trusted_values"} == set(CALLS)
    for function, arguments in CALLS.values():
        assert set(inspect.signature(function).parameters) - {"self"} == set(arguments)


@pytest.mark.parametrize("name", CALLS)
def test_the_call_itself_works(name: str) -> None:
    function, arguments = CALLS[name]
    function(**arguments)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore:Sparse")
def test_error_names_the_argument(name: str) -> None:
    function, arguments = CALLS[name]
    errors = (TypeError, ValueError, IndexError)
    with rows() as table:
        for argument, value in arguments.items():
            for kind, bad in wrong(value):
                if (argument, kind) in ALLOWED:
                    continue
                row = table.row(f"{argument}, {kind}")
                with row, pytest.raises(errors, match=rf"\b{argument}\b"):
                    function(**arguments | {argument: bad})
