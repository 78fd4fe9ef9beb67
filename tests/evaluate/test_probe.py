"""Linear probe: it learns, it is honest, it refuses bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.transforms import RandomNodeSplit

from graphlab.evaluate import linear_probe, random_split
from graphlab.evaluate.probe import _normalized
from tests._graphs import planted

CANDIDATES = (0.01, 1.0, 100.0)


def blobs(spread: float = 1.0, num_nodes: int = 300) -> tuple[torch.Tensor, torch.Tensor]:
    data = planted(num_nodes, dim=6, noise=spread / 2)
    return 2.0 * data.x, data.y


@pytest.mark.parametrize("normalize", ["l2", "standard", "none"])
@pytest.mark.parametrize("refit", ["train", "train+val"])
def test_separable_classes_are_read_off(normalize, refit):
    z, y = blobs(spread=0.1)
    result = linear_probe(z, y, normalize=normalize, refit=refit, candidates=CANDIDATES)
    assert result.accuracy == 1.0
    assert result.macro_f1 == 1.0
    assert result.val_accuracy == 1.0
    assert sorted(result.val_scores) == list(CANDIDATES)


def test_noise_is_not_read_off():
    _, y = blobs()
    z = torch.randn(300, 6, generator=torch.Generator().manual_seed(1))
    assert linear_probe(z, y, candidates=CANDIDATES).accuracy < 0.5


@pytest.mark.parametrize("refit", ["train", "train+val"])
def test_test_labels_do_not_touch_the_choice(refit):
    z, y = blobs(spread=1.5)
    split = random_split(300, 0.2, 0.2, seed=0)
    honest = linear_probe(z, y, split, refit=refit)
    for seed in range(5):
        order = torch.randperm(180, generator=torch.Generator().manual_seed(seed))
        permuted = y.clone()
        permuted[split["test"]] = y[split["test"]][order]
        result = linear_probe(z, permuted, split, refit=refit)
        assert result.c == honest.c
        assert result.val_scores == honest.val_scores
        assert result.accuracy < honest.accuracy


def test_a_class_known_to_the_test_part_alone_changes_nothing_else():
    z, y = blobs(spread=1.5)
    split = random_split(300, 0.2, 0.2, seed=0)
    changed = y.clone()
    changed[split["test"][:50]] = 9
    before, after = linear_probe(z, y, split), linear_probe(z, changed, split)
    assert (before.c, before.val_scores) == (after.c, after.val_scores)
    assert after.accuracy < before.accuracy
    assert after.macro_f1 < before.macro_f1


def test_ties_go_to_the_strongest_regularisation():
    z, y = blobs(spread=0.05)
    assert linear_probe(z, y, candidates=(100.0, 10.0, 50.0)).c == 10.0


def test_choice_is_the_best_on_validation():
    z, y = blobs(spread=1.5)
    result = linear_probe(z, y, candidates=(1e-4, 1e-2, 1.0, 100.0))
    assert result.val_accuracy == max(result.val_scores.values())
    assert result.val_scores[result.c] == result.val_accuracy


def test_masks_indices_and_seed_agree():
    z, y = blobs()
    split = random_split(300, 0.1, 0.1, seed=7)
    masks = {
        f"{part}_mask": torch.zeros(300, dtype=torch.bool).index_fill(0, index, True)
        for part, index in split.items()
    }
    first = linear_probe(z, y, split, candidates=CANDIDATES)
    assert first == linear_probe(z, y, masks, candidates=CANDIDATES)
    assert first == linear_probe(z, y, seed=7, candidates=CANDIDATES)


def test_input_is_left_alone():
    z, y = blobs()
    z = z.requires_grad_()
    before = z.detach().clone()
    linear_probe(z, y, candidates=(1.0,), normalize="standard")
    assert torch.equal(z.detach(), before)
    assert z.grad is None


@pytest.mark.parametrize("normalize", ["l2", "standard", "none"])
def test_zero_rows_constant_columns_and_half_precision(normalize):
    z, y = blobs()
    z[:10] = 0.0
    z[:, 5] = 1.0
    z[:10] = 0.0
    result = linear_probe(z.bfloat16(), y.int(), candidates=(1.0,), normalize=normalize)
    assert 0.5 < result.accuracy <= 1.0


def test_unlabelled_nodes_stay_out():
    z, y = blobs()
    y[0] = -1
    split = {
        "train": torch.arange(1, 60),
        "val": torch.arange(60, 100),
        "test": torch.arange(100, 300),
    }
    assert linear_probe(z, y, split, candidates=(1.0,)).accuracy > 0.5
    split["val"] = torch.tensor([0, 60])
    split["train"] = torch.arange(1, 60)
    with pytest.raises(ValueError, match=r"y\[0\] = -1 is not a class, but val holds that node"):
        linear_probe(z, y, split)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"z": torch.zeros(300)}, ValueError, "z must be 2-D"),
        ({"z": torch.zeros(300, 2, dtype=torch.long)}, TypeError, "z must be floating point"),
        ({"z": torch.full((300, 2), float("nan"))}, ValueError, "z must be finite"),
        ({"y": torch.zeros(299, dtype=torch.long)}, ValueError, r"y must have shape \(300,\)"),
        ({"y": torch.zeros(300)}, TypeError, "y must be an int64 or int32 tensor"),
        ({"y": [0] * 299 + [0.5]}, TypeError, r"y must hold integers, but y\[299\] = 0.5"),
        ({"y": [0] * 300}, ValueError, "at least two classes"),
        ({"y": "labels"}, TypeError, "y must be an int64 or int32 tensor, got str"),
        ({"z": torch.zeros(300, 0)}, ValueError, r"z must have at least one column, got shape"),
        ({"y": torch.zeros(300, dtype=torch.long)}, ValueError, "at least two classes"),
        ({"candidates": ()}, ValueError, "candidates must hold at least one"),
        ({"candidates": (1.0, -1.0)}, ValueError, r"candidates\[1\] must be positive"),
        ({"normalize": "max"}, ValueError, "normalize must be one of"),
        ({"refit": "all"}, ValueError, "refit must be one of"),
        ({"max_iter": 0}, ValueError, "max_iter must be at least 1"),
    ],
)
def test_bad_input(change, error, message):
    z, y = blobs()
    with pytest.raises(error, match=message):
        linear_probe(**{"z": z, "y": y, **change})


def test_labels_may_be_a_list():
    z, y = blobs()
    assert linear_probe(z, y.tolist(), seed=1) == linear_probe(z, y, seed=1)
    assert linear_probe(z, tuple(y.numpy()), seed=1) == linear_probe(z, y, seed=1)


@pytest.mark.parametrize("value", [0.1, 0.3, 0.7, 1.1])
def test_column_that_only_test_nodes_vary_in(value):
    z = torch.full((40, 1), value, dtype=torch.float64).numpy()
    z[39] += 0.2
    rows = _normalized(torch.from_numpy(z), "standard", np.arange(10))
    assert np.allclose(rows[:39], 0) and np.allclose(rows[39], 0.2)


def collapsed(num_nodes: int = 300) -> tuple[torch.Tensor, torch.Tensor]:
    """Classes in the small deviations of rows that are nearly equal."""
    z, y = blobs(spread=0.5, num_nodes=num_nodes)
    return 1e-2 * z + 1.0, y


def test_nearly_equal_rows_need_the_large_candidates():
    z, y = collapsed()
    result = linear_probe(z, y)
    assert result.c > 4.0**5 and result.accuracy > 0.9
    with pytest.warns(UserWarning, match="best C is the largest candidate, 1000, .* try larger"):
        assert linear_probe(z, y, candidates=(10.0, 100.0, 1000.0)).accuracy < result.accuracy


def test_validation_may_choose_the_scaling():
    z, y = collapsed()
    result = linear_probe(z, y, normalize="auto", candidates=(0.01, 0.1, 1.0))
    assert result.normalize == "standard" and result.accuracy > 0.9
    z, y = blobs(spread=0.1)
    assert linear_probe(z, y, normalize="auto", candidates=CANDIDATES).normalize == "l2"  # a tie


@pytest.mark.filterwarnings("ignore:the best C")
def test_a_data_object_brings_its_masks():
    with torch.random.fork_rng():  # the transform draws from the global generator
        torch.manual_seed(0)
        data = RandomNodeSplit(num_val=60, num_test=120)(planted(300, dim=6))
    masks = {part: data[f"{part}_mask"] for part in ("train", "val", "test")}
    result = linear_probe(data.x, data.y, data, candidates=CANDIDATES)
    assert result == linear_probe(data.x, data.y, masks, candidates=CANDIDATES)
    with pytest.raises(ValueError, match="must have the part 'train'.*random_split draws"):
        linear_probe(data.x, data.y, Data(x=data.x))


def test_several_splits_in_one_mask_say_which():
    data = planted(300, dim=6)
    data = RandomNodeSplit(split="random", num_splits=3, num_train_per_class=20, num_val=60)(data)
    with pytest.raises(ValueError, match=r"holds 3 splits.* say which by column=0 to column=2"):
        linear_probe(data.x, data.y, data)
    with pytest.raises(IndexError, match=r"column = 3 is outside \[0, 3\)"):
        linear_probe(data.x, data.y, data, column=3)
    results = [linear_probe(data.x, data.y, data, column=i, candidates=(1.0,)) for i in range(3)]
    for i, result in enumerate(results):
        split = {part: data[f"{part}_mask"][:, i] for part in ("train", "val", "test")}
        assert result == linear_probe(data.x, data.y, split, candidates=(1.0,))
    # A mask of all splits beside one per split, as WikiCS has them.
    data.test_mask = ~(data.train_mask | data.val_mask).any(1)
    assert linear_probe(data.x, data.y, data, column=1, candidates=(1.0,)).accuracy > 0.5
