"""The reader of the compiler's report on the CUDA kernels, and the promise it checks."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from types import ModuleType

import pytest

from tests._data import REPOSITORY

FOLDER = REPOSITORY / "cuda_ops"
ENTRY = "ptxas info    : Compiling entry function '{symbol}' for '{arch}'\n"
REPORT = (
    "ptxas info    : 28 bytes gmem, 224 bytes cmem[4]\n"
    + ENTRY.format(
        symbol="_ZN8graphlab4cuda53_GLOBAL__N__0a_14_edge_kernel_cu_f8e216d0_2094615"
        "edge_sum_kernelIfLi4ELi1EEEvNS1_8EdgeArgsIT_EE",
        arch="sm_80",
    )
    + "ptxas info    : Function properties for _ZN8graphlab\n"
    + "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
    + "ptxas info    : Used 42 registers, used 1 barriers, 8704 bytes smem, 432 bytes cmem[0]\n"
    + "ptxas info    : Compile time = 46.503 ms\n"
    + ENTRY.format(symbol="_ZN8graphlab4cuda11walk_kernelENS0_8WalkArgsE", arch="sm_90")
    + "    256 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads\n"
    + "ptxas info    : Used 255 registers, 400 bytes cmem[0]\n"
)


@pytest.fixture(scope="module")
def ptxas() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_ptxas_under_test", FOLDER / "ptxas.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_report_is_read(ptxas):
    first, second = ptxas.parse(REPORT)
    assert first == ptxas.Kernel("edge_sum_kernel<float, 4, 1>", "sm_80", 42, 8704, 0, 0)
    assert second == ptxas.Kernel("walk_kernel", "sm_90", 255, 0, 256, 20)
    assert ptxas.parse("") == []


@pytest.mark.parametrize("cut", ["Used 42", "Used 255"])
def test_a_report_without_registers_is_refused(ptxas, cut):
    text = "\n".join(line for line in REPORT.splitlines() if cut not in line)
    with pytest.raises(ValueError, match="did not tell the registers"):
        ptxas.parse(text)


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("_ZN1a55_GLOBAL__N__b_19_propagate_kernel_cu_ff_2084514row_sum_kernelI"
         "NS1_8BFloat16EEEvNS1_7SumArgsIT_EE", "row_sum_kernel<BFloat16>"),
        ("_ZN8graphlab4cuda20pair_backward_kernelIdLi16EEEvNS0_8PairArgsIT_EE",
         "pair_backward_kernel<double, 16>"),
        ("_ZN8graphlab4cuda20pair_backward_kernelIfLi16ENS0_13SoftplusShareEEEvNS0_8PairArgsIT_E",
         "pair_backward_kernel<float, 16, SoftplusShare>"),
        ("_ZN8graphlab4cuda19scan_members_kernelENS0_10MemberArgsE", "scan_members_kernel"),
        ("something_else", "something_else"),
    ],
)  # fmt: skip
def test_names_are_readable(ptxas, symbol, name):
    assert ptxas.short_name(symbol) == name


@pytest.mark.parametrize(
    ("arch", "registers", "shared", "blocks"),
    [
        ("sm_80", 32, 0, 8),  # 64 warps are the most there are
        ("sm_80", 33, 0, 6),  # 40 registers a thread are given
        ("sm_90", 128, 0, 2),
        ("sm_90", 129, 0, 1),
        ("sm_80", 255, 0, 1),
        ("sm_80", 32, 32768, 4),  # 164 KiB, 33 KiB a block
        ("sm_90", 32, 32768, 6),
        ("sm_75", 32, 32768, 4),  # an architecture not listed has the least
    ],
)
def test_blocks_of_a_multiprocessor(ptxas, arch, registers, shared, blocks):
    assert ptxas.Kernel("k", arch, registers, shared, 0, 0).blocks == blocks


def promise(**changes: int) -> dict[str, dict[str, dict[str, int]]]:
    row = {"registers": 40, "shared": 0, "stack": 0, "blocks": 6, **changes}
    return {"k": {"sm_90": row}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spills": 4}, "k on sm_90 spills 4 bytes"),
        ({"registers": 64}, "room for 4 blocks, 6 are promised"),
        ({"shared": 60_000}, "room for 3 blocks, 6 are promised"),
        ({"stack": 8}, "8 bytes of stack, 0 are promised"),
        ({"name": "other"}, "other on sm_90 is not in resources.json"),
    ],
)
def test_problems_are_told(ptxas, change, message):
    values = {"name": "k", "arch": "sm_90", "registers": 40, "shared": 0, "stack": 0, "spills": 0}
    assert ptxas.problems([ptxas.Kernel(**values)], promise()) == []
    found = ptxas.problems([ptxas.Kernel(**{**values, **change})], promise())
    assert any(message in line for line in found)


def test_promises_of_missing_kernels_are_told(ptxas):
    assert ptxas.problems([], promise()) == ["k is in resources.json only"]


def test_an_architecture_without_promise_is_checked_for_spills_alone(ptxas):
    assert ptxas.problems([ptxas.Kernel("k", "sm_100", 255, 0, 64, 0)], promise()) == []
    spilled = ptxas.problems([ptxas.Kernel("k", "sm_100", 255, 0, 64, 8)], promise())
    assert spilled == ["k on sm_100 spills 8 bytes of registers"]


def test_the_hungriest_copy_of_a_kernel_counts(ptxas, tmp_path):
    path = tmp_path / "resources.json"
    copies = [ptxas.Kernel("k", "sm_90", n, 0, 0, 0) for n in (40, 96, 32)]
    ptxas.write_table(copies, path)
    assert json.loads(path.read_text()) == promise(registers=96, blocks=2)
    assert ptxas.problems(copies, json.loads(path.read_text())) == []


def test_reports_of_a_folder_are_joined(ptxas, tmp_path):
    for name in ("b.ptxas", "a.ptxas"):
        (tmp_path / name).write_text(REPORT)
    (tmp_path / "a.o").write_text("no report")
    assert len(ptxas.read_reports(tmp_path)) == 4


def test_promise_names_every_kernel_of_the_sources():
    promised = json.loads((FOLDER / "resources.json").read_text(encoding="utf-8"))
    text = "".join(
        path.read_text(encoding="utf-8")
        for pattern in ("*.cu", "*.cuh")
        for path in (FOLDER / "csrc" / "cuda").glob(pattern)
    )
    defined = set(
        re.findall(r"__global__ void(?: __launch_bounds__\(.*?\))?\s+(\w+_kernel)\(", text)
    )
    assert defined == {name.split("<")[0] for name in promised}
    for name, row in promised.items():
        assert set(row) == {"sm_80", "sm_90"}, name
        for cell in row.values():
            assert cell["registers"] <= 255 and cell["blocks"] >= 1
            assert cell["shared"] <= 48 * 1024  # static shared memory, common.cuh


def test_threads_agree_with_the_kernels(ptxas):
    text = (FOLDER / "csrc" / "cuda" / "common.cuh").read_text(encoding="utf-8")
    assert f"constexpr int kThreads = {ptxas.THREADS};" in text
