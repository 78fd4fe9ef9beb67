"""Labels spread over a graph: reference cases, the harmonic function, bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from graphlab.contrastive.pretext import harmonic_labels, ica_labels
from tests._golden import cases, load
from tests._graphs import planted

PATH = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
ENDS = torch.tensor([0, -1, -1, 1])


def known_labels(case: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    edges = torch.stack([case["edge_row"], case["edge_col"]])
    labels = torch.full_like(case["y"], -1)
    labels[case["train"]] = case["y"][case["train"]]
    return edges, labels


@pytest.mark.parametrize("name", cases("pretext", "selftask_*"))
def test_golden(name: str) -> None:
    case = load("pretext", name)
    edges, labels = known_labels(case)
    found = harmonic_labels(edges, labels, unreached="first")
    torch.testing.assert_close(found.score, case["harmonic_prob"], rtol=0, atol=1e-14)
    best = case["harmonic_prob"].topk(2, dim=1).values
    clear = (best[:, 0] - best[:, 1] > 1e-12) | (best[:, 0] == 0)
    torch.testing.assert_close(found.label[clear], case["harmonic_pred"][clear])
    masked = harmonic_labels(edges, labels)
    unreached = case["harmonic_prob"].sum(1) == 0
    assert bool((masked.label[unreached] == -1).all())
    torch.testing.assert_close(masked.label[~unreached], found.label[~unreached])


def test_ends_at_the_harmonic_function() -> None:
    found = harmonic_labels(PATH, ENDS, num_iterations=500)
    third = torch.arange(4, dtype=torch.float64) / 3
    torch.testing.assert_close(found.score, torch.stack([1 - third, third], dim=1))


def test_does_not_depend_on_the_numbers_of_nodes() -> None:
    data = planted(40, 3)
    labels = torch.where(torch.arange(40) < 9, data.y, -1)
    order = torch.from_numpy(np.random.default_rng(0).permutation(40))
    moved = torch.empty_like(labels)
    moved[order] = labels
    plain = harmonic_labels(data.edge_index, labels).score
    torch.testing.assert_close(harmonic_labels(order[data.edge_index], moved).score[order], plain)


def test_iterative_classification_uses_features_and_neighbours() -> None:
    data = planted(120, 3, noise=1.2)
    labels = torch.where(torch.arange(120) < 30, data.y, -1)
    rest = labels < 0
    found = ica_labels(data.x, data.edge_index, labels)
    torch.testing.assert_close(found.label[~rest], data.y[~rest])
    alone = ica_labels(data.x, data.edge_index[:, :0], labels)

    def accuracy(labels: torch.Tensor) -> float:
        return float((labels[rest] == data.y[rest]).double().mean())

    assert accuracy(found.label) > accuracy(alone.label)
    torch.testing.assert_close(found.score.sum(1), torch.ones(120, dtype=torch.float64))


@pytest.mark.parametrize(
    ("labels", "options", "error", "match"),
    [
        (torch.full((4,), -1), {}, ValueError, "labels must name the class"),
        (torch.tensor([0, -1, -1, 2]), {}, ValueError, "1 has none"),
        (ENDS, {"num_classes": 1}, ValueError, "num_classes must be at least 2"),
        (ENDS.float(), {}, TypeError, "labels must be int64"),
        (ENDS[:3], {}, IndexError, "edge_index"),
        (ENDS, {"num_iterations": 0}, ValueError, "num_iterations"),
    ],
)
def test_bad_input_is_named(
    labels: torch.Tensor, options: dict, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        harmonic_labels(PATH, labels, **options)
    with pytest.raises(error, match=match):
        ica_labels(torch.randn(len(labels), 2), PATH, labels, **options)


def test_own_options_are_checked() -> None:
    with pytest.raises(ValueError, match="labels must be of at least 2 classes"):
        ica_labels(torch.randn(3, 2), PATH[:, :0], torch.tensor([0, -1, 0]))
    with pytest.raises(ValueError, match="unreached"):
        harmonic_labels(PATH, ENDS, unreached="none")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="c must be"):
        ica_labels(torch.randn(4, 2), PATH, ENDS, c=0)
    with pytest.raises(ValueError, match="x must have 4 rows"):
        ica_labels(torch.randn(3, 2), PATH, ENDS)
