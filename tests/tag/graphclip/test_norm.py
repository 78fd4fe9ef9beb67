"""Batch normalisation over all processes is that of one process with all rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn

from graphlab.tag.graphclip import _norm
from graphlab.tag.graphclip._norm import GlobalBatchNorm
from tests._ranks import run_ranks

SHARES = (slice(0, 4), slice(4, 9))
SETTINGS = ({}, {"momentum": None}, {"affine": False}, {"track_running_stats": False})


def rows(kind: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(9, 3, generator=torch.Generator().manual_seed(0)).to(kind) * 4 + 100


def step(norm: nn.Module, x: Tensor) -> dict[str, np.ndarray]:
    """Output, gradients and buffers of one step."""
    x = x.clone().requires_grad_()
    out = norm(x)
    (out * torch.linspace(-1, 2, out.size(1), dtype=out.dtype)).pow(2).sum().backward()
    tensors = {"out": out, "x": x.grad} | dict(norm.named_buffers())
    return {name: value.detach().numpy() for name, value in tensors.items() if value is not None}


def run_rank(index: int, size: int, folder: str) -> None:
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=index, world_size=size
    )
    try:
        for number, settings in enumerate(SETTINGS):
            norm = GlobalBatchNorm(3, **settings).double()
            np.savez(f"{folder}/{number}-{index}.npz", **step(norm, rows()[SHARES[index]]))
    finally:
        dist.destroy_process_group()


@pytest.mark.skipif(not dist.is_available(), reason="torch without distributed")
def test_two_processes_with_uneven_shares_equal_one(tmp_path: Path) -> None:
    run_ranks(run_rank, 2, tmp_path)
    for number, settings in enumerate(SETTINGS):
        want = step(nn.BatchNorm1d(3, **settings).double(), rows())
        for index, share in enumerate(SHARES):
            with np.load(tmp_path / f"{number}-{index}.npz") as found:
                for name in found.files:
                    expected = want[name][share] if name in ("out", "x") else want[name]
                    np.testing.assert_allclose(
                        found[name], expected, rtol=1e-9, atol=1e-9, err_msg=name
                    )


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_sums_of_one_process_give_its_own_statistics(
    settings: dict[str, bool | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_norm, "is_distributed", lambda: True)
    monkeypatch.setattr(_norm, "all_reduce_sum", lambda value: value)
    norms = GlobalBatchNorm(3, **settings).double(), nn.BatchNorm1d(3, **settings).double()
    for scale in (1.0, 2.0, 0.5):  # running averages of several steps
        found, want = (step(norm, rows() * scale) for norm in norms)
        assert found.keys() == want.keys()
        for name, value in want.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-9, err_msg=name)


def test_half_precision_is_summed_in_single(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_norm, "is_distributed", lambda: True)
    monkeypatch.setattr(_norm, "all_reduce_sum", lambda value: value)
    x = rows(torch.bfloat16)
    out = GlobalBatchNorm(3)(x)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), nn.BatchNorm1d(3)(x.float()), rtol=1e-2, atol=1e-2)


def test_evaluation_uses_what_was_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_norm, "is_distributed", lambda: True)
    norm = GlobalBatchNorm(3).double().eval()  # nothing is summed: a message would be an error
    assert torch.allclose(norm(rows()), rows() / (1 + norm.eps) ** 0.5)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_without_a_count_of_steps_averages_are_those_of_torch(
    momentum: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_norm, "is_distributed", lambda: True)
    monkeypatch.setattr(_norm, "all_reduce_sum", lambda value: value)
    norms = [kind(3, momentum=momentum).double() for kind in (GlobalBatchNorm, nn.BatchNorm1d)]
    for norm in norms:
        norm.num_batches_tracked = None
        norm(rows())
    for name, value in norms[1].named_buffers():
        torch.testing.assert_close(dict(norms[0].named_buffers())[name], value, msg=name)
