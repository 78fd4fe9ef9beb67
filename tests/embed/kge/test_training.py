"""Training: what is kept, resumed, refused, and computed by several processes."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist

from graphlab.embed import KGEmbedding, KGETrainConfig
from graphlab.embed.kge.triples import check_triples
from graphlab.evaluate import rank_metrics
from tests._ranks import run_ranks
from tests.embed.kge._toy import NODES, RELATIONS, fitted, toy

TRAIN, VALID, TEST = toy()
LOSSES = ("softmax", "bce", "bce_all", "sampled")


def made(name: Any = "complex", **options: Any) -> KGEmbedding:
    return KGEmbedding(NODES, RELATIONS, 8, name, **options)


def weights(model: KGEmbedding) -> list[torch.Tensor]:
    return [value.clone() for value in model.state_dict().values()]


def same(one: KGEmbedding, other: KGEmbedding) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


QUICK: dict[str, Any] = {
    "valid": VALID,
    "epochs": 25,
    "batch_size": 28,
    "lr": 0.1,
    "valid_every": 5,
}


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_learns_the_rule(loss: Any) -> None:
    model = fitted(made("rotate", gamma=2.0), TRAIN, loss=loss, **QUICK)
    assert rank_metrics(model.rank(*TEST))["mrr"] > 0.5  # chance is about 0.16


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "adagrad", "lr": 0.3, "n3": 1e-3},
        {"loss": "bce_all", "n3": 1e-3},
        {"exclude_known": True},
        {"smoothing": 0.1},
    ],
)
def test_variants_learn_too(options: dict[str, Any]) -> None:
    model = fitted(made("rotate"), TRAIN, **QUICK | options)
    assert rank_metrics(model.rank(*TEST))["mrr"] > 0.5


@pytest.mark.parametrize("options", [{"inverse": False}, {"sparse": True}])
@pytest.mark.parametrize("optimizer", ["adam", "adagrad"])
def test_models_without_reverses_and_sparse_tables_learn(
    options: dict[str, Any], optimizer: str
) -> None:
    settings = QUICK | {"loss": "sampled", "optimizer": optimizer, "n3": 1e-4}
    model = fitted(made("rotate", gamma=2.0, **options), TRAIN, **settings)
    for side in ("tail", "head"):
        assert rank_metrics(model.rank(*TEST, side=side))["mrr"] > 0.5  # type: ignore[arg-type]


def test_the_regulariser_shrinks_the_factors() -> None:
    length = [
        fitted(made(), TRAIN, epochs=20, lr=0.05, n3=n3).node_emb.weight.norm() for n3 in (0.0, 0.1)
    ]
    assert float(length[1].detach()) < 0.8 * float(length[0].detach())


def test_the_epoch_of_the_best_validation_is_kept() -> None:
    model = fitted(made(), TRAIN, valid=VALID, epochs=40, batch_size=16, lr=0.1)
    curve = [row["mrr"] for row in model.history_]
    assert model.best_epoch_ == int(np.argmax(curve)) < 39
    assert rank_metrics(model.rank(*VALID))["mrr"] == pytest.approx(max(curve))
    short = fitted(made(), TRAIN, epochs=model.best_epoch_ + 1, batch_size=16, lr=0.1)
    assert same(model, short) and short.best_epoch_ == model.best_epoch_


def test_patience_ends_and_validation_can_be_rare() -> None:
    options = {"valid": VALID, "batch_size": 16, "lr": 0.1}
    model = fitted(made(), TRAIN, epochs=200, patience=5, **options)
    assert len(model.history_) == model.best_epoch_ + 6 < 200
    rows = fitted(made(), TRAIN, epochs=7, valid_every=3, **options).history_
    assert [row["epoch"] for row in rows if "mrr" in row] == [2, 5, 6]


def test_seeds_repeat_and_differ() -> None:
    one, two, other = (fitted(made(seed=seed), TRAIN, epochs=3) for seed in (0, 0, 1))
    assert same(one, two) and not same(one, other)
    assert fitted(one, TRAIN, epochs=3) is one and same(one, two)  # from the start at every call


@pytest.mark.parametrize(
    ("loss", "params", "optimizer"),
    [
        ("softmax", {}, "adam"),
        ("sampled", {}, "adam"),
        ("softmax", {}, "adagrad"),
        ("sampled", {"sparse": True}, "adam"),
    ],
)
def test_an_interrupted_training_goes_on_bit_for_bit(
    loss: Any, params: dict[str, Any], optimizer: str, tmp_path: Any
) -> None:
    options = {"valid": VALID, "epochs": 8, "batch_size": 16, "lr": 0.1, "loss": loss}
    options["optimizer"] = optimizer
    whole = fitted(made(**params), TRAIN, **options)

    def stop(row: dict[str, Any]) -> None:
        if row["epoch"] == 4:
            raise KeyboardInterrupt

    model = made(**params)
    before = weights(model)
    with pytest.raises(KeyboardInterrupt):
        fitted(model, TRAIN, directory=tmp_path, callback=stop, **options)
    assert all(torch.equal(a, b) for a, b in zip(before, weights(model), strict=True))
    rows: list[dict[str, Any]] = []
    fitted(model, TRAIN, directory=tmp_path, callback=rows.append, **options)
    assert [row["epoch"] for row in rows] == [5, 6, 7]
    assert same(model, whole) and model.history_ == whole.history_


def test_a_longer_training_continues_a_shorter_one(tmp_path: Any) -> None:
    fitted(made(), TRAIN, epochs=3, directory=tmp_path)
    assert same(
        fitted(made(), TRAIN, epochs=6, directory=tmp_path), fitted(made(), TRAIN, epochs=6)
    )
    with pytest.raises(ValueError, match=r"other settings \(lr: 0.005 -> 0.1\)"):
        fitted(made(), TRAIN, epochs=6, lr=0.1, directory=tmp_path)
    with pytest.raises(ValueError, match="other settings .*data"):
        fitted(made(), TEST, epochs=6, directory=tmp_path)
    with pytest.raises(ValueError, match="other settings .*scorer: 'complex' -> 'nfe1'"):
        fitted(made("nfe1"), TRAIN, epochs=6, directory=tmp_path)
    fitted(made(), TRAIN, epochs=6, lr=0.1, directory=tmp_path, resume=False)


@pytest.mark.parametrize("model", ["complex", "nfe2"])
def test_a_saved_model_answers_as_before(model: str, tmp_path: Any) -> None:
    done = fitted(made(model), TRAIN, valid=VALID, epochs=2).double()
    again = KGEmbedding.load(done.save(tmp_path / "saved"))
    assert same(again, done) and again.history_ == done.history_
    assert torch.equal(again.rank(*TEST).greater, done.rank(*TEST).greater)
    assert again.train_config == KGETrainConfig(epochs=2)


def test_features_are_saved_and_maps_are_given_again(tmp_path: Any) -> None:
    features = torch.eye(NODES)
    model = fitted(made(entity_features=features), TRAIN, epochs=2)
    again = KGEmbedding.load(model.save(tmp_path / "features"))
    assert torch.equal(again.entities(), model.entities())
    maps = (torch.mul, torch.relu)
    model = fitted(made(maps), TRAIN, epochs=2)
    folder = model.save(tmp_path / "maps")
    with pytest.raises(TypeError, match=r"takes the objects \['model'\]"):
        KGEmbedding.load(folder)
    assert torch.equal(KGEmbedding.load(folder, model=maps).entities(), model.entities())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "epochs must be at least 1"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"lr": 0.0}, ValueError, "lr must be positive"),
        ({"decay": float("inf")}, ValueError, "decay must be positive and finite"),
        ({"n3": -1.0}, ValueError, "n3 must be non-negative"),
        ({"smoothing": 1.5}, ValueError, r"smoothing must lie in \[0, 1\]"),
        ({"loss": "hinge"}, ValueError, "loss must be one of"),
        ({"optimizer": "sgd"}, ValueError, "optimizer must be one of"),
        ({"patience": 3}, ValueError, "patience needs valid"),
        ({"exclude_known": True, "loss": "bce"}, ValueError, "exclude_known belongs to"),
        ({"smoothing": 0.1, "loss": "sampled"}, ValueError, "smoothing belongs to a loss over all"),
        ({"valid": (VALID[0][:, :0], VALID[1][:0])}, ValueError, "valid must hold at least one"),
        ({"valid": VALID[0]}, TypeError, "valid must be a pair"),
    ],
)
def test_malformed_arguments_are_named(options: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        fitted(made(), TRAIN, **options)


def test_sparse_tables_refuse_losses_over_all_entities() -> None:
    with pytest.raises(ValueError, match="sparse=True needs loss='sampled'"):
        fitted(made(sparse=True), TRAIN)


def test_settings_are_a_configuration_and_nothing_else() -> None:
    model = made(train_config={"epochs": 3})
    with pytest.raises(TypeError, match=r"train_config must be a KGETrainConfig, got dict"):
        model.fit(*TRAIN)
    with pytest.raises(dataclasses.FrozenInstanceError):
        KGETrainConfig().epochs = 3  # type: ignore[misc]
    assert repr(made(train_config=KGETrainConfig("bce", lr=0.1))).endswith(
        "train_config=KGETrainConfig(loss='bce', lr=0.1))"
    )


def test_settings_of_a_newer_version_are_refused(tmp_path: Any) -> None:
    class Newer(KGEmbedding):
        def _config(self) -> dict[str, Any]:
            config = super()._config()
            return config | {"train_config": config["train_config"] | {"warm_up": 5}}

    Newer.__name__ = "KGEmbedding"
    folder = Newer(5, 1, 2, train_config=KGETrainConfig()).save(tmp_path / "new")
    with pytest.raises(ValueError, match=r"unknown fields \['warm_up'\]"):
        KGEmbedding.load(folder)


def test_a_loss_that_diverges_ends_the_training() -> None:
    with pytest.raises(FloatingPointError, match=r"the loss is (nan|inf) in epoch"):
        fitted(made("nfe3"), TRAIN, epochs=50, lr=1e6, decay=1.0, loss="bce")


# --- several processes ----------------------------------------------------------------------------

SHARED: list[dict[str, Any]] = [
    {"loss": "softmax", "n3": 1e-3},
    {"loss": "bce_all", "optimizer": "adagrad", "lr": 0.1},
]


def shared(options: dict[str, Any], *, distributed: bool) -> KGEmbedding:
    settings = {"epochs": 3, "batch_size": 37, "lr": 0.05, "valid": VALID} | options
    return fitted(made().double(), TRAIN, distributed=distributed, **settings)


def run_rank(index: int, size: int, folder: str) -> None:
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=index, world_size=size
    )
    try:
        for number, options in enumerate(SHARED):
            model = shared(options, distributed=True)
            ranks = model.rank(*TEST, distributed=True)
            np.savez(
                f"{folder}/{number}-{index}.npz",
                node=model.node_emb.weight.detach().numpy(),
                loss=[row["loss"] for row in model.history_],
                greater=ranks.greater.numpy(),
            )
    finally:
        dist.destroy_process_group()


def test_a_process_alone_is_a_group_of_one() -> None:
    alone = fitted(made(), TRAIN, epochs=2)
    assert same(fitted(made(), TRAIN, epochs=2, distributed=True), alone)
    ranks = alone.rank(*TEST, distributed=True)
    assert torch.equal(ranks.greater, alone.rank(*TEST).greater)


@pytest.mark.skipif(not dist.is_available(), reason="torch without distributed")
@pytest.mark.parametrize("size", [2, pytest.param(5, marks=pytest.mark.slow)])
def test_processes_train_and_rank_as_one(size: int, tmp_path: Any) -> None:
    run_ranks(run_rank, size, tmp_path)
    for number, options in enumerate(SHARED):
        alone = shared(options, distributed=False)
        for index in range(size):
            found = np.load(tmp_path / f"{number}-{index}.npz")
            wanted = alone.node_emb.weight.detach().numpy()
            np.testing.assert_allclose(found["node"], wanted, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(
                found["loss"], [r["loss"] for r in alone.history_], rtol=1e-9
            )
            assert found["greater"].tolist() == alone.rank(*TEST).greater.tolist()


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda m: m.loss([0], [0], [1]), TypeError, "head_index must be a torch.Tensor"),
        (
            lambda m: m.loss(torch.tensor([0]), torch.tensor([0, 1]), torch.tensor([1])),
            ValueError,
            "rel_type must have 1 entries, got 2",
        ),
        (lambda m: m.loss(*[torch.tensor([]).long()] * 3), ValueError, "at least one triple"),
        (
            lambda m: m.loss(torch.tensor([0]), torch.tensor([[0]]), torch.tensor([1])),
            ValueError,
            r"rel_type must be 1-D, got shape \(1, 1\)",
        ),
    ],
)
def test_triples_that_do_not_fit_are_refused(call, error, match):
    with pytest.raises(error, match=match):
        call(KGEmbedding(3, 2, 4))


def test_a_table_of_features_is_not_sparse():
    with pytest.raises(ValueError, match="sparse belongs to a table of entities"):
        KGEmbedding(3, 2, 4, entity_features=torch.ones(3, 2), sparse=True)


def test_triples_are_on_one_device():
    edges, kinds = torch.tensor([[0], [1]]), torch.tensor([0], device="meta")
    with pytest.raises(ValueError, match="one device, got edge_index on cpu, edge_type on meta"):
        check_triples(edges, kinds, 3, 2)
