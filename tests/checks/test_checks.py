"""Checks of arguments that several rooms share: simple graphs and pairs of matrices."""

import pytest
import torch

from graphlab._checks import check_edge_index, check_pair

PATH = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
TWICE = PATH[:, [0, 1, 0, 2, 3]]
LOOP = torch.tensor([[0, 1], [0, 1]])
ONE_WAY = PATH[:, [0, 2, 3]]


@pytest.mark.parametrize("edges", [PATH, PATH.flip(1), PATH[:, :0]])
def test_simple_graphs_pass_every_demand(edges):
    out = check_edge_index(edges.int(), 3, loops=False, duplicates=False, symmetric=True)
    assert torch.equal(out, edges)


@pytest.mark.parametrize("edges", [TWICE, LOOP, ONE_WAY])
def test_nothing_is_demanded_unasked(edges):
    assert torch.equal(check_edge_index(edges, 3), edges)


def test_repeats_do_not_hurt_symmetry():
    assert torch.equal(check_edge_index(TWICE, 3, symmetric=True), TWICE)


@pytest.mark.parametrize(
    ("edges", "demands", "message"),
    [
        (LOOP, {"loops": False}, r"views\[1\] must have no self-loops, but views\[1\]\[:, 0\] "),
        (TWICE, {"duplicates": False}, r"no duplicates, but has \(0, 1\) more than once"),
        (ONE_WAY, {"symmetric": True}, r"has \(0, 1\) without \(1, 0\): use .*to_undirected$"),
        (
            ONE_WAY.flip(0),
            {"symmetric": True, "unless": "directed=True"},
            r"has \(1, 0\) without \(0, 1\).* or directed=True$",
        ),
    ],
)
def test_what_is_demanded_is_checked(edges, demands, message):
    with pytest.raises(ValueError, match=message):
        check_edge_index(edges, 3, "views[1]", **demands)


def test_pairs_have_one_shape_and_may_have_two_types():
    one, two = check_pair(torch.ones(2, 3), torch.ones(2, 3).double())
    assert (one.dtype, two.dtype) == (torch.float32, torch.float64)


@pytest.mark.parametrize(
    ("two", "options", "message"),
    [
        (torch.ones(3, 3), {}, "b must have 2 rows"),
        (torch.ones(2, 4), {}, "b must have 3 columns"),
        (torch.full((2, 3), float("nan")), {}, "b must be finite"),
        (torch.ones(2, 3, device="meta"), {}, "on one device, got a on cpu, b on meta"),
        (torch.ones(2, 3), {"min_rows": 3}, "a must have at least 3 rows, got 2"),
    ],
)
def test_pairs_that_do_not_fit_are_refused(two, options, message):
    with pytest.raises(ValueError, match=message):
        check_pair(torch.ones(2, 3), two, ("a", "b"), **options)


def test_finite_values_are_not_demanded_unless_asked():
    nan = torch.full((2, 3), float("nan"))
    assert check_pair(nan, nan, finite=False)[0] is nan
