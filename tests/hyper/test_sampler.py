"""Rho and the sampler: golden picks, candidates, exact budgets, errors."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
import torch

from graphlab.hyper import CliqueSampler, RhoTable, maximal_cliques, project, rho
from tests.hyper._cases import (
    NAMES,
    hypergraph,
    index,
    load,
    make,
    parts,
    random_hypergraph,
    sets_of,
)


@pytest.mark.parametrize("name", NAMES)
def test_rho_golden(name):
    data, stored = hypergraph(name, "train"), load(name)
    table = rho(data, None, parts(data)[2])
    for field in ("n", "k", "hits", "cost"):
        assert np.array_equal(getattr(table, field), stored[f"rho_{field}"])
    dense = table.dense()
    assert float(dense[table.n[0], table.k[0]]) == float(table.hits[0] / table.cost[0])
    assert (dense > 0).sum() == table.n.numel()


@pytest.mark.parametrize("seed", range(5))
def test_rho_by_brute_force(seed):
    data = random_hypergraph(seed)
    cliques = parts(data)[2].to_list()
    want = {}
    for s in {s for s in sets_of(data) if s}:
        for n in {len(c) for c in cliques if set(s) <= set(c)}:
            want[n, len(s)] = want.get((n, len(s)), 0) + 1
    table = rho(data, None, parts(data)[2])
    cells = zip(table.n.tolist(), table.k.tolist(), strict=True)
    assert dict(zip(cells, table.hits.tolist(), strict=True)) == want
    for n, k, cost in zip(table.n.tolist(), table.k.tolist(), table.cost.tolist(), strict=True):
        assert cost == sum(len(c) == n for c in cliques) * math.comb(n, k)


@pytest.mark.parametrize("name", NAMES)
def test_picks_golden(name):
    data, stored = hypergraph(name, "train"), load(name)
    cliques = parts(data)[2]
    whole = CliqueSampler(10**9).fit(data, None, cliques)
    assert np.array_equal(whole.picks_, stored["full_seq"])
    assert whole.collected_ == stored["full_collected"]
    for i, beta in enumerate(index()[name]["betas"]):
        sampler = CliqueSampler(beta).fit(data, None, cliques)
        assert np.array_equal(sampler.picks_, stored[f"beta{i}_seq"])
        assert np.allclose(sampler.ratio_, stored[f"beta{i}_r"], rtol=1e-14)
        if index()[name][f"beta{i}_exact"]:
            assert sampler.collected_ == stored[f"beta{i}_collected"]


@pytest.mark.parametrize("name", NAMES)
def test_candidates_golden(name):
    stored = load(name)
    source = hypergraph(name, "train")
    sampler = CliqueSampler(index()[name]["feature_beta"]).fit(source, None, parts(source)[2])
    for split in ("train", "test"):
        drawn = sampler.sample(parts(hypergraph(name, split))[2])
        assert np.array_equal(drawn.ptr, stored[f"{split}_cand_ptr"])
        assert np.array_equal(drawn.idx, stored[f"{split}_cand_idx"])
        assert drawn.num_maximal == stored[f"{split}_cand_num_max"]


def test_partial_pick_spends_the_budget_and_draws_with_the_seed():
    data = random_hypergraph(3)
    cliques = parts(data)[2]
    for beta in (1, 7, 30, 55):
        sampler = CliqueSampler(beta).fit(data, None, cliques)
        counts = torch.bincount(cliques.sizes)
        spent = sum(
            r * int(counts[n]) * math.comb(n, k)
            for (n, k), r in zip(sampler.picks_.tolist(), sampler.ratio_.tolist(), strict=True)
        )
        assert spent <= beta + 1e-9
        assert (sampler.ratio_[:-1] == 1).all()
        want = set()
        for (n, k), r in zip(sampler.picks_.tolist(), sampler.ratio_.tolist(), strict=True):
            group = [c for c in cliques.to_list() if len(c) == n]
            order = np.random.default_rng([0, n, k]).permutation(len(group))
            chosen = order[: int(r * len(group))] if r < 1 else range(len(group))
            want |= {s for i in chosen for s in combinations(group[i], k)}
        drawn = sampler.sample(cliques)
        assert set(drawn.to_list()) == want | set(cliques.to_list())
        inside = want & set(sets_of(data))
        assert sampler.collected_ == len(inside)
        again = CliqueSampler(beta).fit(data, None, cliques).sample(cliques)
        assert torch.equal(again.idx, drawn.idx)
        assert len(set(drawn.to_list())) == len(drawn)


def test_free_maximal_cliques_and_target_budget():
    data = random_hypergraph(5)
    cliques = parts(data)[2]
    sampler = CliqueSampler(10**6, charge_maximal=False).fit(data, None, cliques)
    assert not (sampler.picks_[:, 0] == sampler.picks_[:, 1]).any()
    whole = sampler.sample(cliques)
    assert sampler.sample(cliques, budget=0).to_list() == cliques.to_list()
    some = sampler.sample(cliques, budget=10)
    assert int(some.parents.sum()) <= 10 and len(cliques) < len(some) <= len(whole)
    assert set(some.to_list()) <= set(whole.to_list())
    cheap = CliqueSampler(50, tie_break="cheapest").fit(data, None, cliques)
    assert cheap.collected_ > 0


def test_permutation_equivariance():
    data = random_hypergraph(1)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    moved = make([tuple(order[list(s)].tolist()) for s in sets_of(data)], 12)
    results = []
    for h in (data, moved):
        cliques = parts(h)[2]
        sampler = CliqueSampler(10**6).fit(h, None, cliques)
        results.append((sampler.picks_.tolist(), set(sampler.sample(cliques).to_list())))
    image = {tuple(sorted(order[list(s)].tolist())) for s in results[0][1]}
    assert results[0][0] == results[1][0] and image == results[1][1]


def test_cliques_of_the_source_are_listed_when_missing():
    data = random_hypergraph(0)
    given = CliqueSampler(20).fit(data, None, parts(data)[2])
    listed = CliqueSampler(20).fit(data)
    assert torch.equal(listed.picks_, given.picks_)
    assert torch.equal(listed.ratio_, given.ratio_)
    assert listed.collected_ == given.collected_


def test_errors():
    data = make([(0, 1)], 2)
    cliques = maximal_cliques(project(data), 2)
    for beta, error in ((0, ValueError), (-3, ValueError), (2.5, TypeError)):
        with pytest.raises(error, match="beta"):
            CliqueSampler(beta).fit(data, None, cliques)
    with pytest.raises(ValueError, match="fitted"):
        CliqueSampler(1).sample(cliques)
    with pytest.raises(ValueError, match="at least one hyperedge"):
        CliqueSampler(1).fit(make([], 2), None, cliques)
    with pytest.raises(TypeError, match="cliques must be"):
        CliqueSampler(1).fit(data, None, [(0, 1)])
    with pytest.raises(IndexError, match="cliques"):
        rho(make([(0,)], 1), None, cliques)
    empty = rho(make([], 2), None, cliques)
    assert isinstance(empty, RhoTable) and empty.dense().shape == (1, 1)
    wide = CliqueSampler(10**12).fit(
        make([range(40), range(20)], 40), None, parts(make([range(40)], 40))[2]
    )
    with pytest.raises(ValueError, match="lower beta"):
        wide.sample(parts(make([range(40)], 40))[2])


@pytest.mark.parametrize("charge", [True, False])
def test_cliques_with_more_subsets_than_a_float_holds(charge):
    source = make([tuple(range(1100)), tuple(range(550)), (0, 1), (2, 3, 4)], 1100)
    cliques = maximal_cliques(project(source), 1100)
    assert rho(source, cliques=cliques).dense()[1100, 550] == 0
    picks = CliqueSampler(10**6, charge_maximal=charge).fit(source, cliques=cliques).picks_
    assert [1100, 550] not in picks.tolist() and [1100, 2] in picks.tolist()


def test_cliques_without_a_hyperedge_leave_nothing_to_pick():
    cliques = maximal_cliques(project(make([(0, 1)], 4)), 4)
    sampler = CliqueSampler(5).fit(make([(2, 3)], 4), None, cliques)
    assert sampler.picks_.tolist() == [] and sampler.collected_ == 0
    assert sampler.sample(cliques).to_list() == cliques.to_list()
