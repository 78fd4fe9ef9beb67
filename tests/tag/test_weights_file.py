"""Weights that others published: plain tensors by their names, and nothing else."""

from __future__ import annotations

import pytest
import torch

from graphlab.tag._weights_file import read_plain_tensors


def test_tensors_may_be_one_entry_among_others(tmp_path):
    weights = {"layer.weight": torch.eye(2)}
    torch.save(weights, tmp_path / "bare.pt")
    torch.save({"epoch": 3, "model": weights}, tmp_path / "inside.pt")
    for name in ("bare.pt", "inside.pt"):
        found = read_plain_tensors(tmp_path / name, "model")
        assert list(found) == ["layer.weight"] and torch.equal(found["layer.weight"], torch.eye(2))


@pytest.mark.parametrize("content", [[torch.eye(2)], {"epoch": 3}, {"model": {"epoch": 3}}])
def test_anything_but_tensors_by_name_is_refused(content, tmp_path):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=r"w\.pt must hold a mapping from names to tensors"):
        read_plain_tensors(tmp_path / "w.pt", "model")
