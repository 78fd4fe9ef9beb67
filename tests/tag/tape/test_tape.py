"""TAPE from features to predictions, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv

from graphlab._io import save_arrays
from graphlab.tag import TAPE
from graphlab.tag.tape import RankedPredictionEncoder, ensemble_logits
from tests._data import test_data_root
from tests._graphs import planted
from tests._saving import cut_save, forget_parameters

SMALL = {"hidden_channels": 8, "num_layers": 2, "epochs": 30}


def tape_graph() -> Data:
    """The planted graph: its classes in TA for some nodes, in P for others, and in the edges."""
    data = planted(90)
    y, generator = data.y, torch.Generator().manual_seed(0)
    described = torch.rand(len(y), generator=generator) < 0.6
    noise = torch.rand(len(y), 4, generator=generator)
    data.TA = torch.cat([2 * described[:, None] * torch.eye(3)[y], noise], 1)
    data.P = torch.where(described, 0, y + 1)[:, None].repeat(1, 2)
    del data.x
    return data


def accuracy(model, data):
    hit = model.predict() == data.y
    return float(hit[data.test_mask].double().mean())


@pytest.mark.parametrize("gnn", ["gcn", "sage", "mlp", "revgat"])
def test_members_learn_and_the_ensemble_is_their_mean(gnn):
    data = tape_graph()
    options = {**SMALL, "epochs": 60, "num_layers": 3}
    model = TAPE(gnn, {"TA", "P"}, **options).fit(data)
    logits = model.member_logits()
    assert list(logits) == ["P", "TA"]
    assert all(member.shape == (90, 3) for member in logits.values())
    mean = ensemble_logits(list(logits.values()))
    assert torch.equal(model.predict(), mean.argmax(1))
    torch.testing.assert_close(model.predict_proba(), mean.softmax(1))
    assert accuracy(model, data) > 0.8
    for result in model.results_.values():
        assert 0 <= result.best_epoch < result.epochs <= 60
        assert 0.4 < result.val_accuracy <= 1


def test_fit_goes_back_to_the_best_validation_epoch():
    data = tape_graph()
    model = TAPE("gcn", ["TA"], **SMALL).fit(data)
    found = model.member_logits()["TA"].argmax(1) == data.y
    share = float(found[data.val_mask].double().mean())
    assert share == pytest.approx(model.results_["TA"].val_accuracy)


@pytest.mark.parametrize("gnn", ["gcn", "mlp", "revgat"])
def test_no_test_label_is_read(gnn):
    data = tape_graph()
    hidden = data.clone()
    hidden.y = torch.where(data.test_mask, -1, data.y)
    one = TAPE(gnn, {"TA", "P"}, **SMALL).fit(data)
    two = TAPE(gnn, {"TA", "P"}, num_classes=3, **SMALL).fit(hidden)
    for name, logits in one.member_logits().items():
        assert torch.equal(logits, two.member_logits()[name])


def test_a_member_does_not_depend_on_the_others_nor_on_global_randomness():
    data = tape_graph()
    options = {**SMALL, "dropout": 0.5}
    both = TAPE("gcn", {"TA", "P"}, **options).fit(data)
    torch.rand(3)
    before = torch.get_rng_state()
    alone = TAPE("gcn", {"TA"}, **options).fit(data)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(alone.member_logits()["TA"], both.member_logits()["TA"])
    other = TAPE("gcn", {"TA"}, seed=1, **options).fit(data)
    assert not torch.equal(alone.member_logits()["TA"], other.member_logits()["TA"])


def test_features_may_be_given_as_tensors():
    data = tape_graph()
    named = TAPE("sage", {"TA", "P"}, **SMALL).fit(data)
    given = TAPE("sage", {"P": data.P, "TA": data.TA.half()}, **SMALL).fit(data)
    assert list(given.member_logits()) == ["P", "TA"]
    assert torch.equal(given.member_logits()["P"], named.member_logits()["P"])


class Host(nn.Module):
    def __init__(self, columns, classes):
        super().__init__()
        self.conv = GCNConv(columns, classes)

    def forward(self, x, edge_index):
        return self.conv(x, edge_index)


def test_any_network_may_be_a_member():
    data = tape_graph()
    model = TAPE(Host, {"TA", "P"}, **SMALL).fit(data)
    assert accuracy(model, data) > 0.6
    encoders = [m for m in model.members_["P"].modules() if isinstance(m, RankedPredictionEncoder)]
    assert len(encoders) == 1
    assert isinstance(model.members_["TA"], Host)


@pytest.mark.parametrize("reduce", ["logits", "probs", "rank"])
def test_probabilities_sum_to_one(reduce):
    data = tape_graph()
    weights = {"TA": 3.0, "P": 1.0}
    model = TAPE("mlp", {"TA", "P"}, reduce=reduce, weights=weights, **SMALL).fit(data)
    found = model.predict_proba()
    torch.testing.assert_close(found.sum(1), torch.ones(90))
    assert bool((found >= 0).all())
    members = [model.member_logits()[name] for name in weights]
    mean = ensemble_logits(members, reduce, list(weights.values()))
    assert torch.equal(model.predict(), mean.argmax(1))
    assert torch.equal(found.argmax(1), model.predict())


@pytest.mark.parametrize("gnn", ["gcn", "revgat"])
def test_another_graph(gnn):
    data = tape_graph()
    model = TAPE(gnn, {"TA", "P"}, **SMALL).fit(data)
    assert torch.equal(model.predict(data), model.predict())
    fewer = data.subgraph(torch.arange(40))
    assert model.predict(fewer).shape == (40,)
    with pytest.raises(ValueError, match="features names 'P', but data has only"):
        del fewer.P
        model.predict(fewer)


def test_isolated_last_nodes_are_counted_by_the_labels():
    data = tape_graph()
    bare = Data(y=data.y, edge_index=data.edge_index % 50, TA=data.TA)
    split = {name: data[f"{name}_mask"] for name in ("train", "val", "test")}
    assert TAPE("gcn", {"TA"}, **SMALL).fit(bare, split).predict().shape == (90,)


def test_split_argument_and_missing_test_mask():
    data = tape_graph()
    parts = {n: data[f"{n}_mask"].nonzero().view(-1) for n in ("train", "val")}
    masked = TAPE("gcn", {"TA"}, **SMALL).fit(data)
    given = TAPE("gcn", {"TA"}, **SMALL).fit(data, parts)
    assert torch.equal(given.predict(), masked.predict())
    arrays = {name: part.numpy() for name, part in parts.items()}
    given = TAPE("gcn", {"TA"}, **SMALL).fit(data, arrays)
    assert torch.equal(given.predict(), masked.predict())
    del data.test_mask
    assert torch.equal(TAPE("gcn", {"TA"}, **SMALL).fit(data).predict(), masked.predict())


def broken(**changes):
    data = tape_graph()
    for name, value in changes.items():
        data[name] = value
    return data


NAN, INF = tape_graph().TA.clone(), tape_graph().TA.clone()
NAN[4, 2], INF[0, 0] = float("nan"), float("inf")
ZERO = tape_graph().TA.clone()
ZERO[[3, 7]] = 0
OVERLAP, EMPTY = tape_graph().train_mask.clone(), torch.zeros(90, dtype=torch.bool)
OVERLAP[tape_graph().val_mask.nonzero()[0]] = True
UNKNOWN = tape_graph().y.clone()
UNKNOWN[tape_graph().train_mask.nonzero()[0]] = -1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"TA": NAN}, r"features\['TA'\]\[\(4, 2\)\] = nan"),
        ({"TA": INF}, r"features\['TA'\]\[\(0, 0\)\] = inf"),
        ({"TA": torch.zeros(90, 4)}, "is the same for all nodes"),
        ({"TA": torch.ones(90, 4)}, "is the same for all nodes"),
        ({"TA": ZERO}, r"has 2 all-zero rows, nodes \[3, 7\]"),
        ({"TA": torch.rand(89, 4)}, r"must have 90 rows, one per node, got shape \(89, 4\)"),
        ({"TA": torch.rand(90)}, "must have 90 rows"),
        ({"TA": torch.rand(90, 0)}, "must have columns"),
        ({"P": torch.ones(91, 2, dtype=torch.long)}, "must have 90 rows"),
        ({"P": torch.full((90, 2), -1)}, "must hold ids from 0"),
        ({"P": torch.full((90, 2), 4)}, r"class ids plus one in \[0, 3\], got 4"),
        ({"train_mask": OVERLAP}, "train and val share 1 nodes"),
        ({"train_mask": EMPTY}, "must hold at least one node"),
        ({"val_mask": EMPTY}, "must hold at least one node"),
        ({"y": UNKNOWN}, "data.y must be known on train nodes, but 1 are negative"),
        ({"y": torch.zeros(90, 1, dtype=torch.long)}, r"data.y must be int64 of shape \(90,\)"),
        ({"label_names": ["a", "b"]}, "data.y must be below num_classes=2, got 2"),
    ],
)
def test_malformed_data(changes, message):
    with pytest.raises(ValueError, match=message):
        TAPE("gcn", {"TA", "P"}, **SMALL).fit(broken(**changes))


def test_rows_of_zeros_may_be_allowed():
    model = TAPE("gcn", {"TA"}, allow_zero_rows=True, **SMALL).fit(broken(TA=ZERO))
    assert model.predict().shape == (90,)


def test_other_errors():
    data = tape_graph()
    with pytest.raises(TypeError, match="must be floating point or ranked int64 ids"):
        TAPE("gcn", {"TA"}, **SMALL).fit(broken(TA=torch.ones(90, 2, dtype=torch.bool)))
    with pytest.raises(ValueError, match="features names 'E', but data has only"):
        TAPE().fit(data)
    with pytest.raises(IndexError, match="data.edge_index"):
        TAPE("gcn", {"TA"}).fit(broken(edge_index=torch.tensor([[0], [90]])))
    with pytest.raises(IndexError, match=r"split\['train'\]"):
        TAPE("gcn", {"TA"}).fit(data, {"train": torch.tensor([90]), "val": torch.tensor([1])})
    with pytest.raises(ValueError, match=r"split\['train'\] must be a mask of shape \(90,\)"):
        TAPE("gcn", {"TA"}).fit(data, {"train": data.train_mask[:80], "val": data.val_mask})
    model = TAPE("gcn", {"TA"})
    for use in (model.predict, lambda: model.results_, lambda: model.save("unused")):
        with pytest.raises(NotFittedError, match=r"this TAPE is not fitted yet: call TAPE\.fit"):
            use()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"gnn": "gat"}, "gnn must be one of"),
        ({"features": []}, "features must name at least one"),
        ({"features": {}}, "features must name at least one"),
        ({"weights": {"TA": 1.0}}, r"weights must be of \['P', 'TA'\], got \['TA'\]"),
        ({"hidden_channels": 0}, "hidden_channels must be at least 1"),
        ({"num_layers": 1}, "num_layers must be at least 2"),
        ({"dropout": 2.0}, "dropout must"),
        ({"lr": 0.0}, "lr must be positive"),
        ({"weight_decay": -1.0}, "weight_decay must"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"patience": 0}, "patience must be at least 1"),
        ({"reduce": "max"}, "reduce must be one of"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_parameters_are_checked_by_the_fit(parameters, message):
    model = TAPE(**{"gnn": "gcn", "features": {"TA", "P"}, **parameters})
    with pytest.raises(ValueError, match=message):
        model.fit(tape_graph())


@pytest.mark.parametrize(
    ("features", "found"),
    [
        ("x", "got 'x'"),
        (torch.ones(90, 4), "got Tensor"),
        (torch.tensor(1.0), "got Tensor"),
        (np.ones((90, 4)), "got ndarray"),
        ([torch.ones(90, 4)], "got list"),
        ({1: torch.ones(90, 4)}, "got dict"),
        (None, "got NoneType"),
    ],
)
def test_what_names_no_features_is_refused(features, found):
    message = f"features must be names or a mapping of names to tensors, {found}"
    with pytest.raises(TypeError, match=message):
        TAPE("gcn", features).fit(tape_graph())


# --- an estimator ---------------------------------------------------------------------------------


def test_parameters_are_kept_as_given_and_cloned():
    weights = {"TA": 1.0, "P": 2.0}
    model = TAPE("sage", ["TA", "P"], weights=weights, lr=0.02)
    params = model.get_params()
    assert params["weights"] is weights and params["dropout"] is None and params["gnn"] == "sage"
    copy = clone(model).set_params(epochs=3)
    assert copy.get_params() == params | {"epochs": 3}
    assert repr(model) == (
        "TAPE(gnn='sage', features=['TA', 'P'], lr=0.02, weights={'TA': 1.0, 'P': 2.0})"
    )
    with pytest.raises(ValueError, match="TAPE has no parameter 'depth'"):
        model.set_params(depth=3)


def test_every_epoch_of_every_member_is_a_row():
    rows = []
    model = TAPE("gcn", {"TA", "P"}, **SMALL, patience=5).fit(tape_graph(), callback=rows.append)
    assert rows == model.history_
    for name, result in model.results_.items():
        own = [row for row in rows if row["member"] == name]
        assert [row["epoch"] for row in own] == list(range(result.epochs))
        scores = [row["val_accuracy"] for row in own]
        assert scores[result.best_epoch] == result.val_accuracy == max(scores)
        assert max(scores[result.best_epoch + 1 :], default=0.0) < result.val_accuracy
        assert own[-1]["loss"] < own[0]["loss"]


def test_a_fit_that_is_interrupted_leaves_the_old_one():
    data = tape_graph()
    model = TAPE("gcn", {"TA"}, **SMALL).fit(data)
    want = model.predict_proba()

    def stop(row):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.set_params(seed=5).fit(data, callback=stop)
    assert torch.equal(model.predict_proba(), want)


@pytest.mark.parametrize("gnn", ["gcn", "sage", "mlp", "revgat", Host])
def test_saved_and_loaded_it_predicts_the_same(gnn, tmp_path):
    data = tape_graph()
    options = {**SMALL, "num_layers": 3, "epochs": 4, "weights": {"TA": 2.0, "P": 1.0}}
    model = TAPE(gnn, {"P": data.P, "TA": data.TA}, **options).fit(data)
    objects = {"gnn": Host} if gnn is Host else {}
    state = torch.get_rng_state()
    again = TAPE.load(model.save(tmp_path / "tape"), **objects)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(again.predict_proba(), model.predict_proba())
    assert torch.equal(again.predict_proba(data), model.predict_proba(data))
    assert (again.history_, again.results_) == (model.history_, model.results_)
    assert again.num_classes_ == 3 and again.features == ("P", "TA")
    changed = {"features": model.features}
    assert again.get_params() | changed == model.get_params() | changed
    with pytest.raises(TypeError, match="TAPE.load takes the objects"):
        TAPE.load(tmp_path / "tape", **({} if objects else {"device": "cpu"}))


def test_a_folder_of_the_last_release_is_read(tmp_path):
    data = tape_graph()
    model = TAPE("sage", {"TA": data.TA}, **SMALL).fit(data)
    folder = forget_parameters(model.save(tmp_path), "batch_size", "num_neighbors")
    again = TAPE.load(folder)
    assert (again.batch_size, again.num_neighbors) == (model.batch_size, model.num_neighbors)
    assert torch.equal(again.predict_proba(), model.predict_proba())


def test_a_save_that_is_cut_keeps_the_older(tmp_path):
    data = tape_graph()
    old = TAPE("gcn", {"TA"}, **SMALL).fit(data)
    old.save(tmp_path)
    new = TAPE("gcn", {"TA"}, seed=1, **SMALL).fit(data)
    cut_save(new, tmp_path)
    assert torch.equal(TAPE.load(tmp_path).predict_proba(), old.predict_proba())


class Diverging(Host):
    def forward(self, x, edge_index):
        return super().forward(x, edge_index) * float("inf")


def test_a_loss_that_is_not_finite_names_its_member():
    with pytest.raises(FloatingPointError, match="of member 'TA' is nan in epoch 0: lower lr"):
        TAPE(Diverging, {"TA"}, **SMALL).fit(tape_graph())


# --- real data ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cora():
    """Accuracies on test nodes, mean over the authors' four splits: GCN and MLP."""
    from experiments._data.text_graphs import read_cora
    from graphlab.tag.tape import tape_split

    source = test_data_root("llm_outputs")
    means = {}
    for gnn, names in (("gcn", ["TA", "P"]), ("mlp", ["TA", "P", "BoW"])):
        sums = dict.fromkeys([*names, "ensemble"], 0.0)
        for seed in range(4):
            data = read_cora(source, seed)
            split = tape_split(2708, seed)
            model = TAPE(gnn, names, seed=seed, num_classes=7).fit(data, split)
            logits = model.member_logits()
            logits["ensemble"] = ensemble_logits(list(logits.values()))
            for name, member in logits.items():
                hit = member.argmax(1) == data.y
                sums[name] += float(hit[split["test"]].double().mean()) / 4
        means[gnn] = sums
    return means


@pytest.mark.slow
def test_gcn_on_cora_as_published(cora):
    assert 0.85 < cora["gcn"]["TA"] < 0.88
    assert 0.80 < cora["gcn"]["P"] < 0.84


@pytest.mark.slow
def test_mlp_on_cora_gains_from_texts_and_predictions(cora):
    assert cora["mlp"]["ensemble"] - cora["mlp"]["BoW"] >= 0.14


# --- going on -------------------------------------------------------------------------------------


class _Stop(Exception):
    pass


@pytest.mark.parametrize("gnn", ["gcn", "revgat", GCNConv])
def test_members_that_ended_are_not_trained_again(gnn, tmp_path):
    data = tape_graph()
    options = {"hidden_channels": 8, "num_layers": 2, "epochs": 4, "dropout": 0.3}
    whole = TAPE(gnn, ["TA", "P"], **options).fit(data)

    def stop(row):
        if row["member"] == "TA" and row["epoch"] == 1:
            raise _Stop

    with pytest.raises(_Stop):
        TAPE(gnn, ["TA", "P"], **options).fit(data, directory=tmp_path, callback=stop)
    rows = []
    model = TAPE(gnn, ["TA", "P"], **options).fit(data, directory=tmp_path, callback=rows.append)
    assert {row["member"] for row in rows} == {"TA"}
    assert model.history_ == whole.history_
    for name in ("TA", "P"):
        assert torch.equal(model.logits_[name], whole.logits_[name])
    assert torch.equal(model.predict(), whole.predict())
    assert torch.equal(model.member_logits(data)["TA"], whole.logits_["TA"])
    data.E = 2 * data.TA
    more = TAPE(gnn, ["TA", "P", "E"], **options).fit(data, directory=tmp_path)
    assert torch.equal(more.logits_["P"], whole.logits_["P"])


def test_members_of_other_settings_or_data_are_refused(tmp_path):
    data = tape_graph()
    options = {"hidden_channels": 8, "num_layers": 2, "epochs": 2}
    TAPE("gcn", ["TA"], **options).fit(data, directory=tmp_path)
    with pytest.raises(ValueError, match="epochs: 2 -> 3"):
        TAPE("gcn", ["TA"], **{**options, "epochs": 3}).fit(data, directory=tmp_path)
    anew = TAPE("gcn", ["TA"], **{**options, "epochs": 3})
    assert len(anew.fit(data, directory=tmp_path, resume=False).history_) == 3
    other = data.clone()
    other.TA = other.TA + 1
    with pytest.raises(ValueError, match="feature: "):
        TAPE("gcn", ["TA"], **{**options, "epochs": 3}).fit(other, directory=tmp_path)
    other = data.clone()
    other.edge_index = other.edge_index[:, :-2]
    with pytest.raises(ValueError, match="data: "):
        TAPE("gcn", ["TA"], **{**options, "epochs": 3}).fit(other, directory=tmp_path)
    (file,) = tmp_path.glob("member-*.safetensors")
    save_arrays(file, {"logits": torch.zeros(1)})
    with pytest.raises(ValueError, match="is no member of TAPE"):
        TAPE("gcn", ["TA"], **options).fit(data, directory=tmp_path)


def test_weights_that_are_set_later_name_every_member():
    model = TAPE("mlp", {"TA", "P"}, **SMALL).fit(tape_graph())
    for weights in ({"TA": 1.0}, {"TA": 1.0, "P": 1.0, "E": 1.0}):
        with pytest.raises(ValueError, match=r"weights must be of \['P', 'TA'\], got"):
            model.set_params(weights=weights).predict()
    assert model.set_params(weights={"TA": 1.0, "P": 0.0}).predict().shape == (90,)
