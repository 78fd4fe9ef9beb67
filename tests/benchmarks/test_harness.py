"""Timing, memory, graphs and files of the benchmark scripts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from benchmarks import _harness as harness


def is_simple_undirected(edge_index: Tensor, num_nodes: int) -> bool:
    keys = edge_index[0] * num_nodes + edge_index[1]
    mirrored = edge_index[1] * num_nodes + edge_index[0]
    in_range = bool((edge_index >= 0).all() and (edge_index < num_nodes).all())
    sorted_once = bool((keys.diff() > 0).all())
    no_loop = bool((edge_index[0] != edge_index[1]).all())
    return in_range and sorted_once and no_loop and torch.equal(mirrored.sort().values, keys)


def test_measure_counts_calls_and_orders_quartiles() -> None:
    calls: list[int] = []
    timing = harness.measure(calls.append, repeats=5, warmup=2, setup=lambda: len(calls))
    assert calls == list(range(7))
    assert len(timing.times) == 5
    low, high = timing.quartiles
    assert 0 <= low <= timing.median <= high
    assert timing.as_row()["repeats"] == 5


@pytest.mark.parametrize(("repeats", "warmup"), [(0, 0), (1, -1)])
def test_measure_and_compare_reject_counts(repeats: int, warmup: int) -> None:
    with pytest.raises(ValueError, match="repeats"):
        harness.measure(list, repeats=repeats, warmup=warmup)
    with pytest.raises(ValueError, match="repeats"):
        harness.compare({"a": list}, repeats=repeats, warmup=warmup)


def test_compare_alternates_and_pairs_rounds() -> None:
    order: list[str] = []
    functions = {name: lambda name=name: order.append(name) for name in "abc"}
    result = harness.compare(functions, repeats=3, warmup=1)
    assert order == [*"abc", *"bca", *"cab", *"abc"]
    assert result.ratios["a"] == (1.0, 1.0, 1.0)
    expected = [a / b for a, b in zip(*(result.timings[name].times for name in "ab"), strict=True)]
    assert result.ratio("b") == pytest.approx(float(np.median(expected)))
    assert [row["name"] for row in result.as_rows()] == list("abc")


def test_threads_are_restored() -> None:
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="inside"), harness.threads(1):
        assert torch.get_num_threads() == 1
        raise RuntimeError("inside")
    assert torch.get_num_threads() == before
    with pytest.raises(ValueError, match="count"), harness.threads(0):
        pass


@pytest.mark.parametrize("hwm", [True, False])
def test_peak_memory_sees_a_temporary_tensor(hwm: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not hwm:
        monkeypatch.setattr(harness, "_reset_high_water", lambda: False)

    def work() -> float:
        block = torch.ones(16, 1 << 20)
        # Long enough for the sampling thread to look.
        return float(sum((block * 1.0).sum() for _ in range(5)))

    work()
    peak = harness.peak_memory(work)
    assert hwm or peak.method == "sampled"
    assert 60e6 < peak.cpu_bytes < 400e6
    assert harness.peak_memory(lambda: None).cpu_bytes < 20e6


@pytest.mark.parametrize("permute", [True, False])
def test_rmat_is_simple_undirected_and_seeded(permute: bool) -> None:
    graph = harness.rmat(10, 8, seed=3, permute=permute)
    assert is_simple_undirected(graph, 1024)
    assert torch.equal(graph, harness.rmat(10, 8, seed=3, permute=permute))
    assert not torch.equal(graph, harness.rmat(10, 8, seed=4, permute=permute))


def test_rmat_has_hubs_and_permuted_ids_hide_them() -> None:
    plain = torch.bincount(harness.rmat(12, 8, 0, permute=False)[0], minlength=4096)
    mixed = torch.bincount(harness.rmat(12, 8, 0, permute=True)[0], minlength=4096)
    assert plain.max() > 10 * plain.double().mean()
    # Without a permutation the quarter of the lowest ids owns most of the edges.
    assert plain[:1024].sum() > 0.5 * plain.sum()
    assert mixed[:1024].sum() < 0.4 * mixed.sum()


def test_rmat_does_not_depend_on_the_chunk_for_its_law(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import _graphs

    whole = harness.rmat(10, 8, 0).shape[1]
    monkeypatch.setattr(_graphs, "_RMAT_CHUNK", 1000)
    chunked = harness.rmat(10, 8, 0)
    assert is_simple_undirected(chunked, 1024)
    assert abs(chunked.shape[1] - whole) < 0.05 * whole


@given(st.integers(20, 300), st.floats(0, 8), st.integers(0, 99))
def test_uniform_graph_has_the_exact_degree(nodes: int, degree: float, seed: int) -> None:
    graph = harness.uniform_graph(nodes, degree, seed)
    assert is_simple_undirected(graph, nodes)
    assert graph.shape[1] == 2 * round(nodes * degree / 2)
    assert torch.equal(graph, harness.uniform_graph(nodes, degree, seed))


def test_graphs_reject_sizes() -> None:
    with pytest.raises(ValueError, match="scale"):
        harness.rmat(0, 8, 0)
    with pytest.raises(ValueError, match="edge_factor"):
        harness.rmat(4, 0, 0)
    with pytest.raises(ValueError, match="average_degree"):
        harness.uniform_graph(10, 9, 0)


@given(st.floats(-3, 3), st.floats(0.1, 10))
def test_loglog_slope_finds_the_exponent(exponent: float, factor: float) -> None:
    x = [1.0, 10.0, 100.0, 1000.0]
    slope = harness.loglog_slope(x, [factor * v**exponent for v in x])
    assert slope == pytest.approx(exponent, abs=1e-9)


@pytest.mark.parametrize(
    ("x", "y"), [([1], [1]), ([1, 2], [1]), ([1, 2], [0, 1]), ([3, 3], [1, 1])]
)
def test_loglog_slope_rejects_degenerate_points(x: list[float], y: list[float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        harness.loglog_slope(x, y)


def test_results_file_carries_what_a_reader_needs(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "pamc.json"
    command = ["--repeats", "3", f"--out={tmp_path}/x.json"]
    harness.write_results(path, "pamc", [{"name": "a", "speedup": 2.0}], command, [0, 1])
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["rows"] == [{"name": "a", "speedup": 2.0}]
    assert content["command"] == "python -m benchmarks.pamc --repeats 3 --out=x.json"
    assert str(tmp_path) not in path.read_text(encoding="utf-8")
    for key in ("date", "hardware", "versions", "kernels", "threads", "commit", "seeds"):
        assert key in content
    assert content["hardware"]["cores"] >= 1
    with pytest.raises(ValueError, match="JSON"):
        harness.write_results(path, "pamc", [{"speedup": float("nan")}], "x", [0])
