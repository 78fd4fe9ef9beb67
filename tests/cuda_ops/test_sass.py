"""The counter of loads in flight, and the promise it checks."""

from __future__ import annotations

import importlib.util
import json
import sys
from types import ModuleType

import pytest

from tests._data import REPOSITORY

FOLDER = REPOSITORY / "cuda_ops"
SYMBOL = (
    "_ZN8graphlab4cuda53_GLOBAL__N__0a_14_edge_kernel_cu_f8e216d0_2094615"
    "edge_sum_kernelIfLi4ELi1EEEvNS1_8EdgeArgsIT_EE"
)
HEAD = "\tcode for {arch}\n\t\tFunction : {symbol}\n"


@pytest.fixture
def sass(monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("_sass_under_test", FOLDER / "sass.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def listing(*instructions: str, arch: str = "sm_90", symbol: str = SYMBOL) -> str:
    """As cuobjdump prints them, 16 bytes each."""
    lines = [
        f"        /*{16 * number:04x}*/                   {text} ;      /* 0x00000a00ff017b82 */\n"
        "                                                      /* 0x000fe20000000800 */"
        for number, text in enumerate(instructions)
    ]
    return HEAD.format(arch=arch, symbol=symbol) + "\n".join(lines) + "\n"


ONE = (
    "LDG.E R2, desc[UR4][R6.64]",
    "FADD R8, R8, R2",
    "LDG.E R2, desc[UR4][R6.64+0x4]",
    "FADD R8, R8, R2",
)
TWO = (
    "@!P0 LDG.E.128 R12, desc[UR4][R6.64]",
    "@P1 LDG.E.64 R20, desc[UR4][R6.64+0x10]",
    "FADD R8, R8, R15",
    "FADD R8, R8, R21",
)
BACK = "@P0 BRA 0x10"


@pytest.mark.parametrize(("body", "loads"), [(ONE, 1), (TWO, 2)])
def test_loads_count_up_to_the_first_use_of_one_of_their_results(sass, body, loads):
    found = sass.table([listing("MOV R1, RZ", *body, BACK)])
    assert found == {"edge_sum_kernel<float, 4, 1>": {"sm_90": loads}}


def test_a_load_whose_address_is_a_result_waits(sass):
    body = ("LDG.E R2, desc[UR4][R6.64]", "LDG.E R4, desc[UR4][R2.64]", "STG.E [R8], R4")
    assert sass.table([listing("NOP", *body, BACK)])["edge_sum_kernel<float, 4, 1>"]["sm_90"] == 1


def test_what_stands_in_no_loop_does_not_count(sass):
    assert sass.table([listing("NOP", *TWO, "EXIT")]) == {}
    assert sass.table([listing("NOP", *TWO, "BRA 0x60")]) == {}  # an endless loop on itself


def test_of_loops_within_each_other_the_inner_one_counts(sass):
    inner = listing("NOP", *TWO, "NOP", *ONE, "@P0 BRA 0x60", "@P1 BRA 0x10")
    assert sass.table([inner])["edge_sum_kernel<float, 4, 1>"]["sm_90"] == 1


def test_kernels_and_architectures_are_told_apart(sass):
    other = "_ZN8graphlab4cuda11walk_kernelENS0_8WalkArgsE"
    text = listing("NOP", *ONE, BACK, arch="sm_80") + listing("NOP", *TWO, BACK, symbol=other)
    assert sass.table([text]) == {
        "edge_sum_kernel<float, 4, 1>": {"sm_80": 1},
        "walk_kernel": {"sm_90": 2},
    }


def test_more_than_the_most_is_not_promised(sass):
    many = [f"LDG.E R{2 * number}, desc[UR4][R90.64]" for number in range(12)]
    found = sass.table([listing("NOP", *many, BACK)])
    assert found["edge_sum_kernel<float, 4, 1>"]["sm_90"] == sass.MOST


def test_problems_are_told(sass):
    promised = {"a": {"sm_90": 2}}
    assert sass.problems({"a": {"sm_90": 3}}, promised) == []
    assert sass.problems({"a": {"sm_120": 1}}, promised) == []
    (few,) = sass.problems({"a": {"sm_90": 1}}, promised)
    assert few == "a on sm_90 has 1 loads in flight, not 2"
    (new,) = sass.problems({"b": {"sm_90": 1}}, promised)
    assert "b on sm_90 is not in loads.json" in new


def test_a_table_is_written_and_read(sass, tmp_path):
    found = {"b": {"sm_90": 2}, "a": {"sm_80": 1}}
    sass.write_table(found, tmp_path / "loads.json")
    assert json.loads((tmp_path / "loads.json").read_text()) == found


def test_edges_have_two_rows_in_flight_by_promise():
    promised = json.loads((FOLDER / "loads.json").read_text(encoding="utf-8"))
    kernels = {name: row for name, row in promised.items() if name.startswith("edge_")}
    gather = ("edge_sum_kernel", "edge_direction_kernel", "edge_weight_grad_kernel")
    for start in gather:
        rows = [row for name, row in kernels.items() if name.startswith(f"{start}<")]
        assert rows and all(loads >= 2 for row in rows for loads in row.values()), start


def test_without_a_disassembler_there_is_none(sass, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CUDA_HOME", raising=False)
    monkeypatch.setattr(sass.importlib.util, "find_spec", lambda name: None)
    assert sass.find_disassembler() is None
