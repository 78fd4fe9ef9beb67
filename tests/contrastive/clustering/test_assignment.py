from __future__ import annotations

import numpy as np
import pytest
import torch

from graphlab.contrastive import student_t_assignment, target_distribution
from tests._golden import load
from tests.ops._memory import saved_bytes


@pytest.mark.parametrize("case", [0, 1, 2])
def test_golden(case: int) -> None:
    stored = load("pamc", "student_t")
    z, mu = (stored[f"{name}{case}"].double() for name in ("z", "mu"))
    q = student_t_assignment(z, mu, float(stored[f"v{case}"]))
    np.testing.assert_allclose(q, stored[f"q{case}"], atol=1e-12)
    np.testing.assert_allclose(target_distribution(q), stored[f"p{case}"], atol=1e-12)


def test_far_and_coinciding_rows_stay_proper() -> None:
    z = torch.tensor([[0.0, 0.0], [1e18, 0.0], [1.0, 1.0]], requires_grad=True)
    q = student_t_assignment(z, torch.tensor([[0.0, 0.0], [1.0, 1.0]]), v=60.0)
    assert torch.allclose(q.sum(1), torch.ones(3))
    q[:, 0].sum().backward()
    assert z.grad is not None
    assert bool(z.grad.isfinite().all())


def test_gradcheck() -> None:
    z = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    centers = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(student_t_assignment, (z, centers))


def test_target_of_a_dead_cluster_is_zero() -> None:
    q = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert target_distribution(q).tolist() == [[1.0, 0.0], [1.0, 0.0]]


@pytest.mark.parametrize(
    ("q", "message"),
    [
        (torch.tensor([[0.5, -0.5]]), "non-negative"),
        (torch.tensor([[1.0, 1.0], [0.0, 0.0]]), "row 1"),
        (torch.tensor([[float("nan"), 1.0]]), "finite"),
        (
            torch.tensor([[1e30, 1.0]]),
            "q must have squares that do not overflow, got .* of 1.*e.30",
        ),
        (torch.tensor([[3e38], [3e38]]), "q must have squares that do not overflow"),
    ],
)
def test_bad_targets(q: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        target_distribution(q)


def test_bad_assignments() -> None:
    with pytest.raises(ValueError, match="centers must have 3 columns"):
        student_t_assignment(torch.ones(4, 3), torch.ones(2, 2))
    with pytest.raises(ValueError, match="v must be positive"):
        student_t_assignment(torch.ones(4, 3), torch.ones(2, 3), v=0)


def test_assignment_keeps_no_copy_of_the_rows_per_center() -> None:
    z = torch.randn(500, 16, requires_grad=True)
    centers = torch.randn(40, 16, requires_grad=True)
    kept = saved_bytes(lambda: student_t_assignment(z, centers))
    assert kept < 4 * (3 * z.numel() + 5 * z.size(0) * centers.size(0))  # was 40 z


def test_assignment_is_twice_differentiable() -> None:
    z = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    centers = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(student_t_assignment, (z, centers))
    assert torch.autograd.gradgradcheck(student_t_assignment, (z, centers))
