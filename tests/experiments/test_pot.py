"""The POT experiment: rows, choice of kappa, protocols, resume, presets."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data

from experiments._data.graphs import read_graph
from experiments._harness.runner import execute
from experiments.pot import run as pot
from experiments.pot import scores as pot_scores
from experiments.pot.certificates import within
from tests._data import test_data_root
from tests._graphs import planted
from tests.experiments._rows import rows_of

TINY = pot.Config(
    dataset="cora", epochs=3, out_channels=8, proj_channels=8, kappas=(0.2, 0.5), lr=0.01
)
SMALL = dataclasses.replace(TINY, methods=("none", "interval"))
TABLE = (
    "features",
    "untrained encoder",
    "GRACE",
    "GRACE + POT reference",
    "GRACE + POT interval",
    "GRACE + POT budget",
    "GRACE + POT budget_crown",
)


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Data:
    """The planted graph in place of every data set."""
    data = planted(90, noise=0.3, draws=1200)
    monkeypatch.setattr(pot, "read_graph", lambda *arguments: data.clone())
    return data


def rows(tmp_path: Path, config: pot.Config, **options: Any) -> dict[str, dict[str, float]]:
    return rows_of(pot.run, tmp_path, config, **options)


@pytest.mark.usefixtures("graph")
def test_table_holds_baselines_and_every_form(tmp_path: Path) -> None:
    table = rows(tmp_path, TINY)
    assert tuple(table) == TABLE
    for title in TABLE[3:]:
        assert table[title]["kappa"] in TINY.kappas
        assert 0 <= table[title]["certified"] <= 1
    pictures = sorted(path.name for path in tmp_path.rglob("*.png"))
    assert pictures == ["certified_by_degree.png", "compactness.png"]


@pytest.mark.usefixtures("graph")
@pytest.mark.parametrize("host", ["gca", "progcl", "costa"])
def test_other_hosts(tmp_path: Path, host: str) -> None:
    config = dataclasses.replace(SMALL, host=host, activation="prelu", start_epoch=1)
    title = {"progcl": "ProGCL"}.get(host, host.upper())
    assert f"{title} + POT interval" in rows(tmp_path, config)


@pytest.mark.usefixtures("graph")
def test_an_equal_search_on_both_splits(tmp_path: Path) -> None:
    config = dataclasses.replace(
        SMALL, methods=("none", "reference"), host_rates=(1.0, 2.0), both_splits=True
    )
    assert len(pot_scores.candidates(config, "none")) == len(config.kappas)
    table = rows(tmp_path, config)
    for title in ("GRACE", "GRACE + POT reference", "features"):
        assert {title, f"{title}, random split"} <= set(table)
    host = table["GRACE"]
    assert host["rate"] in (1.0, 2.0) and 1 <= host["effective_rank"] <= 8
    assert host["mean_cosine"] <= 1 and host["uniformity"] <= 0 <= host["alignment"] <= 4


@pytest.mark.usefixtures("graph")
def test_certificates_of_every_run(tmp_path: Path) -> None:
    config = dataclasses.replace(
        SMALL, epochs=2, certificates=True, curve=(1, 2), num_anchors=9, activation="prelu"
    )
    table = rows(tmp_path, config)
    titles = ["GRACE", "GRACE + POT interval, kappa 0.2", "GRACE + POT interval, kappa 0.5"]
    assert list(table) == ["features", "untrained encoder", *titles]
    for title in titles:
        row = table[title]
        # A certificate is never broken.
        assert row["broken, budget_crown"] == 0 < row["broken, reference score"]
        assert row["certified, budget, expected"] == row["certified"]
        groups = [name for name in row if name.startswith("nodes, degree")]
        assert sum(row[name] for name in groups) == pytest.approx(1)
        assert row["effective_rank, epoch 2"] == row["effective_rank"]
        assert row["f1_micro, epoch 2"] == row["f1_micro"] and "f1_micro, epoch 1" in row


def test_one_number_scales_all_features(graph: Data) -> None:
    plain, _ = pot.load(TINY, 0)
    scaled, _ = pot.load(dataclasses.replace(TINY, unit_length=True), 0)
    assert float(scaled.x.square().sum(1).mean()) == pytest.approx(1)
    ratio = (scaled.x / plain.x)[plain.x != 0]
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio))


def test_draws_stay_within_the_budget(graph: Data) -> None:
    degree = torch.bincount(graph.edge_index[1], minlength=graph.num_nodes)
    budget = torch.arange(graph.num_nodes) % 4
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        edges = within(graph.edge_index, budget, generator)
        left = torch.bincount(edges[1], minlength=graph.num_nodes)
        assert torch.equal(degree - left, torch.minimum(budget, degree))
    assert within(graph.edge_index, degree, generator).numel() == 0


def test_kappa_is_chosen_by_validation_alone(
    tmp_path: Path, graph: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = rows(tmp_path / "seen", SMALL)
    hidden = graph.clone()
    hidden.y = graph.y.clone()
    test = graph.test_mask.nonzero().view(-1)
    hidden.y[test] = (hidden.y[test] + 1) % 3
    monkeypatch.setattr(pot, "read_graph", lambda *arguments: hidden.clone())
    blind = rows(tmp_path / "blind", SMALL)
    for title, row in honest.items():
        for key in set(row) - {"f1_micro", "f1_macro"}:
            assert blind[title][key] == row[key]
    assert blind["features"]["f1_micro"] < 0.3 < 0.7 < honest["features"]["f1_micro"]


@pytest.mark.usefixtures("graph")
def test_paper_protocol_swaps_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pot_scores, "PROBE_STEPS", 100)
    table = rows(tmp_path / "public", dataclasses.replace(SMALL, protocol="paper"))
    marked = [title for title in table if title.endswith(f"[{pot_scores.PAPER}]")]
    assert len(marked) == len(table) // 2 == 4
    apart = dataclasses.replace(SMALL, protocol="paper", dataset="photo")
    assert "GRACE [released probe]" in rows(tmp_path / "random", apart)
    failed = execute(pot.run, dataclasses.replace(SMALL, protocol="best"), out=tmp_path)
    assert "protocol must be one of" in failed.errors[0]
    failed = execute(pot.run, dataclasses.replace(SMALL, methods=("x",)), out=tmp_path)
    assert "methods must be among" in failed.errors[0]


def test_swapped_probe_scores_validation_nodes(graph: Data) -> None:
    split = pot.resolve_split(graph.to_dict(), graph.num_nodes)
    graph.y[split["val"]] = 2 - graph.y[split["val"]]  # classes 0 and 2 change places there
    swapped = pot_scores.as_published(graph.x, graph, split, True, 0)
    straight = pot_scores.as_published(graph.x, graph, split, False, 0)
    assert swapped["f1_micro"] < 0.5 < straight["f1_micro"]


@pytest.mark.usefixtures("graph")
def test_interrupted_run_continues_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rows(tmp_path / "whole", SMALL)
    train, calls = pot.train, []

    def interrupted(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return train(*arguments)

    monkeypatch.setattr(pot, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rows(tmp_path / "cut", SMALL)
    assert rows(tmp_path / "cut", SMALL) == whole
    assert len(calls) == 4  # the finished run was not repeated


def test_presets_hold_the_sheet() -> None:
    assert len(pot.PRESETS) == 32 + 2 + 2 + 1 + 1  # paired, unit, certificates, smoke test
    cora, wikics = pot.PRESETS["cora"], pot.PRESETS["wikics_costa"]
    assert (cora.lr, cora.out_channels, cora.drop_edge, cora.temperature, cora.epochs) == (
        5e-4,
        128,
        (0.4, 0.3),
        0.7,
        200,
    )
    assert cora == pot.Config()
    assert (wikics.weight_decay, wikics.normalize, wikics.epochs) == (0.0, False, 3000)
    assert "budget_crown" not in pot.PRESETS["photo"].methods
    for name, config in pot.PRESETS.items():
        host = "" if config.host == "grace" else f"_{config.host}"
        assert name in (
            config.dataset + host,
            f"{config.dataset}_paired",
            f"{config.dataset}_unit",
            "cora_certificates",
            "smoke",
        )


def encoder_slopes(config: pot.Config) -> list[Tensor]:
    model = pot.build(config, planted())
    return [p for name, p in model.encoder.named_parameters() if p.numel() == 1]


def test_one_slope_serves_both_layers() -> None:
    assert len(encoder_slopes(dataclasses.replace(TINY, activation="prelu"))) == 1
    with pytest.raises(ValueError, match="host must be"):
        pot.build(dataclasses.replace(TINY, host="dgi"), planted())


@pytest.mark.parametrize(
    ("name", "folder", "sizes"),
    [
        ("cora", "planetoid", (2708, 10556, 1433)),
        ("citeseer", "planetoid", (3327, 9104, 3703)),
        ("photo", "Amazon", (7650, 238162, 745)),
        pytest.param(
            "blogcatalog_attr",
            "AttributedGraph",
            (5196, 343486, 8189),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_reads_real_sets(
    tmp_path: Path, name: str, folder: str, sizes: tuple[int, int, int]
) -> None:
    source = test_data_root(folder).parent
    data = read_graph(name, tmp_path, source)
    assert (data.num_nodes, data.num_edges, data.num_features) == sizes
    assert data.x.layout == torch.strided
    assert not (data.edge_index[0] == data.edge_index[1]).any()


def test_unknown_set() -> None:
    with pytest.raises(ValueError, match="dataset must be one of"):
        read_graph("reddit", "data")
