"""Compares attention in Triton, run by its interpreter on the CPU, with the definition.

Run as ``TRITON_INTERPRET=1 python tests/ops/tensor_cores/_attention.py``.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from graphlab.ops import reference
from graphlab.ops.tensor_cores import attention
from tests.ops._cases import TOLERANCE
from tests.ops.tensor_cores._interpreter import prepare

#: Sizes of segments: none, alone, tiny ones in one tile, one across three tiles, empty ones.
SEGMENTS = ((1,), (1, 1, 1), (5, 70, 0, 20, 1), (0, 3, 150, 0), tuple(range(12)))
#: That of the tests on a device. Half precision that is widened first keeps it as well.
LIMIT = TOLERANCE[torch.float32]
KINDS = (torch.float16, torch.bfloat16)

ran = 0


def randn(*size: int, seed: int) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed))


def pointers(sizes: tuple[int, ...]) -> Tensor:
    return torch.tensor((0, *sizes)).cumsum(0)


def close(label: str, got: Tensor, want: Tensor, limit: float = LIMIT) -> None:
    global ran
    ran += 1
    if got.dtype != torch.float32 or got.shape != want.shape:
        raise AssertionError(f"{label}: {got.dtype} {tuple(got.shape)}")
    size = max(1e-300, float(want.abs().max()))
    torch.testing.assert_close(
        got.double() / size, want / size, rtol=0.0, atol=limit, msg=lambda text: f"{label}: {text}"
    )


def compare(sizes: tuple[int, ...], width: int, heads: int, kind: torch.dtype) -> None:
    """Results, log-sums, and their gradient."""
    label = f"{sizes} {heads} x {width} {kind}"
    rows, ptr = sum(sizes), pointers(sizes)
    qkv = randn(rows, 3 * heads * width, seed=rows + width).to(kind)
    out, lse = attention.attend(qkv, ptr, heads)
    wide = reference.segment_attention(qkv.double(), ptr, heads)
    for got, want in zip((out, lse), wide, strict=True):
        close(label, got, want)
    grad, grad_lse = randn(rows, heads * width, seed=1), randn(rows, heads, seed=2)
    slope = attention.attend_backward(grad, grad_lse, qkv, ptr, out, lse, heads)
    args = (grad.double(), grad_lse.double(), qkv.double(), ptr, *wide, heads)
    close(f"gradient {label}", slope, reference.segment_attention_backward(*args), 2 * LIMIT)


def whole() -> None:
    """Through autograd, to the type that came in, and from rows that are not contiguous."""
    sizes, heads = (7, 30), 2
    wide = randn(37, 6 * heads * 8, seed=0).half()
    leaf = wide[:, ::2].detach().requires_grad_()
    out = attention.segment_attention(leaf, pointers(sizes), heads)
    grad = randn(37, heads * 8, seed=1)
    out.backward(grad)
    if leaf.grad is None or leaf.grad.dtype != torch.float16:
        raise AssertionError("the gradient must have the type of the rows")
    want = wide[:, ::2].double().requires_grad_()
    reference.segment_attention(want, pointers(sizes), heads)[0].backward(grad.double())
    if want.grad is None:
        raise AssertionError("the definition has a gradient")
    close("autograd", leaf.grad.float(), want.grad, 2.0**-11)


def what_is_not_finite_stays_in_its_segment() -> None:
    sizes, heads, width = (5, 20, 2, 9), 2, 8
    ptr, others = pointers(sizes), torch.ones(36, dtype=torch.bool)
    others[25:27] = False
    clean = randn(36, 3 * heads * width, seed=3).half()
    for value in (math.nan, math.inf):
        for side in range(4):  # query, key, value, gradient
            results = []
            for spoilt in (False, True):
                qkv, grad = clean.clone(), randn(36, heads * width, seed=4)
                if spoilt:
                    (grad if side == 3 else qkv)[26, side % 3 * heads * width] = value
                out, lse = attention.attend(qkv, ptr, heads)
                slope = attention.attend_backward(
                    grad, torch.zeros_like(lse), qkv, ptr, out, lse, heads
                )
                results.append((out, lse, slope))
            for got, want in zip(results[1], results[0], strict=True):
                if not torch.equal(got[others], want[others]):
                    raise AssertionError(f"a {value} of side {side} left its segment")
            if bool(results[1][2][~others].isfinite().all()):
                raise AssertionError(f"a {value} of side {side} was lost")


def rows_of_no_segment_are_nan() -> None:
    qkv, heads = randn(100, 24, seed=5).bfloat16(), 2
    for ptr, held in (
        ([3, 50, 90], slice(3, 90)),
        ([-7, 50, 10**15], slice(0, 100)),
        ([0], slice(0, 0)),
        ([200, 300], slice(0, 0)),
    ):
        pointer = torch.tensor(ptr)
        out, lse = attention.attend(qkv, pointer, heads)
        slope = attention.attend_backward(out, lse, qkv, pointer, out, lse, heads)
        rows = torch.zeros(100, dtype=torch.bool)
        rows[held] = True
        for result in (out, lse, slope):
            if not (result[~rows].isnan().all() and result[rows].isfinite().all()):
                raise AssertionError(f"rows outside of {ptr} must be NaN, the others must not")


def extremes() -> None:
    """Logits of +-1e4, of which one decides."""
    qkv = randn(94, 30, seed=6)
    qkv[:, :20] *= 50
    qkv, ptr = qkv.half(), pointers((3, 90, 1))
    out, _ = attention.attend(qkv, ptr, 2)
    close("sharp", out, reference.segment_attention(qkv.double(), ptr, 2)[0], 100 * LIMIT)


if __name__ == "__main__":
    prepare()
    for kind in KINDS:
        for sizes in SEGMENTS:
            for width, heads in ((1, 2), (16, 1), (33, 3)):
                compare(sizes, width, heads, kind)
    compare((5, 70, 0, 20), 100, 2, torch.float16)
    whole()
    what_is_not_finite_stays_in_its_segment()
    rows_of_no_segment_are_nan()
    extremes()
    print(f"{ran} comparisons agree")
