"""Tensors of the user: layout, shape, dtype, values, device."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_geometric import EdgeIndex

from graphlab._checks import (
    check_distinct,
    check_finite,
    check_full_precision,
    check_index,
    check_matrix,
    check_no_negative,
    check_pair,
    check_pointers,
    check_range,
    check_real_dtype,
    check_same_device,
    check_subset,
    check_tensor,
    from_array,
    plain,
    traced,
    trusted_values,
    values_visible,
)

Call = Callable[[], Any]


def refused(call: Call, words: str, kind: type[Exception] = ValueError) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == words


@pytest.fixture(scope="module")
def csr() -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls the layout a beta feature
        return torch.tensor([[0.0, 1.0], [2.0, 0.0]]).to_sparse_csr()


# --- layout and shape -----------------------------------------------------------------------------


def test_wrappers_are_taken_off_and_parameters_stay() -> None:
    edges = EdgeIndex([[0, 1], [1, 0]])
    assert type(plain(edges)) is Tensor and plain(edges).tolist() == [[0, 1], [1, 0]]
    parameter = torch.nn.Parameter(torch.ones(2))
    assert plain(parameter) is parameter and check_tensor(parameter, "x") is parameter
    tensor = torch.ones(2)
    assert plain(tensor) is tensor and plain("text") == "text"


def test_layouts(csr: Tensor) -> None:
    assert check_tensor(csr, "x", csr=True) is csr
    words = "x must be a dense (strided) tensor, got layout torch.sparse_csr"
    refused(lambda: check_tensor(csr, "x"), words, TypeError)
    coo = csr.to_sparse_coo()
    words = words.replace("csr", "coo")
    refused(lambda: check_tensor(coo, "x", csr=True), words, TypeError)
    refused(lambda: check_tensor([1], "x"), "x must be a torch.Tensor, got list", TypeError)
    assert check_matrix(csr, "x", csr=True) is csr
    with pytest.raises(TypeError, match="dense"):
        check_matrix(csr, "x")


def test_matrices() -> None:
    x = torch.ones(2, 3)
    assert check_matrix(x, "x", rows=2, cols=3) is x
    refused(lambda: check_matrix(x, "x", rows=3), "x must have 3 rows, got shape (2, 3)")
    refused(lambda: check_matrix(x, "x", cols=2), "x must have 2 columns, got shape (2, 3)")
    refused(lambda: check_matrix(x, "x", rows=0), "x must have 0 rows, got shape (2, 3)")
    words = "x must be 2-D (rows, features), got shape (2,)"
    refused(lambda: check_matrix(x[:, 0], "x"), words)
    with pytest.raises(ValueError, match="2-D"):
        check_matrix(x[None], "x")
    words = "x must be floating point, got dtype torch.int64"
    refused(lambda: check_matrix(x.long(), "x"), words, TypeError)
    spoilt = x.clone()
    spoilt[1, 2] = math.nan
    refused(lambda: check_matrix(spoilt, "x"), "x must be finite, but x[(1, 2)] = nan")
    assert check_matrix(spoilt, "x", finite=False) is spoilt
    with trusted_values():
        assert check_matrix(spoilt, "x") is spoilt


def test_pairs() -> None:
    x = torch.ones(2, 3)
    assert check_pair(x, x, min_rows=2)[1] is x
    refused(lambda: check_pair(x, x, min_rows=3), "z1 must have at least 3 rows, got 2")
    refused(lambda: check_pair(x, x[:1]), "z2 must have 2 rows, got shape (1, 3)")
    refused(lambda: check_pair(x[:, 0], x), "z1 must be 2-D (rows, features), got shape (2,)")
    assert check_pair(x[:0], x[:0])[0].shape == (0, 3)


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_the_first_value_that_is_not_finite_is_named(csr: Tensor, bad: float) -> None:
    x = torch.zeros(2, 3, 2, requires_grad=True)
    check_finite(x, "x")
    check_finite(x[:0], "x")
    with torch.no_grad():
        x[1, 0, 1] = x[1, 2, 0] = bad
    refused(lambda: check_finite(x, "x"), f"x must be finite, but x[(1, 0, 1)] = {bad}")
    sparse = csr.clone()
    sparse.values()[1] = bad
    refused(lambda: check_finite(sparse, "x"), f"x must be finite, but x[(1, 0)] = {bad}")


def test_a_sum_that_overflows_is_no_value_that_does() -> None:
    check_finite(torch.full((4,), 3e38), "x")


def test_one_value_is_looked_at_too() -> None:
    refused(
        lambda: check_finite(torch.tensor([math.nan]), "x"), "x must be finite, but x[(0,)] = nan"
    )
    refused(lambda: check_finite(torch.tensor(math.inf), "x"), "x must be finite, but x[()] = inf")
    words = "w must be non-negative, but w[0] = -1.0"
    refused(lambda: check_no_negative(torch.tensor([-1.0]), "w"), words)


def test_entries_in_a_range() -> None:
    check_range(torch.tensor([0, 4]), 5, "i")
    check_range(torch.tensor([], dtype=torch.long), 0, "i")
    refused(
        lambda: check_range(torch.tensor([4, 5]), 5, "i"), "i[1] = 5 is outside [0, 5)", IndexError
    )
    refused(
        lambda: check_range(torch.tensor([-1]), 5, "i"), "i[0] = -1 is outside [0, 5)", IndexError
    )
    grid = torch.tensor([[0, 1, 2], [0, 9, 10]])
    words = "i[1, 1] = 9 is outside [0, 5)"
    refused(lambda: check_range(grid, 5, "i", "hint"), words, IndexError)
    words = "i[1, 2] = 10 is outside [0, 10)"
    refused(lambda: check_range(grid, 10, "i", "hint"), words, IndexError)
    far = torch.tensor([10])  # twice as far as there is anything: no slip by one, but other ids
    refused(
        lambda: check_range(far, 5, "i", "hint"), "i[0] = 10 is outside [0, 5): hint", IndexError
    )
    refused(lambda: check_range(far, 5, "i"), "i[0] = 10 is outside [0, 5)", IndexError)
    with trusted_values():
        check_range(far, 5, "i")


def test_indices() -> None:
    for dtype in (torch.int64, torch.int32):
        found = check_index(torch.tensor([2, 0], dtype=dtype), 3, "i", length=2)
        assert found.dtype == torch.int64 and found.tolist() == [2, 0]
    for wrong in (torch.int16, torch.uint8, torch.bool, torch.float32):
        words = f"i must be int64 or int32, got dtype {wrong}"
        refused(lambda w=wrong: check_index(torch.ones(2, dtype=w), 3, "i"), words, TypeError)
    x = torch.tensor([0, 1])
    refused(lambda: check_index(x[None], 3, "i"), "i must be 1-D, got shape (1, 2)")
    refused(lambda: check_index(x[0], 3, "i"), "i must be 1-D, got shape ()")
    refused(lambda: check_index(x, 3, "i", length=3), "i must have 3 entries, got 2")
    refused(lambda: check_index(x, 3, "i", length=0), "i must have 0 entries, got 2")
    refused(lambda: check_index(x, 1, "i"), "i[1] = 1 is outside [0, 1)", IndexError)


def test_subsets_and_distinct_entries() -> None:
    mask = torch.tensor([True, False])
    assert check_subset(mask, 2, "s") is mask
    words = "s must be a mask of shape (3,), got shape (2,)"
    refused(lambda: check_subset(mask, 3, "s"), words)
    assert check_subset(torch.tensor([1]).int(), 2, "s").tolist() == [1]
    refused(
        lambda: check_subset(torch.tensor([2]), 2, "s"), "s[0] = 2 is outside [0, 2)", IndexError
    )
    assert check_distinct(torch.tensor([2, 0, 1]), 3, "i").tolist() == [2, 0, 1]
    twice = torch.tensor([0, 1, 0])
    words = "i must be distinct, got 3 entries with 2 different ones"
    refused(lambda: check_distinct(twice, 2, "i"), words)
    with trusted_values():
        assert check_distinct(twice, 2, "i").tolist() == [0, 1, 0]


def test_pointers() -> None:
    for right in ([0, 2, 2, 5], [0, 5]):
        ptr = torch.tensor(right)
        assert check_pointers(ptr, 5, "p") is ptr
    assert check_pointers(torch.tensor([0]), 0, "p").tolist() == [0]
    for wrong in ([1, 5], [0, 4], [0, 3, 2, 5], [0, 6]):
        words = f"p must ascend from 0 to 5, got {wrong[0]} to {wrong[-1]}"
        refused(lambda w=wrong: check_pointers(torch.tensor(w), 5, "p"), words)
    refused(lambda: check_pointers(torch.tensor([]).long(), 5, "p"), "p must not be empty")
    words = "p must be int64 and 1-D, got torch.int32 (2,)"
    refused(lambda: check_pointers(torch.tensor([0, 5]).int(), 5, "p"), words, TypeError)
    words = "p must be int64 and 1-D, got torch.int64 (1, 2)"
    refused(lambda: check_pointers(torch.tensor([[0, 5]]), 5, "p"), words, TypeError)
    with trusted_values():
        assert check_pointers(torch.tensor([1, 0]), 5, "p").tolist() == [1, 0]


def test_kinds_of_numbers() -> None:
    for dtype in (torch.float16, torch.int64, torch.bool):
        check_real_dtype(torch.ones(2, dtype=dtype), "x")
    words = "x must be real, got dtype torch.complex64"
    refused(lambda: check_real_dtype(torch.ones(2, dtype=torch.complex64), "x"), words, TypeError)
    for dtype in (torch.float32, torch.float64):
        x = torch.ones(2, dtype=dtype)
        assert check_full_precision(x, "x") is x
    for dtype in (torch.float16, torch.bfloat16, torch.int64):
        words = f"x must be float32 or float64, got {dtype}"
        refused(lambda d=dtype: check_full_precision(torch.ones(2, dtype=d), "x"), words, TypeError)


def test_no_negative_entries() -> None:
    for right in ([0.0, 1.0], [], [-0.0], [math.nan, 1.0]):
        check_no_negative(torch.tensor(right), "w")
    wrong = torch.tensor([1.0, -0.5, -2.0], requires_grad=True)
    refused(lambda: check_no_negative(wrong, "w"), "w must be non-negative, but w[1] = -0.5")
    with trusted_values():
        check_no_negative(wrong, "w")
    with pytest.raises(TypeError, match="^w must be real"):
        check_no_negative(torch.ones(2, dtype=torch.complex64), "w")


# --- devices, and where nothing can be looked at --------------------------------------------------


def test_one_device() -> None:
    here, nowhere = torch.ones(2), torch.ones(2, device="meta")
    check_same_device(a=here, b=None, c=here)
    check_same_device()
    words = "all tensors must be on one device, got a on cpu, c on meta"
    refused(lambda: check_same_device(a=here, b=None, c=nowhere), words)
    refused(lambda: check_same_device(a=3), "a must be a torch.Tensor, got int", TypeError)  # type: ignore[arg-type]


def test_values_are_visible_where_there_are_some() -> None:
    here, nowhere = torch.ones(2), torch.ones(2, device="meta")
    assert values_visible(here, None) and values_visible() and values_visible(None)
    assert not traced(here, None)
    assert traced(here, nowhere) and not values_visible(nowhere)
    with torch._subclasses.FakeTensorMode():
        fake = torch.ones(2)
    assert traced(fake) and not values_visible(fake)


def test_nothing_is_looked_at_while_a_program_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not traced()
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert traced() and not values_visible(torch.ones(2))


def test_trust_ends_with_its_context() -> None:
    x = torch.ones(2)
    with trusted_values():
        assert not values_visible(x)
        with trusted_values():
            assert not values_visible(x)
        assert not values_visible(x)
    assert values_visible(x)
    with pytest.raises(KeyError), trusted_values():
        raise KeyError
    assert values_visible(x)


def test_batched_tensors_have_no_values() -> None:
    seen: list[tuple[bool, bool]] = []

    def look(x: Tensor) -> Tensor:
        seen.append((traced(x), values_visible(x)))
        return x

    torch.vmap(look)(torch.ones(2, 3))
    torch.func.grad(lambda x: look(x).sum())(torch.ones(3))
    torch.vmap(torch.func.grad(lambda x: look(x).sum()))(torch.ones(2, 3))
    assert seen == [(True, False), (False, True), (True, False)]


# --- arrays of numpy ------------------------------------------------------------------------------


def test_memory_is_shared_where_it_can_be() -> None:
    x = np.arange(6.0).reshape(2, 3)
    assert from_array(x, "x").data_ptr() == x.ctypes.data
    assert from_array(x.T, "x").data_ptr() == x.ctypes.data
    tensor = torch.ones(2)
    assert from_array(tensor, "x") is tensor and from_array(None, "x") is None


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x[::-1],
        lambda x: x.astype(">f8"),
        lambda x: np.frombuffer(x.tobytes()).reshape(x.shape),  # read-only
        lambda x: np.array([(1, row) for row in x], dtype=[("a", "i1"), ("b", "f8", 3)])["b"],
        lambda x: np.asfortranarray(x),
        lambda x: x[:0],
        lambda x: x[0, 0].reshape(()),
    ],
)
def test_any_layout_is_read(make: Callable[[Any], Any]) -> None:
    x = make(np.arange(6.0).reshape(2, 3))
    assert from_array(x, "x").tolist() == x.tolist()
