"""The authors' method as the benchmark runs it is FastRP; the parts of the benchmark run."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from benchmarks import embed as benchmark
from benchmarks.baselines import embed as baselines
from graphlab.embed import FastRP
from tests._data import test_data_root

WEIGHTS = (0.5, 0.0, 1.0, 2.0)


def edges(nodes=80, count=900):
    index = torch.randint(nodes, (2, count), generator=torch.Generator().manual_seed(0))
    return torch.unique(torch.cat([index, index.flip(0)], 1), dim=1), nodes


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("beta", [None, -0.5])
def test_authors_method_is_fastrp(normalize, beta):
    index, nodes = edges()
    matrix = benchmark.matrix_of(index, nodes)
    want = baselines.authors_fastrp(matrix, 12, WEIGHTS, beta, normalize, seed=3)
    start = np.random.default_rng(3).normal(scale=12**-0.5, size=(12, nodes)).T
    model = FastRP(
        weights=WEIGHTS, beta=beta, normalize=normalize, standardize=True, dtype=torch.float64
    )
    got = model.fit_transform(index, nodes, projection_matrix=torch.from_numpy(start.copy()))
    assert np.abs(got.numpy() - want).max() < 1e-9


def test_torch_baseline_has_rows_of_the_right_length():
    index, nodes = edges()
    matrix = benchmark.matrix_of(index, nodes)
    z = baselines.torch_fastrp(matrix, 8, (0.0, 1.0), -0.5)()
    assert z.shape == (nodes, 8) and torch.allclose(z.norm(dim=1), torch.ones(nodes), atol=1e-5)


@pytest.mark.parametrize(
    "part", [pytest.param("peers", marks=pytest.mark.slow), "bandwidth", "panels", "large"]
)
def test_parts_run_small(part):
    rows = benchmark.PARTS[part](benchmark.Options(6, 1, None))
    assert rows and all(row["median_s"] > 0 for row in rows)
    json.dumps(rows, allow_nan=False)


def test_blogcatalog_part_needs_the_data():
    source = test_data_root("multilabel")
    assert (source / "blogcatalog" / "blogcatalog.mat").is_file()
