"""The plug-in: encoders, budgets, batches, errors."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import pytest
import torch
from torch import nn
from torch_geometric.nn import (
    APPNP,
    GAT,
    GCN,
    GIN,
    GCNConv,
    GINConv,
    GraphSAGE,
    MessagePassing,
    SAGEConv,
    Sequential,
    SGConv,
)

from graphlab.contrastive import GRACE, POT, sparse_features
from graphlab.contrastive.pot import (
    compactness_bound,
    pairing_target,
    preactivation_bounds,
    reference_compactness,
)
from graphlab.contrastive.pot.budget import quantile_drops
from graphlab.ops import trusted_values
from tests.contrastive.pot._enumerate import random_instance, undirected_graphs

BOUNDS = ["interval", "budget", "budget_crown"]


def small_graph(nodes=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    adjacency = torch.rand(nodes, nodes, generator=generator) < 0.25
    adjacency = (adjacency | adjacency.t()).fill_diagonal_(False)
    return adjacency.nonzero().t().contiguous()


EDGES = small_graph()
X = torch.randn(12, 5, generator=torch.Generator().manual_seed(1)).double()


class Shared(nn.Module):
    """One activation, used twice."""

    def __init__(self):
        super().__init__()
        self.act, self.first, self.second = nn.PReLU(), GCNConv(5, 6), GCNConv(6, 4)

    def forward(self, x, edge_index):
        return self.act(self.second(self.act(self.first(x, edge_index)), edge_index))


class Functional(Shared):
    """Activations that are no modules."""

    def forward(self, x, edge_index):
        hidden = torch.nn.functional.elu(self.first(x, edge_index))
        return torch.tanh(self.second(hidden, edge_index))


class Skip(Shared):
    """A skip connection."""

    def forward(self, x, edge_index):
        hidden = self.first(x, edge_index).relu()
        return self.second(hidden, edge_index) + hidden[:, :4]


def appnp():
    steps = [
        (nn.Linear(5, 6), "x -> x"),
        nn.LeakyReLU(0.2),
        (nn.Linear(6, 4), "x -> x"),
        (APPNP(3, 0.2), "x, edge_index -> x"),
    ]
    return Sequential("x, edge_index", steps)


ENCODERS = {
    "gcn": lambda: GCN(5, 6, 2, 4),
    "three layers": lambda: GCN(5, 6, 3, 4, act="leaky_relu"),
    "one layer": lambda: GCNConv(5, 4),
    "batch norm": lambda: GCN(5, 6, 2, 4, norm="batch_norm").eval(),
    "shared prelu": Shared,
    "elu and tanh": Functional,
    "sage": lambda: GraphSAGE(5, 6, 2, 4),
    "sage without root": lambda: nn.ModuleList([SAGEConv(5, 4, root_weight=False), nn.Tanh()]),
    "gin": lambda: GIN(5, 6, 2, 4, norm=None, train_eps=True),
    "sgc": lambda: SGConv(5, 4, K=2),
    "appnp": appnp,
    "no convolution": lambda: nn.ModuleList([nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4)]),
    "linear first": lambda: nn.ModuleList([nn.Linear(5, 6), nn.ELU(0.5), GCNConv(6, 4)]),
    "three sage layers": lambda: GraphSAGE(5, 6, 3, 4),
    "list": lambda: nn.ModuleList([GCNConv(5, 6, bias=False), nn.PReLU(6), GCNConv(6, 4)]),
}


def build(name):
    torch_state = torch.random.get_rng_state()
    torch.manual_seed(7)
    encoder = ENCODERS[name]().double()
    torch.random.set_rng_state(torch_state)
    return list(encoder) if isinstance(encoder, nn.ModuleList) else encoder


def run(encoder, x, edge_index):
    """Output of a module, or of layers one after the other."""
    if isinstance(encoder, nn.Module):
        return encoder(x, edge_index)
    for layer in encoder:
        x = layer(x, edge_index) if isinstance(layer, MessagePassing) else layer(x)
    return x


def sound(encoder, **options):
    return POT(encoder, EDGES, (0.4, 0.3), 0.4, mode="sound", **options)


def random_drops(budget, count):
    """Graphs within the budget, directed."""
    generator = torch.Generator().manual_seed(3)
    for _ in range(count):
        keep = torch.ones(EDGES.size(1), dtype=torch.bool)
        for node, most in enumerate(budget.tolist()):
            entries = (EDGES[1] == node).nonzero().flatten()
            number = int(torch.randint(0, most + 1, (), generator=generator))
            keep[entries[torch.randperm(entries.numel(), generator=generator)[:number]]] = False
        yield EDGES[:, keep]


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("name", ENCODERS)
def test_certificates_of_many_encoders(name, bound):
    encoder = build(name)
    degree = torch.bincount(EDGES[1], minlength=12)
    budget = (degree + 1) // 2
    pot = sound(encoder, bound=bound, budget=budget)
    z = run(encoder, X, EDGES)
    first, second = pot.compactness(z, z, X)
    assert torch.equal(first, second)
    target = pairing_target(z)
    for edges in random_drops(budget, 40):
        assert bool((first <= (run(encoder, X, edges) * target).sum(1) + 1e-9).all())
    none = sound(encoder, bound=bound, budget=torch.zeros(12))
    exact, _ = none.compactness(z, z, X)
    torch.testing.assert_close(exact, (z * target).sum(1), rtol=1e-9, atol=1e-9)
    nodes = torch.tensor([7, 0, 3])
    part, _ = pot.compactness(z, z, X, nodes=nodes)
    torch.testing.assert_close(part, first[nodes], rtol=1e-12, atol=1e-13)


def test_batches_visit_every_node_once():
    encoder = build("gcn")
    pot = sound(encoder, batch_size=5)
    z = run(encoder, X, EDGES).detach()
    for parameter in encoder.parameters():
        parameter.requires_grad_(False)
    total = sum(float(pot(torch.tensor(0.0), z, z, X)) * n for n in (5, 5, 2)) / 12
    whole = float(sound(encoder)(torch.tensor(0.0), z, z, X))
    assert total == pytest.approx(whole, rel=1e-9)


def test_loss_mixes_and_trains():
    encoder = build("gcn")
    pot = POT(encoder, EDGES, (0.4, 0.3), kappa=0.25, mode="sound", bound="budget")
    optimizer = torch.optim.Adam(encoder.parameters(), lr=0.01)
    seen = []
    for _ in range(30):
        z = encoder(X, EDGES)
        loss = pot(torch.tensor(2.0), z, z, X, views=(EDGES, EDGES))
        scores = pot.compactness(z, z, X)
        term = sum(torch.nn.functional.softplus(-s).mean() for s in scores) / 2
        assert float(loss.detach()) == pytest.approx(1.5 + 0.25 * float(term.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(float(loss.detach()))
    assert seen[-1] < seen[0] - 1e-3


@pytest.mark.parametrize("name", ["gcn", "shared prelu"])
def test_reference_mode_is_the_function(name):
    encoder = Shared().double() if name != "gcn" else ReluTwice().double()
    views = (EDGES[:, 3:], EDGES[:, :-2])
    pot = POT(encoder, EDGES, (0.4, 0.3), 0.4)
    z1, z2 = (encoder(X, view) for view in views)
    found = pot.compactness(z1, z2, X, views)
    slope = float(encoder.act.weight.detach()) if name != "gcn" else 0.0
    layers = [(c.lin.weight, c.bias) for c in (encoder.first, encoder.second)]
    for score, anchor, view, rate in zip(found, (z2, z1), views, (0.4, 0.3), strict=True):
        want = reference_compactness(X, EDGES, view, layers, anchor, rate, negative_slope=slope)
        torch.testing.assert_close(score, want)
    nodes = torch.tensor([5, 2, 9, 1])
    part, _ = pot.compactness(z1, z2, X, views, nodes=nodes)
    want = reference_compactness(
        X, EDGES, views[0], layers, z2, 0.4, negative_slope=slope, nodes=nodes
    )
    torch.testing.assert_close(part, want)


class ReluTwice(Shared):
    def forward(self, x, edge_index):
        return self.second(self.first(x, edge_index).relu(), edge_index).relu()


@torch.no_grad()
def test_budgets():
    encoder = build("gcn")
    degree = torch.bincount(EDGES[1], minlength=12)
    z = encoder(X, EDGES)
    means = {
        name: float(sound(encoder, budget=name).compactness(z, z, X)[0].mean())
        for name in ("expected", "quantile", "all")
    }
    assert means["expected"] > means["quantile"] > means["all"]
    every = sound(encoder, budget=degree).compactness(z, z, X)[0]
    assert float(every.mean()) == pytest.approx(means["all"])
    pair = sound(encoder, budget=(degree, "expected")).compactness(z, z, X)
    assert float(pair[0].mean()) == pytest.approx(means["all"])
    assert float(pair[1].mean()) > means["all"]


@torch.no_grad()
def test_quantile_budget_covers_draws():
    degree = torch.bincount(EDGES[1], minlength=12)
    budget = quantile_drops(0.4, EDGES[1], degree, 0.05)
    generator = torch.Generator().manual_seed(0)
    exceeded = torch.zeros(12)
    for _ in range(2000):
        dropped = torch.rand(EDGES.size(1), generator=generator) < 0.4
        lost = torch.zeros(12).index_add(0, EDGES[1], dropped.float())
        exceeded += lost > budget
    assert float(exceeded.max()) / 2000 < 0.05 + 0.02
    per_edge = quantile_drops(torch.full((EDGES.size(1),), 0.4), EDGES[1], degree, 0.05)
    assert bool((per_edge >= budget).all())
    encoder = build("gcn")
    z = encoder(X, EDGES)
    by_rule, by_number = (
        sound(encoder, budget=given, delta=0.05).compactness(z, z, X)[0]
        for given in ("quantile", budget)
    )
    assert torch.equal(by_rule, by_number)


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"drop_rate": (1.0, 0.3)}, r"drop_rate\[0\] must lie in \[0, 1\), got 1.0"),
        ({"drop_rate": (0.1, -0.3)}, r"drop_rate\[1\] must lie"),
        ({"drop_rate": 0.3}, "drop_rate must hold one item per view"),
        ({"drop_rate": (torch.ones(3), 0.2)}, r"one probability per edge"),
        ({"kappa": 1.5}, r"kappa must lie in \[0, 1\], got 1.5"),
        ({"mode": "fast"}, "mode must be one of"),
        ({"bound": "loose"}, "bound must be one of"),
        ({"budget": "most"}, "budget must be one of"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"edge_index": torch.tensor([[0, 1], [0, 1]])}, "must have no self-loops"),
        ({"edge_index": torch.tensor([[0, 0], [1, 1]])}, "must have no duplicates"),
        ({"edge_index": torch.tensor([[0], [1]]), "directed": False}, "in both directions"),
    ],
)
def test_bad_settings(options, message):
    settings = {"edge_index": EDGES, "drop_rate": (0.4, 0.3), "mode": "sound", **options}
    with pytest.raises(ValueError, match=message):
        POT(GCN(5, 6, 2, 4), **settings)


def test_bad_inputs():
    encoder = build("gcn")
    z = encoder(X, EDGES).detach()
    pot = sound(encoder)
    host = torch.tensor(1.0)
    with pytest.raises(ValueError, match="z1 must have 12 rows"):
        pot(host, z[:5], z, X)
    with pytest.raises(ValueError, match="z2 must have"):
        pot(host, z, z[:, :2], X)
    with pytest.raises(ValueError, match="x must have at least 2 rows"):
        pot(host, z[:1], z[:1], X[:1])
    with pytest.raises(IndexError, match=r"outside \[0, 6\)"):
        pot(host, z[:6], z[:6], X[:6])
    with pytest.raises(ValueError, match=r"views\[1\] must hold edges of the graph only"):
        absent = next(
            (i, j)
            for i in range(12)
            for j in range(12)
            if i != j and not bool(((EDGES[0] == i) & (EDGES[1] == j)).any())
        )
        pot(host, z, z, X, views=(EDGES, torch.tensor(absent).unsqueeze(1)))
    with pytest.raises(ValueError, match="views are needed"):
        POT(ReluTwice().double(), EDGES, (0.4, 0.3))(host, z, z, X)
    with pytest.raises(ValueError, match="host_loss must be a scalar"):
        pot(torch.ones(3), z, z, X)
    with pytest.raises(ValueError, match="x must be finite"):
        pot(host, z, z, X * torch.inf)


def test_scores_that_overflow_are_refused():
    encoder = build("gcn")
    with torch.no_grad():
        encoder.convs[0].lin.weight.mul_(100)
    z = encoder(X, EDGES).detach()
    pot = sound(encoder)
    pot.compactness(z, z, X)
    with pytest.raises(ValueError, match="the compactness of view 1 is not finite"):
        pot.compactness(z, z, X / X.abs().max() * 1.7e308)


def test_zero_anchors_are_allowed():
    encoder = build("gcn")
    z = encoder(X, EDGES).detach()
    score, _ = sound(encoder).compactness(z, torch.zeros_like(z), X)
    assert torch.equal(score, torch.zeros_like(score))


@pytest.mark.parametrize(
    ("encoder", "name"),
    [
        (GAT(5, 6, 2), "convs.0.*GATConv"),
        (GraphSAGE(5, 6, 2, 4, aggr="max"), "convs.0.*SAGEConv.*max"),
        (GCN(5, 6, 2, 4, norm="layer_norm"), "norms.0.*LayerNorm"),
        (GCNConv(5, 4, improved=True), "GCNConv.*improved"),
        (GCNConv(5, 4, add_self_loops=False), "GCNConv.*add_self_loops"),
        (APPNP(2, 0.1, add_self_loops=False), "APPNP.*add_self_loops"),
        (APPNP(2, 0.1, normalize=False), "APPNP.*normalize"),
        (SAGEConv(5, 4, normalize=True), "SAGEConv.*normalize=True or project=True"),
        (SAGEConv(5, 4, project=True), "SAGEConv.*normalize=True or project=True"),
        (GINConv(torch.nn.Linear(5, 4), aggr="mean"), "GINConv.*aggr='mean'"),
        (nn.Sequential(nn.RReLU()), "RReLU"),
    ],
)
def test_layers_without_a_bound_are_named(encoder, name):
    with pytest.raises(NotImplementedError, match=name):
        sound(encoder)


@pytest.mark.parametrize(
    ("encoder", "name"),
    [
        (GCN(5, 6, 2, 4, norm="batch_norm"), "norms.0.*BatchNorm"),
        (GCN(5, 6, 2, 4, dropout=0.5), "dropout.*training"),
        (GCN(5, 6, 2, 4, jk="cat"), "jk.*JumpingKnowledge"),
        (Skip(), "layers, one after the other"),
    ],
)
def test_what_only_a_run_shows_is_refused(encoder, name):
    z = torch.randn(12, 4).double()
    with pytest.raises(NotImplementedError, match=name):
        sound(encoder.double()).compactness(z, z, X)


def test_cached_convolutions_are_refused():
    with pytest.raises(ValueError, match="must not be cached"):
        sound(GCNConv(5, 4, cached=True))
    with pytest.raises(ValueError, match="source_to_target"):
        sound(GCNConv(5, 4, flow="target_to_source"))


@pytest.mark.parametrize("name", ["sage", "gcn", "no convolution", "elu and tanh", "list"])
def test_reference_mode_knows_two_convolutions_only(name):
    encoder = build(name)
    z = run(encoder, X, EDGES)
    with pytest.raises(NotImplementedError, match="two GCNConv layers"):
        POT(encoder, EDGES, (0.4, 0.3)).compactness(z, z, X, (EDGES, EDGES))


def test_reference_mode_reads_convolutions_without_a_bias():
    encoder = [GCNConv(5, 6, bias=False).double(), nn.ReLU(), GCNConv(6, 4).double(), nn.ReLU()]
    z = run(encoder, X, EDGES)
    found, _ = POT(encoder, EDGES, (0.4, 0.3)).compactness(z, z, X, (EDGES, EDGES))
    layers = [(encoder[0].lin.weight, None), (encoder[2].lin.weight, encoder[2].bias)]
    torch.testing.assert_close(found, reference_compactness(X, EDGES, EDGES, layers, z, 0.4))


@pytest.mark.parametrize("slope", [-0.1, 1.5])
def test_slopes_outside_of_the_unit_interval(slope):
    layers = [(torch.eye(5).double(), None)] * 2
    with pytest.raises(ValueError, match=r"negative_slope must lie in \[0, 1\]"):
        compactness_bound(X, EDGES, layers, X, torch.ones(12), negative_slope=slope)
    with pytest.raises(ValueError, match=r"negative_slope must lie in \[0, 1\]"):
        reference_compactness(X, EDGES, EDGES, layers, X, 0.3, negative_slope=slope)
    encoder = [GCNConv(5, 4).double(), nn.PReLU(4, init=slope).double()]
    z = run(encoder, X, EDGES)
    with pytest.raises(ValueError, match=rf"negative_slope must lie in .0, 1., got {slope}"):
        sound(encoder).compactness(z, z, X)


def test_graphs_with_too_many_two_edge_paths_are_refused(monkeypatch):
    layers = [(torch.eye(5).double(), None)] * 2
    monkeypatch.setattr("graphlab.contrastive.pot.certificate.MAX_TWO_PATHS", 10)
    with pytest.raises(ValueError, match="at most 10 two-edge paths, this graph has [1-9]"):
        compactness_bound(X, EDGES, layers, X, torch.ones(12), bound="budget_crown")
    assert compactness_bound(X, EDGES, layers, X, torch.ones(12), bound="budget").shape == (12,)


def test_budgets_must_be_whole_unless_values_are_trusted():
    layers = [(torch.eye(5).double(), None)]
    with pytest.raises(ValueError, match=r"not negative, but budget\[0\] = 0.5"):
        compactness_bound(X, EDGES, layers, X, torch.full((12,), 0.5))
    with trusted_values():
        found = compactness_bound(X, EDGES, layers, X, torch.ones(12))
    assert torch.equal(found, compactness_bound(X, EDGES, layers, X, torch.ones(12)))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"budget": torch.ones(3)}, ValueError, "budget must have shape"),
        ({"budget": torch.full((12,), -1)}, ValueError, r"budget\[0\] = -1"),
        ({"budget": torch.full((12,), 0.5)}, ValueError, "whole numbers"),
        ({"target": X[:3]}, ValueError, "target must have 12 rows"),
        ({"layers": []}, ValueError, "layers must hold at least one"),
        ({"edge_index": EDGES + 12}, IndexError, r"outside \[0, 12\)"),
        ({"bound": "crown"}, ValueError, "bound must be one of"),
        ({"nodes": torch.tensor([1, 1]), "target": X[:2]}, ValueError, "nodes must be distinct"),
    ],
)
def test_bad_arguments(change, error, message):
    arguments = {
        "x": X,
        "edge_index": EDGES,
        "layers": [(torch.eye(5).double(), None)],
        "target": X,
        "budget": torch.ones(12),
        **change,
    }
    with pytest.raises(error, match=message):
        compactness_bound(**arguments)


def test_single_precision_follows_double():
    instance = random_instance(3)
    layers = [(w.float(), b.float()) for w, b in instance.layers]
    args = instance.edge_index, layers
    for bound in BOUNDS:
        found = compactness_bound(
            instance.x.float(), *args, instance.target.float(), instance.budget, bound=bound
        )
        want = compactness_bound(
            instance.x,
            instance.edge_index,
            instance.layers,
            instance.target,
            instance.budget,
            bound=bound,
        )
        torch.testing.assert_close(found.double(), want, rtol=1e-4, atol=1e-4)


def test_isolated_nodes_and_graphs_without_edges():
    layers = [(torch.eye(5).double(), None)] * 2
    edges = torch.zeros(2, 0, dtype=torch.int64)
    for bound in BOUNDS:
        found = compactness_bound(X, edges, layers, X, torch.ones(12), bound=bound)
        torch.testing.assert_close(found, (X * X.relu()).sum(1))
    assert len(preactivation_bounds(X, edges, layers, torch.zeros(12))) == 2
    assert undirected_graphs(random_instance(1)).dim() == 3


@pytest.mark.parametrize("mode", ["reference", *BOUNDS])
@pytest.mark.parametrize("batch_size", [None, 5])
def test_sparse_features_change_nothing(mode, batch_size):
    words = X * (torch.arange(X.numel()).reshape(X.shape) % 13 == 0)
    found = {}
    for name, x in (("dense", words), ("sparse", sparse_features(words))):
        torch.manual_seed(0)
        host = GRACE(
            Shared().double(), 4, 4, drop_edge=(0.2, 0.3), mask_features=(0.3, 0.2)
        ).double()
        sound = {} if mode == "reference" else {"mode": "sound", "bound": mode}
        pot = POT(
            host.encoder,
            EDGES,
            drop_rate=(0.2, 0.3),
            kappa=0.4,
            batch_size=batch_size,
            seed=0,
            **sound,
        )
        views = host.views(x, EDGES, generator=torch.Generator().manual_seed(0))
        z1, z2 = (host(*view) for view in views)
        loss = pot(host.loss(z1, z2), z1, z2, x, views=(views[0][1], views[1][1]))
        loss.backward()
        found[name] = [loss.detach(), *(p.grad for p in host.encoder.parameters())]
        assert x.layout == (torch.strided if name == "dense" else torch.sparse_csr)
    torch.testing.assert_close(found["sparse"], found["dense"], rtol=1e-9, atol=1e-12)


class Gated(Shared):
    """A skip connection that is closed at first."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, x, edge_index):
        hidden = self.first(x, edge_index).relu()
        return self.second(hidden, edge_index) + self.gate * hidden[:, :4]


def test_a_gate_that_training_may_open_is_refused():
    encoder = Gated().double()
    z = encoder(X, EDGES).detach()
    pot = POT(encoder, EDGES, (0.3, 0.3), mode="sound")
    with pytest.raises(NotImplementedError, match="parameter 'gate'"):
        pot.compactness(z, z, X)


class Dropping(Shared):
    """Dropout that no module shows."""

    def forward(self, x, edge_index):
        hidden = torch.nn.functional.dropout(self.first(x, edge_index), 0.5, self.training)
        return self.second(hidden.relu(), edge_index)


@pytest.mark.parametrize("make", [Dropping, lambda: appnp_with_dropout()])
def test_dropout_that_becomes_active_is_refused(make):
    encoder = make().double().eval()
    z = encoder(X, EDGES).detach()
    pot = POT(encoder, EDGES, (0.3, 0.3), mode="sound")
    before = pot.compactness(z, z, X)
    encoder.train()
    with pytest.raises(NotImplementedError):
        pot.compactness(z, z, X)
    encoder.eval()
    torch.testing.assert_close(pot.compactness(z, z, X), before)


def appnp_with_dropout():
    layers = [(nn.Linear(5, 4), "x -> x"), (APPNP(2, 0.1, dropout=0.5), "x, edge_index -> x")]
    return Sequential("x, edge_index", layers)


@pytest.mark.parametrize("make", [copy.deepcopy, lambda pot: pickle.loads(pickle.dumps(pot))])
def test_copies_certify_their_own_encoder(make):
    encoder = GCN(5, 6, 2, 4).double()
    z = encoder(X, EDGES).detach()
    pot = POT(encoder, EDGES, (0.3, 0.3), mode="sound", budget=torch.zeros(12))
    before = pot.compactness(z, z, X)[0].detach()
    other = make(pot)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.mul_(2.0)
    assert torch.equal(other.compactness(z, z, X)[0].detach(), before)
    assert not torch.equal(pot.compactness(z, z, X)[0].detach(), before)


@pytest.mark.parametrize("mode", ["sound", "reference"])
def test_autocast_changes_no_certificate(mode):
    x, encoder = X.float(), [GCNConv(5, 64), nn.ReLU(), GCNConv(64, 64), nn.ReLU()]
    draw = torch.Generator().manual_seed(2)
    z1, z2 = (torch.randn(12, 64, generator=draw).bfloat16() for _ in range(2))
    pot = POT(encoder, EDGES, (0.3, 0.3), mode=mode, bound="budget")
    with torch.autocast("cpu", torch.bfloat16):
        found = pot.compactness(z1, z2, x, (EDGES, EDGES))
    for got, wanted in zip(found, pot.compactness(z1, z2, x, (EDGES, EDGES)), strict=True):
        assert got.dtype == torch.float32
        assert torch.equal(got, wanted)


def test_bounds_on_tensors_do_not_round_under_autocast():
    layers = [(torch.randn(64, 5), None), (torch.randn(4, 64), None)]
    args = X.float(), EDGES, layers
    target, budget = torch.randn(12, 4), torch.ones(12)
    with torch.autocast("cpu", torch.bfloat16):
        found = compactness_bound(*args, target, budget)
        low, _ = preactivation_bounds(*args, budget)[1]
    assert torch.equal(found, compactness_bound(*args, target, budget))
    assert torch.equal(low, preactivation_bounds(*args, budget)[1][0])


def test_an_evaluation_in_inference_mode_leaves_training_possible():
    encoder = GCN(5, 6, 2, 4).double()
    pot = POT(encoder, EDGES, (0.3, 0.3), mode="sound", bound="budget_crown")
    with torch.inference_mode():
        z = encoder(X, EDGES)
        pot.compactness(z, z, X)
    z = encoder(X, EDGES)
    pot(z.sum(), z, z, X).backward()


@pytest.mark.parametrize("bound", BOUNDS)
def test_an_infinite_budget_is_all_edges(bound):
    layers = [(torch.randn(6, 5).double(), None), (torch.randn(4, 6).double(), None)]
    target = torch.randn(12, 4).double()
    found, wanted = (
        compactness_bound(X, EDGES, layers, target, torch.full((12,), q), bound=bound)
        for q in (float("inf"), 12.0)
    )
    assert torch.equal(found, wanted)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": X.half()}, TypeError, "x must be float32 or float64"),
        ({"x": X.float()}, TypeError, r"layers\[0\] weight must have the dtype of x"),
        ({"target": torch.zeros(12, 4)}, TypeError, "target must have the dtype of x"),
        ({"target": torch.zeros(12, 3).double()}, ValueError, "target must have 4 columns"),
        ({"budget": torch.ones(12, dtype=torch.bool)}, TypeError, "budget must hold whole numbers"),
        ({"budget": [1] * 12}, TypeError, "budget must be a torch.Tensor, got list"),
    ],
)
def test_dtypes_that_do_not_fit_are_named(change, error, message):
    arguments = {
        "x": X,
        "edge_index": EDGES,
        "layers": [(torch.ones(6, 5).double(), None), (torch.ones(4, 6).double(), None)],
        "target": torch.zeros(12, 4).double(),
        "budget": torch.ones(12),
    }
    with pytest.raises(error, match=message):
        compactness_bound(**(arguments | change))


def test_functional_activations_keep_no_states_alive():
    encoder = Functional().double()
    states = []
    encoder.first.register_forward_hook(lambda *call: states.append(weakref.ref(call[2])))
    z = encoder(X, EDGES).detach()
    pot = POT(encoder, EDGES, (0.3, 0.3), mode="sound")
    pot.compactness(z, z, X)
    gc.collect()
    assert all(state() is None for state in states)


def test_a_reference_score_needs_two_nodes_and_both_views():
    encoder = GCN(5, 6, 2, 4).double()
    with pytest.raises(ValueError, match="batch_size must be at least 2 with mode='reference'"):
        POT(encoder, EDGES, (0.4, 0.3), batch_size=1)
    pot = POT(encoder, EDGES, (0.4, 0.3))
    z = encoder(X, EDGES)
    with pytest.raises(ValueError, match="views are needed for mode='reference', got None"):
        pot.compactness(z, z, X)
    with pytest.raises(ValueError, match="nodes must be at least 2 to compare, got 1"):
        pot.compactness(z, z, X, views=(EDGES, EDGES), nodes=torch.tensor([3]))


def test_what_one_row_cannot_be_compared_with():
    with pytest.raises(ValueError, match=r"anchor must have at least 2 rows, got shape \(1, 4\)"):
        pairing_target(X[:1, :4])
    layers = [(torch.ones(4, 5).double(), None), (torch.ones(4, 4).double(), None)]
    arguments = X, EDGES, EDGES
    with pytest.raises(ValueError, match="at least 2 rows to compare, got 1"):
        reference_compactness(*arguments, layers, X[:, :4], 0.3, nodes=torch.tensor([3]))
    with pytest.raises(ValueError, match=r"layers must hold two \(weight, bias\), got 1"):
        reference_compactness(*arguments, layers[:1], X[:, :4], 0.3)
    for rate, error, words in (
        ("often", TypeError, "drop_rate must be a number or a tensor, got str"),
        (torch.full((EDGES.size(1),), 1.0), ValueError, r"drop_rate\[0\] = 1.0"),
    ):
        with pytest.raises(error, match=words):
            reference_compactness(*arguments, layers, X[:, :4], rate)


def test_a_bias_of_another_width_is_refused():
    layers = [(torch.ones(4, 5).double(), torch.ones(3).double())]
    with pytest.raises(ValueError, match=r"layers\[0\] bias must have shape \(4,\), got \(3,\)"):
        preactivation_bounds(X, EDGES, layers, 1)
