"""The graph tower: golden values, PyG's layer, the border."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.nn import GPSConv, SAGEConv

from graphlab.tag.graphclip import GraphCLIPEncoder
from graphlab.tag.graphclip._layer import GPSLayer, Plan
from tests._golden import load
from tests.tag.graphclip._toy import weights

INPUTS = ("x", "pe", "edge_index", "batch", "root_n_index")


def golden_tower(case):
    tower = GraphCLIPEncoder(*case["cfg"].tolist())
    tower.load_state_dict(weights(case))
    return tower


def test_state_dict_is_that_of_the_release():
    case = load("graphclip", "gps_encoder")
    tower = GraphCLIPEncoder(*case["cfg"].tolist())
    got = {k: tuple(v.shape) for k, v in tower.state_dict().items()}
    assert got == {k: tuple(v.shape) for k, v in weights(case).items()}


def test_golden_evaluation():
    case = load("graphclip", "gps_encoder")
    graph, center = golden_tower(case).eval()(*(case[k] for k in INPUTS))
    torch.testing.assert_close(graph, case["graph_emb_eval"], rtol=1e-5, atol=2e-6)
    torch.testing.assert_close(center, case["center_emb_eval"], rtol=1e-5, atol=2e-6)


def test_golden_training_step():
    case = load("graphclip", "gps_encoder")
    tower = golden_tower(case).train()
    x = case["x"].clone().requires_grad_()
    graph, center = tower(x, *(case[k] for k in INPUTS[1:]))
    (graph.sum() + (graph**2).mean()).backward()
    torch.testing.assert_close(graph, case["graph_emb_train"], rtol=1e-5, atol=2e-6)
    torch.testing.assert_close(center, case["center_emb_train"], rtol=1e-5, atol=2e-6)
    torch.testing.assert_close(x.grad, case["grad_x_train"], rtol=1e-4, atol=5e-6)
    state = tower.state_dict()
    for key, value in case.items():
        if key.startswith("sd_after/"):
            torch.testing.assert_close(state[key[9:]], value, rtol=1e-5, atol=1e-6)


def random_batch(sizes, seed=0, width=16):
    generator = torch.Generator().manual_seed(seed)
    batch = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    first = torch.tensor([0, *sizes]).cumsum(0)[:-1]
    edges = [
        torch.randint(n, (2, 3 * n), generator=generator) + f
        for n, f in zip(sizes, first.tolist(), strict=True)
    ]
    x = torch.randn(len(batch), width, dtype=torch.float64, generator=generator)
    return x, torch.cat(edges, 1), batch, first


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("norm", ["batch", "layer"])
@pytest.mark.parametrize("sizes", [[1], [3, 1, 9, 30, 17, 2, 70], [5, 5, 5]])
def test_layer_equals_that_of_pyg(sizes, norm, keep):
    x, edge_index, batch, _ = random_batch(sizes)
    ours = GPSLayer(16, 4, 0.0, norm, keep).double()
    kind = {"batch": "batch_norm", "layer": "layer_norm"}[norm]
    options = {"norm_kwargs": {"mode": "node"}} if norm == "layer" else {}
    theirs = GPSConv(16, SAGEConv(16, 16), heads=4, norm=kind, **options).double()
    theirs.load_state_dict(ours.state_dict())
    if sizes == [1]:  # one row has no batch statistics
        ours.eval(), theirs.eval()
    plan = Plan.build(edge_index, batch, len(sizes), torch.float64)
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    got, want = ours(a, plan), theirs(b, edge_index, batch)
    torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-10)
    got.sin().sum().backward()
    want.sin().sum().backward()
    torch.testing.assert_close(a.grad, b.grad, rtol=1e-9, atol=1e-10)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-9, atol=1e-9)


def test_layers_with_dropout_or_in_half_precision_are_those_without(monkeypatch):
    """Products that are added to a sum, and those that are summed up afterwards."""
    x, edge_index, batch, _ = random_batch([3, 9, 2])
    layer = GPSLayer(16, 4, 0.0, "layer").double()
    plan = Plan.build(edge_index, batch, 3, torch.float64)
    want = layer(x, plan)
    layer.dropout = 0.5
    monkeypatch.setattr("torch.nn.functional.dropout", lambda x, *_: x)
    torch.testing.assert_close(layer(x, plan), want, rtol=1e-10, atol=1e-10)
    half, plan = layer.float(), Plan.build(edge_index, batch, 3, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(half(x.float(), plan).double(), want, rtol=0.05, atol=0.1)


def test_every_trainable_weight_gets_a_gradient():
    tower = GraphCLIPEncoder(16, 16, 4, 2, 5, 4, out_channels=6)
    x, edge_index, batch, root = random_batch([4, 7, 2])
    pe = torch.rand(len(batch), 5)
    tower(x.float(), pe, edge_index, batch, root)[0].square().sum().backward()
    bare = [n for n, p in tower.named_parameters() if p.requires_grad and p.grad is None]
    assert bare == []


@pytest.mark.parametrize("residual", ["mean", "root", "root+mean"])
def test_untrained_residual_tower_is_the_baseline(residual):
    tower = GraphCLIPEncoder(16, 16, 4, 1, 5, 4, out_channels=16, residual=residual).eval()
    x, edge_index, batch, root = random_batch([4, 7, 2])
    x = x.float()
    got = tower(x, torch.rand(len(batch), 5), edge_index, batch, root)[0]
    mean = torch.stack([x[batch == i].mean(0) for i in range(3)])
    want = {"mean": mean, "root": x[root], "root+mean": mean + x[root]}[residual]
    torch.testing.assert_close(got, want)


def call(**changes):
    tower = GraphCLIPEncoder(4, 8, 2, 1, 3, 2, out_channels=4)
    arguments = {
        "x": torch.rand(3, 4),
        "pe": torch.rand(3, 3),
        "edge_index": torch.tensor([[0, 1], [1, 0]]),
        "batch": torch.tensor([0, 0, 1]),
        "root_index": torch.tensor([1, 2]),
    } | changes
    return tower(**arguments)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"x": torch.rand(3, 5)}, ValueError, "x must have 4 columns"),
        ({"pe": None}, ValueError, "pe must be"),
        ({"pe": torch.rand(3, 2)}, ValueError, "pe must have 3 columns"),
        ({"edge_index": torch.tensor([[0, 3], [1, 0]])}, IndexError, r"edge_index\[0, 1\] = 3"),
        ({"edge_index": torch.rand(2, 2)}, TypeError, "edge_index must be int64"),
        ({"edge_index": torch.tensor([[0, -1], [1, 0]])}, IndexError, "is outside"),
        ({"root_index": torch.tensor([2, 1])}, ValueError, r"root_index\[0\] = 2 is outside"),
        ({"root_index": torch.tensor([0, 3])}, IndexError, r"root_index\[1\] = 3"),
        ({"batch": torch.tensor([0, 1, 0])}, ValueError, "batch must ascend"),
    ],
)
def test_bad_input_is_refused_by_name(changes, error, words):
    with pytest.raises(error, match=words):
        call(**changes)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hidden_channels": 10}, "hidden_channels must be a multiple"),
        ({"hidden_channels": 8, "pe_channels": 8}, "hidden_channels must be at least 9"),
        ({"residual": "mean"}, "needs in_channels equal"),
        ({"norm": "graph"}, "norm must be one of"),
    ],
)
def test_bad_sizes_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        GraphCLIPEncoder(4, **({"hidden_channels": 16, "out_channels": 6} | options))
