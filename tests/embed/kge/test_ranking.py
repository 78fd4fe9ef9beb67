"""Ranks and best tails of a model against all its scores."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from sklearn.base import clone
from torch import Tensor
from torch_geometric.data import Data

from graphlab.embed import KGEmbedding, KGETrainConfig
from graphlab.embed.kge.triples import KnownTails
from graphlab.evaluate import Ranks, rank_metrics
from tests.embed.kge._toy import NODES, RELATIONS, Triples, fitted, random_triples, toy

MODELS = ("complex", "distmult", "transe", "rotate", "nfe1", "nfe2", "nfe3", "mean", "sigma")


NONE = torch.zeros(0, dtype=torch.int64)


def made(name: str = "complex", **options: Any) -> KGEmbedding:
    return KGEmbedding(NODES, RELATIONS, 4, name, init_scale=1.0, **options).double()


def by_all_scores(model: KGEmbedding, ranked: Any, known: Any, *, inverse: bool) -> Ranks:
    """Tails, then heads, one query after the other, from scores of single triples."""
    facts = {
        tuple(f)
        for edges, kinds in known
        for f in zip(*edges.tolist(), kinds.tolist(), strict=True)
    }
    every, counts = torch.arange(NODES), []
    edges, kinds = ranked
    for side in ("tail", "head"):
        for head, tail, kind in zip(*edges.tolist(), kinds.tolist(), strict=True):
            if side == "tail":
                score = model(torch.full_like(every, head), torch.full_like(every, kind), every)
                answers, truth = {t for h, t, r in facts if (h, r) == (head, kind)}, tail
            elif inverse:
                back = torch.full_like(every, kind + RELATIONS)
                score = model(torch.full_like(every, tail), back, every)
                answers, truth = {h for h, t, r in facts if (t, r) == (tail, kind)}, head
            else:
                score = model(every, torch.full_like(every, kind), torch.full_like(every, tail))
                answers, truth = {h for h, t, r in facts if (t, r) == (tail, kind)}, head
            left = [j for j in range(NODES) if j == truth or j not in answers]
            others = score[[j for j in left if j != truth]]
            above = int((others > score[truth] + 1e-12).sum())
            counts.append((above, int((others >= score[truth] - 1e-12).sum()) - above, len(left)))
    return Ranks(*torch.tensor(counts).t().contiguous())


def test_a_graph_is_fitted_and_ranked_as_its_triples() -> None:
    train, _, test = toy()
    model = KGEmbedding(NODES, RELATIONS, 8, train_config=KGETrainConfig(epochs=1), seed=0)
    pairs, graphs = clone(model).fit(*train), clone(model).fit(graph_of(train))
    assert torch.equal(pairs.rank(*test).greater, graphs.rank(graph_of(test)).greater)
    with pytest.raises(TypeError, match="edge_type must not be given where edge_index is a Data"):
        model.fit(graph_of(train), train[1])
    with pytest.raises(TypeError, match=r"data.edge_type must be a torch.Tensor, got NoneType"):
        model.fit(Data(edge_index=train[0]))


def graph_of(triples: Triples) -> Data:
    """Triples as the readers of files return them."""
    return Data(edge_index=triples[0], edge_type=triples[1], num_nodes=NODES)


@pytest.mark.parametrize("inverse", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_ranks_are_those_of_all_scores(name: str, inverse: bool) -> None:
    model = made(name, inverse=inverse)
    known, ranked = random_triples(120), random_triples(15, seed=1)
    with torch.no_grad():  # twins, so that there are ties
        model.network.node_emb.weight[NODES // 2 :] = model.network.node_emb.weight[: NODES // 2]
        wanted = by_all_scores(model, ranked, [known, ranked], inverse=inverse)
    found = model.rank(*ranked, known=[known, ranked])
    for counts in ("greater", "equal", "candidates"):
        assert torch.equal(getattr(found, counts), getattr(wanted, counts)), counts
    assert int(found.equal.sum()) > 0


def test_a_side_is_a_half_and_what_is_known_can_be_given_in_several_ways() -> None:
    model, ranked, other = made(), random_triples(9), random_triples(50, seed=2)
    both = model.rank(*ranked, known=[ranked, other])
    halves = [model.rank(*ranked, known=[ranked, other], side=side) for side in ("tail", "head")]  # type: ignore[arg-type]
    assert torch.equal(torch.cat([half.greater for half in halves]), both.greater)
    joined = tuple(torch.cat(parts, dim=-1) for parts in zip(ranked, other, strict=True))
    data = Data(edge_index=joined[0], edge_type=joined[1])
    for known in (
        joined,
        data,
        [data],
        [Data(edge_index=e, edge_type=k) for e, k in (ranked, other)],
    ):
        found = model.rank(*ranked, known=known)
        assert torch.equal(found.greater, both.greater) and found.num_known == both.num_known


def test_without_a_filter_all_entities_are_candidates() -> None:
    model, ranked = made(), random_triples(9)
    raw = model.rank(*ranked, known=())
    assert raw.candidates.tolist() == [NODES] * 18 and raw.num_known is None
    filtered = model.rank(*ranked, known=[ranked, random_triples(80, seed=1)])
    assert bool((filtered.greater <= raw.greater).all())
    assert int(filtered.candidates.sum()) < int(raw.candidates.sum())


def test_a_fitted_model_filters_by_training_and_validation() -> None:
    train, valid, test = toy()
    model = fitted(KGEmbedding(NODES, RELATIONS, 8), train, valid=valid, epochs=2)
    found = model.rank(*test)
    assert found.num_known == NODES * RELATIONS
    assert torch.equal(found.greater, model.rank(*test, known=[train, valid, test]).greater)
    with pytest.raises(ValueError, match=r"known must hold the ranked triples, but lacks 8 of 8"):
        model.rank(*test, known=[train, valid])


def test_an_unfitted_model_must_be_told_what_is_known() -> None:
    with pytest.raises(ValueError, match="known must be given where nothing was fitted"):
        made().rank(*random_triples(3))


def test_ranked_triples_of_training_are_counted_in_a_warning() -> None:
    train, _, test = toy()
    model = fitted(KGEmbedding(NODES, RELATIONS, 8), train, epochs=1)
    mixed = tuple(torch.cat([a[..., :3], b], dim=-1) for a, b in zip(train, test, strict=True))
    with pytest.warns(UserWarning, match="3 of the 11 triples of edge_index are training triples"):
        model.rank(*mixed)
    with pytest.warns(UserWarning, match="56 of the 56 triples of valid are training triples"):
        fitted(model, train, valid=train, epochs=1)
    assert model.rank(*test).num_unseen == 0


def test_queries_with_entities_that_training_lacks_are_counted() -> None:
    edges, kinds = random_triples(40, nodes=20)
    model = fitted(KGEmbedding(NODES, RELATIONS, 4), (edges, kinds), epochs=1)
    ranked = torch.tensor([[0, 22, 1], [1, 0, 23]]), torch.tensor([0, 0, 1])
    assert model.rank(*ranked).num_unseen == 4
    assert model.rank(*ranked, side="tail").num_unseen == 2


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_diverged_model_is_not_ranked(value: float) -> None:
    model, ranked = made(), random_triples(5)
    with torch.no_grad():
        model.node_emb.weight[3, 2] = value
    with pytest.raises(ValueError, match="must be finite"):
        model.rank(*ranked, known=ranked)
    with pytest.raises(ValueError, match="must be finite"):
        model.topk(torch.tensor([0]), torch.tensor([0]), 3)


def test_double_precision_tells_apart_what_single_cannot() -> None:
    """Squared distances of far rows cancel in float32."""
    model = KGEmbedding(3, 1, 2, "transe")
    with torch.no_grad():
        model.rel_emb.weight.zero_()
        model.node_emb.weight.copy_(torch.tensor([[3e4, 0.0], [3e4, 1e-2], [3e4, 2e-2]]))
    ranked = torch.tensor([[0], [1]]), torch.tensor([0])
    exact = model.rank(*ranked, known=ranked, side="tail", dtype=torch.float64)
    assert (int(exact.greater), int(exact.equal)) == (1, 0)  # the head itself is nearest
    rough = model.rank(*ranked, known=ranked, side="tail")
    assert int(rough.equal) > 0
    assert model.rel_emb.weight.dtype == torch.float32


def test_best_tails_leave_out_what_is_excluded() -> None:
    model, facts = made("nfe2"), random_triples(60)
    head, kind = torch.tensor([0, 5, 0]), torch.tensor([0, 1, 0 + RELATIONS])
    score = model.query(head, kind) @ model.entities().t()
    value, index = model.topk(head, kind, 4)
    assert torch.equal(index, score.argsort(dim=1, descending=True, stable=True)[:, :4])
    assert torch.allclose(value, score.gather(1, index))
    left = model.topk(head, kind, NODES, exclude=facts)[1]
    edges, kinds = facts
    for row, (h, r) in enumerate(zip(head.tolist(), kind.tolist(), strict=True)):
        near, far = (edges[0], edges[1]) if r < RELATIONS else (edges[1], edges[0])
        known = far[(near == h) & (kinds == r % RELATIONS)].unique()
        assert sorted(left[row][left[row] >= 0].tolist() + known.tolist()) == list(range(NODES))


def test_where_answers_run_out_there_is_minus_infinity_and_minus_one() -> None:
    """As many columns as asked for, also beyond the entities and what is excluded."""
    model, facts = made(), (torch.tensor([[0, 0, 0], [1, 2, 3]]), torch.zeros(3).long())
    value, index = model.topk(torch.tensor([0, 1]), torch.tensor([0, 0]), NODES + 2, exclude=facts)
    assert value.shape == index.shape == (2, NODES + 2)
    for row, there in enumerate((NODES - 3, NODES)):
        assert sorted(index[row, :there].tolist()) == [
            tail for tail in range(NODES) if row or tail not in (1, 2, 3)
        ]
        assert bool(value[row, :there].isfinite().all())
        assert set(index[row, there:].tolist()) == {-1}
        assert set(value[row, there:].tolist()) == {-torch.inf}


@pytest.mark.parametrize("inverse", [True, False])
def test_ranks_do_not_depend_on_how_the_queries_are_cut(
    inverse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, facts, ranked = made(inverse=inverse), random_triples(200), random_triples(40, seed=1)
    whole = model.rank(*ranked, known=[facts, ranked])
    monkeypatch.setattr("graphlab.embed.kge.ranking._QUERIES", 7)
    monkeypatch.setattr("graphlab.embed.kge.ranking._KNOWN", 11)
    cut = model.rank(*ranked, known=[facts, ranked])
    for counts in ("greater", "equal", "candidates"):
        assert torch.equal(getattr(cut, counts), getattr(whole, counts)), counts


def test_a_model_made_before_any_training_is_near_chance() -> None:
    metrics = rank_metrics(made().rank(*random_triples(400), known=()))
    assert abs(metrics["amri"]) < 0.2


def test_processes_with_other_triples_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphlab.embed.kge.ranking.all_gather_rows", lambda rows: rows[:-2])
    with pytest.raises(ValueError, match="same triples, but this one has 9 and .* all are 7"):
        made().rank(*random_triples(9), known=(), distributed=True)


def test_known_tails_of_numbers_that_take_more_than_a_word() -> None:
    head, relation, tail = triples = torch.stack(
        [torch.randint(6, (60,), generator=torch.Generator().manual_seed(k)) for k in range(3)]
    )
    small = KnownTails.of(triples, 6)
    large = KnownTails.of(triples * torch.tensor([[2**40], [1], [2**40]]), 6)
    assert len(large) == len(small)
    assert torch.equal(large.ptr, small.ptr) and torch.equal(large.tail, small.tail * 2**40)
    assert torch.equal(large.queries()[0], small.queries()[0] * 2**40)
    ptr, found = large.find(head * 2**40, relation)
    wanted = small.find(head, relation)
    assert torch.equal(ptr, wanted[0]) and torch.equal(found, wanted[1] * 2**40)
    assert bool(small.holds(triples).all())
    assert not bool(small.holds(torch.stack([head, relation, tail + 6])).any())


def test_nothing_is_known_of_no_triples() -> None:
    none, some = torch.zeros(3, 0, dtype=torch.int64), torch.tensor([[0, 1], [0, 0], [1, 2]])
    known = KnownTails.of(none, 2)
    ptr, tail = known.find(some[0], some[1])
    assert len(known) == 0 and ptr.tolist() == [0, 0, 0] and tail.numel() == 0
    assert known.holds(some).tolist() == [False, False]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"edge_index": NONE.view(2, 0), "edge_type": NONE}, ValueError, "at least one triple"),
        ({"edge_index": torch.tensor([[0], [NODES]])}, IndexError, r"edge_index\[1, 0\] = 24"),
        ({"edge_type": torch.tensor([RELATIONS])}, IndexError, "r . 3 is the reverse of r"),
        ({"edge_type": torch.tensor([7])}, IndexError, r"edge_type\[0\] = 7 is outside"),
        ({"edge_type": torch.tensor([0, 0])}, ValueError, "edge_type must have 1 entries"),
        ({"edge_type": torch.tensor([0.0])}, TypeError, "edge_type must be int64"),
        ({"side": "left"}, ValueError, "side must be one of"),
        ({"dtype": torch.int64}, TypeError, "dtype must be torch.float32 or torch.float64"),
        ({"known": 5}, TypeError, "known must be a pair"),
    ],
)  # fmt: skip
def test_malformed_arguments_are_named(change: dict[str, Any], error: Any, message: str) -> None:
    given: dict[str, Any] = {"edge_index": torch.tensor([[0], [1]]), "edge_type": torch.tensor([0])}
    given |= {"known": (torch.tensor([[0], [1]]), torch.tensor([0]))}
    with pytest.raises(error, match=message):
        made().rank(**given | change)


def test_scores_follow_a_moved_model(tmp_path: Any) -> None:
    model: Any = made("nfe3")
    before: Tensor = model.entities()
    assert torch.equal(model.load(model.save(tmp_path / "model")).entities(), before)
