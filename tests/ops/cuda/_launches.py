"""Launches of one family of CUDA kernels for sizes that no memory holds, on meta tensors.

Run as ``python tests/ops/cuda/_launches.py FAMILY LIBRARY`` in a process of its own. The library
(built with ``SHIM_ONLY_TELL_LAUNCHES``) prints one line per launch; this script prints the name of
the operator and of the case before them.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

import graphlab.ops  # noqa: F401 (defines the operators)

OPS: Any = torch.ops.graphlab


@dataclass(frozen=True)
class Size:
    nodes: int
    entries: int
    dim: int
    clusters: int


#: The most nodes that int32 columns can name, 2^36 entries, tables of up to 2^38 elements.
SIZES = {
    "empty": Size(0, 0, 16, 4),
    "one": Size(1, 1, 1, 1),
    "narrow": Size(2**31 - 2, 2**36, 10, 100),
    "wide": Size(2**31 - 2, 2**36, 128, 1000),
    "very wide": Size(10**6, 10**9, 10_000, 7),
    "wider than tiles along y": Size(10**5, 10**6, 20_000, 2),
    "many clusters": Size(10**8, 10**9, 64, 10**5),
}


def real(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta")


def whole(*shape: int, dtype: torch.dtype = torch.int64) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def small(*shape: int) -> Tensor:
    return whole(*shape, dtype=torch.int32)


def edge(s: Size) -> dict[str, tuple[Any, ...]]:
    z, rows, vector = real(s.nodes, s.dim), (whole(s.nodes + 1), small(s.entries)), real(s.nodes)
    graph = (z, *rows, real(s.entries), None, vector, 0.5)
    return {
        "edge_cosine_sum": (*graph, False),
        "edge_cosine_sum_backward": (vector, real(0), *graph),
        "edge_cosine_weight_grad": (vector, real(0), z, *rows, 0.5),
    }


def cluster(s: Size) -> dict[str, tuple[Any, ...]]:
    x, names = real(s.nodes, s.dim), whole(s.nodes)
    return {
        "cluster_sum": (x, names, s.clusters),
        "cluster_gather": (real(s.clusters, s.dim), names),
        "cluster_outer": (x, names, s.clusters),
        "cluster_outer_backward": (real(s.clusters, s.dim, s.dim), x, names),
    }


def pairwise(s: Size) -> dict[str, tuple[Any, ...]]:
    x, y = real(s.nodes, s.dim), real(2 * s.nodes, s.dim)
    sides = (real(s.nodes), real(s.nodes), None, real(2 * s.nodes), real(2 * s.nodes), None)
    return {
        "pairwise_logsumexp": (x, y, None, None, 1.0, 0, True),
        "pairwise_logsumexp_backward": (x, y, *sides, 1.0, 0),
        "pairwise_logsumexp_gradients": (x, y, *sides, 1.0, 0),
        "self_logsumexp": (x, None, 1.0, 1),
    }


def softplus(s: Size) -> dict[str, tuple[Any, ...]]:
    x, y = real(s.nodes, s.dim), real(2 * s.nodes, s.dim)
    return {
        "pairwise_softplus": (x, y),
        "pairwise_softplus few rows": (real(min(s.nodes, 100), s.dim), y),
        "pairwise_softplus_backward": (real(s.nodes), x, y, True, True),
    }


def ranking(s: Size) -> dict[str, tuple[Any, ...]]:
    x, y = real(s.nodes, s.dim), real(2 * s.nodes, s.dim)
    named = (whole(s.nodes + 1), whole(s.entries))
    return {
        "pairwise_rank": (x, y, whole(s.nodes), None, *named),
        "pairwise_rank several truths": (x, y, whole(s.entries), whole(s.nodes + 1), *named),
        "pairwise_topk": (x, y, 10, 0, *named),
    }


def meta(s: Size) -> dict[str, tuple[Any, ...]]:
    found: dict[str, tuple[Any, ...]] = {}
    u, count, mean = real(s.nodes, s.dim), real(s.clusters), real(s.clusters, s.dim)
    # Several launches per 2^22 logits: fewer rows keep the list short.
    u = real(min(s.nodes, 2**31 // s.clusters), s.dim)
    for cov in (None, real(s.clusters, s.dim, s.dim)):
        args = (u, count, mean, cov, 1.0)
        title = "first order" if cov is None else "second order"
        found[f"meta_logsumexp {title}"] = args
        lse = real(u.size(0))
        found[f"meta_logsumexp_backward {title}"] = (lse, lse, *args)
    return found


def propagate(s: Size) -> dict[str, tuple[Any, ...]]:
    h = real(s.nodes, s.dim)
    matrix = (whole(s.nodes + 1), small(s.entries), real(s.entries), real(s.nodes))
    return {
        "propagate": (h, *matrix),
        "propagate bfloat16": (h.bfloat16(), *matrix),
        "propagate_dot": (h, h, *matrix),
        "propagate_merge": (h, *matrix, [0.0, 1.0, 2.0], True, None),
        "propagate_squares": (h, *matrix, [0.0, 1.0, 2.0]),
    }


def relational(s: Size) -> dict[str, tuple[Any, ...]]:
    x, table = real(s.nodes, 2, s.dim), real(s.clusters, s.dim)
    entries = (small(s.entries), small(s.entries))
    rows, types = (whole(s.nodes + 1), *entries), (whole(s.clusters + 1), *entries)
    return {
        "relational_propagate": (x, table, x, *rows, *rows, *types, 0, 0, True),
        "relational_shares": (x, x, x, table, x, *rows, 0, True),
        "relational_source_grad": (x, x, x, table, *rows, 0, 2),
        "relational_table_grad": (x, x, x, table, *types, 0, 2),
    }


def projection(s: Size) -> dict[str, tuple[Any, ...]]:
    return {"random_projection": (real(s.nodes), None, 0, 0, 3, 3 + s.dim, 3.0, 1.0)}


def interval(s: Size) -> dict[str, tuple[Any, ...]]:
    rows, x, value = (whole(s.nodes + 1), small(s.entries)), real(s.nodes, s.dim), real(s.entries)
    transpose = (*rows, small(s.entries))
    bound = (x, x, x, *rows, *transpose)
    return {
        "interval_propagate": (x, x, *rows, value, value, *rows, value, value),
        "interval_propagate_backward": (x, x, x, x, *rows, value, value),
        "edge_bound": bound,
        "edge_bound_backward": (value, *bound),
    }


def budget(s: Size) -> dict[str, tuple[Any, ...]]:
    rows, x = (whole(s.nodes + 1), small(s.entries)), real(s.nodes, s.dim)
    kind, vector = whole(s.entries, dtype=torch.int8), real(s.nodes)
    factors, transpose = (vector, vector, vector), (*rows, small(s.entries))
    return {
        "budget_minimum": (x, *rows, kind, *factors, whole(s.nodes), 0.5, *transpose),
        "budget_minimum_backward": (
            x,
            x,
            real(3, s.nodes, s.dim),
            rows[0],
            kind,
            *factors,
            0.5,
            *transpose,
        ),
    }


def overlap(s: Size) -> dict[str, tuple[Any, ...]]:
    rows = (whole(s.nodes + 1), small(s.entries))
    return {
        "walk_overlap one hop": (*rows, None, *rows, 1, 0.5, False),
        "walk_overlap two hops": (*rows, None, *rows, 2, 0.5, False),
        "distinct_ends": (*rows, 3),
    }


def walk(s: Size) -> dict[str, tuple[Any, ...]]:
    return {"random_walk": (whole(s.nodes + 1), small(s.entries), whole(s.nodes), 0, 0, s.dim, 0.5)}


def attention(s: Size) -> dict[str, tuple[Any, ...]]:
    found: dict[str, tuple[Any, ...]] = {}
    for heads in (1, 8):
        out, lse = real(s.nodes, heads * s.dim), real(s.nodes, heads)
        args = (real(s.nodes, 3 * heads * s.dim), whole(s.clusters + 1))
        found[f"segment_attention {heads}"] = (*args, heads)
        found[f"segment_attention_backward {heads}"] = (out, lse, *args, out, lse, heads)
    return found


FAMILIES: dict[str, Callable[[Size], dict[str, tuple[Any, ...]]]] = {
    "edge": edge,
    "cluster": cluster,
    "pairwise": pairwise,
    "softplus": softplus,
    "ranking": ranking,
    "meta": meta,
    "propagate": propagate,
    "projection": projection,
    "relational": relational,
    "interval": interval,
    "budget": budget,
    "overlap": overlap,
    "walk": walk,
    "attention": attention,
}


def main() -> None:
    """Load the library and call every operator of a family at every size."""
    family, library = sys.argv[1:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the shape function is replaced on purpose
        torch.ops.load_library(library)
    for title, size in SIZES.items():
        for name, args in FAMILIES[family](size).items():
            print(f"call {name}, {title}", flush=True)
            getattr(OPS, name.split()[0])(*args)
    print("done")


if __name__ == "__main__":
    main()
