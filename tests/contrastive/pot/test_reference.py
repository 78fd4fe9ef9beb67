"""The authors' score against what their code computed."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import elu, normalize, softplus
from torch_geometric.nn import GCNConv

from graphlab.contrastive.pot import pairing_target, reference_compactness, relax
from graphlab.contrastive.pot.budget import expected_drops
from graphlab.contrastive.pot.reference import CleanGraph
from graphlab.ops import trusted_values
from tests._data import test_data_root
from tests._golden import load

SMALL = ["pot_small_relu", "pot_small_prelu_iso", "pot_small_batch"]
VALUE = {"rtol": 1e-4, "atol": 1e-5}
GRADIENT = {"rtol": 1e-3, "atol": 1e-6}


class Encoder(torch.nn.Module):
    """Two convolutions with the stored weights."""

    def __init__(self, data, features):
        super().__init__()
        hidden, out = data["W1"].size(0), data["W2"].size(0)
        self.slope = float(data["alpha"])
        self.convs = torch.nn.ModuleList([GCNConv(features, hidden), GCNConv(hidden, out)])
        with torch.no_grad():
            for k, conv in enumerate(self.convs, 1):
                conv.lin.weight.copy_(data[f"W{k}"])
                conv.bias.copy_(data[f"b{k}"])

    @property
    def layers(self):
        return [(conv.lin.weight, conv.bias) for conv in self.convs]

    def forward(self, x, edge_index):
        for conv in self.convs:
            x = torch.nn.functional.leaky_relu(conv(x, edge_index.long()), self.slope)
        return x


def scores(data, encoder, x, edge_index):
    z = [encoder(x, data[f"edge_index_{k}"]) for k in (1, 2)]
    nodes = data["node_list"]
    out = [
        reference_compactness(
            x,
            edge_index,
            data[f"edge_index_{k}"],
            encoder.layers,
            z[2 - k],
            float(data["drop_rate"][k - 1]),
            negative_slope=encoder.slope,
            nodes=None if torch.equal(nodes, torch.arange(x.size(0))) else nodes,
        )
        for k in (1, 2)
    ]
    return z, out


def host_loss(data, z, head):
    """InfoNCE as the authors write it."""
    h = [normalize(elu(v @ head[0].t() + head[1]) @ head[2].t() + head[3]) for v in z]

    def semi(a, b):
        within, between = ((a @ v.t() / float(data["tau"])).exp() for v in (a, b))
        below = within.sum(1) + between.sum(1) - within.diag()
        return -torch.log(between.diag() / below)

    return (semi(h[0], h[1]).mean() + semi(h[1], h[0]).mean()) / 2


@pytest.mark.parametrize("case", SMALL)
def test_small_graphs(case):
    data = load("pot", case)
    encoder = Encoder(data, data["x"].size(1))
    head = [data[k].clone().requires_grad_() for k in ("fc1_w", "fc1_b", "fc2_w", "fc2_b")]
    z, found = scores(data, encoder, data["x"], data["edge_index"])
    terms = [softplus(-score).mean() for score in found]
    for k in (0, 1):
        torch.testing.assert_close(z[k], data[f"z{k + 1}"], **VALUE)
        torch.testing.assert_close(found[k], data[f"score_{k + 1}"], **VALUE)
        assert float(terms[k].detach()) == pytest.approx(float(data[f"pot_loss_{k + 1}"]), rel=1e-5)
    kappa = float(data["kappa"])
    total = (1 - kappa) * host_loss(data, z, head) + kappa * sum(terms) / 2
    assert float(total.detach()) == pytest.approx(float(data["total_loss"]), rel=1e-5)
    total.backward()
    for k, (weight, bias) in enumerate(encoder.layers, 1):
        torch.testing.assert_close(weight.grad, data[f"g_W{k}"], **GRADIENT)
        torch.testing.assert_close(bias.grad, data[f"g_b{k}"], **GRADIENT)
    torch.testing.assert_close(head[0].grad, data["g_fc1_w"], **GRADIENT)


@pytest.mark.parametrize("case", SMALL)
def test_entry_bounds(case):
    data = load("pot", case)
    nodes, edges = data["x"].size(0), data["edge_index"]
    degree = torch.bincount(edges[1], minlength=nodes)
    for k, rate in enumerate(data["drop_rate"].tolist(), 1):
        graph = CleanGraph.build(edges, nodes, expected_drops(rate, edges[1], degree))
        row, col = data[f"A_nz_{k}"].long()
        for name, value in (("upper", graph.high), ("lower", graph.low)):
            dense = torch.zeros(nodes, nodes, dtype=torch.float64)
            dense[graph.pattern.row(), graph.pattern.col.long()] = value
            want = data[f"A_{name}_nz_{k}"].double()
            torch.testing.assert_close(dense[row, col], want, rtol=1e-6, atol=1e-7)
            assert int((dense != 0).sum()) == int((want != 0).sum())


@pytest.mark.parametrize("case", SMALL)
def test_pairing_target(case):
    data = load("pot", case)
    nodes = data["node_list"]
    found = pairing_target(data["z2"][nodes])
    torch.testing.assert_close(found, data["Wcl_1"], **VALUE)


@pytest.mark.parametrize("slope", [0.0, 0.25, 0.9])
def test_relaxation(slope):
    data = load("pot", "relaxation")
    found = relax(data["l"], data["u"], slope)
    for name, value in zip(("alpha_L", "alpha_U", "beta_L", "beta_U"), found, strict=True):
        torch.testing.assert_close(value, data[f"{name}@{slope}"], rtol=1e-5, atol=1e-6)


def test_cora():
    from torch_geometric.datasets import Planetoid
    from torch_geometric.transforms import NormalizeFeatures

    root = test_data_root("planetoid", "Cora")
    data = load("pot", "pot_cora_d8")
    cora = _planetoid(Planetoid, root, NormalizeFeatures())
    encoder = Encoder(data, cora.x.size(1))
    z, found = scores(data, encoder, cora.x, cora.edge_index)
    terms = [softplus(-score).mean() for score in found]
    for k in (0, 1):
        torch.testing.assert_close(found[k], data[f"score_{k + 1}"], **VALUE)
    head = [data[k] for k in ("fc1_w", "fc1_b", "fc2_w", "fc2_b")]
    kappa = float(data["kappa"])
    total = (1 - kappa) * host_loss(data, z, head) + kappa * sum(terms) / 2
    assert float(total.detach()) == pytest.approx(float(data["total_loss"]), rel=1e-5)
    total.backward()
    torch.testing.assert_close(encoder.convs[1].lin.weight.grad, data["g_W2"], **GRADIENT)
    torch.testing.assert_close(encoder.convs[0].bias.grad, data["g_b1"], **GRADIENT)


def _planetoid(kind, root, transform):
    import shutil
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:  # nothing is written beside the data
        shutil.copytree(root / "raw", Path(folder) / "Cora" / "raw")
        return kind(folder, "Cora", transform=transform, force_reload=False)[0]


def test_probabilities_per_edge_sum_up_per_target():
    data = load("pot", "gca_weights")
    target = data["edge_index"][1]
    degree = torch.bincount(target, minlength=20)
    for kind in ("degree", "pr", "evc"):
        drops = expected_drops(data[f"edge_prob_{kind}"], target, degree)
        most = torch.minimum(drops, (degree - 1).clamp(min=0))
        assert torch.equal(most, data[f"max_delete_{kind}"])


def test_ends_must_be_finite_unless_values_are_trusted():
    low, high = torch.tensor([-1.0, torch.nan]), torch.tensor([1.0, 2.0])
    with pytest.raises(ValueError, match=r"low must be finite"):
        relax(low, high)
    with trusted_values():
        found = relax(low, high)[0]
    assert float(found[0]) == 0.5
