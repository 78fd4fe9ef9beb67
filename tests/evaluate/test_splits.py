"""Splits: sizes, disjointness, proportions; masks and indices; the draws of published programs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.evaluate import (
    labels_per_class_split,
    random_split,
    resolve_split,
    tape_split,
)
from tests._golden import load


def is_partition(split: dict[str, torch.Tensor], num_nodes: int) -> bool:
    joined = torch.cat(list(split.values())).sort().values
    return torch.equal(joined, torch.arange(num_nodes))


@given(st.integers(3, 200), st.integers(0, 5), st.data())
def test_sizes_and_disjointness(num_nodes, seed, data):
    train = data.draw(st.integers(1, num_nodes - 2))
    val = data.draw(st.integers(1, num_nodes - 1 - train))
    labels = torch.randint(4, (num_nodes,), generator=torch.Generator().manual_seed(seed))
    for stratify in (None, labels):
        split = random_split(num_nodes, train, val, seed=seed, stratify=stratify)
        assert list(split) == ["train", "val", "test"]
        assert [len(i) for i in split.values()] == [train, val, num_nodes - train - val]
        assert is_partition(split, num_nodes)
        assert all(torch.equal(i, i.sort().values) for i in split.values())


def test_shares_and_seeds():
    first = random_split(1000, 0.1, 0.25, seed=3)
    assert [len(i) for i in first.values()] == [100, 250, 650]
    again = random_split(1000, 0.1, 0.25, seed=3)
    drawn = random_split(1000, 0.1, 0.25, generator=torch.Generator().manual_seed(3))
    other = random_split(1000, 0.1, 0.25, seed=4)
    assert all(torch.equal(first[part], again[part]) for part in first)
    assert all(torch.equal(first[part], drawn[part]) for part in first)
    assert not torch.equal(first["train"], other["train"])


def test_global_seed_is_neither_read_nor_moved():
    state = torch.get_rng_state()
    random_split(50, 0.2, 0.2, seed=0)
    assert torch.equal(torch.get_rng_state(), state)


def test_stratified_proportions():
    y = torch.tensor([7] * 500 + [2] * 300 + [0] * 200)
    split = random_split(1000, 0.1, 0.2, seed=0, stratify=y)
    for label, size in ((7, 500), (2, 300), (0, 200)):
        counts = [int((y[i] == label).sum()) for i in split.values()]
        assert counts == [size // 10, size // 5, size * 7 // 10]


def test_nodes_without_a_label_are_in_no_part():
    y = torch.arange(1000) % 2
    y[::5] = -1
    with pytest.warns(UserWarning, match="200 of 1000 nodes have no label .* of the other 800"):
        split = random_split(1000, 0.1, 100, seed=0, stratify=y)
    assert [len(i) for i in split.values()] == [80, 100, 620]
    assert torch.equal(torch.cat(list(split.values())).sort().values, (y >= 0).nonzero()[:, 0])
    assert all(abs(float(y[i].double().mean()) - 0.5) < 0.01 for i in split.values())
    with (
        pytest.warns(UserWarning, match="no label"),
        pytest.raises(ValueError, match=r"no test node out of 800 labels \(1000 nodes\)"),
    ):
        random_split(1000, 500, 300, stratify=y)
    with pytest.raises(ValueError, match="at least 3 labels, got 2 for 10 nodes"):
        random_split(10, 0.2, 0.2, stratify=torch.tensor([1, 0] + [-1] * 8))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((2, 0.1, 0.1), ValueError, "num_nodes must be at least 3"),
        ((10, 0.0, 0.1), ValueError, "train must be a share"),
        ((10, 1.0, 0.1), ValueError, "train must be a share"),
        ((10, 0.1, float("nan")), ValueError, "val must be a share"),
        ((10, 0.01, 0.1), ValueError, "less than one node"),
        ((10, 5, 5), ValueError, "leave no test node"),
        ((10, 0, 5), ValueError, "train must be at least 1"),
        ((10, "a", 5), TypeError, "train must be an int"),
        ((10.0, 0.1, 0.1), TypeError, "num_nodes must be an int"),
    ],
)
def test_bad_sizes(arguments, error, message):
    with pytest.raises(error, match=message):
        random_split(*arguments)


def test_bad_stratify():
    with pytest.raises(ValueError, match=r"stratify must have shape \(10,\), got \(9,\)"):
        random_split(10, 0.2, 0.2, stratify=torch.zeros(9, dtype=torch.long))
    with pytest.raises(TypeError, match="stratify must be a torch.Tensor, got str"):
        random_split(10, 0.2, 0.2, stratify="labels")
    with pytest.raises(TypeError, match=r"stratify must hold integers, but stratify\[1\] = 0.5"):
        random_split(10, 0.2, 0.2, stratify=[0, 0.5] * 5)


def test_labels_may_be_a_list():
    y = torch.arange(60) % 3
    for draw in (
        lambda y: random_split(60, 0.2, 0.2, stratify=y),
        lambda y: labels_per_class_split(y, 5, 5),
    ):
        assert {k: v.tolist() for k, v in draw(y.tolist()).items()} == {
            k: v.tolist() for k, v in draw(y).items()
        }


def masks() -> dict[str, torch.Tensor]:
    parts = random_split(20, 5, 5, seed=1)
    return {
        part: torch.zeros(20, dtype=torch.bool).index_fill(0, i, True) for part, i in parts.items()
    }


@pytest.mark.parametrize(
    "keys", ["train val test", "train valid test", "train_mask val_mask test_mask"]
)
@pytest.mark.parametrize("as_mask", [True, False])
def test_masks_and_indices_resolve_alike(keys, as_mask):
    given_split = {"x": torch.zeros(3)}
    for key, mask in zip(keys.split(), masks().values(), strict=True):
        given_split[key] = mask if as_mask else mask.nonzero().view(-1).flip(0).int()
    expected = random_split(20, 5, 5, seed=1)
    resolved = resolve_split(given_split, 20)
    assert all(torch.equal(resolved[part], expected[part]) for part in expected)
    assert all(i.dtype == torch.int64 for i in resolved.values())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"val": None}, ValueError, "must have the part 'val'"),
        ({"val": torch.tensor([], dtype=torch.long)}, ValueError, r"\['val'\] must hold at least"),
        ({"val": torch.zeros(20, dtype=torch.bool)}, ValueError, r"\['val'\] must hold at least"),
        ({"val": torch.tensor([20])}, IndexError, r"\['val'\]\[0\] = 20"),
        ({"val": torch.tensor([-1])}, IndexError, r"\['val'\]\[0\] = -1"),
        ({"val": torch.tensor([1, 1])}, ValueError, "must not repeat a node"),
        ({"val": torch.tensor([0.5])}, TypeError, "int64 or int32"),
        ({"val": [1, 2]}, TypeError, "must be a torch.Tensor"),
        ({"val": torch.zeros(19, dtype=torch.bool)}, ValueError, r"mask of shape \(20,\)"),
        ({"val": torch.zeros(20, 2, dtype=torch.bool)}, ValueError, "say which by column=0"),
    ],
)
def test_bad_splits(change, error, message):
    split = {part: value for part, value in {**masks(), **change}.items() if value is not None}
    with pytest.raises(error, match=message):
        resolve_split(split, 20)


def test_overlap_is_refused():
    split = masks()
    split["test"] = split["test"] | split["train"]
    with pytest.raises(ValueError, match="train and test share 5 nodes"):
        resolve_split(split, 20)


def test_split_must_be_a_mapping():
    with pytest.raises(TypeError, match="split must be a mapping"):
        resolve_split([torch.arange(3)], 20)


def test_shares_of_numpy():
    split = random_split(10, np.float32(0.3), np.int64(2))
    assert [len(split[part]) for part in ("train", "val", "test")] == [3, 2, 5]


# --- draws of published programs ------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(load("tape", "tape_splits")))
def test_tape_split_is_drawn_as_published(name):
    size, seed = (int(part.lstrip("nsed")) for part in name.split("_"))
    before = np.random.get_state()[1].copy()
    split = tape_split(size, seed)
    assert (np.random.get_state()[1] == before).all()
    code = torch.zeros(size, dtype=torch.int8)
    for number, part in enumerate(("train", "val", "test"), 1):
        code[split[part]] = number
    assert torch.equal(code, load("tape", "tape_splits")[name])


def test_tape_split_refuses():
    with pytest.raises(ValueError, match="num_nodes must be at least 5, got 4"):
        tape_split(4, 0)
    with pytest.raises(ValueError, match="seed must be at least 0"):
        tape_split(10, -1)


def test_few_labels_per_class_are_drawn_as_published():
    case = load("tape", "gaug_splits")
    names = sorted({key.rpartition("/")[0] for key in case})
    assert len(names) == 8
    for name in names:
        seed, size = (int(part[1:]) for part in name.split("_")[2:])
        parts = labels_per_class_split(case[f"{name}/y"], size, seed=seed)
        got = torch.zeros_like(case[f"{name}/split"])
        for value, part in enumerate(("train", "val", "test"), 1):
            got[parts[part]] = value
        assert torch.equal(got, case[f"{name}/split"])


def test_few_labels_per_class_leave_out_what_has_no_label():
    y = torch.tensor([0, -1, 0, 1, 1, -1, 0, 1])
    parts = labels_per_class_split(y, 1, 1)
    assert sorted(torch.cat(list(parts.values())).tolist()) == [0, 2, 3, 4, 6, 7]
    with pytest.raises(ValueError, match="y must hold at least one label"):
        labels_per_class_split(torch.tensor([-1, -1]))
    with pytest.raises(TypeError, match="y must be int64"):
        labels_per_class_split(torch.zeros(3))


def test_the_default_device_does_not_matter():
    """With a device that holds no values, whatever lands on it raises."""
    want = random_split(20, seed=3)
    with torch.device("meta"):
        got = random_split(20, seed=3)
        own = random_split(20, generator=torch.Generator().manual_seed(3))
        resolved = resolve_split(got, 20)
    for part, nodes in want.items():
        assert got[part].equal(nodes) and own[part].equal(nodes) and resolved[part].equal(nodes)


def test_labels_of_one_class_are_labels():
    parts = labels_per_class_split(torch.zeros(10, dtype=torch.int64), 2, 3)
    assert [parts[name].numel() for name in ("train", "val", "test")] == [2, 3, 5]


def test_keys_of_several_types_are_named():
    with pytest.raises(ValueError, match=r"got the keys \[0, 'val'\]: random_split"):
        resolve_split({0: torch.tensor([0]), "val": torch.tensor([1])}, 4)
