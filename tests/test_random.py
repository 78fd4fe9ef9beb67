from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab._random import (
    make_generator,
    philox4x32,
    philox_uint32,
    random_order,
    spawn_seeds,
)

# Known answers of the Random123 distribution, philox4x32 with 10 rounds.
ZEROS, ONES = "00000000", "ffffffff"
KNOWN = [
    (f"{ZEROS} {ZEROS} {ZEROS} {ZEROS}", f"{ZEROS} {ZEROS}", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    (f"{ONES} {ONES} {ONES} {ONES}", f"{ONES} {ONES}", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def words(text: str) -> torch.Tensor:
    return torch.tensor([int(word, 16) for word in text.split()])


def scalar_philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox in Python integers, which never overflow."""
    (c0, c1, c2, c3), (k0, k1) = counter, key
    for _ in range(10):
        p0, p1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 % 2**32, (p0 >> 32) ^ c3 ^ k1, p0 % 2**32
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return [c0, c1, c2, c3]


word = st.integers(0, 2**32 - 1) | st.sampled_from([0, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1])


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox_known_answers(counter, key, expected, device):
    result = philox4x32(words(counter).to(device), words(key).to(device))
    assert result.tolist() == words(expected).tolist()


@given(st.lists(word, min_size=4, max_size=4), st.lists(word, min_size=2, max_size=2))
def test_philox_equals_integer_arithmetic(counter, key):
    result = philox4x32(torch.tensor(counter), torch.tensor(key))
    assert result.tolist() == scalar_philox(counter, key)


@pytest.mark.parametrize("rounds", [1, 2, 10])
def test_philox_broadcasts(rounds):
    counter = torch.arange(3 * 4).view(3, 1, 4)
    key = torch.arange(5 * 2).view(5, 2)
    result = philox4x32(counter, key, rounds)
    assert result.shape == (3, 5, 4)
    assert torch.equal(result[2, 3], philox4x32(counter[2, 0], key[3], rounds))


def test_philox_accepts_no_counters():
    assert philox4x32(torch.zeros(0, 4, dtype=torch.int64), torch.zeros(2).long()).shape == (0, 4)


@pytest.mark.parametrize(
    ("counter", "key", "rounds", "error", "match"),
    [
        (torch.zeros(4), torch.zeros(2).long(), 10, TypeError, "counter must be int64"),
        (torch.zeros(4).long(), torch.zeros(2).int(), 10, TypeError, "key must be int64"),
        (torch.zeros(3).long(), torch.zeros(2).long(), 10, ValueError, "counter must have shape"),
        (torch.zeros(4).long(), torch.tensor(1), 10, ValueError, "key must have shape"),
        ([0, 0, 0, 0], torch.zeros(2).long(), 10, TypeError, "counter must be a"),
        (torch.zeros(4).long(), torch.zeros(2).long(), 0, ValueError, "rounds"),
    ],
)
def test_philox_refuses(counter, key, rounds, error, match):
    with pytest.raises(error, match=match):
        philox4x32(counter, key, rounds)


@given(
    seed=st.integers(0, 2**64 - 1),
    stream=word,
    row=st.integers(0, 2**63 - 1),
    column=st.integers(0, 2**34 - 1),
)
def test_counter_layout_is_the_promised_one(seed, stream, row, column):
    counter = [column // 4, stream, row % 2**32, row >> 32]
    expected = scalar_philox(counter, [seed % 2**32, seed >> 32])[column % 4]
    result = philox_uint32(seed, torch.tensor([row]), column, column + 1, stream)
    assert result.tolist() == [[expected]]


def test_layout_is_frozen():
    # These numbers are part of the file format: if they change, saved embeddings change meaning.
    result = philox_uint32(42, torch.tensor([0, 1, 2**40]), 2, 7, stream=3)
    assert result.tolist() == [
        [2467361102, 2259254482, 3305268843, 3872848170, 2755255549],
        [2597053893, 3585393171, 654009014, 2233219140, 3156059871],
        [1586909394, 3166219467, 3003876000, 2484194605, 420228196],
    ]


@given(st.data())
def test_chunks_give_the_same_matrix(data):
    rows, cols = data.draw(st.integers(0, 9)), data.draw(st.integers(0, 21))
    seed = data.draw(st.integers(0, 2**64 - 1))
    ids = torch.tensor(data.draw(st.lists(st.integers(0, 2**63 - 1), min_size=rows, max_size=rows)))
    ids = ids.long()
    whole = philox_uint32(seed, ids, 0, cols)
    row, col = data.draw(st.integers(0, rows)), data.draw(st.integers(0, cols))
    top = [philox_uint32(seed, ids[:row], 0, col), philox_uint32(seed, ids[:row], col, cols)]
    bottom = [philox_uint32(seed, ids[row:], 0, col), philox_uint32(seed, ids[row:], col, cols)]
    assert whole.shape == (rows, cols)
    assert torch.equal(torch.cat([torch.cat(top, 1), torch.cat(bottom, 1)]), whole)


def test_devices_and_row_order_agree(device):
    rows = torch.arange(50)
    order = torch.randperm(50, generator=torch.Generator().manual_seed(0))
    result = philox_uint32(7, rows[order].to(device), 0, 10)
    assert torch.equal(result.cpu(), philox_uint32(7, rows, 0, 10)[order])


def test_seeds_and_streams_differ():
    rows = torch.arange(4)
    tables = [
        philox_uint32(seed, rows, 0, 8, stream) for seed in (0, 1, 2**32) for stream in (0, 1)
    ]
    for i, first in enumerate(tables):
        assert all(not torch.equal(first, other) for other in tables[i + 1 :])


def test_words_look_uniform():
    table = philox_uint32(0, torch.arange(2000), 0, 64)
    bits = (table.unsqueeze(-1) >> torch.arange(32)) & 1
    # 128 000 fair coins per bit: the standard deviation of a mean is 0.0014.
    assert float((bits.double().mean((0, 1)) - 0.5).abs().max()) < 0.007
    counts = torch.bincount(table.flatten() >> 24, minlength=256).double()
    chi2 = float(((counts - 500) ** 2 / 500).sum())
    assert 150 < chi2 < 370  # 255 degrees of freedom, five standard deviations each way


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((-1, torch.arange(2), 0, 4), ValueError, "seed must be at least 0"),
        ((2**64, torch.arange(2), 0, 4), ValueError, "seed must be at most"),
        ((0.5, torch.arange(2), 0, 4), TypeError, "seed must be an int"),
        ((0, torch.arange(2), 0, 4, 2**32), ValueError, "stream"),
        ((0, torch.arange(2), -1, 4), ValueError, "col_start"),
        ((0, torch.arange(2), 5, 4), ValueError, "col_stop must be at least 5"),
        ((0, torch.arange(2), 0, 2**34 + 1), ValueError, "col_stop"),
        ((0, torch.arange(2.0), 0, 4), TypeError, "rows must be int64"),
        ((0, torch.arange(2).view(1, 2), 0, 4), ValueError, "rows must be 1-D"),
        ((0, torch.tensor([3, -2]), 0, 4), IndexError, "rows must not be negative, got -2"),
    ],
)
def test_philox_uint32_refuses(arguments, error, match):
    with pytest.raises(error, match=match):
        philox_uint32(*arguments)


def test_make_generator_is_reproducible_and_private(device):
    before = torch.get_rng_state()
    draws = [torch.rand(3, generator=make_generator(5, device), device=device) for _ in range(2)]
    assert torch.equal(*draws)
    assert not torch.equal(
        draws[0], torch.rand(3, generator=make_generator(6, device), device=device)
    )
    assert torch.equal(before, torch.get_rng_state())


def test_make_generator_keeps_a_generator():
    generator = torch.Generator().manual_seed(1)
    assert make_generator(generator) is generator
    assert make_generator(np.int64(4)).initial_seed() == 4


@pytest.mark.parametrize(
    ("seed", "where", "error", "match"),
    [
        (None, "cpu", TypeError, "seed must be an int"),
        (True, "cpu", TypeError, "seed must be an int"),
        (-1, "cpu", ValueError, "seed must be at least 0"),
        (2**64, "cpu", ValueError, "seed must be at most"),
        (torch.Generator(), "cuda", ValueError, "generator must be on cuda, got one on cpu"),
    ],
)
def test_make_generator_refuses(seed, where, error, match):
    with pytest.raises(error, match=match):
        make_generator(seed, where)


@given(st.integers(0, 2**128), st.integers(0, 20), st.integers(0, 20))
def test_spawned_seeds_have_a_stable_prefix(seed, few, more):
    few, more = sorted((few, more))
    seeds = spawn_seeds(seed, more)
    assert spawn_seeds(seed, few) == seeds[:few]
    assert len(set(seeds)) == more
    assert all(0 <= child < 2**63 for child in seeds)


def test_spawned_seeds_are_frozen():
    assert spawn_seeds(0, 3) == [4334430513956379144, 2440950710608614359, 8226343694796210948]


@pytest.mark.parametrize(("seed", "n"), [(-1, 2), (0, -1)])
def test_spawn_seeds_refuses_negative_numbers(seed, n):
    with pytest.raises(ValueError, match="must be at least 0"):
        spawn_seeds(seed, n)


def test_a_random_order_is_drawn_where_the_generator_draws(device):
    drawn = random_order(50, make_generator(3), device)
    assert drawn.device.type == torch.device(device).type
    assert drawn.sort().values.tolist() == list(range(50))
    again = torch.randperm(50, generator=make_generator(3), device="cpu")
    assert torch.equal(drawn.cpu(), again)
    assert random_order(0, None, "cpu").numel() == 0
