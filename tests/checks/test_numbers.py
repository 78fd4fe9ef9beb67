"""Numbers, words, lists and texts of the user: what passes, what is refused, in which words."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy
import pytest
import torch

from graphlab._checks import (
    check_choice,
    check_fraction,
    check_int,
    check_list,
    check_mapping,
    check_nonnegative,
    check_num_nodes,
    check_positive,
    check_real,
    check_text,
)

REALS = (check_real, check_positive, check_nonnegative, check_fraction)


@pytest.mark.parametrize("check", REALS)
@pytest.mark.parametrize("value", [1, 1.0, Fraction(1), numpy.float32(1), numpy.int8(1)])
def test_numbers_of_any_kind_are_floats(check: Callable[..., float], value: Any) -> None:
    found = check(value, "p")
    assert found == 1.0 and type(found) is float


@pytest.mark.parametrize("check", REALS)
@pytest.mark.parametrize("value", [True, False, "1", None, 1j, [1.0], torch.tensor(1.0)])
def test_what_is_no_number_is_told_by_its_kind(check: Callable[..., float], value: Any) -> None:
    with pytest.raises(TypeError) as caught:
        check(value, "p")
    assert str(caught.value) == f"p must be a real number, got {type(value).__name__}"


LIMITS: dict[Callable[..., float], tuple[tuple[float, ...], tuple[float, ...], str]] = {
    check_real: ((-1e300, -0.5, 0.0, 2.5), (math.nan, math.inf, -math.inf), "p must be finite"),
    check_positive: (
        (5e-324, 0.5, 1.0, 1e300),
        (0.0, -5e-324, -1.0, math.nan, math.inf, -math.inf),
        "p must be positive and finite",
    ),
    check_nonnegative: (
        (0.0, 5e-324, 1.0, 1e300),
        (-5e-324, -1.0, math.nan, math.inf, -math.inf),
        "p must be non-negative and finite",
    ),
    check_fraction: (
        (0.0, 5e-324, 0.5, 1.0),
        (-5e-324, 1.0000000000000002, 2.0, math.nan, math.inf, -math.inf),
        r"p must lie in [0, 1]",
    ),
}


@pytest.mark.parametrize("check", REALS)
def test_limits_of_numbers(check: Callable[..., float]) -> None:
    right, wrong, words = LIMITS[check]
    assert [check(value, "p") for value in right] == list(right)
    for value in wrong:
        with pytest.raises(ValueError) as caught:
            check(value, "p")
        assert str(caught.value) == f"{words}, got {value}"


@pytest.mark.parametrize("check", REALS)
def test_integers_beyond_all_floats_are_named(check: Callable[..., float]) -> None:
    for value in (10**400, 10**5000, Fraction(10**400)):
        with pytest.raises(ValueError, match="tau must be a number that a float can hold"):
            check(value, "tau")


def test_integers_of_thousands_of_digits_are_told_by_their_size() -> None:
    with pytest.raises(ValueError, match="k must be at most 9, got one of 16610 bits"):
        check_int(10**5000, "k", maximum=9)
    with pytest.raises(ValueError, match="k must be at least 1, got one of 16610 bits"):
        check_int(-(10**5000), "k", minimum=1)


def test_integers_and_their_limits() -> None:
    for value in (3, numpy.int64(3), numpy.uint8(3)):
        found = check_int(value, "n")
        assert found == 3 and type(found) is int
    assert [check_int(v, "n", minimum=2, maximum=4) for v in (2, 3, 4)] == [2, 3, 4]
    assert check_int(-(10**30), "n", maximum=0) == -(10**30)
    assert check_int(10**30, "n", minimum=0) == 10**30
    with pytest.raises(ValueError, match="^n must be at least 2, got 1$"):
        check_int(1, "n", minimum=2, maximum=4)
    with pytest.raises(ValueError, match="^n must be at most 4, got 5$"):
        check_int(5, "n", minimum=2, maximum=4)
    for value in (True, 2.0, numpy.float64(2), "2", None, torch.tensor(2)):
        with pytest.raises(TypeError, match=f"^n must be an int, got {type(value).__name__}$"):
            check_int(value, "n")


def test_nodes_are_what_32_bits_can_name() -> None:
    assert check_num_nodes(0) == 0
    assert check_num_nodes(2**31 - 1) == 2**31 - 1
    assert check_num_nodes(1, "k", minimum=1) == 1
    with pytest.raises(ValueError, match="^num_nodes must be at most 2147483647, got 2147483648: "):
        check_num_nodes(2**31)
    with pytest.raises(ValueError, match="^num_nodes must be at least 0, got -1$"):
        check_num_nodes(-1)
    with pytest.raises(ValueError, match="^k must be at least 1, got 0$"):
        check_num_nodes(0, "k", minimum=1)


def test_one_of_a_few_words() -> None:
    words = ("first", "last")
    assert [check_choice(word, "kind", words) for word in words] == list(words)
    for value in ("First", "", None, 3, ["first"]):
        with pytest.raises(ValueError) as caught:
            check_choice(value, "kind", words)
        assert str(caught.value) == f"kind must be one of 'first', 'last', got {value!r}"


def test_lists_have_an_order_and_a_length() -> None:
    assert check_list((1, 2), "x") == [1, 2]
    assert check_list([], "x") == []
    assert check_list(numpy.arange(3), "x") == [0, 1, 2]
    for value in ("ab", b"ab", 3, None, iter([1])):
        with pytest.raises(TypeError) as caught:
            check_list(value, "x", "texts")
        assert str(caught.value) == f"x must be a list of texts, got {type(value).__name__}"
    with pytest.raises(TypeError, match="must be a list of values"):
        check_list(3, "x")
    with pytest.raises(TypeError, match=r"\bx\b"):
        check_list({1, 2}, "x")


def test_values_by_name_and_texts() -> None:
    given = OrderedDict(a=1)
    assert check_mapping(given, "m") is given
    for value in ([("a", 1)], None, "a"):
        with pytest.raises(TypeError) as caught:
            check_mapping(value, "m", "prices")
        assert str(caught.value) == f"m must be a mapping of prices, got {type(value).__name__}"
    with pytest.raises(TypeError, match="must be a mapping of values"):
        check_mapping(3, "m")
    assert check_text("", "t") == ""
    with pytest.raises(TypeError, match="^t must be str, got bytes$"):
        check_text(b"a", "t")
