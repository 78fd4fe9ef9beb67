"""The FastRP experiment: rows, tuning without test labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch_geometric.data import Data

from experiments._harness.context import Context
from experiments.fastrp import peers
from experiments.fastrp import run as fastrp


class FakeDataset:
    def __init__(self, root, name, source=None):
        generator = torch.Generator().manual_seed(0)
        block = torch.arange(120) // 40
        index = torch.randint(120, (2, 4000), generator=generator)
        same = block[index[0]] == block[index[1]]
        index = index[:, same | (torch.rand(4000, generator=generator) < 0.1)]
        y = torch.nn.functional.one_hot(block, 3).bool()
        self.data = Data(edge_index=torch.cat([index, index.flip(0)], 1), y=y, num_nodes=120)

    def __getitem__(self, index):
        return self.data


CONFIG = fastrp.Config(dim=16, ratios=(0.3, 0.6), betas=(-0.5, 0.0), cs=(0.1, 1.0))


@pytest.fixture
def context(tmp_path):
    return Context(seed=0, device=torch.device("cpu"), directory=tmp_path)


def test_rows_hold_both_settings_and_a_floor(context, monkeypatch):
    monkeypatch.setattr(fastrp, "MultilabelDataset", FakeDataset)
    rows = fastrp.run(CONFIG, context)
    assert len(rows) == 6
    for ratio in CONFIG.ratios:
        floor = rows[fastrp.label("most frequent labels", ratio)]
        assert rows[fastrp.label("authors' setting", ratio)]["micro"] > floor["micro"] + 0.3
        tuned = rows[fastrp.label("tuned on validation", ratio)]
        assert tuned["beta"] in CONFIG.betas and tuned["c"] in CONFIG.cs
        weights = tuple(tuned[f"w{power}"] for power in range(1, 5))
        assert weights in CONFIG.weights and tuned["at_border"] == 1.0


def test_tuning_reads_no_label_outside_its_training_part(context):
    data = FakeDataset("", "")[0]
    order = torch.randperm(120, generator=torch.Generator().manual_seed(1))
    chosen = fastrp.tune(CONFIG, data, order, context)
    assert set(chosen) == set(CONFIG.ratios)
    hidden = data.clone()
    hidden.y = data.y.clone()
    hidden.y[order[36:]] = ~hidden.y[order[36:]]  # beyond the smallest part
    assert fastrp.tune(CONFIG, hidden, order, context)[0.3] == chosen[0.3]


def test_the_earlier_search_chooses_once_for_all_ratios(context):
    config = replace(CONFIG, search="holdout", last_weights=(1.0, 4.0))
    data = FakeDataset("", "")[0]
    order = torch.randperm(120, generator=torch.Generator().manual_seed(1))
    chosen = fastrp.tune(config, data, order, context)
    assert chosen[0.3] == chosen[0.6] and chosen[0.3].c == config.c
    assert chosen[0.3].weights[:3] == (0.0, 0.0, 1.0)


def test_a_choice_at_the_end_of_its_grid_is_marked():
    inner = fastrp.Setting(0.3, (1.0, 1.0, 1.0, 1.0), 0.01)
    assert not fastrp.at_border(fastrp.Config(), inner)
    assert fastrp.at_border(fastrp.Config(), replace(inner, beta=1.0))
    assert fastrp.at_border(fastrp.Config(), replace(inner, c=0.003))


def test_presets_name_known_data_and_published_rows_match_ours():
    assert {config.dataset for config in fastrp.PRESETS.values()} == {
        "blogcatalog",
        "wikipedia",
        "dblp",
        "digits",
    }
    ours = replace(fastrp.PRESETS["blogcatalog_multilabel"])
    labels = {fastrp.label("authors' setting", ratio) for ratio in ours.ratios}
    assert set(fastrp.PUBLISHED["blogcatalog_multilabel"]) == labels


def test_peers_stand_on_the_same_splits(context, monkeypatch):
    monkeypatch.setattr(fastrp, "MultilabelDataset", FakeDataset)
    config = replace(CONFIG, search="none", peers=("spectral", "netmf"))
    rows = fastrp.run(config, context)
    methods = ("authors' setting", *peers.TITLES.values(), "most frequent labels")
    assert list(rows) == [fastrp.label(m, ratio) for m in methods for ratio in config.ratios]
    for name in peers.TITLES.values():
        for ratio in config.ratios:
            row = rows[fastrp.label(name, ratio)]
            assert row["micro"] > rows[fastrp.label(methods[-1], ratio)]["micro"] + 0.3
            assert row["c"] in config.cs and row["seconds"] > 0


def test_netmf_equals_its_definition():
    edges = [(0, 1), (1, 2), (2, 3), (3, 0), (1, 3)]
    dense = np.zeros((5, 5))
    for one, other in edges:
        dense[one, other] = dense[other, one] = 1.0  # node 4 has no edge
    z = peers.netmf(sp.csr_matrix(dense), 4, 0)
    degree = np.maximum(dense.sum(1), 1)
    walk = dense / degree[:, None]
    powers = sum(np.linalg.matrix_power(walk, k) for k in range(1, 11))
    matrix = np.log(np.maximum(dense.sum() / 10 * powers / degree, 1))
    # Singular vectors times roots of the values: their Gram matrix is the root of M M^T.
    values, vectors = np.linalg.eigh(matrix @ matrix.T)
    gram = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    np.testing.assert_allclose(z @ z.T, gram, atol=1e-4)
    with pytest.raises(ValueError, match="takes at most"):
        peers.netmf(sp.csr_matrix((20_000, 20_000)), 4, 0)
    with pytest.raises(ValueError, match="peers must be among"):
        peers.embedding("walks", Data(edge_index=torch.zeros(2, 0).long(), num_nodes=1), 1, 0)
