from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from torch import Tensor, nn
from torch_geometric.data import Data, HeteroData

from graphlab._io import load_arrays, save_arrays
from graphlab.contrastive import SCGC, influence_graph
from graphlab.evaluate import clustering_scores
from graphlab.ops import CSRGraph


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
    settings |= {"tolerance": 0.0}  # to the last epoch
    return SCGC(3, in_channels=12, **{**settings, **changes})  # type: ignore[arg-type]


def test_a_graph_is_embedded_as_its_features() -> None:
    data = words()
    model = SCGC(num_clusters=3, hidden_channels=(32,), epochs=1, pretrain_epochs=1).fit(data)
    assert torch.equal(model.embed(data), model.embed(data.x))
    assert torch.equal(model.predict(data), model.predict(data.x))


@pytest.mark.parametrize("x", [np.ones((4, 3)), [[1.0]], "words"])
def test_what_is_no_tensor_is_named(x: Any) -> None:
    with pytest.raises(TypeError, match="x must be a torch.Tensor, got"):
        SCGC(num_clusters=2).fit(x, torch.tensor([[0, 1], [1, 0]]))


@pytest.mark.parametrize("negatives", ["meta", "meta1", "meta2", "exact", "sampled"])
def test_finds_planted_groups(negatives: str) -> None:
    x, edge_index, y = blobs()
    model = small(negatives=negatives).fit(x, edge_index)
    assert clustering_scores(y, model.predict())["acc"] > 0.9
    assert model.embed(x).shape == (120, 4)
    assert [row["epoch"] for row in model.history_] == list(range(30))
    assert model.history_[-1]["changed"] < 0.05


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
    dense = SCGC(3, hidden_channels=(16,), out_channels=4, epochs=3, pretrain_epochs=1)
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
    assert model.fit(x, influence_graph(edge_index, 120, 2)) is model
    assert model.embed(x).shape == (120, 5)


def test_callback_takes_the_rows_of_the_history() -> None:
    x, edge_index, _ = blobs()
    model = small(epochs=4, pretrain_epochs=1)
    seen: list[dict[str, Any]] = []

    def callback(row: dict[str, Any]) -> None:
        seen.append(row)
        assert model.embed(x).shape == (120, 4)
        assert model.predict().shape == (120,)

    model.fit(x, edge_index, callback=callback)
    assert seen == model.history_
    assert [set(row) for row in seen] == 4 * [{"epoch", "loss", "changed"}]


def test_callback_of_three_arguments_is_deprecated() -> None:
    x, edge_index, _ = blobs()
    model, seen = small(epochs=2, pretrain_epochs=1), []

    def callback(epoch: int, z: Tensor, labels: Tensor) -> None:
        seen.append((epoch, z.shape, labels.shape))
        # The embedding that gave the labels: that of the forward pass, before the step.
        assert z.requires_grad is False
        assert not torch.equal(z, model.embed(x))

    with pytest.warns(FutureWarning, match=r"callback\(epoch, z, labels\) is callback\(row\) now"):
        model.fit(x, edge_index, callback=callback)  # type: ignore[arg-type]
    assert seen == [(0, (120, 4), (120,)), (1, (120, 4), (120,))]


def test_an_interrupted_fit_leaves_the_estimator_as_it_was() -> None:
    x, edge_index, _ = blobs()
    model = small(epochs=2, pretrain_epochs=1)

    def stop(row: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(x, edge_index, callback=stop)
    with pytest.raises(NotFittedError):
        model.predict()
    z, history = model.fit(x, edge_index).embed(x), model.history_
    with pytest.raises(KeyboardInterrupt):
        model.set_params(seed=1).fit(x, edge_index, callback=stop)
    assert torch.equal(model.embed(x), z) and model.history_ == history
    assert model.seed == 1


def test_attributes_without_an_underscore_are_deprecated() -> None:
    x, edge_index, _ = blobs()
    model = small(epochs=1, pretrain_epochs=1, tau=0.7)
    for fitted in (False, True):
        if fitted:
            model.fit(x, edge_index)
        with pytest.warns(FutureWarning, match=r"SCGC\.network is SCGC\.network_ now"):
            assert model.network is (model.network_ if fitted else None)
        with pytest.warns(FutureWarning, match=r"SCGC\.contrast is SCGC\.network_\.contrast now"):
            assert model.contrast.tau == 0.7
        with pytest.warns(FutureWarning):
            assert model.contrast is model.contrast


def test_clone_has_the_parameters_and_no_fit() -> None:
    x, edge_index, _ = blobs()
    model = small(epochs=2, pretrain_epochs=1, tau=0.7).fit(x, edge_index)
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    assert repr(twin) == repr(model) and "tau=0.7" in repr(model)
    with pytest.raises(NotFittedError):
        twin.predict()
    assert torch.equal(twin.fit(x, edge_index).embed(x), model.embed(x))
    assert twin.set_params(tau=0.2).get_params()["tau"] == 0.2


@pytest.mark.parametrize("own", [False, True])
def test_save_and_load_with_any_encoder(own: bool, tmp_path: Path) -> None:
    def make(width: int = 5) -> nn.Module | None:
        return nn.Sequential(nn.Linear(12, width), nn.Tanh()) if own else None

    x, edge_index, _ = blobs()
    model = small(encoder=make(), epochs=3, pretrain_epochs=1).fit(x, edge_index)
    folder = model.save(tmp_path / "model")
    again = SCGC.load(folder, encoder=make())
    assert torch.equal(again.embed(x), model.embed(x))
    assert torch.equal(again.predict(), model.predict())
    assert again.history_ == model.history_
    with pytest.raises(ValueError, match="encoder must be like the one that was saved"):
        SCGC.load(folder, encoder=make(6) if own else nn.Linear(12, 4))
    if own:
        with pytest.raises(TypeError, match=r"load takes the objects \['encoder'\]"):
            SCGC.load(folder)


def test_save_and_load(tmp_path: Path) -> None:
    x, edge_index, _ = blobs()
    model = small(epochs=3, tau=0.7, negatives="meta2", order=2).fit(x, edge_index)
    again = SCGC.load(model.save(tmp_path / "model"))
    assert torch.equal(again.embed(x), model.embed(x))
    assert torch.equal(again.predict(), model.predict())
    assert again.get_params() == model.get_params()


def test_the_first_argument_is_the_number_of_clusters() -> None:
    assert SCGC(5).num_clusters == 5 and SCGC(5).in_channels is None
    with pytest.raises(TypeError, match="positional"):
        SCGC(12, 3)  # type: ignore[misc]


def test_weights_of_edges_are_told_to_be_unread() -> None:
    x, edge_index, _ = blobs()
    weight = torch.rand(edge_index.size(1), generator=torch.Generator().manual_seed(0))
    data = Data(x=x, edge_index=edge_index)
    model = small(epochs=3, pretrain_epochs=1)
    plain = model.fit(data).embed(x)
    data.edge_weight = weight
    with pytest.warns(UserWarning, match=r"Data.edge_weight is not read") as caught:
        assert torch.equal(model.fit(data).embed(x), plain)
    assert len(caught) == 1 and caught[0].filename == __file__
    # What the warning names does read them, and says nothing.
    graph = CSRGraph.from_edge_index(edge_index, len(x), weight)
    assert not torch.equal(model.fit(data, graph).embed(x), plain)


def test_bad_input() -> None:
    x, edge_index, _ = blobs()
    for use in (lambda: small().predict(), lambda: small().embed(x), lambda: small().save("no")):
        with pytest.raises(NotFittedError, match=r"SCGC is not fitted yet: call SCGC\.fit first"):
            use()
    with pytest.raises(ValueError, match="x must have 12 columns"):
        small().fit(x[:, :5], edge_index)
    with pytest.raises(ValueError, match=r"x must be finite"):
        small().fit(x / 0, edge_index)
    with pytest.raises(ValueError, match="graph of 120 nodes, got 119"):
        small().fit(x, influence_graph(edge_index[:, (edge_index < 119).all(0)], 119))
    with pytest.raises(IndexError, match="edge_index"):
        small().fit(x, edge_index + 100)
    for name in ("num_clusters", "order", "in_channels", "out_channels", "n_init"):
        arguments = {"in_channels": 12, "num_clusters": 3, name: 0}
        with pytest.raises(ValueError, match=name):
            SCGC(**arguments).fit(x, edge_index)  # type: ignore[arg-type]
    for changes, name in (({"negatives": "all"}, "negatives"), ({"tau": 0.0}, "tau")):
        with pytest.raises(ValueError, match=name):
            small(**changes).fit(x, edge_index)


def words(num_nodes: int = 240) -> Data:
    """Bags of words in three topics, and a graph that mostly links within them."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(num_nodes) % 3
    rate = torch.full((3, 90), 0.02)
    for topic in range(3):
        rate[topic, 30 * topic : 30 * topic + 30] = 0.2
    x = torch.bernoulli(rate[y], generator=generator)
    pairs = torch.randint(num_nodes, (2, 2000), generator=generator)
    return Data(x=x, edge_index=pairs[:, y[pairs[0]] == y[pairs[1]]], y=y)


def test_words_start_from_averages_over_the_graph() -> None:
    data = words()
    model = SCGC(num_clusters=3, hidden_channels=(32,), out_channels=4, seed=0)
    labels = model.fit_predict(data)
    assert clustering_scores(data.y, labels)["acc"] > 0.95
    assert model.idf_.shape == (90,)
    # The clusters stood still long before the last of 200 epochs.
    assert 2 * model.patience <= len(model.history_) < 100
    assert all(row["changed"] < model.tolerance for row in model.history_[-model.patience :])
    # The graph is not needed any more, and new rows are weighted like those of the fit.
    assert torch.equal(model.predict(data.x), model.predict())
    assert torch.equal(model.predict(data.x[:5]), model.predict()[:5])
    again = SCGC(num_clusters=3, hidden_channels=(32,), out_channels=4).fit(data.x, data.edge_index)
    assert torch.equal(again.embed(data.x), model.embed(data.x))


def test_default_widths_and_any_number_of_features_are_saved(tmp_path: Path) -> None:
    data = words()
    for start in ("smoothed", "autoencoder"):
        model = SCGC(num_clusters=3, start=start, epochs=1, pretrain_epochs=1).fit(data)  # type: ignore[arg-type]
        again = SCGC.load(model.save(tmp_path / start))
        assert torch.equal(again.embed(data.x), model.embed(data.x))
    with pytest.raises(ValueError, match="x must have 90 columns"):
        again.predict(data.x[:, :5])


def test_data_without_what_is_needed() -> None:
    data, model = words(), SCGC(num_clusters=3)
    with pytest.raises(ValueError, match=r"Data\.x is missing"):
        model.fit(Data(edge_index=data.edge_index, num_nodes=240))
    with pytest.raises(ValueError, match="edge_index must be given"):
        model.fit(data.x)
    with pytest.raises(ValueError, match="edge_index must be given"):
        model.fit(Data(x=data.x))
    with pytest.raises(TypeError, match="one type of nodes, got HeteroData"):
        model.fit(HeteroData())  # type: ignore[arg-type]


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_device_that_is_not_there_is_refused_at_once() -> None:
    for device in ("cuda", "cuda:0", torch.device("cuda")):
        with pytest.raises(ValueError, match="device must be a device that torch sees, but 'cuda"):
            SCGC(num_clusters=3, device=device).fit(words())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="device must be a device such as 'cpu' or 'cuda'"):
        SCGC(num_clusters=3, device="gpu").fit(words())


def test_the_number_of_sampled_rows_counts_in_the_fit() -> None:
    x, edge_index, _ = blobs()
    model = small(negatives="sampled", num_samples=16, epochs=2, pretrain_epochs=1)
    assert model.fit(x, edge_index).network_.contrast.num_samples == 16
    few = model.history_
    with pytest.warns(FutureWarning):
        early = (model := small(negatives="sampled", epochs=2, pretrain_epochs=1)).contrast
    early.num_samples = 16
    assert model.fit(x, edge_index).history_ == few
    assert (
        small(negatives="sampled", epochs=2, pretrain_epochs=1).fit(x, edge_index).history_ != few
    )


def test_a_second_fit_repeats_the_first() -> None:
    x, edge_index, _ = blobs(600)  # more nodes than are sampled
    model = small(negatives="sampled", epochs=3, pretrain_epochs=2)
    first = model.fit(x, edge_index).history_
    assert model.fit(x, edge_index).history_ == first


def test_new_nodes_may_come_in_another_precision() -> None:
    x, edge_index, _ = blobs()
    model = small(epochs=1, pretrain_epochs=1).fit(x.double(), edge_index)
    assert torch.equal(model.predict(x), model.predict(x.double()))
    assert model.embed(x.half()).dtype == torch.float64


def test_a_smoothed_start_of_no_epochs_is_skipped() -> None:
    x, edge_index, _ = blobs()
    one, more = (
        small(start="smoothed", epochs=1, pretrain_epochs=count).fit(x, edge_index)
        for count in (0, 2)
    )
    assert one.embed(x).shape == (120, 4)
    assert not torch.equal(one.embed(x), more.embed(x))


def test_new_rows_have_the_width_that_an_own_encoder_reads() -> None:
    x, edge_index, _ = blobs()
    encoder = nn.Sequential(nn.Linear(12, 5), nn.Tanh())
    model = SCGC(num_clusters=3, encoder=encoder, epochs=1).fit(x, edge_index)
    assert torch.equal(model.predict(x), model.predict())
    with pytest.raises(ValueError, match="x must have 12 columns"):
        model.embed(x[:, :5])


# --- going on -------------------------------------------------------------------------------------


class _Stop(Exception):
    pass


def stopped_at(epoch: int) -> Any:
    def callback(row: dict[str, Any]) -> None:
        if row["epoch"] == epoch:
            raise _Stop

    return callback


def same(one: SCGC, other: SCGC) -> bool:
    weights = zip(
        one.network_.state_dict().values(), other.network_.state_dict().values(), strict=True
    )
    return (
        one.history_ == other.history_
        and torch.equal(one.labels_, other.labels_)
        and all(torch.equal(a, b) for a, b in weights)
    )


@pytest.mark.parametrize(
    "changes",
    [{}, {"negatives": "sampled", "num_samples": 40}, {"start": "smoothed"}, {"encoder": True}],
)
def test_a_training_that_was_stopped_goes_on_bit_for_bit(
    changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphlab.contrastive.clustering.refinement._SAVE_EVERY", 0.0)
    x, edge_index, _ = blobs()

    def made() -> SCGC:
        torch.manual_seed(0)
        own = {"encoder": nn.Linear(12, 4)} if changes.get("encoder") else {}
        return small(**{**changes, **own, "epochs": 6, "pretrain_epochs": 5})

    whole = made().fit(x, edge_index)
    model = made()
    for epoch in (0, 3):
        with pytest.raises(_Stop):
            model.fit(x, edge_index, directory=tmp_path, callback=stopped_at(epoch))
        assert not hasattr(model, "labels_")
    rows: list[dict[str, Any]] = []
    model.fit(x, edge_index, directory=tmp_path, callback=rows.append)
    assert [row["epoch"] for row in rows] == [4, 5]
    assert same(model, whole)
    again = made().fit(x, edge_index, directory=tmp_path, callback=stopped_at(0))
    assert same(again, whole)  # nothing is left to do


def test_more_epochs_go_on_from_the_last(tmp_path: Path) -> None:
    x, edge_index, _ = blobs()
    small(epochs=2, pretrain_epochs=5).fit(x, edge_index, directory=tmp_path)
    longer = small(epochs=4, pretrain_epochs=5).fit(x, edge_index, directory=tmp_path)
    assert same(longer, small(epochs=4, pretrain_epochs=5).fit(x, edge_index))


def test_other_data_and_settings_are_refused(tmp_path: Path) -> None:
    x, edge_index, _ = blobs()
    model = small(epochs=2, pretrain_epochs=5).fit(x, edge_index, directory=tmp_path)
    for other, changes, words in (
        (x, {"tau": 0.7}, r"tau: 0.5 -> 0.7"),
        (x + 1, {}, "data: "),
        (x, {"out_channels": 5}, "out_channels: 4 -> 5"),
    ):
        fresh = small(epochs=2, pretrain_epochs=5, **changes)
        with pytest.raises(ValueError, match=words):
            fresh.fit(other, edge_index, directory=tmp_path)
        assert not hasattr(fresh, "labels_")
    fresh = small(epochs=2, pretrain_epochs=5, tau=0.7)
    anew = fresh.fit(x, edge_index, directory=tmp_path, resume=False)
    assert not same(anew, model)
    assert same(anew, small(epochs=2, pretrain_epochs=5, tau=0.7).fit(x, edge_index))


@pytest.mark.parametrize("done", [2, 4])
def test_weights_beyond_what_distances_hold_are_those_of_the_file(
    tmp_path: Path, done: int
) -> None:
    x, edge_index, _ = blobs()
    small(epochs=done, pretrain_epochs=5).fit(x, edge_index, directory=tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    arrays, metadata = load_arrays(path)
    centers = torch.full_like(arrays["model/centers"], 1e30)
    layers = {k: v * 1e15 for k, v in arrays.items() if re.match(r"model/encoder.*weight", k)}
    for changed, words in (
        ({"model/centers": centers}, "the square of centers must be finite"),
        (layers, "q must be finite"),
    ):
        save_arrays(path, arrays | changed, metadata)
        with pytest.raises(ValueError, match=rf"checkpoint\.safetensors is .*{words}"):
            small(epochs=4, pretrain_epochs=5).fit(x, edge_index, directory=tmp_path)
