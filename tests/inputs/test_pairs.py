"""Every public function that takes pairs of nodes beside a graph, given what is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from graphlab import evaluate, ops, tag
from graphlab.tag.retrieval import gfm
from tests._rows import rows
from tests.inputs._edge_calls import predictor, s2gae
from tests.inputs._public import pairs
from tests.inputs.test_graphs import BAD_FOR_EDGES, assert_equal
from tests.test_inputs import EDGE_INDICES, NODES, PLAIN, features, generator

Call = Callable[[Any], Any]
X = features()
PAIRS = torch.tensor([[0, 1], [5, 6]])


def top(exclude: Any) -> Any:
    return evaluate.top_predictions(X @ X.T, 2, exclude=exclude)


def ranked(truth: Any, exclude: Any = None) -> Any:
    return evaluate.per_node_link_metrics(X @ X.T, truth, 2, exclude)["recall"]


def score(given: Any) -> Any:
    model = s2gae()
    return model.score(model.levels(X, PLAIN), given)


def evaluated(positive: Any, negative: Any) -> Any:
    found = predictor().evaluate(X, PLAIN, positive, negative)
    return torch.tensor([value for row in found.values() for value in row.values()])


def graph() -> ops.CSRGraph:
    return ops.CSRGraph.from_edge_index(PLAIN, NODES)


def stored(edges: Any) -> Any:
    found = tag.graphclip.SubgraphStore.from_edges([edges], [int(PLAIN[0, 0])], NODES)
    return torch.as_tensor(found.edge.copy()).long()


CALLS: dict[str, Call] = {
    "S2GAE.loss.positives": lambda e: s2gae().loss(X, PLAIN, generator=generator(), positives=e),
    "S2GAE.score.pairs": score,
    "link_ranking_metrics.ground_truth": lambda e: torch.tensor(
        list(evaluate.link_ranking_metrics(top(None), e, 2).values())
    ),
    "per_node_link_metrics.ground_truth": ranked,
    "per_node_link_metrics.exclude": lambda e: ranked(PLAIN, e),
    "top_predictions.exclude": top,
    "reconstruction_map.exclude": lambda e: list(
        evaluate.reconstruction_map(X, PLAIN, exclude=e, hops=(2,)).values()
    ),
    "walk_overlap.pairs": lambda e: ops.walk_overlap(graph(), e),
    "walk_overlap_visits.pairs": lambda e: torch.tensor(ops.walk_overlap_visits(graph(), e)),
    "document_scores.mentions": lambda e: gfm.document_scores(X[:, :1].t(), e, NODES),
    "LinkPredictor.evaluate.positive": lambda e: evaluated(e, PAIRS),
    "LinkPredictor.evaluate.negative": lambda e: evaluated(PAIRS, e),
    "LinkPredictor.predict.pairs": lambda e: predictor().predict(X, PLAIN, e),
    "edge_changes.before": lambda e: torch.tensor(
        tag.gaugllm.edge_changes(e, PLAIN, NODES).deleted
    ),
    "edge_changes.after": lambda e: torch.tensor(tag.gaugllm.edge_changes(PLAIN, e, NODES).deleted),
    "SubgraphStore.from_edges.edges": stored,
}

OPTIONAL = (
    "S2GAE.loss.positives",
    "per_node_link_metrics.exclude",
    "top_predictions.exclude",
    "reconstruction_map.exclude",
)


def test_every_argument_of_pairs_is_here() -> None:
    assert set(CALLS) == pairs()


@pytest.mark.parametrize("name", CALLS)
def test_same_pairs_give_the_same(name: str) -> None:
    with rows() as table:
        for kind, make in EDGE_INDICES.items():
            with table.row(kind):
                given, plain = make()
                assert_equal(CALLS[name](given), CALLS[name](plain))


@pytest.mark.parametrize("name", CALLS)
def test_wrong_pairs_are_refused_by_name(name: str) -> None:
    named = rf"\b({name.rpartition('.')[2]}|edge_index)\b"
    with rows() as table:
        for row, make in BAD_FOR_EDGES.items():
            if row == "None" and name in OPTIONAL:
                continue
            with table.row(row), pytest.raises((TypeError, ValueError, IndexError), match=named):
                CALLS[name](make())
