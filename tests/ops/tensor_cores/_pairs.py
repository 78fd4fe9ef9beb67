"""Compares log-sums over pairs in Triton, run by its interpreter on the CPU, with the definition.

Run as ``TRITON_INTERPRET=1 python tests/ops/tensor_cores/_pairs.py``.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from graphlab.ops import reference
from graphlab.ops.tensor_cores import pairs
from tests.ops.tensor_cores._interpreter import prepare

#: Rows, columns, width, scale. Tiles have 64 or 128 rows; more than 128 numbers come in chunks.
SIZES = (
    (1, 1, 3, 1.0),
    (5, 130, 16, 2.0),
    (150, 70, 33, -3.0),
    (129, 129, 20, 50.0),
    (20, 70, 100, 5.0),
    (40, 33, 150, 5.0),
)
#: Of the interpreter, whose products are those of numpy in float32, whatever is asked for.
LIMIT = 2e-6

ran = 0


def randn(*size: int, seed: int) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed))


def close(label: str, got: Tensor, want: Tensor, limit: float = LIMIT) -> None:
    global ran
    ran += 1
    finite = want.isfinite()
    size = max(1e-300, float(want[finite].abs().max())) if bool(finite.any()) else 1.0
    torch.testing.assert_close(
        got.double() / size, want / size, rtol=0.0, atol=limit, equal_nan=True,
        msg=lambda text: f"{label}: {text}",
    )  # fmt: skip


def leaf(value: Tensor, *, double: bool = False) -> Tensor:
    value = value.double() if double else value.clone()
    return value.requires_grad_()


def both_sides() -> None:
    """Both sides, with and without weights, columns and every treatment of the diagonal."""
    for n, m, dim, scale in SIZES:
        x, y = (torch.nn.functional.normalize(randn(k, dim, seed=k)) for k in (n, m))
        for diagonal in (reference.KEEP, reference.EXCLUDE, reference.ZERO):
            weighted = diagonal != reference.EXCLUDE
            weights = [randn(k, seed=3).abs() if weighted else None for k in (n, m)]
            if weights[1] is not None:
                weights[1][0] = 0.0
            for columns in (True, False):
                compare(x, y, weights, scale, diagonal, columns)


def compare(
    x: Tensor, y: Tensor, weights: list[Tensor | None], scale: float, diagonal: int, columns: bool
) -> None:
    label = f"{tuple(x.shape)} {tuple(y.shape)} scale {scale} diagonal {diagonal} {columns}"
    ours, wide = [leaf(x), leaf(y)], [leaf(x, double=True), leaf(y, double=True)]
    doubles = [None if w is None else w.double() for w in weights]
    got = pairs.pairwise_logsumexp(*ours, *weights, scale, diagonal, columns, "float32")
    want = reference.pairwise_logsumexp(*wide, *doubles, scale, diagonal, columns)
    for g, w in zip(got, want, strict=True):
        close(label, g.detach(), w.detach())
    if x.size(0) == 1 and diagonal == reference.EXCLUDE:
        return  # sums of nothing: their derivative is checked below
    grads = [randn(*g.shape, seed=9) for g in got]
    torch.autograd.backward(got, grads)
    lse = [w.detach() for w in want]
    rows, cols = (grads[0].double(), lse[0], doubles[1]), (None, None, None)
    if columns:
        cols = (grads[1].double(), lse[1], doubles[0])
    wanted = reference.pairwise_logsumexp_gradients(
        wide[0].detach(), wide[1].detach(), *rows, *cols, scale, diagonal
    )
    for side, w in zip(ours, wanted, strict=True):
        close(f"gradient, {label}", side.grad, w, 4 * LIMIT)


def one_side() -> None:
    """Pairs within one matrix."""
    x = torch.nn.functional.normalize(randn(140, 10, seed=1))
    weight = randn(140, seed=2).abs()
    for diagonal in (reference.KEEP, reference.EXCLUDE, reference.ZERO):
        ours, wide = leaf(x), leaf(x, double=True)
        got = pairs.self_logsumexp(ours, weight, 2.0, diagonal, "float32")
        want = reference.self_logsumexp(wide, weight.double(), 2.0, diagonal)
        close(f"self {diagonal}", got.detach(), want.detach())
        grad = randn(140, seed=3)
        got.backward(grad)
        side = grad.double(), want.detach(), weight.double()
        w = reference.pairwise_logsumexp_backward(
            wide.detach(), wide.detach(), *side, *side, 2.0, diagonal
        )
        close(f"gradient, self {diagonal}", ours.grad, w, 4 * LIMIT)


def extremes() -> None:
    """A sum of nothing is minus infinity and has no gradient; an infinite logit gives infinity."""
    x = leaf(torch.ones(1, 4))
    row, _ = pairs.pairwise_logsumexp(x, x, None, None, 1.0, 1, False, "float32")
    row.sum().backward()
    if not (row.item() == -math.inf and x.grad is not None and bool((x.grad == 0).all())):
        raise AssertionError(f"a sum of nothing: {row}, {x.grad}")
    y = torch.ones(70, 4)
    y[3] = math.inf
    row, _ = pairs.pairwise_logsumexp(torch.ones(2, 4), y, None, None, 1.0, 0, False, "float32")
    if not bool((row == math.inf).all()):
        raise AssertionError(f"an infinite logit: {row}")


if __name__ == "__main__":
    prepare()
    both_sides()
    one_side()
    extremes()
    print(f"{ran} comparisons agree")
