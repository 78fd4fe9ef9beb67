"""One contract of reduction: the mean and the sum are those of the terms."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from graphlab.contrastive import losses
from tests._data import REPOSITORY

COUNT, WIDTH = 12, 4
RING = torch.stack([torch.arange(COUNT), (torch.arange(COUNT) + 1) % COUNT])
CLUSTER = torch.arange(COUNT) % 3
SCALE = torch.tensor(1.0, dtype=torch.float64)
REPEATED = torch.arange(COUNT) // 2


def rows() -> tuple[Tensor, Tensor]:
    """Two matrices of float64."""
    generator = torch.Generator().manual_seed(0)
    one, other = torch.randn(2, COUNT, WIDTH, generator=generator, dtype=torch.float64)
    return one, other


def fitted(reduction: Any, mode: Any) -> losses.ProGCLLoss:
    """A loss with frozen embeddings."""
    loss = losses.ProGCLLoss(0.5, mode, num_mixed=4, reduction=reduction)
    return loss.fit(*rows(), columns=torch.arange(5))


def discriminator(a: Tensor, b: Tensor, reduction: Any) -> Tensor:
    """With the same weights every time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        value: Tensor = losses.GraphCLLoss(WIDTH, reduction=reduction)(a, b, a, b)
    return value


def pamc(kind: Any) -> Callable[[Tensor, Tensor, Any], Tensor]:
    return lambda a, b, r: losses.PamCLoss(
        0.5, kind, generator=torch.Generator().manual_seed(0), reduction=r
    )(a, RING, CLUSTER)


LOSSES: dict[str, tuple[Callable[[Tensor, Tensor, Any], Tensor], tuple[int, ...]]] = {
    **{
        f"PamCLoss {kind}": (pamc(kind), (COUNT,))
        for kind in ("meta", "meta1", "meta2", "exact", "sampled")
    },
    "pamc_loss": (lambda a, b, r: losses.pamc_loss(a, RING, CLUSTER, reduction=r), (COUNT,)),
    "info_nce": (lambda a, b, r: losses.info_nce(a, b, 0.5, reduction=r), (COUNT,)),
    "InfoNCELoss": (
        lambda a, b, r: losses.InfoNCELoss(0.5, False, 5, reduction=r)(a, b),
        (COUNT,),
    ),
    "ProGCLLoss": (lambda a, b, r: losses.ProGCLLoss(0.5, reduction=r)(a, b), (COUNT,)),
    "ProGCLLoss weight": (lambda a, b, r: fitted(r, "weight")(a, b), (COUNT,)),
    "ProGCLLoss mix": (
        lambda a, b, r: fitted(r, "mix")(a, b, generator=torch.Generator().manual_seed(0)),
        (COUNT,),
    ),
    "bgrl_loss": (lambda a, b, r: losses.bgrl_loss(a, b, b, a, reduction=r), (COUNT,)),
    "scaled_cosine_error": (
        lambda a, b, r: losses.scaled_cosine_error(a, b, reduction=r),
        (COUNT,),
    ),
    "clip_loss": (lambda a, b, r: losses.clip_loss(a, b, SCALE, reduction=r), (COUNT,)),
    "clip_loss with ids": (
        lambda a, b, r: losses.clip_loss(a, b, SCALE, text_id=REPEATED, reduction=r),
        (COUNT,),
    ),
    "CLIPLoss siglip": (
        lambda a, b, r: losses.CLIPLoss("siglip", chunk_size=5, reduction=r)(a, b),
        (COUNT,),
    ),
    "GraphCLLoss": (discriminator, (2 * COUNT,)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_mean_and_sum_are_those_of_the_terms(name: str) -> None:
    compute, shape = LOSSES[name]
    terms = compute(*rows(), "none")
    assert terms.shape == shape
    torch.testing.assert_close(compute(*rows(), "mean"), terms.mean())
    torch.testing.assert_close(compute(*rows(), "sum"), terms.sum())


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_follow(name: str) -> None:
    compute, _ = LOSSES[name]
    one, other = rows()
    one.requires_grad_()
    weight = torch.linspace(0.1, 1, LOSSES[name][1][0], dtype=torch.float64)
    (whole,) = torch.autograd.grad((compute(one, other, "none") * weight).sum(), one)
    assert whole.isfinite().all() and whole.abs().max() > 0
    (mean,) = torch.autograd.grad(compute(one, other, "mean"), one)
    (by_terms,) = torch.autograd.grad(compute(one, other, "none").mean(), one)
    torch.testing.assert_close(mean, by_terms)


def test_anchors_without_a_positive_are_zero_and_left_out_of_the_mean() -> None:
    views, labels = rows()[0].view(-1, 2, WIDTH)[:, :1], torch.tensor([0, 0, 1, 1, 1, 2])
    terms = losses.supcon_loss(views, labels, reduction="none")
    assert terms.shape == (6, 1) and float(terms[5]) == 0
    torch.testing.assert_close(losses.supcon_loss(views, labels), terms.sum() / 5)
    torch.testing.assert_close(losses.supcon_loss(views, labels, reduction="sum"), terms.sum())


@pytest.mark.parametrize("name", LOSSES)
def test_other_reductions_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="reduction must be one of 'mean', 'sum', 'none'"):
        LOSSES[name][0](*rows(), "average")


def test_pamc_says_what_it_cannot_reduce() -> None:
    with pytest.raises(ValueError, match="reduction must be 'mean' with isolated='mask'"):
        losses.PamCLoss(isolated="mask", reduction="none")
    loss = losses.PamCLoss(reduction="none")
    z = rows()[0]
    with pytest.raises(ValueError, match="and reduction 'mean', to share a loss"):
        loss.share(z, RING, CLUSTER, loss.collect(z, CLUSTER))


# --- the rule for contributors --------------------------------------------------------------------


def test_the_rule_names_every_exception():
    listed = [getattr(losses, name) for name in losses.__all__]
    functions = {f.__name__ for f in listed if "reduction" in inspect.signature(f).parameters}
    modules = {m.__name__: m for m in listed if isinstance(m, type) and issubclass(m, nn.Module)}
    functions -= set(modules)
    around = {
        name: wrapped
        for name, module in modules.items()
        for wrapped in functions
        if wrapped.replace("_", "") in (name.lower(), name.lower().removesuffix("loss"))
    }
    assert around == {"CLIPLoss": "clip_loss", "InfoNCELoss": "info_nce", "PamCLoss": "pamc_loss"}
    rule = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rule = rule[rule.index("- **Losses**") : rule.index("- **Steps that ask")]
    found = re.search("InfoNCE are a(.*)functions alone,(.*)modules alone", rule, re.DOTALL)
    assert found is not None
    either, parts = found.groups()
    assert set(re.findall("`(\\w+)`", either)) == functions - set(around.values())
    assert set(re.findall("`(\\w+)`", parts)) == set(modules) - set(around)
    without = {n for n, m in modules.items() if "reduction" not in inspect.signature(m).parameters}
    assert set(re.findall("`(\\w+)` compares columns and has no", rule)) == without
