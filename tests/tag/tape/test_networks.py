"""Members' networks against the authors', and the fused path against the plain one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch_geometric.nn import GCNConv, SAGEConv

from graphlab.tag.tape import MemberNetwork, RankedPredictionEncoder, RevGAT, SharedAdjacency
from tests._golden import load
from tests.tag.tape._golden import TOLERANCE


def built(case, kind):
    """The network of a golden case with the authors' parameters."""
    hidden, classes = int(case["hidden"]), int(case["num_classes"])
    encoder, columns = None, case["x"].size(1)
    if bool(case["use_pred"]):
        encoder = RankedPredictionEncoder(classes, columns, hidden)
    model = MemberNetwork(kind, columns, hidden, classes, int(case["num_layers"]), encoder=encoder)
    prefix = f"{kind}/param/"
    theirs = {key.removeprefix(prefix): v for key, v in case.items() if key.startswith(prefix)}
    missing, unexpected = model.load_state_dict(theirs, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    return model


@pytest.mark.parametrize("name", ["tape_gnn_dense", "tape_gnn_pred"])
@pytest.mark.parametrize("kind", ["gcn", "sage", "mlp"])
def test_golden(name, kind):
    case = load("tape", name)
    model = built(case, kind)
    graph = SharedAdjacency.build(case["edge_index"], case["x"].size(0), "gcn")
    graph = graph if kind == "gcn" else case["edge_index"]
    found = model.eval()(case["x"], graph)
    torch.testing.assert_close(found, case[f"{kind}/out_eval"], **TOLERANCE)
    found = model.train()(case["x"], graph)
    torch.testing.assert_close(found, case[f"{kind}/out_train"], **TOLERANCE)


@pytest.mark.parametrize("name", ["cora", "pubmed", "arxiv2023", "products"])
def test_encoder_golden(name):
    case = load("tape", f"tape_pred_{name}")
    rows, width = case["emb_weight"].shape
    encoder = RankedPredictionEncoder(rows - 1, int(case["topk"]), width)
    assert {key: tuple(v.shape) for key, v in encoder.state_dict().items()} == {
        "weight": (int(case["num_classes"]) + 1, width)
    }
    encoder.load_state_dict({"weight": case["emb_weight"]})
    torch.testing.assert_close(encoder(case["encoded"]), case["feature"], **TOLERANCE)


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.integers(0, 20))
def test_fused_path_equals_the_plain_one(num_classes, k, dim, nodes):
    generator = torch.Generator().manual_seed(nodes)
    encoder = RankedPredictionEncoder(num_classes, k, dim).double()
    linear = nn.Linear(k * dim, 6).double()
    ids = torch.randint(num_classes + 1, (nodes, k), generator=generator)
    weight = torch.randn(nodes, 6, generator=generator).double()
    gradients = []
    for out in (encoder(ids, linear), linear(encoder(ids))):
        parameters = [encoder.weight, linear.weight, linear.bias]
        gradients.append((out, *torch.autograd.grad((out * weight).sum(), parameters)))
    for fused, plain in zip(*gradients, strict=True):
        torch.testing.assert_close(fused, plain)


def test_fused_path_has_first_and_second_derivatives():
    encoder = RankedPredictionEncoder(3, 2, 2)
    ids = torch.tensor([[1, 3], [0, 0], [3, 1], [2, 0]])

    def fused(table, weight, bias):
        linear = SimpleNamespace(weight=weight, bias=bias)
        return torch.func.functional_call(encoder, {"weight": table}, (ids, linear))

    generator = torch.Generator().manual_seed(0)
    inputs = [
        torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
        for shape in ((4, 2), (3, 4), (3,))
    ]
    assert torch.autograd.gradcheck(fused, inputs)
    assert torch.autograd.gradgradcheck(fused, inputs)


def test_fused_path_stores_nothing_of_the_wide_matrix():
    encoder, linear = RankedPredictionEncoder(5, 4, 16), nn.Linear(64, 8)
    ids = torch.randint(6, (1000, 4), generator=torch.Generator().manual_seed(0))
    saved = []

    def keep(tensor):
        saved.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        encoder(ids, linear)
    assert max(saved) == ids.numel()  # the plain path stores 64 numbers a node


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        (torch.tensor([[4, 0]]), IndexError, r"ids\[0, 0\] = 4 is outside \[0, 4\)"),
        (torch.tensor([[0, -1]]), IndexError, r"ids\[0, 1\] = -1"),
        (torch.tensor([[1, 0, 0]]), ValueError, r"ids must have shape \(N, 2\), got \(1, 3\)"),
        (torch.tensor([[1.0, 0.0]]), TypeError, "ids must be int64 or int32"),
        ([[1, 0]], TypeError, "ids must be a torch.Tensor, got list"),
    ],
)
def test_malformed_ids(ids, error, message):
    encoder = RankedPredictionEncoder(3, 2, 4)
    for linear in (None, nn.Linear(8, 3)):
        with pytest.raises(error, match=message):
            encoder(ids, linear)


def test_ids_that_change_are_checked_again():
    encoder, ids = RankedPredictionEncoder(3, 2, 4), torch.tensor([[1, 3]])
    encoder(ids)
    encoder(ids)
    ids[0, 0] = 4
    with pytest.raises(IndexError, match=r"ids\[0, 0\] = 4"):
        encoder(ids)


def test_malformed_encoders():
    for arguments in ((0, 1, 1), (1, 0, 1), (1, 1, 0)):
        with pytest.raises(ValueError, match="must be at least 1, got 0"):
            RankedPredictionEncoder(*arguments)
    assert repr(RankedPredictionEncoder(3, 2, 4)) == (
        "RankedPredictionEncoder(num_classes=3, k=2, dim=4)"
    )
    with pytest.raises(ValueError, match=r"weight must have 8 columns, got shape \(3, 9\)"):
        RankedPredictionEncoder(3, 2, 4)(torch.tensor([[1, 0]]), nn.Linear(9, 3))


@pytest.mark.parametrize(("kind", "layer"), [("gcn", GCNConv), ("sage", SAGEConv)])
def test_shared_adjacency_equals_the_layer(kind, layer):
    generator = torch.Generator().manual_seed(0)
    # Directed, with loops, repeated edges and a node without any.
    edges = torch.randint(9, (2, 40), generator=generator)
    x = torch.randn(10, 4, generator=generator)
    conv = layer(4, 3)
    plain = conv(x, edges)
    weight = conv.lin.weight if kind == "gcn" else conv.lin_l.weight
    h = (x @ weight.t()).detach().requires_grad_()
    shared = SharedAdjacency.build(edges, 10, kind)
    assert shared.num_nodes == 10
    found = shared @ h
    rest = conv.bias if kind == "gcn" else conv.lin_l.bias + x @ conv.lin_r.weight.t()
    torch.testing.assert_close(found + rest, plain)
    dense = shared @ torch.eye(10)
    (gradient,) = torch.autograd.grad((found * found.detach()).sum(), h)
    torch.testing.assert_close(gradient, dense.t() @ found.detach())


def test_malformed_networks():
    edges = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(ValueError, match="kind must be one of 'gcn', 'sage', 'mlp', got 'gat'"):
        MemberNetwork("gat", 4, 4, 2)
    with pytest.raises(ValueError, match="num_layers must be at least 2, got 1"):
        MemberNetwork("gcn", 4, 4, 2, 1)
    with pytest.raises(ValueError, match="kind must be one of"):
        SharedAdjacency.build(edges, 2, "mlp")
    with pytest.raises(IndexError, match="edge_index"):
        SharedAdjacency.build(edges, 1)
    model = MemberNetwork("sage", 4, 4, 2)
    with pytest.raises(ValueError, match="graph must be edge_index or a SharedAdjacency of 'sage'"):
        model(torch.ones(2, 4), SharedAdjacency.build(edges, 2, "gcn"))


# --- RevGAT ---------------------------------------------------------------------------------------


@pytest.fixture
def rev():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = RevGAT(6, 4, 3, num_layers=5, heads=3, groups=2)
        x, edges = torch.randn(20, 6), torch.randint(20, (2, 60))
    return model, x, edges


def test_recomputed_gradients_equal_stored_ones(rev):
    model, x, edges = rev
    found = []
    for stored in (False, True):
        for block in model.blocks:
            block.disable = stored
        with torch.random.fork_rng():
            torch.manual_seed(1)  # the same dropout
            loss = model.train()(x, edges).square().sum()
        found.append(torch.autograd.grad(loss, list(model.parameters())))
    for recomputed, kept in zip(*found, strict=True):
        torch.testing.assert_close(recomputed, kept, rtol=1e-3, atol=1e-3)


def test_attention_reads_the_source_alone(rev):
    model, x, edges = rev
    assert not [name for name, _ in model.named_parameters() if "att_dst" in name]
    out = model.eval()(x, edges)
    assert out.shape == (20, 3)
    assert torch.equal(out, model(x, edges))  # nothing is dropped
    with pytest.raises(ValueError, match="hidden_channels must be divisible by groups=2, got 3"):
        RevGAT(6, 3, 3)


def test_a_bias_of_another_length_is_refused():
    encoder = RankedPredictionEncoder(3, 2, 4)
    ids = torch.zeros(5, 2, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"bias must have shape \(6,\), got \(5,\)"):
        encoder.project(ids, torch.ones(6, 8), torch.ones(5))
