"""Log-sums on tensor cores: Triton's interpreter, compilation for sm_90, and the option.

Triton comes with torch for CUDA; without it these tests say so. On a GPU the tests of
``test_pairwise.py`` and ``test_device.py`` run the kernels themselves.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from graphlab.ops import pairwise_logsumexp, self_logsumexp, tensor_cores
from tests._data import REPOSITORY

needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="needs triton, which torch for CUDA brings"
)
SHARED_BYTES = 227 * 1024  # of a block on sm_90


def run(script: str, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "tests" / "ops" / "cuda" / script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TRITON_CACHE_DIR": str(folder), **environment},
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@needs_triton
@pytest.mark.slow
def test_the_interpreter_agrees_with_the_definition(tmp_path):
    path = os.pathsep.join([str(REPOSITORY), *sys.path])
    out = run("_tensor_cores.py", tmp_path, TRITON_INTERPRET="1", PYTHONPATH=path)
    assert "comparisons agree" in out


@needs_triton
@pytest.mark.slow
def test_kernels_use_tensor_cores_and_fit_a_block(tmp_path):
    path = os.pathsep.join([str(REPOSITORY), *sys.path])
    lines = run("_tensor_core_resources.py", tmp_path, PYTHONPATH=path).splitlines()
    assert len(lines) == 12
    for line in lines:
        _, registers, _, shared, products = line.split()
        assert int(products) > 0, line
        assert int(registers) <= 255 and int(shared) <= SHARED_BYTES, line
    assert [line for line in lines if line.startswith("logsum") and line.split()[2] != "0"] == []


def test_rows_on_the_cpu_do_not_go_there():
    assert not tensor_cores.usable(torch.ones(3, 4))


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
def test_the_error_on_a_gpu_is_that_of_the_precision(precision, limit, device):
    if not tensor_cores.found():
        pytest.skip("needs triton")
    generator = torch.Generator().manual_seed(0)
    sides = [
        torch.nn.functional.normalize(torch.randn(n, 100, generator=generator)) for n in (300, 500)
    ]
    ours = [side.to(device).requires_grad_() for side in sides]
    wide = [side.double().requires_grad_() for side in sides]
    assert tensor_cores.usable(*ours)
    got = pairwise_logsumexp(*ours, scale=5.0, columns=True, precision=precision)
    want = pairwise_logsumexp(*wide, scale=5.0, columns=True)
    sum(part.sum() for part in got).backward()
    sum(part.sum() for part in want).backward()
    for g, w in zip(
        (*got, ours[0].grad, ours[1].grad), (*want, wide[0].grad, wide[1].grad), strict=True
    ):
        error = (g.detach().cpu().double() - w.detach()).abs().max() / w.detach().abs().max()
        assert error <= limit
