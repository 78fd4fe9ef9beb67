"""Candidates, votes and edits: stored cases, properties, every error."""

from __future__ import annotations

import itertools
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data
from torch_geometric.transforms import ToSparseTensor

from graphlab.contrastive import GBT
from graphlab.embed import fastrp
from graphlab.tag.gaugllm import (
    CandidateVote,
    EdgeCandidates,
    EdgeChanges,
    LLMEdgeModifier,
    apply_all_votes,
    edge_changes,
    propose_edge_candidates,
)
from graphlab.tag.gaugllm.candidates import ADD, DELETE
from tests.tag.gaugllm._toy import modifier_case, pairs, seeded, toy_graph

CASES = ("gaug_edge_modifier", "gaug_edge_modifier_sparse")


def triangle() -> tuple[torch.Tensor, EdgeCandidates]:
    """A triangle 0, 1, 2 and a node 3 at 2; one edge to delete, one to add."""
    edges = torch.tensor([[0, 1, 2, 2], [1, 2, 0, 3]])
    asked = EdgeCandidates(
        torch.tensor([0, 0, 3]), torch.tensor([1, 3, 0]), torch.tensor([DELETE, ADD, ADD]), 4
    )
    return torch.cat([edges, edges.flip(0)], dim=1), asked


# --- stored cases ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_all_votes_equal_the_stored_graph(name):
    case, edges, candidates, votes = modifier_case(name)
    found = apply_all_votes(edges, candidates, votes)
    assert torch.equal(found, torch.tensor(case["all_votes_applied_edge_index"]))


@pytest.mark.parametrize("name", CASES)
def test_candidates_equal_the_stored_lists(name):
    case, edges, candidates, votes = modifier_case(name)
    candidates.check_graph(edges)
    for kind, key in ((DELETE, "del_candidates"), (ADD, "add_candidates")):
        mask = candidates.kind == kind
        found = [
            [int(a), int(b), bool(v)]
            for a, b, v in zip(candidates.src[mask], candidates.dst[mask], votes[mask], strict=True)
        ]
        assert found == list(itertools.chain(*case[key].values()))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
def test_draws_keep_to_the_stored_budgets(name, p):
    """With votes that make every draw an edit, the edits are the budgets, no more and no less."""
    case, edges, candidates, votes = modifier_case(name)
    every = (candidates.kind == ADD).long()
    modify = LLMEdgeModifier(candidates, every, p, p, undirected=False, seed=0)
    count = case["num_nodes"]
    budget = case["budget_per_node"][f"p{p}"]
    seen = set()
    for _ in range(5):
        after = modify.edit(edges)
        before, now = set(pairs(edges)), set(pairs(after))
        added = torch.tensor([a for a, _ in now - before], dtype=torch.long)
        deleted = torch.tensor([a for a, _ in before - now], dtype=torch.long)
        assert torch.bincount(added, minlength=count).tolist() == budget["n_add"]
        assert torch.bincount(deleted, minlength=count).tolist() == budget["n_del"]
        seen.add(frozenset(now))
    assert len(seen) > 1
    by_vote = LLMEdgeModifier(candidates, votes, p, p, undirected=False, seed=0).edit(edges)
    whole = set(pairs(torch.tensor(case["all_votes_applied_edge_index"])))
    original = set(pairs(edges))
    assert set(pairs(by_vote)) - original <= whole - original
    assert original - set(pairs(by_vote)) <= original - whole


def test_additions_arrive_unlike_in_the_released_code():
    case, edges, candidates, votes = modifier_case("gaug_edge_modifier")
    released = set(pairs(torch.tensor(case["released_batch_p05"]["edge_index"])))
    assert not released - set(pairs(edges))
    modify = LLMEdgeModifier(candidates, votes, undirected=False, seed=0)
    modify.edit(edges)
    assert modify.changes is not None and modify.changes.added > 10


# --- the modifier ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
@given(seed=st.integers(0, 40), p=st.sampled_from([0.2, 0.5, 1.0]))
def test_undirected_graphs_stay_undirected(name, seed, p):
    _, edges, candidates, votes = modifier_case(name)
    after = LLMEdgeModifier(candidates, votes, p, p, seed=seed).edit(edges)
    found = pairs(after)
    assert len(found) == len(set(found))
    assert {(b, a) for a, b in found} == set(found)
    yes, no = (
        {
            frozenset((int(candidates.src[i]), int(candidates.dst[i])))
            for i in (votes == value).nonzero().view(-1)
        }
        for value in (1, 0)
    )
    for pair in set(found) - set(pairs(edges)):
        assert frozenset(pair) in yes - no
    for pair in set(pairs(edges)) - set(found):
        assert frozenset(pair) in no - yes


def test_a_contradiction_changes_nothing_and_unknown_votes_neither():
    edges, asked = triangle()
    for votes, added in (([1, 1, 0], 0), ([1, 1, 1], 2), ([1, 1, -1], 2), ([-1, -1, -1], 0)):
        modify = LLMEdgeModifier(asked, torch.tensor(votes), 1.0, 1.0, seed=0)
        modify.edit(edges)
        assert modify.changes == EdgeChanges(8, added, 0, 0)
    modify = LLMEdgeModifier(asked, torch.tensor([0, 0, 0]), 1.0, 1.0, seed=0)
    assert (0, 1) not in pairs(modify.edit(edges)) and (1, 0) not in pairs(modify.edit(edges))


def test_isolated_nodes_draw_nothing_unless_asked_for():
    edges = torch.tensor([[0, 1], [1, 0]])
    asked = EdgeCandidates(torch.tensor([2]), torch.tensor([0]), torch.tensor([ADD]), 3)
    vote = torch.tensor([1])
    assert torch.equal(LLMEdgeModifier(asked, vote, 1.0, seed=0).edit(edges), edges)
    assert torch.equal(apply_all_votes(edges, asked, vote), edges)
    grown = apply_all_votes(edges, asked, vote, isolated=True, undirected=True)
    assert pairs(grown) == [(0, 1), (0, 2), (1, 0), (2, 0)]


def test_zero_budgets_switch_it_off():
    _, edges, candidates, votes = modifier_case("gaug_edge_modifier")
    assert torch.equal(LLMEdgeModifier(candidates, votes, 0, 0, seed=0).edit(edges), edges)


def test_the_transform_copies_and_repeats_by_seed():
    _, edges, candidates, votes = modifier_case("gaug_edge_modifier")
    data = Data(edge_index=edges.clone(), num_nodes=30, y=torch.zeros(30))
    make = [LLMEdgeModifier(candidates, votes, seed=3) for _ in range(2)]
    assert make[0].changes is None
    first = [make[0](data).edge_index for _ in range(3)]
    second = [make[1](data).edge_index for _ in range(3)]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0], first[1])
    assert torch.equal(data.edge_index, edges)
    free = LLMEdgeModifier(candidates, votes)
    again = LLMEdgeModifier(candidates, votes, seed=free.seed)
    assert torch.equal(free.edit(edges), again.edit(edges))
    assert "p_add=0.5" in repr(free)


def test_edges_in_both_forms_are_edited_and_the_older_form_goes():
    edges, asked = triangle()
    data = Data(edge_index=edges, num_nodes=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sparse matrices are called beta
        data = ToSparseTensor(remove_edge_index=False)(data)
    modify = LLMEdgeModifier(asked, torch.tensor([0, 1, 1]), 1.0, 1.0, seed=0)
    found = modify(data)
    assert "adj_t" in data and "adj_t" not in found
    assert (0, 3) in pairs(found.edge_index) and (0, 3) not in pairs(data.edge_index)


def test_a_tensor_changed_in_place_is_looked_at_again():
    edges, asked = triangle()
    modify = LLMEdgeModifier(asked, torch.tensor([0, 1, 1]), 1.0, 1.0, seed=0)
    modify.edit(edges)
    edges[:, 0] = torch.tensor([3, 2])
    with pytest.raises(ValueError, match="to be deleted, but it is no edge"):
        modify.edit(edges)


def test_soft_votes_draw_by_probability():
    edges, asked = triangle()
    votes = CandidateVote(
        asked.src, asked.dst, torch.tensor([1, 1, 1]), torch.tensor([0.9, 0.6, 0.8])
    )
    modify = LLMEdgeModifier(asked, votes, 1.0, 0.0, seed=0, soft=True)
    grown = sum((0, 3) in pairs(modify.edit(edges)) for _ in range(400))
    # Node 3 has one edge and one candidate, so the pair is drawn every time; the two ends give it
    # 0.6 and 0.8.
    assert abs(grown / 400 - 0.7) < 0.07
    hard = LLMEdgeModifier(asked, votes, 1.0, 0.0, seed=0)
    assert all((0, 3) in pairs(hard.edit(edges)) for _ in range(20))
    with pytest.raises(ValueError, match="soft=True needs votes with a probability"):
        LLMEdgeModifier(asked, torch.tensor([1, 1, 1]), soft=True)


def test_vetted_edges_are_those_with_a_yes():
    edges, asked = triangle()
    modify = LLMEdgeModifier(asked, torch.tensor([1, 1, -1]), seed=0)
    assert pairs(modify.vetted(edges)) == [(0, 1), (0, 3), (1, 0), (3, 0)]


def test_it_is_an_augmentation_of_two_view_methods():
    _, edges, candidates, votes = modifier_case("gaug_edge_modifier")
    modify = LLMEdgeModifier(candidates, votes, seed=0)
    model = GBT(torch.nn.Identity(), drop_edge=(0.3, modify.edit))
    x = torch.ones(30, 2)
    (_, _), (_, second) = model.views(x, edges, generator=seeded(5))
    again = modify.edit(edges, generator=seeded(5))
    assert second.size(0) == again.size(0) == 2
    assert set(pairs(second)) != set(pairs(edges))


def test_the_modifier_refuses():
    edges, asked = triangle()
    votes = torch.tensor([1, 1, 1])
    for wrong in (votes[:2], torch.ones(4, dtype=torch.long)):
        with pytest.raises(ValueError, match="votes must be one per candidate"):
            LLMEdgeModifier(asked, wrong)
        with pytest.raises(ValueError, match="votes must be one per candidate"):
            apply_all_votes(edges, asked, wrong)
    with pytest.raises(ValueError, match=r"votes must be -1, 0 or 1, but votes\[2\] = 2"):
        LLMEdgeModifier(asked, torch.tensor([1, 0, 2]))
    with pytest.raises(TypeError, match="votes must be integers"):
        LLMEdgeModifier(asked, torch.ones(3))
    for name in ("p_add", "p_del"):
        with pytest.raises(ValueError, match=rf"{name} must lie in \[0, 1\], got 1.5"):
            LLMEdgeModifier(asked, votes, **{name: 1.5})
    with pytest.raises(TypeError, match="candidates must be EdgeCandidates"):
        LLMEdgeModifier([(0, 1)], votes)
    with pytest.raises(TypeError, match="candidates must be EdgeCandidates"):
        apply_all_votes(edges, [(0, 1)], votes)
    other = CandidateVote(asked.dst, asked.src, votes)
    with pytest.raises(ValueError, match="votes must be about the pairs of candidates"):
        LLMEdgeModifier(asked, other)
    modify = LLMEdgeModifier(asked, votes, seed=0)
    with pytest.raises(ValueError, match="data must have 4 nodes, got 5"):
        modify(Data(edge_index=edges, num_nodes=5))
    with pytest.raises(ValueError, match=r"no attributes of edges, got \['edge_weight'\]"):
        modify(Data(edge_index=edges, edge_weight=torch.ones(8), num_nodes=4))
    with pytest.raises(ValueError, match="every edge in both directions.* or undirected=False"):
        modify(Data(edge_index=edges[:, :5], num_nodes=4))


# --- candidates -----------------------------------------------------------------------------------


def test_candidates_refuse():
    make = lambda src, dst, kind: EdgeCandidates(  # noqa: E731
        torch.tensor(src), torch.tensor(dst), torch.tensor(kind), 3
    )
    with pytest.raises(IndexError, match=r"dst\[1\] = 3 is outside \[0, 3\)"):
        make([0, 1], [1, 3], [0, 1])
    with pytest.raises(IndexError, match=r"src\[0\] = -1"):
        make([-1], [1], [0])
    with pytest.raises(ValueError, match="one joins 1 to itself"):
        make([0, 1], [1, 1], [0, 1])
    with pytest.raises(ValueError, match=r"must not repeat, but \(0, 1\) does"):
        make([0, 0], [1, 1], [0, 1])
    with pytest.raises(ValueError, match="dst must have 1 entries, got 2"):
        make([0], [1, 2], [0])
    with pytest.raises(IndexError, match=r"kind\[0\] = 2"):
        make([0], [1], [2])
    edges = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(ValueError, match=r"candidate 0 = \(0, 1\) is to be added, but it is an"):
        make([0], [1], [ADD]).check_graph(edges)
    with pytest.raises(ValueError, match=r"candidate 0 = \(0, 2\) is to be deleted, but it is no"):
        make([0], [2], [DELETE]).check_graph(edges)
    with pytest.raises(ValueError, match="score must have shape"):
        EdgeCandidates(edges[0], edges[1], torch.tensor([0, 0]), 2, torch.ones(3))


def brute(z, edges, num_del, num_add, min_del):
    """Every list by its definition."""
    unit = z / z.norm(dim=1, keepdim=True)
    score = unit @ unit.t()
    near = {node: set() for node in range(z.size(0))}
    for a, b in pairs(edges):
        if a != b:
            near[a].add(b)
    for node, others in near.items():
        rest = set(near) - others - {node}
        lists = [sorted(score[node, list(others)].tolist())[:num_del]]
        if len(lists[0]) < min_del:
            lists[0] = []
        lists.append(sorted(score[node, list(rest)].tolist(), reverse=True)[:num_add])
        yield node, others, lists


@given(
    seed=st.integers(0, 30),
    block=st.sampled_from([1, 3, 7, 100]),
    sizes=st.sampled_from([(3, 2, 1), (2, 4, 2), (0, 3, 0), (4, 0, 4)]),
)
def test_proposals_equal_brute_force(seed, block, sizes):
    generator = seeded(seed)
    z = torch.randn(14, 5, generator=generator)
    edges = torch.randint(14, (2, 40), generator=generator)
    found = propose_edge_candidates(z, edges, *sizes, block=block).check_graph(edges)
    for node, others, lists in brute(z, edges, *sizes):
        for kind in (DELETE, ADD):
            mask = (found.src == node) & (found.kind == kind)
            torch.testing.assert_close(found.score[mask], torch.tensor(lists[kind]))
            assert (set(found.dst[mask].tolist()) <= others) == (kind == DELETE or not mask.any())
    assert found.src.tolist() == sorted(found.src.tolist())


def test_proposals_by_structure_use_fastrp():
    data = toy_graph()
    by_x = propose_edge_candidates(
        fastrp(data.edge_index, num_nodes=60, dim=16, seed=4), data.edge_index
    )
    found = propose_edge_candidates(None, data.edge_index, num_nodes=60, dim=16, seed=4)
    assert torch.equal(found.src, by_x.src) and torch.equal(found.dst, by_x.dst)
    added = found.kind == ADD
    same = data.y[found.src[added]] == data.y[found.dst[added]]
    assert float(same.double().mean()) > 0.6


def test_proposals_refuse():
    edges = torch.tensor([[0], [1]])
    with pytest.raises(ValueError, match="num_nodes must be given"):
        propose_edge_candidates(None, edges)
    with pytest.raises(ValueError, match="x must have 3 rows"):
        propose_edge_candidates(torch.ones(2, 2), edges, num_nodes=3)
    with pytest.raises(IndexError, match="outside"):
        propose_edge_candidates(torch.ones(1, 2), edges)
    with pytest.raises(ValueError, match="num_add must be at least 0"):
        propose_edge_candidates(torch.ones(2, 2), edges, num_add=-1)


# --- votes ----------------------------------------------------------------------------------------


def test_votes_count_and_come_from_scores():
    pair = torch.tensor([0, 0, 1, 2])
    votes = CandidateVote.from_scores(
        pair, pair + 4, torch.tensor([0.5, 0.49, torch.nan, 1.0]), 0.5
    )
    assert votes.vote.tolist() == [1, 0, -1, 1]
    assert votes.counts() == {"yes": 2, "no": 1, "unknown": 1}
    assert votes.known.tolist() == [True, True, False, True] and len(votes) == 4


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(-1, 1)), min_size=0, max_size=25
    )
)
def test_preferences_are_all_pairs_of_a_yes_and_a_no(rows):
    table = torch.tensor(rows, dtype=torch.long).view(-1, 3)
    votes = CandidateVote(table[:, 0], table[:, 1], table[:, 2])
    wanted = sorted(
        (a, i, j)
        for (a, i, v), (b, j, w) in itertools.product(rows, rows)
        if a == b and v == 1 and w == 0
    )
    assert sorted(map(tuple, votes.preferences().t().tolist())) == wanted
    drawn = votes.preferences(0.5, generator=seeded()).t().tolist()
    assert set(map(tuple, drawn)) <= set(wanted)


def test_votes_are_drawn_within_budgets():
    anchor = torch.tensor([0, 1, 0, 1, 0, 2])
    votes = CandidateVote(anchor, torch.arange(6), torch.zeros(6, dtype=torch.long))
    drawn = torch.zeros(6)
    for seed in range(300):
        mask = votes.sample(torch.tensor([2, 1, 0]), generator=seeded(seed))
        assert torch.bincount(anchor[mask], minlength=3).tolist() == [2, 1, 0]
        drawn += mask
    share = (drawn / 300).tolist()
    assert all(abs(share[i] - 2 / 3) < 0.1 for i in (0, 2, 4))
    assert all(abs(share[i] - 1 / 2) < 0.1 for i in (1, 3))


def test_votes_refuse():
    pair = torch.tensor([0, 1])
    with pytest.raises(ValueError, match="item must have 2 entries, got 1"):
        CandidateVote(pair, pair[:1], pair)
    with pytest.raises(ValueError, match="votes must be one per candidate"):
        CandidateVote(pair, pair, pair[:1])
    with pytest.raises(ValueError, match="probability must be non-negative"):
        CandidateVote(pair, pair, pair, torch.tensor([0.1, -0.1]))
    with pytest.raises(ValueError, match="probability"):
        CandidateVote(pair, pair, pair, torch.tensor([0.1, 1.1]))
    with pytest.raises(ValueError, match=r"probability\[1\] must be given"):
        CandidateVote(pair, pair, pair, torch.tensor([0.1, torch.nan]))
    votes = CandidateVote(pair, pair, pair)
    with pytest.raises(ValueError, match="generator must be given"):
        votes.preferences(0.5)
    with pytest.raises(IndexError, match="anchor"):
        votes.sample(torch.tensor([1]), generator=seeded())


# --- changes --------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=20),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=20),
)
def test_changes_equal_set_arithmetic(one, two):
    before, after = (torch.tensor(e, dtype=torch.long).view(-1, 2).t() for e in (one, two))
    found = edge_changes(before, after, 6)
    old, new = set(one), set(two)
    assert (found.before, found.added, found.deleted) == (
        len(old), len(new - old), len(old - new),
    )  # fmt: skip
    assert found.after == len(new)
    lost = {a for pair in old for a in pair} - {a for pair in new for a in pair}
    assert found.isolated == len(lost)
    assert found.share == (len(old ^ new) / len(old) if old else 0.0)
