"""Corrected labels: reference cases, near-duplicates, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphlab.contrastive.pretext import LabelCorrection, corrected_labels
from tests._golden import cases, load


@pytest.mark.parametrize("name", cases("pretext", "selftask_*"))
def test_golden(name: str) -> None:
    case = load("pretext", name)
    labels = case["node_label_in"]
    draw = np.random.RandomState(int(case["corr_seed"]))
    members = [
        torch.from_numpy(draw.permutation(np.flatnonzero(labels.numpy() == label))[:320])
        for label in range(int(labels.max()) + 1)
    ]
    found = corrected_labels(
        case["corr_embedding"], labels, case["corr_idx"], members=members, faithful=True
    )
    # Members of one density are prototypes in the order of an unstable sort, which may differ
    # between versions of numpy.
    assert float((found == case["corr_label"]).double().mean()) > 0.98


def groups(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(90) % 3
    return torch.eye(3, 8)[y] * 4 + torch.randn(90, 8, generator=generator), y


def test_wrong_labels_are_corrected() -> None:
    z, y = groups()
    noisy = y.clone()
    noisy[:24] = (noisy[:24] + 1) % 3
    found = corrected_labels(z, noisy)
    assert float((found == y).double().mean()) > 0.95 > float((noisy == y).double().mean())


def test_near_duplicates_are_no_prototypes() -> None:
    # Class 0: a dense group, and one stray node that was copied; class 1: along the stray.
    generator = torch.Generator().manual_seed(1)
    dense = torch.tensor([1.0, 0, 0, 0]) + 0.45 * torch.randn(20, 4, generator=generator)
    stray = torch.tensor([[-0.6, 0.5, 0, 0.6]]).repeat(8, 1)
    other = torch.tensor([-0.7, 0.4, 0, 0.6]) + 0.5 * torch.randn(20, 4, generator=generator)
    z = torch.cat([dense, stray, other])
    labels = torch.cat([torch.zeros(28), torch.ones(20)]).long()
    settings = LabelCorrection(num_prototypes=8)
    query = torch.tensor([20])
    assert corrected_labels(z, labels, query, settings=settings).tolist() == [1]


def test_members_are_drawn_from_the_generator() -> None:
    z, y = groups()
    settings = LabelCorrection(num_members=5, num_prototypes=2)
    draws = [
        corrected_labels(
            z, y, settings=settings, generator=torch.Generator().manual_seed(seed)
        ).tolist()
        for seed in (0, 0, 1, 2, 3)
    ]
    assert draws[0] == draws[1]
    assert any(draw != draws[0] for draw in draws[2:])


def test_does_not_depend_on_the_length_of_rows() -> None:
    z, y = groups()
    torch.testing.assert_close(corrected_labels(z, y), corrected_labels(z * 1e3, y))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "match"),
    [
        ((torch.zeros(3, 2), torch.tensor([0, 1])), {}, ValueError, "labels must have 3"),
        ((torch.zeros(2, 2), torch.tensor([0, 1]), torch.tensor([2])), {}, IndexError, "nodes"),
        ((torch.zeros(2, 2), torch.tensor([0, 1])), {"members": []}, ValueError, "members"),
        ((torch.full((2, 2), torch.nan), torch.tensor([0, 1])), {}, ValueError, "z must be finite"),
    ],
)
def test_bad_input_is_named(
    arguments: tuple, options: dict, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        corrected_labels(*arguments, **options)


@pytest.mark.parametrize("options", [{"num_members": 0}, {"num_prototypes": 0}, {"quantile": 2.0}])
def test_settings_are_checked(options: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        LabelCorrection(**options)


def test_members_are_drawn_from_a_seed_where_no_generator_is_given() -> None:
    draw = torch.Generator().manual_seed(0)
    z, labels = torch.randn(200, 3, generator=draw), torch.arange(200) % 2
    settings = LabelCorrection(num_members=10)
    state = torch.get_rng_state()
    first = corrected_labels(z, labels, settings=settings)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, corrected_labels(z, labels, settings=settings))
    assert torch.equal(
        first,
        corrected_labels(z, labels, settings=settings, generator=torch.Generator().manual_seed(0)),
    )


def test_more_than_four_thousand_members_of_a_class() -> None:
    count = 4100  # more pairs than torch takes the quantile of
    z = torch.eye(2)[(torch.arange(count + 50) >= count).long()]
    z = z + 0.01 * torch.randn(z.shape, generator=torch.Generator().manual_seed(0))
    labels = (torch.arange(count + 50) >= count).long()
    wrong = torch.tensor([0, 1, count, count + 1])
    given = labels.clone()
    given[wrong] = 1 - given[wrong]
    settings = LabelCorrection(num_members=count + 50)
    assert torch.equal(corrected_labels(z, given, wrong, settings=settings), labels[wrong])
