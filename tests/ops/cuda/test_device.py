"""The CUDA kernels on a GPU: streams, repetition, layout, compilation. Left out without one.

What every device shares (agreement with float64, gradients, opcheck, fake shapes, autocast) is in
``test_library.py``, whose tests take the device as a parameter.
"""

from __future__ import annotations

import pytest
import torch

from graphlab.ops import library
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

# The parameter drops these tests where there is no GPU, see conftest.
pytestmark = [pytest.mark.gpu, pytest.mark.parametrize("device", ["cuda"])]

RUNS = 100
ON_GPU = [case for case in CASES if case.op not in UNKNOWN_SIZE and case.op != "clique_overlap"]
SMALL_ON_GPU = [case for case in SMALL if case in ON_GPU]
every_case = pytest.mark.parametrize("case", ON_GPU, ids=lambda case: case.id)
small_case = pytest.mark.parametrize("case", SMALL_ON_GPU, ids=lambda case: case.id)


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    if torch.cuda.is_available() and library.status().cuda_library is None:
        pytest.skip("needs the CUDA kernels (GRAPHLAB_BUILD_CUDA=1)")


@pytest.mark.parametrize("op", sorted({case.op for case in ON_GPU}))
def test_a_kernel_runs_and_not_the_definition(op: str, device: str):
    assert library.active_kernel(op, device) == "compiled"


@every_case
@pytest.mark.parametrize("deterministic", [False, True], ids=["default", "deterministic"])
def test_a_hundred_runs_have_the_same_bits(case: Case, deterministic: bool, device: str):
    args = case.args(torch.float32, device)
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(deterministic)
    try:
        first = [out.clone() for out in tensors(getattr(OPS, case.op)(*args))]
        for _ in range(RUNS - 1):
            again = tensors(getattr(OPS, case.op)(*args))
            # Bits: NaN equals NaN, zero does not equal minus zero.
            for a, b in zip(first, again, strict=True):
                assert torch.equal(a.view(torch.uint8), b.contiguous().view(torch.uint8))
    finally:
        torch.use_deterministic_algorithms(before)


@every_case
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_work_goes_to_the_current_stream(case: Case, dtype: torch.dtype, device: str):
    stream = torch.cuda.Stream()
    args = case.args(dtype, device)
    want = tensors(getattr(OPS, case.op)(*args))
    torch.cuda.synchronize()
    with torch.cuda.stream(stream):
        # Inputs arrive late, on this stream alone: a kernel elsewhere would read zeros.
        late = [torch.zeros_like(a) if isinstance(a, torch.Tensor) else a for a in args]
        torch.cuda._sleep(20_000_000)
        for target, source in zip(late, args, strict=True):
            if isinstance(source, torch.Tensor):
                target.copy_(source)
        got = tensors(getattr(OPS, case.op)(*late))
    stream.synchronize()
    for g, w in zip(got, want, strict=True):
        assert torch.equal(g.nan_to_num(), w.nan_to_num())


@small_case
def test_inductor_compiles_it(case: Case, device: str):
    torch._dynamo.reset()
    args = case.args(torch.float32, device)
    compiled = torch.compile(lambda *values: getattr(OPS, case.op)(*values), fullgraph=True)
    want = tensors(getattr(OPS, case.op)(*args))
    for g, w in zip(tensors(compiled(*args)), want, strict=True):
        assert relative_error(g, w) < TOLERANCE[torch.float32]


@small_case
def test_fresh_inputs_agree_with_float64(case: Case, device: str):
    check_against_reference(case, torch.float32, device)
    check_against_reference(case, torch.float64, device)
