"""Attention in half precision on tensor cores: the interpreter, compilation, a GPU.

Triton comes with torch for CUDA; without it these tests say so.
"""

from __future__ import annotations

import pytest
import torch

from graphlab.ops import segment_attention
from graphlab.ops.tensor_cores import attention, translation
from tests.ops.tensor_cores._scripts import check_resources, needs_triton, run

PTR = torch.tensor([0, 5, 75, 75, 95, 96])


@needs_triton
@pytest.mark.slow
def test_the_interpreter_agrees_with_the_definition(tmp_path):
    # Infinities and NaN go through it on purpose.
    quiet = {"TRITON_INTERPRET": "1", "PYTHONWARNINGS": "ignore::RuntimeWarning"}
    assert "comparisons agree" in run("_attention.py", tmp_path, **quiet)


@needs_triton
@pytest.mark.slow
def test_kernels_use_tensor_cores_fit_a_block_and_spill_nothing(tmp_path):
    check_resources("attention", 16, tmp_path)


def test_borders_are_those_of_the_segment_of_every_row():
    first, stop = attention.borders(torch.tensor([0, 2, 2, 5]), 5)
    assert first.tolist() == [0, 0, 2, 2, 2] and stop.tolist() == [2, 2, 5, 5, 5]
    assert first.dtype == stop.dtype == torch.int32


@pytest.mark.parametrize("ptr", [[0], [7, 9], [1, 4], [-3, 10**15]])
def test_borders_never_leave_the_rows(ptr):
    first, stop = attention.borders(torch.tensor(ptr), 5)
    assert bool(((first >= 0) & (first <= stop) & (stop <= 5)).all())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_rows_on_the_cpu_do_not_go_there(dtype):
    assert not attention.usable(torch.ones(96, 24, dtype=dtype), PTR, 2)


@pytest.mark.gpu
@pytest.mark.parametrize("device", ["cuda"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("width", [16, 33, 128])
def test_the_error_on_a_gpu_is_that_of_float32(width, dtype, device):
    if not translation.found():
        pytest.skip("needs triton")
    heads = 2
    generator = torch.Generator().manual_seed(width)
    qkv = torch.randn(96, 3 * heads * width, generator=generator).to(dtype)
    ours = qkv.to(device).requires_grad_()
    wide = qkv.double().requires_grad_()
    assert attention.usable(ours, PTR.to(device), heads)
    got, want = segment_attention(ours, PTR.to(device), heads), segment_attention(wide, PTR, heads)
    assert got.dtype == torch.float32
    error = (got.detach().cpu().double() - want.detach()).abs().max() / want.detach().abs().max()
    assert error <= 2e-6
    grad = torch.randn(want.shape, generator=generator)
    got.backward(grad.to(device))
    want.backward(grad.double())
    # The gradient is rounded to the type of the rows.
    difference = (ours.grad.cpu().double() - wide.grad).abs().max() / wide.grad.abs().max()
    assert ours.grad.dtype == dtype and difference <= torch.finfo(dtype).eps


@pytest.mark.gpu
@pytest.mark.parametrize("device", ["cuda"])
def test_work_goes_to_the_device_and_stream_of_the_rows(device):
    if not translation.found():
        pytest.skip("needs triton")
    qkv, ptr = torch.randn(96, 24, device=device).half(), PTR.to(device)
    want = segment_attention(qkv, ptr, 2)
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        late = torch.zeros_like(qkv)
        torch.cuda._sleep(20_000_000)
        late.copy_(qkv)
        got, _ = attention.attend(late, ptr, 2)
    stream.synchronize()
    assert torch.equal(got, want)
