"""S2GAE: masked edges."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import GCNConv

from graphlab.contrastive import S2GAE, sample_non_edges
from graphlab.evaluate import linear_probe
from tests.contrastive._hosts import FEATURES, NODES, WIDTH, graph
from tests.contrastive.hosts._training import trained


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


def edge_autoencoder(**options) -> S2GAE:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return S2GAE(Levels(), WIDTH, num_levels=2, hidden_channels=16, **options)


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


class Recorded(S2GAE):
    """Keeps the pairs that it has scored."""

    def score(self, levels, pairs):
        self.__dict__.setdefault("seen", []).append(pairs)
        return super().score(levels, pairs)


@pytest.mark.parametrize("directed", [False, True])
def test_the_other_direction_of_an_edge_is_no_non_edge_unless_directed(directed):
    # Each edge runs one way: of the ordered pairs without an edge, many have one the other way.
    first, second = torch.triu_indices(12, 12, 1)
    edges = torch.stack([first, second])[:, ::2]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = Recorded(GCNConv(3, 4), 4, directed=directed)
    model.loss(torch.ones(12, 3), edges, generator=seeded())
    known = {tuple(sorted(pair)) for pair in edges.t().tolist()}
    wrong = {tuple(sorted(pair)) for pair in model.seen[1].t().tolist()}
    assert bool(wrong & known) == directed
