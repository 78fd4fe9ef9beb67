"""Features: golden, and motifs recomputed pair by pair."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from graphlab.hyper import (
    COUNT_NAMES,
    MOTIF_NAMES,
    CandidateSet,
    CliqueSampler,
    count_features,
    motif_features,
)
from graphlab.hyper._recipe import _check_finite, standardize
from tests.hyper._cases import NAMES, hypergraph, index, load, parts, random_hypergraph


def candidates(source, target, beta):
    sampler = CliqueSampler(beta).fit(source, None, parts(source)[2])
    edges, nodes, cliques = parts(target)
    return sampler.sample(cliques), cliques, edges, nodes


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("name", NAMES)
def test_golden(name, split):
    source, target = hypergraph(name, "train"), hypergraph(name, split)
    arguments = candidates(source, target, index()[name]["feature_beta"])
    raw = count_features(*arguments)
    np.testing.assert_allclose(raw, load(name)[f"{split}_count_raw"], rtol=1e-12)
    np.testing.assert_allclose(
        standardize(raw), load(name)[f"{split}_count_std"], rtol=1e-9, atol=1e-9
    )
    motif = motif_features(*arguments)
    np.testing.assert_allclose(motif, load(name)[f"{split}_motif_raw"], rtol=1e-4, atol=1e-5)
    assert raw.shape[1] == len(COUNT_NAMES) and motif.shape[1] == len(MOTIF_NAMES)


def slow_motif(candidate, cliques, degree):
    """The definition, pair of cliques by pair of cliques."""
    columns = []
    per_node = []
    for v in candidate:
        at = [c for c in cliques if v in c]
        joined = sum(len(a & b) > 1 for a, b in combinations(at, 2))
        per_node.append([len(at), len(at) * (len(at) - 1) // 2 - joined, joined])
    per_pair = [slow_pair(u, v, cliques) for u, v in combinations(candidate, 2)]
    values = np.array(per_node, dtype=float).T.tolist()
    values += np.array(per_pair, dtype=float).T.tolist() if per_pair else [[0.0]] * 10
    for row in values:
        columns += [np.min(row), np.max(row), np.mean(row), np.std(row)]
    return [len(candidate), np.mean([degree[v] for v in candidate]), *columns]


def slow_pair(u, v, cliques):
    near = [c for c in cliques if u in c or v in c]
    both = sum(u in c and v in c for c in near)
    count = dict.fromkeys(range(6, 14), 0)
    for a, b in combinations(near, 2):
        meet = bool((a & b) - {u, v})
        hold = (u in a) + (v in a) + (u in b) + (v in b)
        if hold == 2:
            same = (u in a) == (u in b)
            column = (10 if meet else 7) if same else (8 if meet else 6)
        elif hold == 3:
            column = 12 if meet else 9
        else:
            column = 13 if meet else 11
        count[column] += 1
    return [both, len(near) - both, *(count[c] for c in range(6, 14))]


@pytest.mark.parametrize("seed", range(4))
def test_motifs_by_definition(seed):
    data = random_hypergraph(seed)
    drawn, cliques, edges, nodes = candidates(data, data, 10**6)
    groups = [set(c) for c in cliques.to_list()]
    degree = torch.bincount(edges[0], minlength=nodes).tolist()
    want = [slow_motif(c, groups, degree) for c in drawn.to_list()]
    np.testing.assert_allclose(motif_features(drawn, cliques, edges, nodes), want, rtol=1e-12)


def test_isolated_nodes_and_no_candidates():
    data = random_hypergraph(0)
    _, cliques, edges, nodes = candidates(data, data, 1)
    alone = CandidateSet(torch.tensor([0]), torch.tensor([]).long(), 0, torch.tensor([]).long())
    assert count_features(alone, cliques, edges, nodes).shape == (0, 9)
    lone = candidates(data, random_hypergraph(0, num_nodes=14), 1)
    assert torch.isfinite(count_features(*lone)).all()
    assert torch.isfinite(motif_features(*lone)).all()


@pytest.mark.parametrize("features", [count_features, motif_features])
def test_errors(features):
    data = random_hypergraph(0)
    _, cliques, edges, nodes = candidates(data, data, 1)
    near = set(map(tuple, edges.t().tolist()))
    u, v = next(p for p in combinations(range(nodes), 2) if p not in near)
    wrong = CandidateSet(torch.tensor([0, 2]), torch.tensor([u, v]), 0, torch.tensor([0]))
    with pytest.raises(ValueError, match=f"but \\({u}, {v}\\) is no edge"):
        features(wrong, cliques, edges, nodes)
    with pytest.raises(TypeError, match="CandidateSet"):
        features(cliques, cliques, edges, nodes)
    empty = CandidateSet(torch.tensor([0, 0]), torch.tensor([]).long(), 0, torch.tensor([0]))
    with pytest.raises(ValueError, match="empty"):
        features(empty, cliques, edges, nodes)


def test_features_that_are_not_finite_are_refused():
    x = np.ones((3, 2))
    assert _check_finite(x) is x
    x[1, 0], x[2, 1] = np.inf, np.nan
    with pytest.raises(ValueError, match="features must be finite, but row 1 has inf at 0"):
        _check_finite(x)
