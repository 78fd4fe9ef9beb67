"""GraphMAE: masked features."""

from __future__ import annotations

import pytest
import torch

from graphlab.contrastive import GraphMAE, scaled_cosine_error
from graphlab.evaluate import linear_probe
from tests.contrastive._hosts import FEATURES, NODES, WIDTH, encoder, graph
from tests.contrastive.hosts._training import trained


def seeded(value: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(value)


def autoencoder(**options) -> GraphMAE:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return GraphMAE(encoder(), FEATURES, WIDTH, **options)


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
