"""The network, its losses and its rankers: exactly those of the release, gradients included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from graphlab.ops import RelationalRows
from graphlab.tag.retrieval.gfm import (
    QueryGNN,
    adversarial_bce,
    document_scores,
    listwise_cross_entropy,
)
from graphlab.tag.retrieval.gfm.frontier import answer, background, reach, worthwhile
from tests._data import golden

CASES = ("distmult_sum", "transe_mean", "distmult_max", "distmult_pna")
LOSSES = {
    "bce_adv0.2": lambda x, y: adversarial_bce(x, y),
    "bce_adv1": lambda x, y: adversarial_bce(x, y, temperature=1.0),
    "bce_uniform": lambda x, y: adversarial_bce(x, y, temperature=0.0),
    "listce": listwise_cross_entropy,
}
RENAMED = {
    "entity_model.layers": "layers",
    "layer_norm": "norm",
    "entity_model.mlp": "score_mlp",
    "rel_mlp": "relation_linear",
    "question_mlp": "query_linear",
}


def case(name: str) -> dict[str, Any]:
    with np.load(golden("retrieval", f"gfm_{name}.npz"), allow_pickle=False) as arrays:
        found = {key: arrays[key] for key in arrays.files}
    return {k: torch.from_numpy(v) if v.dtype.kind in "fi" else v.item() if v.ndim == 0 else v
            for k, v in found.items()}  # fmt: skip


def own_name(key: str) -> str:
    for old, new in RENAMED.items():
        key = key.replace(old, new)
    return key


def part(arrays: dict[str, Any], prefix: str) -> dict[str, Tensor]:
    return {own_name(k.removeprefix(prefix)): v for k, v in arrays.items() if k.startswith(prefix)}


def network(arrays: dict[str, Any], ties: Any = "reference") -> QueryGNN:
    hidden, layers, _, _, _, width, _ = arrays["config"].tolist()
    rules = {"message": arrays["message"], "aggregate": arrays["aggregate"], "ties": ties}
    model = QueryGNN(width, hidden, layers, **rules).double()
    model.load_state_dict(part(arrays, "sd/"))
    return model


def inputs(arrays: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
    start = arrays["start_mask"]
    if arrays["init_nodes_weight"]:
        start = start * arrays["entity_weight"]
    return arrays["rel_attr"], arrays["question_embeddings"], start


@pytest.mark.parametrize("ties", ["even", "reference"])
@pytest.mark.parametrize("name", CASES)
def test_scores_in_both_directions(name: str, ties: str) -> None:
    arrays = case(name)
    model, given = network(arrays, ties), inputs(arrays)
    # The kernels of the release sum into the first row of edge_index, its fallback as PyG does.
    against = model(*given, arrays["edge_index"].flip(0), arrays["edge_type"])
    torch.testing.assert_close(against, arrays["entity_score"], rtol=0, atol=1e-12)
    along = model(*given, arrays["edge_index"], arrays["edge_type"])
    torch.testing.assert_close(along, arrays["entity_score_unfused"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_gradients(name: str) -> None:
    arrays = case(name)
    entities = int(arrays["config"][2])
    weight = torch.linspace(-1, 1, entities, dtype=torch.float64)
    found = {}
    for ties in ("reference", "even"):
        model = network(arrays, ties)
        scores = model(*inputs(arrays), arrays["edge_index"].flip(0), arrays["edge_type"])
        (scores[:, :entities] * weight).sum().backward()
        found[ties] = {key: p.grad for key, p in model.named_parameters()}
    for key, expected in part(arrays, "grad/").items():
        torch.testing.assert_close(found["reference"][key], expected, rtol=0, atol=1e-11)
    tied = arrays["aggregate"] in ("max", "pna")
    differ = max(float((found["even"][k] - g).abs().max()) for k, g in found["reference"].items())
    assert (differ > 1e-3) == tied, "equal maxima are where the rules differ"


def test_even_ties_share_the_gradient_of_a_maximum() -> None:
    model = QueryGNN(3, 4, 2, aggregate="max").double()
    edge_index, edge_type = torch.tensor([[0, 0, 1], [1, 1, 2]]), torch.tensor([0, 0, 1])
    x = torch.randn(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    query = torch.ones(1, 3, dtype=torch.float64)
    start = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    twice = model(x, query, start, edge_index, edge_type)
    once = model(x, query, start, edge_index[:, 1:], edge_type[1:])
    torch.testing.assert_close(twice, once)
    grads = [
        torch.autograd.grad(scores.sum(), model.parameters(), allow_unused=True)
        for scores in (twice, once)
    ]
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", CASES)
def test_losses(name: str, loss: str) -> None:
    arrays = case(name)
    logits = arrays["entity_score"][:, : int(arrays["config"][2])].clone().requires_grad_()
    value = LOSSES[loss](logits, arrays["target"])
    value.backward()
    torch.testing.assert_close(value.detach(), arrays[f"loss_{loss}"], rtol=1e-12, atol=0)
    torch.testing.assert_close(logits.grad, arrays[f"grad_{loss}"], rtol=0, atol=1e-14)


def test_losses_of_odd_targets() -> None:
    logits = torch.tensor([[1.0, -2.0], [0.5, 0.1]], requires_grad=True)
    nothing, everything = torch.zeros(2, 2), torch.ones(2, 2)
    assert listwise_cross_entropy(logits, nothing) == 0
    assert listwise_cross_entropy(logits, nothing, reduction="none").tolist() == [0, 0]
    for target in (nothing, everything):
        loss = adversarial_bce(logits, target)
        loss.backward()
        assert torch.isfinite(loss) and torch.isfinite(logits.grad).all()
    assert adversarial_bce(logits, everything, reduction="none").shape == (2,)
    with pytest.raises(ValueError, match=r"target must have shape \(2, 2\), got \(2, 1\)"):
        adversarial_bce(logits, nothing[:, :1])
    with pytest.raises(ValueError, match="logits must be finite"):
        listwise_cross_entropy(logits * float("nan"), nothing)


@pytest.mark.parametrize("ranker", ["simple", "idf", "topk", "idf_topk"])
@pytest.mark.parametrize("name", CASES)
def test_rankers(name: str, ranker: Any) -> None:
    arrays = case(name)
    entities, documents = arrays["config"][2:4].tolist()
    mentions = arrays["mentions"] - torch.tensor([[0], [entities]])
    found = document_scores(arrays["entity_score"], mentions, documents, ranker=ranker, top_k=5)
    torch.testing.assert_close(found, arrays[f"doc_score_{ranker}"], rtol=0, atol=1e-14)


def test_candidates_take_all_places_among_the_best() -> None:
    scores, mentions = torch.tensor([[1.0, 2.0, 9.0]]), torch.tensor([[0, 1], [0, 1]])
    best = {"ranker": "topk", "top_k": 1}
    assert document_scores(scores, mentions, 2, **best).tolist() == [[0, 0]]
    known = torch.tensor([True, True, False])
    assert document_scores(scores, mentions, 2, candidates=known, **best).tolist() == [[0, 1]]
    few = torch.tensor([True, False, False])
    found = document_scores(scores, mentions, 2, candidates=few, ranker="topk", top_k=3)
    assert found.tolist() == [[1, 0]], "nobody else takes the places that are left"
    with pytest.raises(IndexError, match=r"mentions\[1\]"):
        document_scores(scores, mentions, 1)


@pytest.mark.parametrize("aggregate", ["sum", "mean", "max", "pna"])
@pytest.mark.parametrize("message", ["distmult", "transe"])
def test_what_questions_change_is_all_that_must_be_computed(aggregate: Any, message: Any) -> None:
    draw = torch.Generator().manual_seed(3)
    nodes, relations = 300, 5
    edge_index = torch.randint(nodes, (2, 330), generator=draw)
    edge_type = torch.randint(relations, (330,), generator=draw)
    rows = RelationalRows.from_edge_index(
        torch.cat([edge_index, edge_index.flip(0)], 1),
        torch.cat([edge_type, edge_type + relations]),
        nodes,
        2 * relations,
    )
    model = QueryGNN(4, 6, 2, aggregate=aggregate, message=message).double()
    x, query = (torch.randn(n, 4, dtype=torch.float64, generator=draw) for n in (2 * relations, 3))
    start = torch.zeros(3, nodes, dtype=torch.float64)
    start[0, [3, 7]], start[1, 7], start[2, nodes - 1] = torch.tensor([1.0, 0.5]).double(), 0.3, 1.0
    weight = torch.randn(3, nodes, dtype=torch.float64, generator=draw)
    balls = reach(rows, start, 2)
    assert worthwhile(model, rows, balls, 3, kept=True)
    assert not worthwhile(model, rows, balls, 1, kept=False), "a background costs a whole run"
    whole = model(x, query, start, rows)
    parts = answer(model, background(model, x, rows), rows, query, start, balls)
    torch.testing.assert_close(parts, whole, rtol=0, atol=1e-13)
    grads = [
        torch.autograd.grad((scores * weight).sum(), model.parameters())
        for scores in (whole, parts)
    ]
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_layers_computed_again_give_the_same_gradient() -> None:
    arrays = case("distmult_sum")
    found = []
    for recompute in (False, True):
        model = network(arrays)
        model.recompute = recompute
        model(*inputs(arrays), arrays["edge_index"], arrays["edge_type"]).square().sum().backward()
        found.append([parameter.grad for parameter in model.parameters()])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def test_a_graph_without_edges_has_finite_scores() -> None:
    model = QueryGNN(3, 4, 2, aggregate="pna")
    start = torch.tensor([[1.0, 0.0]])
    none = torch.zeros(2, 0, dtype=torch.long)
    scores = model(torch.ones(2, 3), torch.ones(1, 3), start, none, torch.zeros(0).long())
    assert torch.isfinite(scores).all() and scores.shape == (1, 2)


def call(**change: Any) -> Any:
    given: dict[str, Any] = {
        "x_rel": torch.ones(2, 3),
        "query": torch.ones(1, 3),
        "start": torch.ones(1, 4),
        "edge_index": torch.tensor([[0, 1], [1, 2]]),
        "edge_type": torch.tensor([0, 1]),
    }
    return QueryGNN(3, 4, 1)(**(given | change))


ROWS = RelationalRows.from_edge_index(torch.tensor([[0, 1], [1, 2]]), torch.tensor([0, 1]), 4, 2)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"x_rel": torch.ones(2, 5)}, ValueError, "x_rel must have 3 columns"),
        ({"query": torch.ones(1, 4)}, ValueError, "query must have 3 columns"),
        ({"start": torch.ones(2, 4)}, ValueError, "start must have 1 rows"),
        ({"start": torch.full((1, 4), float("nan"))}, ValueError, "start must be finite"),
        ({"edge_type": torch.tensor([0, 2])}, IndexError, r"edge_type\[1\] = 2 is outside"),
        ({"edge_type": None}, TypeError, "edge_type must be given"),
        ({"edge_index": torch.tensor([[0, 9], [1, 2]])}, IndexError, "edge_index"),
        ({"edge_index": ROWS}, ValueError, "edge_type must not be given"),
        (
            {"edge_index": ROWS, "edge_type": None, "start": torch.ones(1, 5)},
            ValueError,
            "start must have 4 columns",
        ),
        (
            {"edge_index": ROWS, "edge_type": None, "x_rel": torch.ones(3, 3)},
            ValueError,
            "x_rel must have 2 rows",
        ),
    ],
)
def test_bad_arguments_are_named(
    change: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        call(**change)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"in_channels": 0}, "in_channels must be at least 1"),
        ({"num_layers": 0}, "num_layers must be at least 1"),
        ({"message": "rotate"}, "message must be"),
        ({"aggregate": "min"}, "aggregate must be"),
        ({"ties": "first"}, "ties must be"),
    ],
)
def test_bad_settings_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        QueryGNN(**({"in_channels": 3} | options))


def test_candidates_of_another_kind_are_refused() -> None:
    scores, mentions = torch.ones(1, 3), torch.tensor([[0], [0]])
    with pytest.raises(ValueError, match=r"candidates must be bool \(3,\), got torch.int64"):
        document_scores(
            scores, mentions, 1, candidates=torch.ones(3).long(), ranker="topk", top_k=1
        )
