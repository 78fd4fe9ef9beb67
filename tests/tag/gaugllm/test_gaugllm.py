"""The estimator: every backbone learns, repeats itself, and uses what it is given."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from torch.nn.modules.module import register_module_forward_pre_hook
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv, Sequential

from graphlab.evaluate import linear_probe
from graphlab.tag import GAugLLM
from graphlab.tag.gaugllm import (
    CandidateVote,
    EdgeCandidates,
    LLMEdgeModifier,
    propose_edge_candidates,
)
from graphlab.tag.gaugllm._backbones import _move
from graphlab.tag.gaugllm._encoders import default_encoder
from graphlab.tag.gaugllm.gaugllm import BACKBONES
from tests._saving import cut_save, forget_parameters
from tests.tag.gaugllm._toy import NODES, pairs, toy_graph

#: Six labelled nodes, a third by chance; decorrelated columns serve so few labels badly.
BAR = {"gbt": 0.6}
SMALL = {"out_channels": 16, "lr": 0.01, "seed": 1}


def oracle(data: Data, **options) -> LLMEdgeModifier:
    """Votes by the groups."""
    asked = propose_edge_candidates(data.x, data.edge_index)
    votes = (data.y[asked.src] == data.y[asked.dst]).long()
    return LLMEdgeModifier(asked, votes, **{"seed": 0, **options})


def column(model: GAugLLM, name: str) -> list[float]:
    return [row[name] for row in model.history_]


def second_view(data: Data) -> torch.Tensor:
    return data.x + torch.eye(3, 12)[data.y]


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_learns_from_both_views(backbone):
    data = toy_graph()
    options = {**SMALL, "lr": 0.005}
    model = GAugLLM(backbone, (data.x, second_view(data)), oracle(data), epochs=150, **options)
    z = model.fit_transform(data)
    assert z.shape == (NODES, 32 if backbone == "s2gae" else 16) and bool(z.isfinite().all())
    losses = column(model, "loss")
    assert sum(losses[-10:]) < 0.95 * sum(losses[:10])
    assert linear_probe(z, data.y, seed=0).accuracy > BAR.get(backbone, 0.85)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_bags_of_words_are_trained_on_as_sparse_rows(backbone):
    data = toy_graph()
    words = torch.eye(NODES, 60)  # a word each
    views = (words, words + torch.eye(NODES, 60).roll(1, 1))
    options = {**SMALL, "epochs": 3, "mask_features": (0.2, 0.2)}
    layouts: list[set[torch.layout]] = [set(), set()]
    models = []
    # The same encoder by the user, who may have one that does not read sparse rows.
    for seen, encoder in zip(layouts, (None, partial(default_encoder, backbone)), strict=True):

        def note(module, inputs, seen=seen):
            if isinstance(module, GCNConv) and inputs[0].size(1) == 60:
                seen.add(inputs[0].layout)

        with register_module_forward_pre_hook(note):
            model = GAugLLM(backbone, views, oracle(data), encoder=encoder, **options)
            models.append(model.fit(data))
    if backbone != "graphmae":  # which begins with another layer, and writes into the features
        assert layouts == [{torch.sparse_csr}, {torch.strided}]
    own, given = (model.transform(data) for model in models)
    torch.testing.assert_close(own, given, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_repeats_itself_and_leaves_the_global_seed_alone(backbone):
    data = toy_graph()
    state = torch.random.get_rng_state()
    runs = [
        GAugLLM(backbone, (data.x, second_view(data)), oracle(data), epochs=4, **SMALL)
        .fit(data)
        .transform(data)
        for _ in range(2)
    ]
    assert torch.equal(*runs)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_part_matters(backbone):
    """Without votes, or without the second features, the training is another one."""
    data = toy_graph()
    parts = [
        {"view_features": (data.x, second_view(data)), "edge_modifier": oracle(data)},
        {"view_features": (data.x, second_view(data))},
        {"edge_modifier": oracle(data)},
        {},
    ]
    losses = [
        tuple(column(GAugLLM(backbone, **part, epochs=3, **SMALL).fit(data), "loss"))
        for part in parts
    ]
    assert len(set(losses)) == 4


def test_zero_budgets_are_no_modifier():
    """Switched off, the modifier leaves the training of view contrasts as it is."""
    data = toy_graph()
    options = {**SMALL, "epochs": 1, "drop_edge": (0, 0)}
    off = GAugLLM("gbt", edge_modifier=oracle(data, p_add=0, p_del=0), **options)
    none = GAugLLM("gbt", **options)
    assert off.fit(data).history_ == none.fit(data).history_


def test_labels_are_not_read():
    data = toy_graph()
    blind = Data(x=data.x, edge_index=data.edge_index)
    runs = [GAugLLM("bgrl", epochs=3, **SMALL).fit(d).transform(d) for d in (data, blind)]
    assert torch.equal(*runs)


def test_views_are_embedded_as_asked():
    data = toy_graph()
    model = GAugLLM("bgrl", (data.x, second_view(data)), epochs=3, **SMALL).fit(data)
    first, second, mean = (model.transform(data, view) for view in ("first", "second", "mean"))
    assert not torch.equal(first, second)
    torch.testing.assert_close(mean, (first + second) / 2)
    plain = GAugLLM("bgrl", epochs=3, **SMALL).fit(data)
    assert torch.equal(plain.transform(data, "mean"), plain.transform(data, "second"))


def plain_encoder(inside: int, outside: int) -> torch.nn.Module:
    return Sequential("x, edge_index", [(GCNConv(inside, outside), "x, edge_index -> x")])


def test_an_own_encoder_and_options_are_used():
    data = toy_graph()
    options = {**SMALL, "epochs": 2}
    model = GAugLLM("s2gae", encoder=plain_encoder, **options)
    assert model.fit_transform(data).shape[1] == 16  # one layer, where two are the default
    masked = [
        GAugLLM("graphmae", encoder=plain_encoder, options=given, **options).fit(data).history_
        for given in (None, {}, {"mask_rate": 0.9})
    ]
    assert masked[0] == masked[1] != masked[2]


@pytest.mark.parametrize("backbone", BACKBONES)
def test_features_of_any_precision_are_those_of_the_encoder(backbone):
    data = toy_graph()
    wide = Data(x=data.x.double(), edge_index=data.edge_index)
    want = GAugLLM(backbone, epochs=2, **SMALL).fit(data)
    got = GAugLLM(backbone, epochs=2, **SMALL).fit(wide)
    assert got.history_ == want.history_
    assert torch.equal(got.transform(wide), want.transform(data))
    mixed = GAugLLM(backbone, (wide.x, second_view(data)), epochs=2, **SMALL)
    assert mixed.fit_transform(data).dtype == torch.float32


def test_an_encoder_in_double_precision_keeps_it():
    data = toy_graph()

    def encoder(inside, outside):
        layer = (GCNConv(inside, outside), "x, edge_index -> x")
        return Sequential("x, edge_index", [layer]).double()

    for x in (data.x, data.x.double()):
        graph = Data(x=x, edge_index=data.edge_index)
        z = GAugLLM("gbt", encoder=encoder, epochs=2, **SMALL).fit_transform(graph)
        assert z.dtype == torch.float64


def test_vetted_edges_are_hidden_once():
    visible, hidden = torch.tensor([[0, 1, 2], [1, 2, 3]]), torch.tensor([[3, 4], [4, 0]])
    vetted = torch.tensor([[1, 3, 0], [2, 4, 2]])
    left, moved = _move(visible, hidden, vetted, 5)
    assert pairs(left) == [(0, 1), (2, 3)]
    assert pairs(moved) == [(3, 4), (4, 0), (1, 2), (0, 2)]


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"backbone": "simclr"}, ValueError, "backbone must be one of 'bgrl'"),
        ({"edge_modifier": list}, TypeError, "edge_modifier must be an LLMEdgeModifier"),
        ({"out_channels": 0}, ValueError, "out_channels must be at least 1"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1"),
        ({"lr": 0.0}, ValueError, "lr must be positive"),
        ({"warmup": 1.5}, ValueError, "warmup must"),
        ({"weight_decay": -1.0}, ValueError, "weight_decay must"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
    ],
)
def test_parameters_are_checked_by_the_fit(parameters, error, message):
    model = GAugLLM(**parameters)
    with pytest.raises(error, match=message):
        model.fit(toy_graph())


def test_the_estimator_refuses():
    data = toy_graph()
    with pytest.raises(ValueError, match=r"view_features\[1\] must have 60 rows, got shape \(59,"):
        GAugLLM(view_features=(data.x, data.x[1:])).fit(data)
    with pytest.raises(ValueError, match=r"view_features\[1\] must have 12 columns"):
        GAugLLM(view_features=(data.x, data.x[:, 1:])).fit(data)
    with pytest.raises(ValueError, match="view_features must be a pair"):
        GAugLLM(view_features=data.x).fit(data)
    model = GAugLLM("gbt", epochs=1, **SMALL)
    for use in (lambda: model.transform(data), lambda: model.save("unused")):
        with pytest.raises(NotFittedError, match="call GAugLLM.fit first"):
            use()
    with pytest.raises(ValueError, match="data must have x where view_features"):
        model.fit(Data(edge_index=data.edge_index, num_nodes=NODES))
    with pytest.raises(ValueError, match="data must have 59 nodes, as the views have, got 60"):
        GAugLLM(view_features=(data.x[1:], data.x[1:])).fit(data)
    with pytest.raises(ValueError, match="view must be one of"):
        model.fit(data).transform(data, "third")
    with pytest.raises((FloatingPointError, ValueError), match="lower lr"):
        GAugLLM("s2gae", epochs=30, out_channels=8, lr=1e30).fit(data)


# --- an estimator ---------------------------------------------------------------------------------


def test_parameters_are_kept_as_given_and_cloned():
    data = toy_graph()
    views = [data.x, second_view(data)]
    model = GAugLLM("gbt", views, oracle(data), drop_edge=[0.1, 0.2], **SMALL)
    params = model.get_params()
    assert params["view_features"] is views and params["drop_edge"] == [0.1, 0.2]
    assert params["options"] is None
    assert repr(GAugLLM("gbt", lr=0.01)) == "GAugLLM(backbone='gbt', lr=0.01)"
    copy = clone(model).set_params(epochs=2)
    assert torch.equal(copy.fit_transform(data), model.set_params(epochs=2).fit_transform(data))


def test_every_step_is_a_row():
    rows = []
    model = GAugLLM("gbt", epochs=8, warmup=0.5, **SMALL).fit(toy_graph(), rows.append)
    assert rows == model.history_ and column(model, "epoch") == list(range(8))
    rates = column(model, "lr")
    assert rates[3] == max(rates) == 0.01 and rates[0] > 0 and rates[-1] > 0


def test_earlier_names_still_work():
    model, seen = GAugLLM("gbt", epochs=2, **SMALL), []
    with pytest.warns(FutureWarning, match="losses is GAugLLM.history_ now"):
        assert model.losses == []
    with pytest.warns(FutureWarning, match=r"callback\(step, loss\) is callback\(row\) now"):
        model.fit(toy_graph(), lambda step, loss: seen.append((step, loss)))
    assert seen == list(enumerate(column(model, "loss")))
    with pytest.warns(FutureWarning, match="losses is GAugLLM.history_ now"):
        assert model.losses == column(model, "loss")
    with pytest.warns(FutureWarning, match=r"rates is GAugLLM\.drop_edge and GAugLLM\.mask_feat"):
        assert model.rates["drop_edge"] == tuple(model.drop_edge)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("given", ["data", "views", "one view"])
def test_saved_and_loaded_it_embeds_the_same(backbone, given, tmp_path):
    data = toy_graph()
    views = {"data": None, "views": (data.x, second_view(data)), "one view": (data.x, data.x)}[
        given
    ]
    model = GAugLLM(backbone, views, epochs=2, mask_features=(0.1, 0.2), **SMALL).fit(data)
    again = GAugLLM.load(model.save(tmp_path))
    for view in ("first", "second", "mean"):
        assert torch.equal(again.transform(data, view), model.transform(data, view))
    assert again.history_ == model.history_
    same = {"view_features": None}
    assert again.get_params() | same == model.get_params() | same
    # All there is to train again came back, too.
    assert again.fit(data).history_ == model.history_


def test_a_folder_of_an_earlier_version_is_read(tmp_path):
    data = toy_graph()
    model = GAugLLM("gbt", epochs=1, **SMALL).fit(data)
    again = GAugLLM.load(forget_parameters(model.save(tmp_path), "batch_size"))
    assert again.batch_size is None
    assert torch.equal(again.transform(data), model.transform(data))


def test_objects_are_given_to_load_again(tmp_path):
    data = toy_graph()
    modifier = oracle(data)
    model = GAugLLM("gbt", None, modifier, encoder=plain_encoder, epochs=2, **SMALL).fit(data)
    folder = model.save(tmp_path)
    with pytest.raises(TypeError, match=r"takes the objects \['edge_modifier', 'encoder'\]"):
        GAugLLM.load(folder)
    again = GAugLLM.load(folder, edge_modifier=modifier, encoder=plain_encoder)
    assert torch.equal(again.transform(data), model.transform(data))
    assert again.fit(data).history_ == model.history_


def test_a_save_that_is_cut_keeps_the_older(tmp_path):
    data = toy_graph()
    old = GAugLLM("gbt", epochs=1, **SMALL).fit(data)
    old.save(tmp_path)
    cut_save(GAugLLM("gbt", epochs=2, **SMALL).fit(data), tmp_path)
    assert torch.equal(GAugLLM.load(tmp_path).transform(data), old.transform(data))


def test_votes_of_another_graph_are_refused():
    data = toy_graph()
    asked = EdgeCandidates(torch.tensor([0]), data.edge_index[1, :1], torch.tensor([1]), NODES)
    asked = EdgeCandidates(data.edge_index[0, :1], asked.dst, asked.kind, NODES)
    votes = CandidateVote(asked.src, asked.dst, torch.tensor([1]))
    with pytest.raises(ValueError, match="to be added, but it is an edge already"):
        GAugLLM(edge_modifier=LLMEdgeModifier(asked, votes), epochs=1).fit(data)
