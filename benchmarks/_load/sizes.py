"""A million nodes and ten million edges through the parts that promise to be linear.

Every case is a function without arguments that makes its input and returns a :class:`Case`. Its
bound is the complexity in the docstring of what it calls, in bytes and with the constant written
out, so that a copy too many is seen.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks._harness.graphs import rmat

__all__ = ["CASES", "Case"]

SEED = 0
SCALE, FACTOR = 20, 5  # 2^20 nodes, 10^7 entries, hubs of many thousands
WIDTH = 64


@dataclass(frozen=True)
class Case:
    """A call, and the memory it may take beside its input.

    Attributes:
        run (callable): The call.
        bound_bytes (int): Most that it may add to the resident memory.
        bound (str): The bound in words.
        sizes (dict[str, int]): Sizes of the input.
        cpu_limit_s (float, optional): Most CPU seconds, where that is promised.
    """

    run: Callable[[], object]
    bound_bytes: int
    bound: str
    sizes: dict[str, int] = field(default_factory=dict)
    cpu_limit_s: float | None = None


def graph() -> tuple[Tensor, int]:
    """Edges in both directions and the number of nodes; a power law."""
    return rmat(SCALE, FACTOR, SEED), 1 << SCALE


def rows(count: int, width: int = WIDTH) -> Tensor:
    """Random rows."""
    return torch.randn(count, width, generator=torch.Generator().manual_seed(SEED))


def sized(edge_index: Tensor, nodes: int) -> dict[str, int]:
    """Sizes for the result file."""
    return {"nodes": nodes, "edges": edge_index.size(1)}


def pamc() -> Case:
    """The loss, forwards and backwards."""
    from graphlab.contrastive import PamCLoss
    from graphlab.ops import CSRGraph

    edge_index, nodes = graph()
    z = rows(nodes).requires_grad_()
    prepared = CSRGraph.from_edge_index(edge_index, nodes)
    cluster = torch.randint(100, (nodes,), generator=torch.Generator().manual_seed(SEED))
    loss = PamCLoss(tau=0.5)

    def run() -> None:
        loss(z, prepared, cluster).backward()

    bound = 5 * z.nbytes + 16 * edge_index.size(1)
    return Case(run, bound, "5 N D floats + 2 E int64", sized(edge_index, nodes))


def fastrp() -> Case:
    """Four powers of 128 columns."""
    from graphlab.embed import FastRP

    edge_index, nodes = graph()
    size = 4 * nodes * 128
    return Case(
        lambda: FastRP(dim=128).fit_transform(edge_index, nodes),
        4 * size + 40 * edge_index.size(1),
        "4 N D floats + 5 E int64",
        sized(edge_index, nodes),
    )


def concentration() -> Case:
    """The approximate topological concentration."""
    from graphlab.embed import approx_topological_concentration

    edge_index, nodes = graph()
    size = 4 * nodes * WIDTH
    return Case(
        lambda: approx_topological_concentration(edge_index, nodes, dim=WIDTH),
        5 * size + 48 * edge_index.size(1),
        "5 N d floats + 6 E int64",
        sized(edge_index, nodes),
    )


def pot_interval() -> Case:
    """Interval certificates of two convolutions, forwards and backwards."""
    from graphlab.contrastive.pot import compactness_bound

    edge_index, nodes = graph()
    x = rows(nodes, 32)
    draw = torch.Generator().manual_seed(SEED)
    layers = [(torch.randn(32, 32, generator=draw).requires_grad_(), None) for _ in range(2)]
    target, budget = rows(nodes, 32), torch.ones(nodes)

    def run() -> None:
        compactness_bound(x, edge_index, layers, target, budget).sum().backward()

    # Two boxes per step and their gradients, the normalised matrix and its transpose.
    bound = 24 * x.nbytes + 120 * edge_index.size(1)
    return Case(run, bound, "24 N d floats + 15 E int64", sized(edge_index, nodes))


def walks() -> Case:
    """A walk of 64 steps with restart from every node."""
    from graphlab.ops import CSRGraph, random_walk

    edge_index, nodes = graph()
    prepared = CSRGraph.from_edge_index(edge_index, nodes)
    start = torch.arange(nodes)
    result = 4 * nodes * 65
    return Case(
        lambda: random_walk(prepared, start, length=64, restart=0.1, seed=SEED),
        int(1.1 * result),
        "the result, N (L + 1) int32",
        sized(edge_index, nodes),
    )


def retrieval() -> Case:
    """An index of documents of 90 words, with embeddings."""
    from benchmarks.retrieval import NAMES, WORDS, RandomEncoder, synthetic_documents
    from benchmarks.retrieval import WIDTH as COLUMNS
    from graphlab.tag import GraphRetriever

    documents = synthetic_documents(100_000)

    def run() -> object:
        retriever = GraphRetriever(RandomEncoder()).index(documents)
        retriever.query("Where is N1f?", k=10)
        return retriever

    # 8 bytes a token, 4 a phrase in it, 2 a column; the encoder's float32 rows come first. Objects
    # of Python and the graph of the first question stand beside them.
    each = 8 * WORDS + 4 * 2 * NAMES + (2 + 4) * COLUMNS + 4_500
    bound = f"{each / 1000:.1f} kB a document"
    return Case(run, len(documents) * each, bound, {"documents": len(documents)})


def knowledge_graph() -> Case:
    """An epoch of sampled negatives over a million triples."""
    from graphlab.embed import KGEmbedding, KGETrainConfig

    entities, relations, triples = 100_000, 100, 1_000_000
    draw = torch.Generator().manual_seed(SEED)
    edge_index = torch.randint(entities, (2, triples), generator=draw)
    edge_type = torch.randint(relations, (triples,), generator=draw)

    def run() -> object:
        training = KGETrainConfig(epochs=1, batch_size=4096, loss="sampled")
        model = KGEmbedding(entities, relations, 32, train_config=training, seed=SEED)
        return model.fit(edge_index, edge_type, progress=False)

    table = 4 * entities * 64
    # Weights, gradients, two moments and best weights; triples in both directions, sorted.
    bound = 6 * table + 30 * 8 * triples + 3 * 4 * 4096 * 65 * 64
    return Case(
        run,
        bound,
        "6 tables + 30 int64 a triple + 3 batches of negatives",
        {"entities": entities, "triples": triples},
    )


def ranks() -> Case:
    """Filtered ranks of a thousand triples among a hundred thousand entities."""
    from graphlab.embed import KGEmbedding

    entities, relations, triples = 100_000, 100, 1_000_000
    draw = torch.Generator().manual_seed(SEED)
    edge_index = torch.randint(entities, (2, triples), generator=draw)
    edge_type = torch.randint(relations, (triples,), generator=draw)
    model = KGEmbedding(entities, relations, 32, gamma=1.0, init_scale=0.5, seed=SEED)
    asked = (edge_index[:, :1000], edge_type[:1000])
    known = [(edge_index, edge_type)]
    return Case(
        lambda: model.rank(*asked, known=known),
        3 * 4 * entities * 64 + 25 * 8 * triples,
        "3 tables + 25 int64 a known triple",
        {"entities": entities, "triples": triples},
    )


def hyperedges() -> Case:
    """A million hyperedges, read from a text file and projected."""
    from benchmarks.hyper import random_hypergraph
    from graphlab.datasets import read_hyperedge_list
    from graphlab.hyper import project

    data: Any = random_hypergraph(1_000_000)
    lines: list[list[str]] = [[] for _ in range(1_000_000)]
    for node, edge in data.edge_index.t().tolist():
        lines[edge].append(str(node))
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "hyperedges.txt"
    path.write_text("\n".join(map(" ".join, lines)), encoding="ascii")
    del lines

    def run() -> object:
        with folder:
            return project(read_hyperedge_list(path))

    sizes = {"hyperedges": 1_000_000, "incidences": data.edge_index.size(1)}
    pairs = 12_000_000  # of two to five nodes each, in both directions
    bound = 300 * sizes["incidences"] + 60 * pairs
    return Case(run, bound, "300 bytes an incidence + 60 a pair", sizes, cpu_limit_s=10.0)


CASES: dict[str, Callable[[], Case]] = {
    "PamC loss and gradient": pamc,
    "FastRP, 4 powers, d = 128": fastrp,
    "approximate concentration, d = 64": concentration,
    "POT interval bound and gradient, d = 32": pot_interval,
    "random walks of 64 steps": walks,
    "retrieval index and a question": retrieval,
    "knowledge graph, one epoch": knowledge_graph,
    "knowledge graph, 1,000 filtered ranks": ranks,
    "hyperedges read and projected": hyperedges,
}
