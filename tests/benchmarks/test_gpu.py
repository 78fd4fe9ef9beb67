"""The GPU benchmark, tried on tiny inputs on the CPU: every case, every peer, the file."""

from __future__ import annotations

import json
import math

import pytest
import torch

from benchmarks._floors import Device
from benchmarks.gpu import device as gpu_device
from benchmarks.gpu import operators
from benchmarks.gpu import run as gpu
from benchmarks.gpu.inputs import ARGUMENTS, FULL, SMALL, Inputs, Size, family_of, with_hubs
from benchmarks.gpu.peers import CUBLAS, FIRST, peers
from benchmarks.gpu.steps import steps

CPU = torch.device("cpu")
TINY = Size(61, 7, 4, 3)
KEYS = {"time_us", "floor_us", "ratio_to_floor", "peer", "ratio_to_peer", "max_error"}


#: Two of the rows; the others measure as they do.
FAST = ("edge_cosine_sum", "propagate_backward")


@pytest.mark.parametrize(
    "op",
    [op if op in FAST else pytest.param(op, marks=pytest.mark.slow) for op in sorted(ARGUMENTS)],
)
def test_row_of_an_operator(op):
    row = operators.operator_row(op, TINY, CPU, Device(1e9, 1e9, 0), repeats=1)
    assert set(row) >= KEYS
    assert row["max_error"] < 1e-5
    assert row["time_us"] > 0 and row["floor_us"] > 0
    assert row["ratio_to_floor"] == pytest.approx(row["time_us"] / row["floor_us"])
    assert row["ratio_to_peer"] == pytest.approx(row["peers_us"][row["peer"]] / row["time_us"])
    assert not row["peer"].startswith(CUBLAS)
    assert row["out_of_memory"] == []
    json.dumps(row, allow_nan=False)


@pytest.mark.parametrize("op", ["edge_cosine_sum", "budget_minimum"])
def test_row_on_a_graph_with_hubs(op):
    size = with_hubs(TINY)
    assert size == Size(64, 7, 4, 3, "rmat")
    inputs = Inputs(size, CPU, torch.float32)
    degree = inputs.pattern.rowptr.diff()
    assert degree.max() > 3 * degree.double().mean()
    row = operators.operator_row(op, size, CPU, Device(1e9, 1e9, 0), repeats=1)
    assert row["max_error"] < 1e-5 and row["size"]["graph"] == "rmat"


def same_work(op: str) -> list[str]:
    args = ARGUMENTS[op](Inputs(TINY, CPU, torch.float32))
    return [name for name in peers(op, args) if not name.startswith(CUBLAS)]


@pytest.mark.parametrize("op", sorted(ARGUMENTS))
def test_peers_compute_the_same_numbers(op):
    args = ARGUMENTS[op](Inputs(TINY, CPU, torch.float32))
    want = operators.outputs(getattr(torch.ops.graphlab, op)(*args))
    functions = peers(op, args)
    for name in same_work(op):
        if "other numbers" in name:
            continue
        got = operators.outputs(functions[name]())
        same = want[:1] if FIRST in name else want
        for g, w in zip(got, same, strict=True):
            torch.testing.assert_close(g.detach(), w, rtol=1e-4, atol=1e-5)


def test_random_numbers_of_the_peer_have_the_same_law():
    size = Size(4000, 40)
    args = ARGUMENTS["random_projection"](Inputs(size, CPU, torch.float32))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        (other,) = (
            run() for name, run in peers("random_projection", args).items() if "rand" in name
        )
    ours = torch.ops.graphlab.random_projection(*args)
    for values in (other, ours):
        assert (values != 0).float().mean() == pytest.approx(1 / 3, abs=0.01)
        assert values.mean().abs() < 1e-3
    assert other.square().mean() == pytest.approx(float(ours.square().mean()), rel=0.03)


def test_products_have_the_shape_of_the_pairs():
    args = ARGUMENTS["pairwise_logsumexp"](Inputs(TINY, CPU, torch.float32))
    found = {k: run for k, run in peers("pairwise_logsumexp", args).items() if CUBLAS in k}
    assert len(found) == 3
    want = args[0] @ args[1].t()
    for name, run in found.items():
        torch.testing.assert_close(
            run().float(), want, atol=2e-2 if "bfloat16" in name else 1e-5, rtol=0.0
        )


def test_error_is_relative_to_the_largest_value(monkeypatch):
    def wrong(x: torch.Tensor, cluster: torch.Tensor, count: int) -> torch.Tensor:
        out = torch.zeros(count, x.size(1), dtype=x.dtype).index_add(0, cluster, x)
        return out if x.dtype == torch.float32 else 2 * out

    monkeypatch.setattr(operators.reference, "cluster_sum", wrong)
    assert operators.max_error("cluster_sum", CPU, torch.float32) == pytest.approx(0.5, rel=1e-5)


def test_infinite_values_must_agree():
    ones, inf = torch.ones(3), torch.tensor([1.0, math.inf, 1.0])
    assert operators._difference(inf, inf) == 0.0
    with pytest.raises(ValueError, match="infinite"):
        operators._difference(ones, inf)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(steps(small=True)))
def test_steps_run_and_are_compared(name):
    step = steps(small=True)[name]
    rows = gpu.step_rows(name, step, CPU, repeats=1)
    assert [row["name"] for row in rows] == list(step.makers)
    assert rows[0]["name"] == "graphlab" and rows[0]["times_ours"] == 1.0
    assert all(row["median_s"] > 0 and not row["out_of_memory"] for row in rows)


def test_small_and_full_steps_have_the_same_methods():
    small, full = steps(small=True), steps()
    assert {k: list(s.makers) for k, s in small.items()} == {
        k: list(s.makers) for k, s in full.items()
    }


def test_a_method_without_memory_is_noted_and_the_rest_goes_on():
    def greedy(device: torch.device) -> object:
        raise torch.OutOfMemoryError("no room")

    step = gpu.Step("title", {"graphlab": lambda device: lambda: None, "eager": greedy})
    ours, eager = gpu.step_rows("case", step, CPU, repeats=1)
    assert not ours["out_of_memory"]
    assert eager["out_of_memory"] and "median_s" not in eager


def test_a_peer_without_memory_is_left_out():
    def greedy() -> None:
        raise torch.OutOfMemoryError("no room")

    runs = {"graphlab": lambda: None, "eager": greedy, "other": lambda: None}
    times, failed = operators.timings(runs, CPU, repeats=2)
    assert failed == ["eager"] and set(times) == {"graphlab", "other"}


def test_a_slow_peer_is_called_once(monkeypatch):
    monkeypatch.setattr(operators, "SLOW", 0.0)
    calls: list[int] = []
    times, failed = operators.timings(
        {"graphlab": lambda: None, "peer": lambda: calls.append(0)}, CPU, repeats=3
    )
    assert len(calls) == 1 and failed == [] and times["peer"] > 0


def test_goals_are_judged_both_ways():
    row = {"case": "propagate", "ratio_to_peer": 1.9, "ratio_to_floor": 1.4}
    assert operators.goals(row) == {"ratio_to_peer >= 2": False, "ratio_to_floor <= 1.5": True}
    assert operators.goals({"case": "edge_bound", "ratio_to_peer": None}) == {}


def test_full_tables_are_larger_than_the_cache():
    for op in ("edge_cosine_sum", "propagate"):
        size = FULL[family_of(op)]
        assert 4 * size.nodes * size.dim > 2 * 50e6
    assert set(FULL) == set(SMALL)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("NVIDIA H200", "h200"),
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA A100-SXM4-80GB", "a100"),
        ("x86_64", "x86_64"),
        ("Some Other Card", "some_other_card"),
    ],
)
def test_file_is_named_after_the_model(name, stem):
    assert gpu_device.file_stem(name) == stem


def test_product_puts_the_setting_back():
    before = torch.backends.cuda.matmul.allow_tf32
    a = torch.eye(3)
    assert torch.equal(gpu_device.product(a, a, tf32=not before), a)
    assert torch.backends.cuda.matmul.allow_tf32 == before


def test_dry_run_writes_a_whole_file_where_asked(tmp_path, capsys):
    path = tmp_path / "x.json"
    cases = ["cluster_sum", "fastrp_ten_million"]
    gpu.main(["--dry-run", "--cases", *cases, f"--results={path}"])
    content = json.loads(path.read_text(encoding="utf-8"))
    found = [row["case"] for row in content["rows"]]
    assert found[0] == "device" and found[-1] == "device after"
    assert set(cases) <= set(found)
    device = content["rows"][0]
    assert device["copy_bytes_per_s"] > 0 and device["float32_flops_per_s"] > 0
    assert {"date", "versions", "commit"} <= set(content)
    assert "cluster_sum | graphlab" in capsys.readouterr().out


@pytest.mark.skipif(torch.cuda.is_available(), reason="refused only without a GPU")
def test_a_real_run_needs_a_gpu():
    with pytest.raises(SystemExit, match="needs a CUDA device; --dry-run"):
        gpu.main([])
