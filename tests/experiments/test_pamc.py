from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch_geometric.data import Data

from experiments._harness.repeat import RESULTS
from experiments._harness.runner import execute
from experiments.pamc import run as pamc
from experiments.pamc.protocols import stop_epoch
from graphlab._io import read_json
from graphlab.contrastive import SCGC
from graphlab.evaluate import clustering_scores
from tests._data import test_data_root
from tests.experiments._rows import rows_of

TINY = pamc.Config(
    epochs=6,
    pretrain_epochs=1,
    hidden_channels=(16,),
    n_init=2,
    checkpoint_every=2,
    protocol="last",
)
METHODS = ("PamC", "SCGC*", "SCGC + meta2")


@pytest.fixture
def without_map(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the t-SNE picture, which takes most of the time of a tiny run."""
    monkeypatch.setattr(pamc, "draw_map", lambda *arguments: None)


def rows(tmp_path: Path, config: pamc.Config = TINY, **options: Any) -> dict[str, Any]:
    return rows_of(pamc.run, tmp_path, config, **options)


def test_table_holds_baselines_methods_and_protocols(tmp_path: Path) -> None:
    table = rows(tmp_path)
    labels = {"k-means on features", "k-means on autoencoder"}
    labels |= {"no training, 2 hops", "no training, 16 hops"}
    for method in METHODS:
        labels |= {method, f"{method} [label-free stop]", f"{method} [best epoch by test labels]"}
        assert table[method]["epoch"] == 5
        best = table[f"{method} [best epoch by test labels]"]
        assert all(best[name] >= table[method][name] for name in ("acc", "nmi", "ari", "f1"))
    assert set(table) == labels
    pictures = sorted(path.name for path in tmp_path.rglob("*.png"))
    assert pictures == ["accuracy.png", "embedding.png"]


@pytest.mark.usefixtures("without_map")
def test_protocol_moves_the_unmarked_row_but_never_hides_test_labels(tmp_path: Path) -> None:
    free = rows(tmp_path, dataclasses.replace(TINY, protocol="label_free"))
    assert "PamC [last epoch]" in free
    assert "PamC" in free
    paper = rows(tmp_path, dataclasses.replace(TINY, protocol="paper"))
    assert "PamC" not in paper
    assert "PamC [best epoch by test labels]" in paper
    failed = execute(pamc.run, dataclasses.replace(TINY, protocol="best"), out=tmp_path)
    assert "protocol must be one of" in failed.errors[0]


@pytest.mark.usefixtures("without_map")
def test_interrupted_run_continues_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rows(tmp_path / "whole")
    score, calls = pamc.clustering_scores, []

    def interrupted(y: Any, pred: Any) -> dict[str, float]:
        calls.append(1)
        if len(calls) == stop:
            raise KeyboardInterrupt
        return score(y, pred)

    monkeypatch.setattr(pamc, "clustering_scores", interrupted)
    for stop in (6, 13, 17):  # after both k-means, within each of the three methods
        calls.clear()
        folder = tmp_path / str(stop)
        with pytest.raises(KeyboardInterrupt):
            rows(folder)
        stop = -1
        assert rows(folder) == whole


@pytest.mark.usefixtures("without_map")
def test_labels_only_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = pamc.load

    def shuffled(config: pamc.Config, seed: int = 0) -> tuple[Data, int]:
        data, num_clusters = load(config, seed)
        order = torch.randperm(data.num_nodes, generator=torch.Generator().manual_seed(9))
        data.y = data.y[order]
        return data, num_clusters

    honest = rows(tmp_path / "honest")
    monkeypatch.setattr(pamc, "load", shuffled)
    blind = rows(tmp_path / "blind")
    for method in METHODS:
        for label in (method, f"{method} [label-free stop]"):
            assert blind[label]["epoch"] == honest[label]["epoch"]
            assert blind[label]["acc"] < honest[label]["acc"]


def test_stop_is_the_end_of_a_stable_stretch() -> None:
    moving, still = [0.1] * 4, [0.0] * 5
    assert stop_epoch(moving + still + moving) == 8
    assert stop_epoch(moving) == 3
    assert stop_epoch(still[:4] + moving + still[:4]) == 11
    assert stop_epoch(still + still, warm_up=5) == 9


@pytest.mark.usefixtures("without_map")
def test_a_smoothed_start_and_the_baselines_alone(tmp_path: Path) -> None:
    table = rows(tmp_path / "start", dataclasses.replace(TINY, start="smoothed"))
    assert "k-means on smoothed start" in table and "k-means on autoencoder" not in table
    alone = rows(tmp_path / "alone", dataclasses.replace(TINY, methods=()))
    assert set(alone) == {"k-means on features", "no training, 2 hops", "no training, 16 hops"}
    assert alone["no training, 16 hops"]["acc"] > alone["k-means on features"]["acc"]
    failed = execute(pamc.run, dataclasses.replace(TINY, methods=("scgc",)), out=tmp_path)
    assert "methods must be among" in failed.errors[0]


def test_presets_name_known_data_and_the_sheet_of_hyper_parameters() -> None:
    for name, config in pamc.PRESETS.items():
        assert config.dataset == {"smoke": "digits"}.get(name, name.partition("_")[0])
        assert config.scgc_exact.negatives == "exact"
        assert config.meta2.negatives == "meta2"
    usps = pamc.PRESETS["usps"].pamc
    assert (usps.alpha, usps.beta, usps.order, usps.tau, usps.lr) == (2, 2, 4, 0.5, 1e-3)


@pytest.mark.usefixtures("without_map")
def test_runs_on_a_real_set(tmp_path: Path) -> None:
    source = test_data_root("sdcn", "dblp").parent
    config = dataclasses.replace(
        TINY, dataset="dblp", root=str(tmp_path / "data"), source=str(source), epochs=1
    )
    assert rows(tmp_path / "runs", config)["PamC"]["acc"] > 0.25


def test_the_estimator_has_the_recipe_of_the_tables_by_default() -> None:
    recipe, estimator = pamc.Config(), SCGC().get_params()
    shared = (
        "features", "start", "hops", "tolerance", "patience", "pretrain_epochs", "batch_size",
        "hidden_channels", "out_channels", "n_init",
    )  # fmt: skip
    assert {name: estimator[name] for name in shared} == {n: getattr(recipe, n) for n in shared}
    method = dataclasses.asdict(recipe.pamc)
    assert {name: estimator[name] for name in method} == method
    # The stop ends a training before either bound: in the committed runs it always did.
    assert estimator["epochs"] >= recipe.epochs
    for name in ("acm", "dblp", "cite"):
        table = read_json(RESULTS / f"pamc_{name}.json")
        assert recipe.epochs == table["config"]["epochs"] == 60
        for method_name in METHODS:
            stops = table["rows"][method_name]["epoch"]["values"]
            assert max(stops) < recipe.epochs - 1


def test_the_estimator_gives_what_the_script_gives(tmp_path: Path) -> None:
    config = pamc.Config(
        dataset="planted", num_nodes=300, methods=("pamc",), epochs=20, pretrain_epochs=3,
        hidden_channels=(32,), n_init=2, baseline_hops=(2,), draw_map=False,
    )  # fmt: skip
    row = rows(tmp_path, config)["PamC"]
    data, groups = pamc.load(config)
    model = SCGC(num_clusters=groups, hidden_channels=(32,), epochs=20, pretrain_epochs=3, n_init=2)
    epochs: list[torch.Tensor] = []
    model.fit(data, callback=lambda row: epochs.append(model.labels_))
    stopped = int(row["epoch"])
    assert len(model.history_) == stopped + 1
    assert clustering_scores(data.y, epochs[stopped])["acc"] == pytest.approx(row["acc"], abs=0.01)
