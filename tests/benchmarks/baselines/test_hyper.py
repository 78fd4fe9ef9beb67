"""The published method as the benchmark runs it gives what graphlab gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import hyper as benchmark
from benchmarks.baselines import hyper as plain
from graphlab.hyper import CliqueSampler, count_features, motif_features, rho
from tests.hyper._cases import parts, random_hypergraph, sets_of


@pytest.mark.parametrize("seed", range(3))
def test_every_stage_agrees(seed):
    data = random_hypergraph(seed)
    hyperedges = sorted(set(sets_of(data)))
    edges, nodes, cliques = parts(data)
    graph = plain.project(hyperedges, nodes)
    maximal = plain.cliques(graph)
    assert maximal == cliques.to_list()
    inside = plain.hyperedges_inside(hyperedges, maximal)
    table = rho(data, None, cliques)
    cells = zip(table.n.tolist(), table.k.tolist(), strict=True)
    want = {cell: len(held) for cell, held in inside.items()}
    assert dict(zip(cells, table.hits.tolist(), strict=True)) == want
    chosen = plain.pick(inside, maximal, 10**6)
    sampler = CliqueSampler(10**6).fit(data, None, cliques)
    assert list(chosen) == [tuple(pair) for pair in sampler.picks_.tolist()]
    drawn, ours = plain.candidates(maximal, chosen), sampler.sample(cliques)
    ordered = {clique: drawn[clique] for clique in ours.to_list()}
    assert len(ordered) == len(drawn)
    x = count_features(ours, cliques, edges, nodes)
    np.testing.assert_allclose(plain.count_features(ordered, maximal, graph), x, rtol=1e-12)
    motif = motif_features(ours, cliques, edges, nodes)
    slow = plain.motif_features(list(ordered), maximal, graph)
    np.testing.assert_allclose(slow, motif, atol=1e-9)


def test_stages_and_parts():
    train, test = random_hypergraph(1, 20, 60), random_hypergraph(2, 20, 60)
    stages, score = benchmark.published_stages(
        sorted(set(sets_of(train))), sorted(set(sets_of(test))), 20
    )
    assert 0 <= score <= 1 and set(stages) >= {"rho", "features", "training"}
    assert set(benchmark.PARTS) == {"cliques", "rho", "motif", "pipeline", "files"}
    names = [row["name"] for row in benchmark.files(Path(), 1, (40,))]
    assert {"read_hif", "write_hif", "project"} <= set(names)
    with pytest.raises(RuntimeError, match="disagree"):
        benchmark.require(False, "networkx")


pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning"
)
