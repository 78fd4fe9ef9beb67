from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from graphlab.contrastive import InfoNCELoss, info_nce, info_nce_per_node
from tests._golden import load


def eager(z1: Tensor, z2: Tensor, temperature: float, intraview: bool) -> Tensor:
    """The loss as it is printed, in float64 with all N x N logits."""
    u, v = F.normalize(z1.double()), F.normalize(z2.double())
    between, within = u @ v.t() / temperature, u @ u.t() / temperature
    logits = [between]
    if intraview:
        own = torch.eye(len(u), dtype=torch.bool)
        logits.append(within.masked_fill(own, float("-inf")))
    return torch.logsumexp(torch.cat(logits, 1), 1) - between.diagonal()


def pair(rows: int, dim: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(rows, dim, generator=generator, dtype=dtype)
    noise = torch.randn(rows, dim, generator=generator, dtype=dtype)
    return [first, first + 0.7 * noise]


@pytest.mark.parametrize("intraview", [True, False])
@pytest.mark.parametrize("temperature", [0.01, 0.2, 0.7, 5.0])
@pytest.mark.parametrize("chunk_size", [None, 1, 7, 100])
def test_equals_the_printed_formula(
    intraview: bool, temperature: float, chunk_size: int | None
) -> None:
    z1, z2 = pair(31, 5)
    found = info_nce_per_node(z1, z2, temperature, intraview=intraview, chunk_size=chunk_size)
    wanted = eager(z1, z2, temperature, intraview), eager(z2, z1, temperature, intraview)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-5, atol=1e-4)
    loss = InfoNCELoss(temperature, intraview, chunk_size)(z1, z2)
    torch.testing.assert_close(loss, 0.5 * (found[0].mean() + found[1].mean()))
    value = info_nce(z1, z2, temperature, intraview=intraview, chunk_size=chunk_size)
    assert torch.equal(value, loss)


@pytest.mark.parametrize("name", ["pot_small_relu", "pot_small_prelu_iso", "pot_small_batch"])
def test_equals_the_authors_grace(name: str) -> None:
    stored = load("pot", name, torch.float32)
    tau = float(stored["tau"])
    one, two = info_nce_per_node(stored["h1"], stored["h2"], tau)
    torch.testing.assert_close(one, stored["semi_12"], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(two, stored["semi_21"], rtol=1e-5, atol=1e-5)
    loss = InfoNCELoss(tau)(stored["h1"], stored["h2"])
    torch.testing.assert_close(loss, stored["grace_loss"], rtol=1e-6, atol=1e-6)


def test_equals_the_authors_costa() -> None:
    stored = load("pot", "costa_loss", torch.float32)
    z1, z2 = stored["z1"].requires_grad_(), stored["z2"].requires_grad_()
    loss = InfoNCELoss(float(stored["tau"]), False)(stored["P"] @ z1, stored["P"] @ z2)
    torch.testing.assert_close(loss, stored["loss"], rtol=1e-6, atol=1e-6)
    loss.backward()
    torch.testing.assert_close(z1.grad, stored["g_z1"], rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(z2.grad, stored["g_z2"], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("intraview", [True, False])
@pytest.mark.parametrize("chunk_size", [None, 3])
def test_gradcheck(intraview: bool, chunk_size: int | None) -> None:
    z1, z2 = (z.requires_grad_() for z in pair(7, 3, dtype=torch.float64))
    loss = InfoNCELoss(0.4, intraview, chunk_size)
    torch.autograd.gradcheck(loss, (z1, z2))


@pytest.mark.parametrize("intraview", [True, False])
def test_stable_at_a_low_temperature(intraview: bool) -> None:
    z1, z2 = pair(50, 4)
    z1[3] = 0  # an isolated node under ReLU
    z1, z2 = z1.requires_grad_(), z2.requires_grad_()
    loss = InfoNCELoss(0.01, intraview)(z1, z2)
    loss.backward()
    assert loss.isfinite()
    assert z1.grad.isfinite().all() and z2.grad.isfinite().all()


@given(
    rows=st.integers(1, 40),
    dim=st.integers(1, 9),
    seed=st.integers(0, 2**31),
    intraview=st.booleans(),
)
def test_symmetric_scale_free_and_order_free(
    rows: int, dim: int, seed: int, intraview: bool
) -> None:
    z1, z2 = pair(rows, dim, seed, torch.float64)
    loss = InfoNCELoss(0.5, intraview)
    value = loss(z1, z2)
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(loss(z2, z1), value)
    torch.testing.assert_close(loss(3 * z1, 0.5 * z2), value)
    torch.testing.assert_close(loss(z1[order], z2[order]), value)
    assert value >= -1e-12 or (intraview and rows == 1)


@pytest.mark.parametrize("intraview", [True, False])
@pytest.mark.parametrize("chunk_size", [None, 3])
def test_terms_of_some_nodes_are_those_of_the_whole(
    intraview: bool, chunk_size: int | None
) -> None:
    z1, z2 = pair(31, 5)
    for nodes in (torch.tensor([4, 30, 0, 17]), torch.arange(31).flip(0), torch.tensor([3])):
        whole = info_nce_per_node(z1, z2, 0.2, intraview=intraview)
        found = info_nce_per_node(
            z1, z2, 0.2, intraview=intraview, chunk_size=chunk_size, nodes=nodes
        )
        for part, all_terms in zip(found, whole, strict=True):
            torch.testing.assert_close(part, all_terms[nodes])
        loss = InfoNCELoss(0.2, intraview, chunk_size)(z1, z2, nodes)
        torch.testing.assert_close(loss, 0.5 * (found[0].mean() + found[1].mean()))


def test_gradient_of_some_nodes_is_unbiased() -> None:
    z1, z2 = (z.requires_grad_() for z in pair(12, 3, dtype=torch.float64))
    loss = InfoNCELoss(0.4)
    whole = torch.autograd.grad(loss(z1, z2), (z1, z2))
    for size in (4, 12):
        parts = torch.arange(12).split(size)
        mean = sum(loss(z1, z2, part) for part in parts) / len(parts)
        for found, wanted in zip(torch.autograd.grad(mean, (z1, z2)), whole, strict=True):
            torch.testing.assert_close(found, wanted)
    torch.autograd.gradcheck(lambda a, b: loss(a, b, torch.tensor([5, 2])), (z1, z2))


def test_bad_input() -> None:
    z = torch.randn(4, 3)
    loss = InfoNCELoss(0.5)
    with pytest.raises(ValueError, match="z2 must have 4 rows"):
        loss(z, z[:3])
    with pytest.raises(ValueError, match="z2 must have 3 columns"):
        loss(z, z[:, :2])
    with pytest.raises(TypeError, match="z1 must be floating point"):
        loss(z.long(), z)
    with pytest.raises(ValueError, match="z1 must be finite"):
        loss(z / 0, z)
    with pytest.raises(ValueError, match="at least 1 rows"):
        loss(z[:0], z[:0])
    for nodes, message in (
        (torch.tensor([0, 4]), "nodes"),
        (torch.tensor([1, 1]), "must be distinct"),
        (torch.tensor([], dtype=torch.long), "at least one node"),
    ):
        with pytest.raises((ValueError, IndexError), match=message):
            loss(z, z, nodes)
    for arguments in ((0.0,), (-1.0,), (float("nan"),), (0.5, True, 0)):
        with pytest.raises(ValueError, match="temperature|chunk_size"):
            InfoNCELoss(*arguments)


def test_repr_shows_the_settings() -> None:
    assert repr(InfoNCELoss(0.5, False)) == "InfoNCELoss(temperature=0.5, intraview=False)"
