"""Correlations of properties and metrics of nodes: values, masks, bad input."""

from __future__ import annotations

import math

import pytest
import torch

from graphlab.evaluate import correlation_table


def test_correlations():
    x = torch.arange(6.0)
    table = correlation_table(
        {"x": x, "square": x**2}, {"y": -x, "holes": torch.where(x > 3, x, torch.nan)}
    )
    assert table["x"]["y"] == pytest.approx({"pearson": -1.0, "spearman": -1.0, "num_nodes": 6})
    assert table["square"]["y"]["spearman"] == pytest.approx(-1.0)
    assert table["square"]["y"]["pearson"] > -0.99
    assert table["x"]["holes"]["num_nodes"] == 2
    with pytest.warns(UserWarning, match="correlation of one and y is undefined"):
        constant = correlation_table({"one": torch.ones(6)}, {"y": x})
    assert math.isnan(constant["one"]["y"]["pearson"])
    masked = correlation_table({"x": x}, {"y": x}, x < 3)
    assert masked["x"]["y"]["num_nodes"] == 3
    with pytest.raises(ValueError, match="1-D of one length"):
        correlation_table({"x": x}, {"y": x[:3]})


@pytest.mark.parametrize("mask", [torch.tensor([1, 1, 0]), torch.tensor([True, False])])
def test_correlations_refuse_another_mask(mask):
    values = {"a": torch.arange(3.0)}
    with pytest.raises(ValueError, match=r"mask must be bool of shape \(3,\)"):
        correlation_table(values, {"b": torch.arange(3.0)}, mask=mask)


def test_correlations_look_at_every_length():
    with pytest.raises(ValueError, match="1-D of one length"):
        correlation_table({"a": torch.arange(4.0)}, {"a": torch.arange(5.0)})


def test_too_few_nodes_are_told_from_a_constant_side():
    with pytest.warns(UserWarning, match="undefined: 1 nodes have both"):
        sides = {"x": torch.tensor([1.0, 2.0])}, {"y": torch.tensor([1.0, math.nan])}
        table = correlation_table(*sides)
    assert table["x"]["y"]["num_nodes"] == 1
    assert math.isnan(table["x"]["y"]["spearman"])
