"""Random projections: known answers, the format, cuts, the border."""

from __future__ import annotations

import math
from functools import partial

import pytest
import scipy.special
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab._random import philox_uint32
from graphlab.ops import random_projection, reference

# Random123's known answers: counter, key, output of Philox4x32-10.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
KINDS = [3.0, 1.0, 1000.0, 0.0]


def signs(words, sparsity):
    """The format written down once more, word by word."""
    limit = math.floor(2**31 / sparsity + 0.5)
    return [1.0 if u < limit else -1.0 if u < 2 * limit else 0.0 for u in words]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_known_answers_of_random123(counter, key, words):
    block, stream, low, high = counter
    if high >= 2**31:
        pytest.skip("no node has such a name")
    node = torch.tensor([low + (high << 32)])
    seed = key[0] + (key[1] << 32)
    if 4 * block + 4 > 2**34:
        pytest.skip("no matrix has such a column")
    draw = partial(
        random_projection, torch.ones(1).double(), 4 * block, 4 * block + 4, node=node, seed=seed
    )
    assert draw(sparsity=1.0, stream=stream)[0].tolist() == signs(words, 1.0)
    normal = draw(sparsity=0.0, stream=stream)
    want = [scipy.special.ndtri((u + 0.5) / 2**32) for u in words]
    assert normal[0].tolist() == pytest.approx(want, rel=1e-14)


def test_normal_numbers_are_the_quantiles_of_their_words():
    generator = torch.Generator().manual_seed(0)
    words = torch.randint(2**32, (20_000,), generator=generator)
    words = torch.cat([words, torch.tensor([0, 1, 2**31 - 1, 2**31, 2**32 - 1])])
    got = reference.normal_quantile(words)
    want = scipy.special.ndtri((words.double().numpy() + 0.5) / 2**32)
    assert got.numpy() == pytest.approx(want, rel=1e-14, abs=1e-16)
    assert torch.equal(reference.normal_quantile(2**32 - 1 - words), -got)


@pytest.mark.parametrize("sparsity", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_bits_are_those_of_the_definition(sparsity, dtype, device):
    node = torch.tensor([0, 5, 2**32 - 1, 2**32, 2**62, 3], device=device)
    factor = torch.tensor([1.0, 0.5, 3.3, -2.0, 1e-20, 0.0], dtype=dtype, device=device)
    seed = 2**64 - 3
    got = random_projection(
        factor, 3, 150, sparsity=sparsity, scale=0.7, node=node, seed=seed, stream=9
    )
    want = reference.random_projection(
        factor.cpu(), node.cpu(), seed - 2**64, 9, 3, 150, sparsity, 0.7
    )
    assert torch.equal(got.cpu(), want)


@pytest.mark.parametrize("sparsity", KINDS)
@given(st.integers(0, 2**64 - 1), st.integers(0, 90), st.integers(0, 90), st.integers(0, 40))
def test_cuts_do_not_change_entries(sparsity, seed, lo, width, row):
    factor = torch.linspace(0.5, 2.0, 41)
    whole = random_projection(factor, 0, 180, sparsity=sparsity, seed=seed)
    part = random_projection(
        factor[row:], lo, lo + width, sparsity=sparsity, seed=seed, node=torch.arange(row, 41)
    )
    assert torch.equal(part, whole[row:, lo : lo + width])


def test_signs_follow_the_published_words():
    words = philox_uint32(11, torch.arange(7), 0, 20)
    drawn = random_projection(torch.ones(7), 0, 20, sparsity=3.0, seed=11)
    assert drawn.flatten().tolist() == signs(words.flatten().tolist(), 3.0)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"factor": [1.0]}, TypeError, "factor must be a torch.Tensor"),
        ({"factor": torch.ones(2).bfloat16()}, TypeError, "factor must be float32 or float64"),
        ({"factor": torch.ones(2, 2)}, ValueError, "factor must be 1-D"),
        ({"start": -1}, ValueError, "start must be at least 0"),
        ({"stop": 0, "start": 1}, ValueError, "stop must be at least 1"),
        ({"stop": 2**34 + 1}, ValueError, "stop must be at most"),
        ({"seed": 2**64}, ValueError, "seed must be at most"),
        ({"stream": 2**32}, ValueError, "stream must be at most"),
        ({"sparsity": 0.5}, ValueError, "sparsity must be 0"),
        ({"sparsity": -1.0}, ValueError, "sparsity must be non-negative"),
        ({"scale": 0.0}, ValueError, "scale must be positive"),
        ({"node": torch.tensor([0.0, 1.0])}, TypeError, "node must be int64"),
        ({"node": torch.tensor([0])}, ValueError, r"node must have shape \(2,\)"),
        ({"node": torch.tensor([0, -1])}, IndexError, "node must not be negative, got -1"),
    ],
)
def test_bad_input_is_refused_by_name(changes, error, words):
    arguments = {"factor": torch.ones(2), "start": 0, "stop": 4, "sparsity": 3.0}
    with pytest.raises(error, match=words):
        random_projection(**(arguments | changes))
