"""The estimator: every backbone learns, repeats itself, and uses what it is given."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv, Sequential

from graphlab.evaluate import linear_probe
from graphlab.tag import (
    CandidateVote,
    EdgeCandidates,
    GAugLLM,
    LLMEdgeModifier,
    propose_edge_candidates,
)
from graphlab.tag.gaugllm._backbones import _move
from graphlab.tag.gaugllm.estimator import BACKBONES
from tests.tag.gaugllm._toy import NODES, pairs, planted

#: Six labelled nodes, a third by chance; decorrelated columns serve so few labels badly.
BAR = {"gbt": 0.6}
SMALL = {"out_channels": 16, "lr": 0.01, "seed": 1}


def oracle(data: Data, **options) -> LLMEdgeModifier:
    """Votes by the groups."""
    asked = propose_edge_candidates(data.x, data.edge_index)
    votes = (data.y[asked.src] == data.y[asked.dst]).long()
    return LLMEdgeModifier(asked, votes, **{"seed": 0, **options})


def second_view(data: Data) -> torch.Tensor:
    return data.x + torch.eye(3, 12)[data.y]


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_learns_from_both_views(backbone):
    data = planted()
    options = {**SMALL, "lr": 0.005}
    model = GAugLLM(backbone, (data.x, second_view(data)), oracle(data), epochs=150, **options)
    z = model.fit_transform(data)
    assert z.shape == (NODES, 32 if backbone == "s2gae" else 16) and bool(z.isfinite().all())
    assert sum(model.losses[-10:]) < 0.95 * sum(model.losses[:10])
    assert linear_probe(z, data.y, seed=0).accuracy > BAR.get(backbone, 0.85)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_repeats_itself_and_leaves_the_global_seed_alone(backbone):
    data = planted()
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
    data = planted()
    parts = [
        {"view_features": (data.x, second_view(data)), "edge_modifier": oracle(data)},
        {"view_features": (data.x, second_view(data))},
        {"edge_modifier": oracle(data)},
        {},
    ]
    losses = [
        tuple(GAugLLM(backbone, **part, epochs=3, **SMALL).fit(data).losses) for part in parts
    ]
    assert len(set(losses)) == 4


def test_zero_budgets_are_no_modifier():
    """Switched off, the modifier leaves the training of view contrasts as it is."""
    data = planted()
    off = GAugLLM("gbt", edge_modifier=oracle(data, p_add=0, p_del=0), epochs=1, **SMALL)
    none = GAugLLM("gbt", epochs=1, drop_edge=(0, 0), **SMALL)
    off.rates = none.rates
    assert off.fit(data).losses == none.fit(data).losses


def test_labels_are_not_read():
    data = planted()
    blind = Data(x=data.x, edge_index=data.edge_index)
    runs = [GAugLLM("bgrl", epochs=3, **SMALL).fit(d).transform(d) for d in (data, blind)]
    assert torch.equal(*runs)


def test_views_are_embedded_as_asked():
    data = planted()
    model = GAugLLM("bgrl", (data.x, second_view(data)), epochs=3, **SMALL).fit(data)
    first, second, mean = (model.transform(data, view) for view in ("first", "second", "mean"))
    assert not torch.equal(first, second)
    torch.testing.assert_close(mean, (first + second) / 2)
    plain = GAugLLM("bgrl", epochs=3, **SMALL).fit(data)
    assert torch.equal(plain.transform(data, "mean"), plain.transform(data, "second"))


def test_an_own_encoder_and_options_are_used():
    data = planted()

    def encoder(inside: int, outside: int) -> torch.nn.Module:
        return Sequential("x, edge_index", [(GCNConv(inside, outside), "x, edge_index -> x")])

    seen = []
    model = GAugLLM("graphmae", encoder=encoder, options={"mask_rate": 0.7}, epochs=2, **SMALL)
    model.fit(data, callback=lambda step, loss: seen.append((step, loss)))
    assert seen == list(enumerate(model.losses))
    assert model._fitted is not None and model._fitted.mask_rate == 0.7
    assert GAugLLM("s2gae", encoder=encoder, epochs=1, **SMALL).fit_transform(data).shape[1] == 16


@pytest.mark.parametrize("backbone", BACKBONES)
def test_features_of_any_precision_are_those_of_the_encoder(backbone):
    data = planted()
    wide = Data(x=data.x.double(), edge_index=data.edge_index)
    want = GAugLLM(backbone, epochs=2, **SMALL).fit(data)
    got = GAugLLM(backbone, epochs=2, **SMALL).fit(wide)
    assert got.losses == want.losses and torch.equal(got.transform(wide), want.transform(data))
    mixed = GAugLLM(backbone, (wide.x, second_view(data)), epochs=2, **SMALL)
    assert mixed.fit_transform(data).dtype == torch.float32


def test_an_encoder_in_double_precision_keeps_it():
    data = planted()

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


def test_the_estimator_refuses():
    data = planted()
    with pytest.raises(ValueError, match="backbone must be one of 'bgrl'"):
        GAugLLM("simclr")
    with pytest.raises(ValueError, match=r"view_features\[1\] must have 60 rows, got shape \(59,"):
        GAugLLM(view_features=(data.x, data.x[1:]))
    with pytest.raises(ValueError, match=r"view_features\[1\] must have 12 columns"):
        GAugLLM(view_features=(data.x, data.x[:, 1:]))
    with pytest.raises(ValueError, match="view_features must be a pair"):
        GAugLLM(view_features=data.x)
    with pytest.raises(TypeError, match="edge_modifier must be an LLMEdgeModifier"):
        GAugLLM(edge_modifier=lambda edges: edges)
    with pytest.raises(ValueError, match="lr must be positive"):
        GAugLLM(lr=0.0)
    model = GAugLLM("gbt", epochs=1, **SMALL)
    with pytest.raises(RuntimeError, match="call fit before transform"):
        model.transform(data)
    with pytest.raises(ValueError, match="data must have x where view_features"):
        model.fit(Data(edge_index=data.edge_index, num_nodes=NODES))
    with pytest.raises(ValueError, match="data must have 59 nodes, as the views have, got 60"):
        GAugLLM(view_features=(data.x[1:], data.x[1:])).fit(data)
    with pytest.raises(ValueError, match="view must be one of"):
        model.fit(data).transform(data, "third")
    with pytest.raises(RuntimeError, match="lower lr"):
        GAugLLM("s2gae", epochs=30, out_channels=8, lr=1e30).fit(data)


def test_votes_of_another_graph_are_refused():
    data = planted()
    asked = EdgeCandidates(torch.tensor([0]), data.edge_index[1, :1], torch.tensor([1]), NODES)
    asked = EdgeCandidates(data.edge_index[0, :1], asked.dst, asked.kind, NODES)
    votes = CandidateVote(asked.src, asked.dst, torch.tensor([1]))
    with pytest.raises(ValueError, match="to be added, but it is an edge already"):
        GAugLLM(edge_modifier=LLMEdgeModifier(asked, votes), epochs=1).fit(data)
