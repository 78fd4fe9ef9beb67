"""Log-sums on tensor cores: Triton's interpreter, compilation for sm_90, and the option.

Triton comes with torch for CUDA; without it these tests say so. On a GPU the tests of
``test_pairwise.py`` and ``test_device.py`` run the kernels themselves.
"""

from __future__ import annotations

import pytest
import torch

from graphlab.ops import pairwise_logsumexp, self_logsumexp
from graphlab.ops.tensor_cores import pairs, translation
from tests.ops.tensor_cores._scripts import check_resources, needs_triton, run


@needs_triton
@pytest.mark.slow
def test_the_interpreter_agrees_with_the_definition(tmp_path):
    assert "comparisons agree" in run("_pairs.py", tmp_path, TRITON_INTERPRET="1")


@needs_triton
@pytest.mark.slow
def test_kernels_use_tensor_cores_fit_a_block_and_spill_nothing(tmp_path):
    check_resources("pairs", 18, tmp_path)


def test_rows_on_the_cpu_do_not_go_there():
    assert not pairs.usable(torch.ones(3, 4))


@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_on_the_cpu_every_precision_is_the_full_one(precision):
    x, y = torch.randn(20, 6), torch.randn(30, 6)
    row, column = pairwise_logsumexp(x, y, columns=True, precision=precision)
    want = pairwise_logsumexp(x, y, columns=True)
    assert torch.equal(row, want[0]) and torch.equal(column, want[1])
    assert torch.equal(self_logsumexp(x, precision=precision), self_logsumexp(x))


@pytest.mark.parametrize(
    "call",
    [
        lambda p: pairwise_logsumexp(torch.ones(2, 3), torch.ones(2, 3), precision=p),
        lambda p: self_logsumexp(torch.ones(2, 3), precision=p),
    ],
)
def test_another_precision_is_refused(call):
    with pytest.raises(ValueError, match="precision must be one of .*float32.*got 'half'"):
        call("half")


@pytest.mark.gpu
@pytest.mark.parametrize("device", ["cuda"])
@pytest.mark.parametrize(
    ("precision", "limit"), [("float32", 1e-6), ("tf32", 2e-3), ("bfloat16", 2e-2)]
)
@pytest.mark.parametrize("dim", [100, 200])
def test_the_error_on_a_gpu_is_that_of_the_precision(precision, limit, dim, device):
    if not translation.found():
        pytest.skip("needs triton")
    generator = torch.Generator().manual_seed(0)
    sides = [
        torch.nn.functional.normalize(torch.randn(n, dim, generator=generator)) for n in (300, 500)
    ]
    ours = [side.to(device).requires_grad_() for side in sides]
    wide = [side.double().requires_grad_() for side in sides]
    assert pairs.usable(*ours)
    got = pairwise_logsumexp(*ours, scale=5.0, columns=True, precision=precision)
    want = pairwise_logsumexp(*wide, scale=5.0, columns=True)
    sum(part.sum() for part in got).backward()
    sum(part.sum() for part in want).backward()
    for g, w in zip(
        (*got, ours[0].grad, ours[1].grad), (*want, wide[0].grad, wide[1].grad), strict=True
    ):
        error = (g.detach().cpu().double() - w.detach()).abs().max() / w.detach().abs().max()
        assert error <= limit
