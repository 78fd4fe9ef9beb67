"""What every operator must offer, checked over the table of cases."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

import graphlab.ops
from graphlab.ops import library, reference
from graphlab.ops.library import _load
from tests._rows import rows
from tests.ops._cases import (
    CASES,
    OPS,
    SMALL,
    TOLERANCE,
    UNKNOWN_SIZE,
    Case,
    check_against_reference,
    relative_error,
    tensors,
)

DTYPES = [torch.float32, torch.float64]
FORWARD = ["edge_cosine_sum", "cluster_sum", "cluster_gather", "cluster_outer"]
FORWARD += ["pairwise_logsumexp", "self_logsumexp", "meta_logsumexp"]
FORWARD += ["propagate", "propagate_dot", "pairwise_softplus"]
FORWARD += ["interval_propagate", "edge_bound", "budget_minimum", "segment_attention"]
FORWARD += ["relational_propagate"]
SMALL_FORWARD = [case for case in SMALL if case.op in FORWARD]
SMALL_BACKWARD = [case for case in SMALL if case.op not in (*FORWARD,)]
# The reverse weights, counts and the like are constants.
DIFFERENTIABLE = {
    "edge_cosine_sum": (0, 3),
    "cluster_sum": (0,),
    "cluster_gather": (0,),
    "cluster_outer": (0,),
    "pairwise_logsumexp": (0, 1),
    "pairwise_softplus": (0, 1),
    "self_logsumexp": (0,),
    "meta_logsumexp": (0, 2, 3),
    "propagate": (0,),
    "propagate_dot": (0, 1),
    "interval_propagate": (0, 1),
    "edge_bound": (0, 1, 2),
    "budget_minimum": (0,),
    "segment_attention": (0,),
    "relational_propagate": (0, 1, 2),
}

every_operator = pytest.mark.parametrize("op", sorted({case.op for case in CASES}))
small_case = pytest.mark.parametrize("case", SMALL, ids=lambda case: case.id)
forward_case = pytest.mark.parametrize("case", SMALL_FORWARD, ids=lambda case: case.id)


def cases_of(op: str) -> list[Case]:
    return [case for case in CASES if case.op == op]


def leaves(case: Case, dtype: torch.dtype = torch.float64) -> tuple[list[Any], list[Tensor]]:
    """Arguments of a forward operator, and those of them that want a gradient."""
    args = list(case.args(dtype))
    wanted = [args[i].requires_grad_() for i in DIFFERENTIABLE[case.op]]
    return args, wanted


def restore(args: list[Any], case: Case, values: tuple[Tensor, ...]) -> list[Any]:
    """The arguments with the differentiable ones replaced."""
    args = list(args)
    for position, value in zip(DIFFERENTIABLE[case.op], values, strict=True):
        args[position] = value
    return args


def test_every_operator_has_cases():
    registered = {
        name.split("::")[1].split(".")[0]
        for name in torch._C._dispatch_get_all_op_names()
        if name.startswith("graphlab::")
    }
    assert registered == set(library.OPERATORS)
    assert {case.op for case in CASES} == registered
    assert {case.op for case in SMALL} == registered
    assert {op for op in registered if op in DIFFERENTIABLE} == set(FORWARD)
    assert all(callable(getattr(reference, name)) for name in registered)


@every_operator
def test_matches_the_definition(op, device):
    with rows() as table:
        for case in cases_of(op):
            for dtype in DTYPES:
                with table.row(f"{case.id}, {dtype}"):
                    check_against_reference(case, dtype, device)


@forward_case
def test_gradient_is_that_of_the_definition(case):
    args, wanted = leaves(case)
    outputs = [out for out in tensors(getattr(OPS, case.op)(*args)) if out.requires_grad]
    expected = tensors(getattr(reference, case.op)(*args))[: len(outputs)]
    factors = [torch.linspace(0.5, 2.0, out.numel()).double().view(out.shape) for out in outputs]
    got = torch.autograd.grad(outputs, wanted, factors)
    want = torch.autograd.grad(expected, wanted, factors)
    for g, w in zip(got, want, strict=True):
        assert relative_error(g, w) < 1e-12


@forward_case
def test_gradcheck(case):
    args, wanted = leaves(case)
    assert torch.autograd.gradcheck(
        lambda *values: getattr(OPS, case.op)(*restore(args, case, values)), wanted
    )


@forward_case
def test_second_derivative_is_right_or_refused(case):
    args, wanted = leaves(case)
    if case.op in ("cluster_sum", "cluster_gather", "propagate", "propagate_dot"):
        function = getattr(OPS, case.op)
        assert torch.autograd.gradgradcheck(
            lambda *values: function(*restore(args, case, values)), wanted
        )
        return
    total = sum((out**2).sum() for out in tensors(getattr(OPS, case.op)(*args)))
    first = torch.autograd.grad(total, wanted, create_graph=True)
    with pytest.raises(NotImplementedError, match="has no derivative"):
        sum(g.sum() for g in first).backward()


@small_case
def test_opcheck(case, device):
    operator = getattr(OPS, case.op).default
    args = case.args(torch.float32, device)
    for position in DIFFERENTIABLE.get(case.op, ()):
        args[position].requires_grad_()
    torch.library.opcheck(operator, args)


#: The first case of every operator; tracing takes seconds.
TRACED = {case.op: case for case in reversed(SMALL_FORWARD)}.values()


@pytest.mark.parametrize(
    ("case", "dynamic"),
    [
        pytest.param(
            case,
            dynamic,
            id=f"{case.id}-{'dynamic' if dynamic else 'static'}",
            marks=[] if dynamic and case in TRACED else [pytest.mark.slow],
        )
        for case in SMALL_FORWARD
        for dynamic in (False, True)
    ],
)
def test_compiles_into_one_graph(case, dynamic):
    torch._dynamo.reset()
    args, wanted = leaves(case, torch.float32)

    def loss(*values: Tensor) -> Tensor:
        outputs = tensors(getattr(OPS, case.op)(*restore(args, case, values)))
        return sum((out * torch.arange(out.numel()).view(out.shape)).sum() for out in outputs)

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    got = torch.autograd.grad(compiled(*wanted), wanted)
    want = torch.autograd.grad(loss(*wanted), wanted)
    for g, w in zip(got, want, strict=True):
        assert relative_error(g, w) < 1e-6


# Where the size of the result depends on the values, opcheck alone looks at the fake kernels.
@pytest.mark.parametrize("op", sorted({case.op for case in CASES} - set(UNKNOWN_SIZE)))
def test_shapes_are_known_without_values(op):
    with rows() as table:
        for case in cases_of(op):
            with table.row(case.id):
                check_shapes(case)


def check_shapes(case: Case) -> None:
    args = case.args(torch.float32)
    want = tensors(getattr(OPS, case.op)(*args))
    meta = [a.to("meta") if isinstance(a, Tensor) else a for a in args]
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        fake = [mode.from_tensor(a) if isinstance(a, Tensor) else a for a in args]
        on_fake = tensors(getattr(OPS, case.op)(*fake))
    for result in (tensors(getattr(OPS, case.op)(*meta)), on_fake):
        for r, w in zip(result, want, strict=True):
            assert (r.shape, r.dtype, r.stride()) == (w.shape, w.dtype, w.stride())


def spread_out(tensor: Tensor) -> Tensor:
    """The same values with gaps in memory, along every axis."""
    wide = tensor.new_zeros([2 * size + 1 for size in tensor.shape])
    view = wide[tuple(slice(1, None, 2) for _ in tensor.shape)]
    return view.copy_(tensor)


@small_case
def test_layout_in_memory_does_not_matter(case, device):
    args = case.args(torch.float32, device)
    spread = [spread_out(a) if isinstance(a, Tensor) and a.dim() else a for a in args]
    turned = [a.t().contiguous().t() if isinstance(a, Tensor) and a.dim() == 2 else a for a in args]
    want = tensors(getattr(OPS, case.op)(*args))
    for others in (spread, turned):
        for g, w in zip(tensors(getattr(OPS, case.op)(*others)), want, strict=True):
            assert relative_error(g, w) < TOLERANCE[torch.float32]


@small_case
def test_inputs_are_left_alone(case, device):
    args = case.args(torch.float64, device)
    copies = [a.clone() if isinstance(a, Tensor) else a for a in args]
    getattr(OPS, case.op)(*args)
    for a, copy in zip(args, copies, strict=True):
        assert torch.equal(a, copy) if isinstance(a, Tensor) else a == copy


@pytest.mark.compiled
@every_operator
def test_bits_do_not_depend_on_threads_or_repetition(op, device):
    if device.type == "cpu" and library.active_kernel(op, "cpu") == "pure":
        pytest.skip("the kernel of this operator is not compiled")
    with rows() as table:
        for case in cases_of(op):
            with table.row(case.id):
                check_bits(case, device)


def check_bits(case: Case, device: torch.device) -> None:
    args = case.args(torch.float32, device)
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            results += [tensors(getattr(OPS, case.op)(*args)) for _ in range(7)]
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("case", SMALL_FORWARD, ids=lambda case: case.id)
def test_autocast_computes_in_single_precision(case, device):
    args = case.args(torch.bfloat16, device)
    single = [_float(a) for a in args]
    want = tensors(getattr(OPS, case.op)(*single))
    with torch.autocast(device.type, dtype=torch.bfloat16):
        got = tensors(getattr(OPS, case.op)(*args))
    for g, w in zip(got, want, strict=True):
        assert g.dtype == torch.float32
        assert relative_error(g, w) < TOLERANCE[torch.float32]


def _float(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.is_floating_point() else value


@pytest.mark.skipif(platform.machine() != "x86_64", reason="chooses among x86 instruction sets")
@pytest.mark.parametrize("name", ["baseline", "avx2"])
@pytest.mark.compiled
def test_every_instruction_set_gives_the_same_values(name):
    run(["-m", "tests.ops._cases"], GRAPHLAB_CPU_ISA=name)


def test_pure_torch_gives_the_same_values(kernels):
    if not kernels.compiled:
        pytest.skip("this run is pure torch already")
    run(["-W", "error", "-m", "tests.ops._cases"], GRAPHLAB_DISABLE_KERNELS="1")


def test_status_says_what_runs(kernels):
    assert kernels is graphlab.ops.status()
    assert kernels.schema_version == library.SCHEMA_VERSION
    expected = "compiled" if kernels.compiled else "pure"
    assert {library.active_kernel(name, "cpu") for name in library.OPERATORS} == {expected}
    if os.environ.get("GRAPHLAB_DISABLE_KERNELS", "0") == "1":
        assert "GRAPHLAB_DISABLE_KERNELS" in kernels.reason


def test_other_schema_version_is_refused_with_one_warning(tmp_path):
    package = tmp_path / "graphlab_cuda_ops"
    package.mkdir()
    (package / "__init__.py").write_text("SCHEMA_VERSION = -1\n", encoding="utf-8")
    code = (
        "import sys, warnings\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "with warnings.catch_warnings(record=True) as seen:\n"
        "    warnings.simplefilter('always')\n"
        "    import graphlab.ops\n"
        "ours = [w for w in seen if 'compiled kernels' in str(w.message)]\n"
        "assert len(ours) == 1 and 'schema version -1' in str(ours[0].message), seen\n"
        "assert not graphlab.ops.status().compiled\n"
        "graphlab.ops.cluster_sum(__import__('torch').ones(3, 2), "
        "__import__('torch').tensor([0, 1, 1]), 2)\n"
    )
    run(["-c", code, str(tmp_path)], GRAPHLAB_DISABLE_KERNELS="0")


def run(arguments: list[str], **environment: str) -> None:
    """Run Python from the root of the repository; its output is shown if it fails."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# --- what is loaded, and what ends an operator ----------------------------------------------------

LOADED: dict[str, tuple[dict[str, Any], bool, list[str], str]] = {
    "no CPU library": ({"cpu": None}, False, [], "installed without its CPU library"),
    "another version": ({"version": -1}, False, [], "implements schema version -1"),
    "a library that does not load": ({"fails": True}, False, [], "could not be loaded: no symbol"),
    "no device": ({}, True, ["cpu.so"], "compiled CPU kernels; no CUDA device"),
    "no CUDA library": ({"device": True}, True, ["cpu.so"], "CUDA runs pure torch"),
    "everything": (
        {"device": True, "cuda": "cuda.so"},
        True,
        ["cpu.so", "cuda.so"],
        "compiled CPU and CUDA kernels",
    ),
}


@pytest.mark.parametrize("name", LOADED)
def test_kernels_are_loaded_as_far_as_they_are_there(name, monkeypatch):
    parts, compiled, expected, reason = LOADED[name]
    loaded: list[str] = []

    def load(path: str) -> None:
        if parts.get("fails"):
            raise OSError("no symbol")
        loaded.append(path)

    package = SimpleNamespace(
        SCHEMA_VERSION=parts.get("version", library.SCHEMA_VERSION),
        cpu_library=lambda: parts.get("cpu", "cpu.so"),
        cuda_library=lambda: parts.get("cuda"),
    )
    monkeypatch.delenv("GRAPHLAB_DISABLE_KERNELS", raising=False)
    monkeypatch.setitem(sys.modules, "graphlab_cuda_ops", package)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(parts.get("device")))
    monkeypatch.setattr(torch.ops, "load_library", load)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = _load()
    assert (found.compiled, loaded) == (compiled, expected) and reason in found.reason
    assert found.cpu_library == (expected[0] if expected else None)
    assert found.cuda_library == (expected[1] if len(expected) > 1 else None)
    assert [w.category for w in told] == ([] if compiled else [RuntimeWarning])


@pytest.mark.parametrize("value", ["", "0", "1"])
def test_kernels_are_turned_off_by_a_variable(value, monkeypatch):
    package = SimpleNamespace(SCHEMA_VERSION=-1)
    monkeypatch.setitem(sys.modules, "graphlab_cuda_ops", package)
    monkeypatch.setenv("GRAPHLAB_DISABLE_KERNELS", value)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = _load()
    assert not found.compiled and ("DISABLE" in found.reason) == (value == "1")
    assert len(told) == (value != "1")


@pytest.mark.parametrize(
    ("words", "error"),
    [("graphlab: interrupted by a signal", KeyboardInterrupt), ("out of memory", RuntimeError)],
)
def test_an_interrupted_operator_ends_with_what_the_handler_raised(words, error, monkeypatch):
    def operator(*args: Any) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr(torch.ops.graphlab, "cluster_sum", operator)
    with pytest.raises(error):
        library.call("cluster_sum", 1)
