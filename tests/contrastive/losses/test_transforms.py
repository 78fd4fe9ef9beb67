"""Losses under torch.func: the gradient, or an error that names the library and the way out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from graphlab.contrastive import losses

COUNT, WIDTH = 12, 4
RING = torch.stack([torch.arange(COUNT), (torch.arange(COUNT) + 1) % COUNT])
CLUSTER = torch.arange(COUNT) % 3
Z1, Z2 = torch.randn(2, COUNT, WIDTH, generator=torch.Generator().manual_seed(0)).unbind()


def progcl() -> losses.ProGCLLoss:
    """A loss with frozen embeddings."""
    return losses.ProGCLLoss(0.5).fit(Z1, Z2, columns=torch.arange(5))


def graphcl(z: Tensor) -> Tensor:
    """A discriminator with the same weights every time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        value: Tensor = losses.GraphCLLoss(WIDTH)(z, Z2, z, Z2)
    return value


PLAIN: dict[str, Callable[[Tensor], Tensor]] = {
    "BarlowTwinsLoss": lambda z: losses.BarlowTwinsLoss()(z, Z2),
    "bgrl_loss": lambda z: losses.bgrl_loss(z, Z2, z, Z2),
    "scaled_cosine_error": lambda z: losses.scaled_cosine_error(z, Z2),
    "GraphCLLoss": graphcl,
}
OWN: dict[str, Callable[[Tensor], Tensor]] = {
    **{
        f"PamCLoss {kind}": lambda z, kind=kind: losses.pamc_loss(  # type: ignore[misc]
            z, RING, CLUSTER, negatives=kind, num_clusters=3
        )
        for kind in ("meta", "meta1", "meta2", "exact", "sampled")
    },
    "info_nce": lambda z: losses.info_nce(z, Z2, 0.5),
    "clip_loss": lambda z: losses.clip_loss(z, Z2, torch.tensor(1.0)),
    "siglip": lambda z: losses.clip_loss(z, Z2, torch.tensor(1.0), loss="siglip"),
    "supcon_loss": lambda z: losses.supcon_loss(z.view(-1, 2, WIDTH), CLUSTER[: COUNT // 2]),
    "ProGCLLoss": lambda z: progcl()(z, Z2),
}


@pytest.mark.parametrize("name", PLAIN)
def test_transforms_give_the_gradient(name: str) -> None:
    loss = PLAIN[name]
    z = Z1.clone().requires_grad_()
    (expected,) = torch.autograd.grad(loss(z), z)
    torch.testing.assert_close(torch.func.grad(loss)(Z1), expected)


@pytest.mark.parametrize("name", [n for n in PLAIN if n != "GraphCLLoss"])
def test_vmap_gives_what_a_loop_gives(name: str) -> None:
    loss, both = PLAIN[name], torch.stack([Z1, Z2 + 0.1])
    torch.testing.assert_close(torch.vmap(loss)(both), torch.stack([loss(z) for z in both]))


@pytest.mark.parametrize("name", OWN)
def test_errors_name_the_library(name: str) -> None:
    message = "^graphlab: .* use a loop in place of vmap$"
    with pytest.raises(RuntimeError, match=message):
        torch.func.grad(OWN[name])(Z1)
    if name != "supcon_loss":  # torch refuses to look for classes in a batch
        with pytest.raises(RuntimeError, match=message):
            torch.vmap(OWN[name], randomness="different")(torch.stack([Z1, Z2]))
