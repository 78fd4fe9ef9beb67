"""FastRP spread over gloo processes gives the bits of one process."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.distributed as dist

from graphlab.embed import FastRP
from tests._ranks import run_ranks

pytestmark = pytest.mark.skipif(not dist.is_available(), reason="torch without distributed")

OPTIONS = [
    {},
    {"normalize": False, "projection": "gaussian"},
    {"standardize": True, "self_weight": 0.5, "dtype": torch.float64},
]
DIM = 72


def fitted(options):
    generator = torch.Generator().manual_seed(0)
    index = torch.randint(200, (2, 1500), generator=generator)
    weight = torch.rand(1500, generator=generator)
    return FastRP(DIM, direction="out", **options).fit(index, 205, weight)


def run_rank(index, size, folder):
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=index, world_size=size
    )
    try:
        for number, options in enumerate(OPTIONS):
            estimator = fitted(options)
            z = estimator.transform(distributed=True, panel=16 if number else None)
            np.save(f"{folder}/{number}-{index}.npy", z.numpy())
        mapped = fitted({}).transform(distributed=True, out=f"{folder}/shared.npy")
        np.save(f"{folder}/mapped-{index}.npy", mapped.numpy())
    finally:
        dist.destroy_process_group()


@pytest.mark.parametrize("size", [2, pytest.param(6, marks=pytest.mark.slow)])
def test_processes_equal_one_process(size, tmp_path):
    run_ranks(run_rank, size, tmp_path)
    for number, options in enumerate(OPTIONS):
        want = fitted(options).transform().numpy()
        for r in range(size):  # with six processes, one has no column
            assert np.array_equal(np.load(tmp_path / f"{number}-{r}.npy"), want)
    want = fitted({}).transform().numpy()
    for name in ["shared", *(f"mapped-{r}" for r in range(size))]:
        assert np.array_equal(np.load(tmp_path / f"{name}.npy"), want)


def test_one_process_needs_no_group():
    estimator = fitted({})
    assert torch.equal(estimator.transform(distributed=True), estimator.transform())
