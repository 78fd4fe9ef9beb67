"""The loss of ProGCL."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from graphlab.contrastive import InfoNCELoss, ProGCLLoss, info_nce_per_node
from graphlab.contrastive.losses._weighted_negatives import LogWeights
from tests._golden import load
from tests.contrastive.losses.test_info_nce import pair


def fitted(stored: dict[str, Tensor], **settings: object) -> tuple[ProGCLLoss, Tensor, Tensor]:
    h1, h2 = stored["h1"].clone().requires_grad_(), stored["h2"].clone().requires_grad_()
    loss = ProGCLLoss(float(stored["tau"]), **settings)  # type: ignore[arg-type]
    return loss.fit(h1, h2, columns=stored["fit_columns"]), h1, h2


@pytest.fixture
def stored() -> dict[str, Tensor]:
    return load("pot", "progcl_loss", torch.float64)


def test_mixture_and_hardness_equal_the_authors(stored: dict[str, Tensor]) -> None:
    loss, h1, h2 = fitted(stored)
    assert loss.mixture is not None
    for ours, theirs in (
        (loss.mixture.alpha, "bmm_alphas"),
        (loss.mixture.beta, "bmm_betas"),
        (loss.mixture.weight, "bmm_weight"),
    ):
        torch.testing.assert_close(ours, stored[theirs], rtol=1e-5, atol=1e-6)
    cosine = (F.normalize(h1) @ F.normalize(h2).t()).detach()
    hardness = loss.mixture.log_hardness(cosine).exp()
    others = hardness[~torch.eye(20, dtype=torch.bool)].view(20, 19)
    torch.testing.assert_close(others, stored["B"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("chunk_size", [None, 1, 6])
def test_weighted_loss_equals_the_authors(dtype: torch.dtype, chunk_size: int | None) -> None:
    stored = load("pot", "progcl_loss", dtype)
    plain, _ = info_nce_per_node(stored["h1"], stored["h2"], float(stored["tau"]))
    torch.testing.assert_close(plain, stored["loss_plain"], rtol=1e-5, atol=1e-5)
    loss, h1, h2 = fitted(stored, chunk_size=chunk_size)
    one, _ = loss.per_node(h1, h2)
    torch.testing.assert_close(one, stored["loss_weight"], rtol=1e-4, atol=1e-5)
    one.mean().backward()
    torch.testing.assert_close(h1.grad, stored["g_h1"], rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(h2.grad, stored["g_h2"], rtol=1e-3, atol=1e-6)


def test_both_directions_have_their_own_weights(stored: dict[str, Tensor]) -> None:
    loss, h1, h2 = fitted(stored)
    one, two = loss.per_node(h1, h2)
    assert not torch.allclose(one, two)
    turned = ProGCLLoss(float(stored["tau"]))
    turned.mixture = loss.mixture
    first, second, row, col = loss._frozen  # type: ignore[misc]
    turned._frozen = (second, first, col, row)
    torch.testing.assert_close(turned.per_node(h2, h1)[0], two)


def mixed(z1: Tensor, z2: Tensor, tau: float, table: Tensor, size: int, order: Tensor) -> Tensor:
    """The mixing loss with all N x N tables; ``table`` is B with -inf at the own node."""
    u, v = F.normalize(z1), F.normalize(z2)
    between, within = u @ v.t(), u @ u.t()
    value, index = table.topk(size, dim=1)
    chosen = between.gather(1, index)
    blend = (chosen * value + chosen[:, order] * value[:, order]) / (value + value[:, order])
    own = torch.eye(len(u), dtype=torch.bool)
    logits = torch.cat([blend, between, within.masked_fill(own, float("-inf"))], 1) / tau
    return torch.logsumexp(logits, 1) - between.diagonal() / tau


@pytest.mark.parametrize("size", [5, 1000])
def test_mixing_equals_the_formula(stored: dict[str, Tensor], size: int) -> None:
    loss, h1, h2 = fitted(stored, mode="mix", num_mixed=size, chunk_size=7)
    generator = torch.Generator().manual_seed(4)
    found = loss.per_node(h1, h2, generator=generator)
    generator.manual_seed(4)
    cosine = (F.normalize(h1) @ F.normalize(h2).t()).detach()
    table = loss.mixture.log_hardness(cosine).exp()  # type: ignore[union-attr]
    table.fill_diagonal_(float("-inf"))
    tau, size = float(stored["tau"]), min(size, 19)
    for value, z, other, b in ((found[0], h1, h2, table), (found[1], h2, h1, table.t())):
        order = torch.randperm(size, generator=generator)
        torch.testing.assert_close(value, mixed(z, other, tau, b, size, order))


@pytest.mark.parametrize("mode", ["weight", "mix"])
def test_gradcheck(mode: str) -> None:
    z1, z2 = (z.requires_grad_() for z in pair(8, 3, dtype=torch.float64))
    loss = ProGCLLoss(0.5, mode, num_mixed=4, chunk_size=3)
    loss.fit(z1 + 0.1, z2 - 0.1, generator=torch.Generator().manual_seed(0))
    torch.autograd.gradcheck(
        lambda a, b: loss(a, b, generator=torch.Generator().manual_seed(1)), (z1, z2)
    )


def test_equal_weights_are_infonce() -> None:
    z1, z2 = pair(12, 4, dtype=torch.float64)
    loss = ProGCLLoss(0.5)
    assert torch.equal(loss(z1, z2), InfoNCELoss(0.5)(z1, z2))  # before the fit
    loss.fit(z1, z2, columns=torch.arange(12))
    same = torch.ones_like(z1)  # all cosines agree, and so do all weights
    loss._frozen = LogWeights.of(loss.mixture, same, same, [slice(0, 12)])[1:]  # type: ignore[arg-type]
    torch.testing.assert_close(loss(z1, z2), InfoNCELoss(0.5)(z1, z2))


def test_stable_at_a_low_temperature() -> None:
    z1, z2 = pair(40, 4)
    z1[0] = z2[0]
    z1, z2 = z1.requires_grad_(), z2.requires_grad_()
    loss = ProGCLLoss(0.01).fit(z1, z2, generator=torch.Generator())
    value = loss(z1, z2)
    value.backward()
    assert value.isfinite()
    assert z1.grad.isfinite().all() and z2.grad.isfinite().all()


def test_nothing_needs_a_generator() -> None:
    z1, z2 = pair(12, 4)
    one, two = (ProGCLLoss(0.5, "mix", num_mixed=5, num_columns=7).fit(z1, z2) for _ in range(2))
    assert torch.equal(one.mixture.alpha, two.mixture.alpha)  # type: ignore[union-attr]
    # Draws go on from call to call, in every loss alike.
    first, second = ([loss(z1, z2) for _ in range(2)] for loss in (one, two))
    assert torch.equal(torch.stack(first), torch.stack(second))
    assert not torch.equal(first[0], first[1])


@pytest.mark.parametrize("mode", ["weight", "mix"])
@pytest.mark.parametrize(
    ("fitted_in", "called_in"),
    [
        ("float32", "float64 float64"),
        ("float64", "float32 float32"),
        ("float16", "float64 float64"),
        ("float64", "bfloat16 bfloat16"),
        ("float32", "float32 float64"),
        ("float64", "float64 float16"),
    ],
)
def test_a_call_may_have_another_dtype_than_the_fit(
    mode: str, fitted_in: str, called_in: str
) -> None:
    views = pair(12, 4, dtype=torch.float64)
    loss = ProGCLLoss(0.5, mode, num_mixed=5)  # type: ignore[arg-type]
    exact = loss.fit(*views)(*views, generator=torch.Generator().manual_seed(1))
    loss.fit(*(z.to(getattr(torch, fitted_in)) for z in views))
    dtypes = [getattr(torch, name) for name in called_in.split()]
    given = [z.detach().to(d).requires_grad_() for z, d in zip(views, dtypes, strict=True)]
    value = loss(*given, generator=torch.Generator().manual_seed(1))
    value.backward()
    assert value.dtype == (torch.float64 if torch.float64 in dtypes else torch.float32)
    torch.testing.assert_close(value, exact, rtol=2e-2, atol=2e-2, check_dtype=False)
    assert all(z.grad is not None and bool(z.grad.isfinite().all()) for z in given)


def test_bad_input() -> None:
    z1, z2 = pair(6, 3)
    with pytest.raises(ValueError, match="mode must be one of"):
        ProGCLLoss(0.5, "both")
    with pytest.raises(TypeError, match="generator must be a torch.Generator or None, got int"):
        ProGCLLoss(0.5).fit(z1, z2, generator=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="two different values"):
        ProGCLLoss(0.5).fit(torch.ones(6, 3), torch.ones(6, 3), columns=torch.arange(6))
    loss = ProGCLLoss(0.5, "mix").fit(z1, z2, generator=torch.Generator())
    with pytest.raises(TypeError, match="generator must be a torch.Generator or None, got int"):
        loss(z1, z2, generator=3)
    with pytest.raises(ValueError, match="6 rows of the fit, got 5"):
        loss(z1[:5], z2[:5])
    with pytest.raises(IndexError, match="columns"):
        ProGCLLoss(0.5).fit(z1, z2, columns=torch.tensor([6]))


def test_repr_shows_the_settings() -> None:
    assert repr(ProGCLLoss(0.5, "mix")) == "ProGCLLoss(temperature=0.5, mode='mix')"
