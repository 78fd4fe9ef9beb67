from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from graphlab.contrastive import SCGC, influence_graph, initial_centers
from graphlab.evaluate import clustering_scores


def blobs(num_nodes: int = 120, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Three noisy groups of features, and a graph that mostly links within groups."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(num_nodes) % 3
    centers = 2 * torch.eye(3, 12)
    x = centers[y] + 0.7 * torch.randn(num_nodes, 12, generator=generator)
    pairs = torch.randint(num_nodes, (2, 1500), generator=generator)
    return x, pairs[:, y[pairs[0]] == y[pairs[1]]], y


def small(**changes: object) -> SCGC:
    settings = {"hidden_channels": (32,), "out_channels": 4, "epochs": 30, "pretrain_epochs": 200}
    return SCGC(12, 3, **{**settings, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("negatives", ["meta", "meta1", "meta2", "exact", "sampled"])
def test_finds_planted_groups(negatives: str) -> None:
    x, edge_index, y = blobs()
    model = small(negatives=negatives).fit(x, edge_index)
    assert clustering_scores(y, model.predict())["acc"] > 0.9
    assert model.embed(x).shape == (120, 4)
    assert len(model.history_["loss"]) == 30
    assert model.history_["changed"][-1] < 0.05


def test_same_seed_same_bits_and_global_state_untouched() -> None:
    x, edge_index, _ = blobs()
    before = torch.get_rng_state()
    first, second = (small(epochs=3).fit(x, edge_index) for _ in range(2))
    other = small(epochs=3, seed=1).fit(x, edge_index)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.embed(x), second.embed(x))
    assert not torch.equal(first.embed(x), other.embed(x))


def test_sparse_features_change_nothing_but_speed() -> None:
    x, edge_index, _ = blobs()
    wide = torch.zeros(120, 400)
    wide[:, :12] = x
    wide[wide.abs() < 1.0] = 0
    dense = SCGC(400, 3, (16,), 4, epochs=3, pretrain_epochs=1)
    assert (wide != 0).double().mean() < 0.1  # sparse inside fit
    assert dense.fit(wide, edge_index).embed(wide).isfinite().all()


def test_new_nodes_need_no_graph() -> None:
    x, edge_index, y = blobs()
    model = small().fit(x, edge_index)
    new, _, truth = blobs(seed=7)
    assert torch.equal(model.predict(x), model.predict())
    both = torch.cat([model.predict(), model.predict(new)])
    assert clustering_scores(torch.cat([y, truth]), both)["acc"] > 0.9


def test_any_encoder_and_a_prepared_graph() -> None:
    x, edge_index, _ = blobs()
    encoder = nn.Sequential(nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 5))
    model = small(encoder=encoder, epochs=10)
    seen: list[int] = []
    model.fit(x, influence_graph(edge_index, 120, 2), callback=lambda e, z, labels: seen.append(e))
    assert seen == list(range(10))
    assert model.embed(x).shape == (120, 5)
    with pytest.raises(ValueError, match="encoder must be None to save"):
        model.save("nowhere")


def test_save_and_load(tmp_path: Path) -> None:
    x, edge_index, _ = blobs()
    model = small(epochs=3, tau=0.7, negatives="meta2", order=2).fit(x, edge_index)
    again = SCGC.load(model.save(tmp_path / "model"))
    assert torch.equal(again.embed(x), model.embed(x))
    assert torch.equal(again.predict(), model.predict())
    assert again.contrast.tau == 0.7
    assert again.hidden_channels == (32,)


def test_initial_centers_are_means() -> None:
    x, _, y = blobs()
    centers, labels = initial_centers(x, 3, seed=0)
    assert clustering_scores(y, labels)["acc"] > 0.9
    torch.testing.assert_close(centers[0], x[labels == 0].mean(0))


def test_bad_input() -> None:
    x, edge_index, _ = blobs()
    with pytest.raises(ValueError, match="not fitted"):
        small().predict()
    with pytest.raises(ValueError, match="x must have 12 columns"):
        small().fit(x[:, :5], edge_index)
    with pytest.raises(ValueError, match=r"x must be finite"):
        small().fit(x / 0, edge_index)
    with pytest.raises(ValueError, match="graph of 120 nodes, got 119"):
        small().fit(x, influence_graph(edge_index[:, (edge_index < 119).all(0)], 119))
    with pytest.raises(IndexError, match="edge_index"):
        small().fit(x, edge_index + 100)
    with pytest.raises(ValueError, match="num_clusters must be at most 120"):
        initial_centers(x, 121, 0)
    for name in ("num_clusters", "order", "in_channels", "out_channels", "n_init"):
        arguments = {"in_channels": 12, "num_clusters": 3, name: 0}
        with pytest.raises(ValueError, match=name):
            SCGC(**arguments)  # type: ignore[arg-type]


def test_a_second_fit_repeats_the_first() -> None:
    x, edge_index, _ = blobs()
    model = small(negatives="sampled", epochs=3, pretrain_epochs=2)
    model.contrast.num_samples = 10
    first = model.fit(x, edge_index).history_["loss"]
    assert model.fit(x, edge_index).history_["loss"] == first


def test_new_nodes_may_come_in_another_precision() -> None:
    x, edge_index, _ = blobs()
    model = small(epochs=1, pretrain_epochs=1).fit(x.double(), edge_index)
    assert torch.equal(model.predict(x), model.predict(x.double()))
    assert model.embed(x.half()).dtype == torch.float64
