"""Scores of reconstructions."""

from __future__ import annotations

import pytest
import torch

from graphlab.hyper import jaccard, multi_jaccard, precision_recall_f1
from tests.hyper._cases import make

LEFT = make([(0, 1), (1, 2), (1, 2), (0, 1, 2)], 4)
RIGHT = make([(1, 0), (1, 2), (2, 3), ()], 4)


def test_values():
    assert jaccard(LEFT, RIGHT) == 2 / 4
    assert multi_jaccard(LEFT, RIGHT) == 2 / 5
    assert precision_recall_f1(LEFT, RIGHT) == (2 / 3, 2 / 3, 2 / 3)
    assert jaccard(LEFT, LEFT) == multi_jaccard(LEFT, LEFT) == 1.0


def test_empty_sides():
    none = make([], 4)
    assert jaccard(none, none) == multi_jaccard(none, none) == 1.0
    assert jaccard(none, LEFT) == 0.0
    assert precision_recall_f1(none, LEFT) == (0.0, 0.0, 0.0)


def test_errors_name_the_side():
    with pytest.raises(ValueError, match="equal node counts, got 4 and 5"):
        jaccard(LEFT, make([(0,)], 5))
    with pytest.raises(ValueError, match="true must have shape"):
        jaccard(LEFT, torch.zeros(3, 1).long(), num_nodes=4)
