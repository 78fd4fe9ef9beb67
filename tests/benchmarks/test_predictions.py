"""The predictions in the kernels' README follow from the formulas."""

from __future__ import annotations

import json

import pytest
import torch

from benchmarks import predictions
from benchmarks._floors import FORMULAS, work_of
from benchmarks.gpu.inputs import ARGUMENTS, Inputs, Size

SIZE = Size(60, 8, 4, 3)


def test_the_page_is_current():
    text = predictions.README.read_text(encoding="utf-8")
    assert predictions.render(text) == text
    assert text.count(predictions.BEGIN) == text.count(predictions.END) == 1


def test_every_operator_is_predicted():
    assert set(predictions.EXPECTED) == set(FORMULAS)
    assert all(factor >= 1 and why for factor, why in predictions.EXPECTED.values())


@pytest.mark.parametrize("op", sorted(FORMULAS))
def test_inputs_without_values_have_the_work_of_real_ones(op):
    real = ARGUMENTS[op](Inputs(SIZE, torch.device("cpu"), torch.float32))
    assert work_of(op, ARGUMENTS[op](predictions.MetaInputs(SIZE))) == work_of(op, real)


def test_no_measurement_is_invented(tmp_path, monkeypatch):
    monkeypatch.setattr(predictions, "HERE", tmp_path)
    assert predictions.cell("propagate", "h200") == "not measured yet"
    (tmp_path / "results").mkdir()
    rows = [{"case": "device"}, {"case": "propagate", "time_us": 2345.6}]
    (tmp_path / "results" / "h200.json").write_text(json.dumps({"rows": rows}))
    assert predictions.cell("propagate", "h200") == "2.35 ms"
    assert predictions.cell("propagate", "h100") == "not measured yet"
    assert predictions.cell("edge_bound", "h200") == "not measured yet"
