"""The two masked autoencoders: GraphMAE and S2GAE."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch_geometric.nn import GCNConv

from graphlab.contrastive import S2GAE, GraphMAE, sample_non_edges, scaled_cosine_error
from graphlab.evaluate import linear_probe
from tests.contrastive._hosts import FEATURES, NODES, WIDTH, encoder, graph
from tests.contrastive.losses.test_info_nce import pair


def seeded(value: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(value)


class Levels(nn.Module):
    """Two layers whose codes are both returned."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = GCNConv(FEATURES, WIDTH), GCNConv(WIDTH, WIDTH)

    def forward(self, x: Tensor, edge_index: Tensor) -> list[Tensor]:
        first = self.one(x, edge_index).relu()
        return [first, self.two(first, edge_index)]


def autoencoder(**options) -> GraphMAE:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return GraphMAE(encoder(), FEATURES, WIDTH, **options)


def edge_autoencoder(**options) -> S2GAE:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return S2GAE(Levels(), WIDTH, num_levels=2, hidden_channels=16, **options)


# --- GraphMAE -------------------------------------------------------------------------------------


def trained(model, x, edge_index):
    """Train in place; the losses."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    generator = seeded()
    losses = []
    for _ in range(60):
        loss = model.loss(x, edge_index, generator=generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    return losses


def test_error_equals_its_formula_and_gradient():
    p, t = (z.requires_grad_() for z in pair(7, 4, dtype=torch.float64))
    cosine = (p * t).sum(1) / (p.norm(dim=1) * t.norm(dim=1))
    torch.testing.assert_close(scaled_cosine_error(p, t, 3.0), ((1 - cosine) ** 3).mean())
    torch.autograd.gradcheck(lambda a, b: scaled_cosine_error(a, b, 2.0), (p, t))
    assert float(scaled_cosine_error(t, t * 3, 0.5).detach()) < 1e-6
    with pytest.raises(ValueError, match="at least one row"):
        scaled_cosine_error(p[:0], t[:0])
    with pytest.raises(ValueError, match="target must have 4 columns"):
        scaled_cosine_error(p, t[:, :3])
    with pytest.raises(ValueError, match="alpha must be positive"):
        scaled_cosine_error(p, t, 0.0)


def test_masks_hide_what_they_say():
    x, _, _ = graph()
    model = autoencoder(mask_rate=0.5, replace_rate=0.2)
    with torch.no_grad():
        model.token.fill_(7.0)
    hidden, chosen = model.mask(x, generator=seeded())
    assert chosen.numel() == NODES // 2 and chosen.unique().numel() == chosen.numel()
    rest = torch.ones(NODES, dtype=torch.bool)
    rest[chosen] = False
    assert torch.equal(hidden[rest], x[rest])
    token = (hidden == 7.0).all(1)
    assert int(token.sum()) == 24 and not token[rest].any()
    foreign = hidden[chosen[:6]]
    assert all(bool((x == row).all(1).any()) for row in foreign)


def test_a_masked_node_is_not_restored_from_itself():
    """Without neighbours nothing but zeros reaches the decoder."""
    model = autoencoder(mask_rate=1.0, replace_rate=0.0)
    x, _, _ = graph()
    empty = torch.empty(2, 0, dtype=torch.long)
    other = model.loss(x, empty, generator=seeded())
    restored = model.decoder(torch.zeros(NODES, WIDTH), empty)
    chosen = model.mask(x, generator=seeded())[1]
    torch.testing.assert_close(other, scaled_cosine_error(restored[chosen], x[chosen]))


def test_graphmae_learns_the_groups():
    x, edge_index, y = graph()
    model = autoencoder()
    losses = trained(model, x, edge_index)
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])
    assert linear_probe(model.embed(x, edge_index), y, seed=0).accuracy > 0.9
    assert model.training


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask_rate": 0.0}, "mask_rate must be above 0"),
        ({"mask_rate": 1.5}, r"mask_rate must lie in \[0, 1\]"),
        ({"replace_rate": -0.1}, "replace_rate must lie"),
        ({"alpha": 0.0}, "alpha must be positive"),
    ],
)
def test_graphmae_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        autoencoder(**options)
    with pytest.raises(TypeError, match=r"encoder must be a torch\.nn\.Module"):
        GraphMAE(len, 3, 4)
    with pytest.raises(ValueError, match="x must have 12 columns"):
        autoencoder().mask(torch.zeros(4, 3), generator=seeded())


# --- S2GAE ----------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=30),
    st.integers(0, 40),
    st.integers(0, 5),
)
def test_non_edges_are_none(edges, count, seed):
    index = torch.tensor(edges, dtype=torch.long).view(-1, 2).t()
    drawn = sample_non_edges(index, 8, count, generator=seeded(seed))
    assert drawn.shape == (2, count)
    known = set(edges)
    assert all(a != b and (a, b) not in known for a, b in drawn.t().tolist())


def test_non_edges_cover_all_free_pairs_alike():
    index = torch.tensor([[0, 1], [1, 2]])
    drawn = sample_non_edges(index, 3, 4000, generator=seeded())
    count = torch.bincount(drawn[0] * 3 + drawn[1], minlength=9)
    assert set(count.nonzero().view(-1).tolist()) == {2, 3, 6, 7}
    assert int(count.max()) < 1.2 * 1000


def test_non_edges_of_a_complete_graph_are_refused():
    full = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(ValueError, match="too few of 2 nodes' pairs"):
        sample_non_edges(full, 2, 1, generator=seeded())


def test_mask_keeps_both_directions_together():
    _, edge_index, _ = graph()
    visible, hidden = edge_autoencoder(mask_rate=0.3).mask(edge_index, generator=seeded())
    assert visible.size(1) + hidden.size(1) == edge_index.size(1)
    keys = [set(map(tuple, part.t().tolist())) for part in (visible, hidden)]
    assert not keys[0] & keys[1]
    assert all((b, a) in part for part in keys for a, b in part)
    single = edge_autoencoder(directed=True).mask(edge_index, generator=seeded())[1]
    found = set(map(tuple, single.t().tolist()))
    assert any((b, a) not in found for a, b in found)


def test_score_equals_its_formula():
    x, edge_index, _ = graph()
    model = edge_autoencoder()
    one, two = model.levels(x, edge_index)
    pairs = edge_index[:, :5]
    u, v = pairs
    products = [one[u] * one[v], one[u] * two[v], two[u] * one[v], two[u] * two[v]]
    wanted = model.decoder(torch.cat(products, 1)).squeeze(1)
    torch.testing.assert_close(model.score([one, two], pairs), wanted)


def test_given_positives_are_what_is_learned():
    x, edge_index, _ = graph()
    model = edge_autoencoder()
    positives = edge_index[:, :6]
    loss = model.loss(x, edge_index[:, 6:], generator=seeded(), positives=positives)
    levels = model.levels(x, edge_index[:, 6:])
    wrong = sample_non_edges(edge_index, NODES, 6, generator=seeded())
    bce = nn.functional.binary_cross_entropy_with_logits
    logits = model.score(levels, positives), model.score(levels, wrong)
    wanted = bce(logits[0], torch.ones(6)) + bce(logits[1], torch.zeros(6))
    torch.testing.assert_close(loss, wanted)


def test_s2gae_learns_the_groups():
    x, edge_index, y = graph()
    model = edge_autoencoder()
    losses = trained(model, x, edge_index)
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    z = model.embed(x, edge_index)
    assert z.shape == (NODES, 2 * WIDTH)
    assert linear_probe(z, y, seed=0).accuracy > 0.9


def test_s2gae_refuses():
    x, edge_index, _ = graph()
    for rate in (0.0, 1.0):
        with pytest.raises(ValueError, match=r"mask_rate must lie inside \(0, 1\)"):
            edge_autoencoder(mask_rate=rate)
    with pytest.raises(ValueError, match="encoder must return 1 levels, got 2"):
        S2GAE(Levels(), WIDTH).levels(x, edge_index)
    with pytest.raises(ValueError, match="no edge is hidden"):
        edge_autoencoder().loss(x, edge_index[:, :0], generator=seeded())
    with pytest.raises(TypeError, match=r"encoder must be a torch\.nn\.Module"):
        S2GAE(len, 4)
