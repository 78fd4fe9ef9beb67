"""Calls of operators that take long, each ended by a signal after a moment.

Run as a program with their names: it prints a JSON object of what became of every call.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from graphlab import ops
from graphlab.ops.library import call

Call = Callable[[], Any]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def random_graph(num_nodes: int, num_edges: int) -> ops.CSRGraph:
    ends = torch.randint(num_nodes, (2, num_edges), generator=generator())
    return ops.CSRGraph.from_edge_index(torch.cat([ends, ends.flip(0)], dim=1), num_nodes)


def maximal_cliques(groups: int = 24) -> Call:
    """Moon and Moser's graph of 3 ** groups cliques."""
    near = 1 - torch.block_diag(*[torch.ones(3, 3)] * groups)
    graph = ops.CSRGraph.from_edge_index(near.nonzero().t().contiguous(), 3 * groups)
    return lambda: call("maximal_cliques", graph.rowptr, graph.col, -1, 0.0)


def distinct_ends() -> Call:
    graph = random_graph(30_000, 3_000_000)
    return lambda: ops.distinct_ends(graph, num_hops=3)


def clique_overlap() -> Call:
    """A star: every two of its cliques meet."""
    leaf = torch.arange(1, 30_001)
    ends = torch.stack([torch.zeros_like(leaf), leaf])
    graph = ops.CSRGraph.from_edge_index(torch.cat([ends, ends.flip(0)], dim=1), 30_001)
    ptr, idx = torch.arange(0, 60_001, 2), ends.t().flatten()
    return lambda: call("clique_overlap", ptr, idx, graph.rowptr, graph.col)


def walk_overlap() -> Call:
    graph = random_graph(30_000, 1_000_000)
    pairs = torch.randint(30_000, (2, 500_000), generator=generator())
    return lambda: ops.walk_overlap(graph, pairs, num_hops=3, count="set")


def one_hub() -> Call:
    """All the work in one task: every pair has the same second node."""
    graph = random_graph(30_000, 1_000_000)
    pairs = torch.stack([torch.arange(30_000), torch.zeros(30_000, dtype=torch.long)])
    return lambda: ops.walk_overlap(graph, pairs, num_hops=3, count="set")


def random_walk() -> Call:
    graph, start = random_graph(100, 500), torch.arange(100)
    return lambda: ops.random_walk(graph, start, length=10_000_000, restart=0.1)


def propagate_merge() -> Call:
    graph, start = random_graph(100_000, 500_000), torch.ones(100_000, 64)
    return lambda: ops.propagate_merge(start, graph, coefficients=[0.0] * 999 + [1.0])


def pairwise_logsumexp() -> Call:
    z = torch.randn(100_000, 128, generator=generator())
    return lambda: ops.pairwise_logsumexp(z, z.flip(0), scale=0.01)


def pairwise_softplus() -> Call:
    z = torch.randn(100_000, 128, generator=generator())
    return lambda: ops.pairwise_softplus(z, z)


def pairwise_rank() -> Call:
    z = torch.randn(100_000, 256, generator=generator())
    return lambda: ops.pairwise_rank(z, z, torch.arange(100_000))


def pairwise_topk() -> Call:
    z = torch.randn(100_000, 256, generator=generator())
    return lambda: ops.pairwise_topk(z)


def backward() -> Call:
    z = torch.randn(1000, 8, generator=generator(), requires_grad=True)
    graph = random_graph(1000, 4_000_000)
    loss = sum(ops.edge_cosine_sum(z * k, graph, 1.0).sum() for k in range(1, 1000))
    return loss.backward


def segment_attention() -> Call:
    qkv = torch.randn(100_000, 3 * 16, generator=generator())
    return lambda: ops.segment_attention(qkv, torch.tensor([0, 100_000]), 1)


def cluster_outer() -> Call:
    x = torch.randn(100_000, 1024, generator=generator())
    return lambda: ops.cluster_outer(x, torch.zeros(100_000, dtype=torch.long), 1)


def meta_logsumexp() -> Call:
    u = torch.randn(200_000, 256, generator=generator()) / 16
    count, mean, cov = torch.ones(16), torch.zeros(16, 256), torch.eye(256).repeat(16, 1, 1)
    return lambda: ops.meta_logsumexp(u, count, mean, cov, tau=0.1)


def edge_bound() -> Call:
    weight = torch.randn(30_000, 512, generator=generator())
    graph = random_graph(30_000, 15_000_000)
    return lambda: ops.edge_bound(weight, weight, weight.abs(), graph)


def csr_from_edges() -> Call:
    """Less than two seconds: a longer call would want too much memory."""
    edge_index = torch.randint(2**22, (2, 24_000_000), generator=generator())
    return lambda: call("csr_from_edges", edge_index, 2**22, 2**22, True)


def relational_propagate() -> Call:
    ends = torch.randint(2000, (2, 6_000_000), generator=generator())
    kind = torch.randint(50, (ends.size(1),), generator=generator())
    rows = ops.RelationalRows.from_edge_index(ends, kind, 2000, 50)
    x, table = torch.ones(2000, 8, 128), torch.ones(50, 128)
    return lambda: [ops.relational_propagate(x, table, rows, x) for _ in range(20)]


CALLS = (
    maximal_cliques,
    distinct_ends,
    clique_overlap,
    walk_overlap,
    one_hub,
    random_walk,
    propagate_merge,
    pairwise_logsumexp,
    pairwise_softplus,
    pairwise_rank,
    pairwise_topk,
    backward,
    segment_attention,
    cluster_outer,
    meta_logsumexp,
    edge_bound,
    csr_from_edges,
    relational_propagate,
)


@contextmanager
def alarm(every: float, handle: Callable[[], None]) -> Iterator[None]:
    """Calls ``handle`` again and again, as a signal handler."""
    before = signal.signal(signal.SIGALRM, lambda number, frame: handle())
    try:
        signal.setitimer(signal.ITIMER_REAL, every, every)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def ended(run: Call) -> str:
    """What ends a call whose third signal raises.

    A kernel that hears no signals runs to its end, and the handler is called once after it.
    """
    seen: list[int] = []

    def handle() -> None:
        seen.append(1)
        if len(seen) == 3:
            raise TimeoutError("third signal")

    try:
        with alarm(0.12, handle):
            run()
    except TimeoutError as error:
        return str(error)
    return "finished"


def ctrl_c() -> str:
    """The call would take days."""
    run = maximal_cliques()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        run()
    except KeyboardInterrupt:
        return "KeyboardInterrupt"
    return "finished"


def handled() -> str:
    """A handler that does not raise lets the operator finish."""
    seen: list[int] = []
    run = maximal_cliques(13)
    with alarm(0.05, lambda: seen.append(1)):
        ptr, _, _ = run()
    return f"{ptr.numel() - 1} cliques, handler called: {bool(seen)}"


if __name__ == "__main__":
    # A process that was started in the background may ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chosen = [make for make in CALLS if make.__name__ in sys.argv[1:]]
    outcome = {make.__name__: ended(make()) for make in chosen}
    print(json.dumps(outcome | {"ctrl_c": ctrl_c(), "handled": handled()}))
