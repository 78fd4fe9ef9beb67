"""Every two-view method trains in a plain loop."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.utils import to_torch_csr_tensor

from graphlab.contrastive import (
    BGRL,
    GRACE,
    POT,
    CentralityDropEdge,
    DropEdge,
    MaskFeatures,
    ProGCL,
    TwoViewModel,
    sparse_features,
)
from graphlab.evaluate import linear_probe
from tests.contrastive._hosts import FEATURES, METHODS, WIDTH, build, encoder, graph


def train(name: str, epochs: int) -> tuple[TwoViewModel, list[float], Tensor]:
    x, edge_index, _ = graph()
    model = build(name, edge_index, mask_features=(0.1, 0.2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for step in range(epochs):
        optimizer.zero_grad()
        loss = model.training_loss(x, edge_index, generator=generator, step=step)
        loss.backward()
        optimizer.step()
        model.after_step(step, epochs)
        losses.append(float(loss.detach()))
    return model, losses, model.embed(x, edge_index)


@pytest.mark.parametrize("name", METHODS)
def test_training_finds_planted_groups(name: str) -> None:
    _, _, y = graph()
    before = torch.get_rng_state()
    model, losses, z = train(name, 40)
    assert torch.equal(torch.get_rng_state(), before)  # all draws come from the generator
    # ProGCL changes its loss at epoch 5.
    assert sum(losses[-5:]) < sum(losses[6:11])
    assert z.shape == (60, WIDTH)
    assert not z.requires_grad
    assert model.training  # embed puts the mode back
    assert linear_probe(z, y, seed=0, normalize="standard").accuracy > 0.6


@pytest.mark.parametrize("name", METHODS)
def test_same_generator_same_bits(name: str) -> None:
    assert train(name, 7)[1] == train(name, 7)[1]


def test_rates_and_augmentations_are_the_same_thing() -> None:
    x, edge_index, _ = graph()
    by_rate = GRACE(encoder(), WIDTH, drop_edge=(0.4, 0.3), mask_features=(0.1, 0.0))
    by_hand = GRACE(
        encoder(),
        WIDTH,
        drop_edge=(DropEdge(0.4), DropEdge(0.3)),
        mask_features=(MaskFeatures(0.1), MaskFeatures(0.0)),
    )
    pairs = [
        model.views(x, edge_index, generator=torch.Generator().manual_seed(3))
        for model in (by_rate, by_hand)
    ]
    for one, other in zip(*pairs, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_any_callable_augments() -> None:
    x, edge_index, _ = graph()
    model = GRACE(encoder(), WIDTH, drop_edge=(lambda e, generator: e[:, :10], 0.0))
    (_, first), (_, second) = model.views(x, edge_index, generator=torch.Generator())
    assert torch.equal(first, edge_index[:, :10])
    assert torch.equal(second, edge_index)


def test_progcl_keeps_one_mixture() -> None:
    model, _, _ = train("progcl", 5)
    assert isinstance(model, ProGCL)
    assert model.contrast.mixture is None
    model, _, _ = train("progcl", 6)
    assert isinstance(model, ProGCL)
    mixture = model.contrast.mixture
    assert mixture is not None
    x, edge_index, _ = graph()
    model.training_loss(x, edge_index, generator=torch.Generator(), step=6)
    assert model.contrast.mixture is mixture


def test_bad_settings() -> None:
    with pytest.raises(ValueError, match="drop_edge must be a pair"):
        GRACE(encoder(), WIDTH, drop_edge=(0.1,))
    with pytest.raises(ValueError, match=r"p must lie in \[0, 1\]"):
        GRACE(encoder(), WIDTH, drop_edge=(0.1, 1.5))
    with pytest.raises(TypeError, match="encoder must be a torch.nn.Module"):
        GRACE(lambda x, e: x, WIDTH)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="out_channels"):
        BGRL(encoder(), 0)
    with pytest.raises(ValueError, match="temperature must be positive"):
        GRACE(encoder(), WIDTH, temperature=0.0)


@pytest.mark.parametrize("name", ["grace", "gca", "progcl", "costa", "bgrl", "gbt", "graphcl"])
def test_pot_takes_every_host(name: str) -> None:
    x, edge_index, _ = graph()
    model = build(name, edge_index)
    rates = [getattr(d, "probability", getattr(d, "p", 0.0)) for d in model.drop_edge]
    pot = POT(model.encoder, edge_index, drop_rate=rates, kappa=0.4, mode="sound")
    host = model.host_step(x, edge_index, generator=torch.Generator().manual_seed(0), step=5)
    loss = pot.regularise(host, x)
    views = (host.views[0][1], host.views[1][1])
    assert torch.equal(loss, pot(host.loss, host.z1, host.z2, x, views=views))
    loss.backward()
    for parameter in model.encoder.parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all()


def test_pot_warns_once_of_a_host_with_other_drop_rates() -> None:
    x, edge_index, _ = graph()
    model = build("grace", edge_index)
    model.drop_edge = (DropEdge(0.8), CentralityDropEdge(edge_index, x.size(0), 0.3))
    pot = POT(model.encoder, edge_index, (0.05, 0.05), mode="sound", budget="quantile")
    step = model.host_step(x, edge_index)
    with pytest.warns(UserWarning) as seen:
        pot.regularise(step, x)
        pot.regularise(step, x)
    first, second = (str(warning.message) for warning in seen)
    assert first.startswith("drop_rate[0] is 0.05, but view 1 of the host drops edges with prob")
    assert "probability 0.8" in first
    assert f"on average of {edge_index.size(1)} edges" in second


def test_pot_does_not_compare_rates_that_no_budget_follows_from() -> None:
    x, edge_index, _ = graph()
    model = build("grace", edge_index)
    model.drop_edge = (DropEdge(0.8), DropEdge(0.1))
    for budget in ("all", "expected", torch.ones(x.size(0), dtype=torch.int64)):
        pot = POT(model.encoder, edge_index, (0.05, 0.05), mode="sound", budget=budget)
        assert pot.regularise(model.host_step(x, edge_index), x).isfinite()


def test_pot_takes_an_augmentation_that_tells_no_rate() -> None:
    x, edge_index, _ = graph()
    model = build("grace", edge_index)
    model.drop_edge = (lambda edges, *, generator: edges, DropEdge(0.2))
    rates = (0.05, torch.full((edge_index.size(1),), 0.2))
    pot = POT(model.encoder, edge_index, rates, mode="sound", budget="quantile")
    assert pot.regularise(model.host_step(x, edge_index), x).isfinite()


def test_embedding_leaves_frozen_layers_in_their_mode() -> None:
    encoder = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 4))
    model = GRACE(_Plain(encoder), 4)
    encoder[0].eval()  # as POT asks for
    model.embed(torch.randn(5, 4), torch.zeros(2, 0, dtype=torch.int64))
    assert [model.training, encoder.training, encoder[0].training] == [True, True, False]


class _Plain(nn.Module):
    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        z: Tensor = self.layers(x)
        return z


def test_the_second_view_may_start_from_another_graph() -> None:
    x, edge_index, _ = graph()
    model = GRACE(encoder(), WIDTH, drop_edge=(0.0, 0.0))
    second = (2 * x, edge_index[:, :20])
    step = model.host_step(x, edge_index, generator=torch.Generator(), second=second)
    for view, source in zip(step.views, ((x, edge_index), second), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(view, source, strict=True))
    assert torch.equal(step.z2, model(*second))


class _OwnMethod(TwoViewModel):
    """A method of a user, with nothing but its loss."""

    def _view_loss(
        self,
        z1: Tensor,
        z2: Tensor,
        views: list[tuple[Tensor, Tensor]],
        *,
        generator: torch.Generator,
        step: int = 0,
    ) -> Tensor:
        return (z1 - z2).square().mean() * (step + 1)


def test_a_method_of_ones_own_needs_a_loss_only() -> None:
    x, edge_index, _ = graph()
    model = _OwnMethod(encoder(), (0.1, 0.2), (0.0, 0.0))
    losses = [
        model.training_loss(x, edge_index, generator=torch.Generator().manual_seed(0), step=step)
        for step in (0, 1)
    ]
    assert float(losses[1].detach()) == pytest.approx(2 * float(losses[0].detach()))
    bare = TwoViewModel(encoder(), (0.1, 0.2), (0.0, 0.0))
    with pytest.raises(NotImplementedError, match="TwoViewModel must implement _view_loss"):
        bare.training_loss(x, edge_index, generator=torch.Generator())


def test_anchors_are_drawn_per_step_and_estimate_the_loss() -> None:
    x, edge_index, _ = graph()
    torch.manual_seed(0)
    network = encoder()

    def losses(count: int | None) -> Tensor:
        torch.manual_seed(1)  # of the head
        model = GRACE(network, WIDTH, drop_edge=(0.0, 0.0), num_anchors=count)
        generator = torch.Generator().manual_seed(0)
        steps = [model.training_loss(x, edge_index, generator=generator) for _ in range(200)]
        return torch.stack(steps).detach()

    whole, some = losses(None), losses(15)
    assert some.unique().numel() > 100  # other anchors in other steps
    assert abs(some.mean() - whole[0]) < 4 * some.std() / 200**0.5
    torch.testing.assert_close(losses(len(x)), whole)
    with pytest.raises(ValueError, match="num_anchors must be"):
        GRACE(network, WIDTH, num_anchors=0)


def test_short_features_are_said_to_start_on_a_plateau() -> None:
    x, edge_index, _ = graph()
    torch.manual_seed(0)
    model = GRACE(encoder(), WIDTH)
    generator = torch.Generator().manual_seed(0)
    with pytest.warns(UserWarning, match=r"almost one output \(mean cosine 1 - .*Scale the feat"):
        step = model.host_step(1e-4 * x, edge_index, generator=generator)
    # What is warned of: the loss of no information.
    assert abs(float(step.loss.detach()) - math.log(2 * len(x) - 1)) < 1e-2
    model.host_step(1e-4 * x, edge_index, generator=generator, step=1)
    model.host_step(x, edge_index, generator=generator)


@pytest.mark.filterwarnings("ignore:Sparse")
def test_a_sparse_matrix_goes_to_the_encoder_as_it_is() -> None:
    x, edge_index, _ = graph()
    model = GRACE(encoder(), WIDTH)
    matrix = to_torch_csr_tensor(edge_index, size=len(x))
    torch.testing.assert_close(model.embed(x, matrix), model.embed(x, edge_index))


class _Kept(nn.Module):
    """An encoder that gives what it gave first."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(FEATURES, WIDTH)
        self.kept: Tensor | None = None

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        if self.kept is None:
            self.kept = self.layer(x.to_dense())
        return self.kept


def test_embeddings_that_forget_the_view_are_told_with_sparse_features_too() -> None:
    x, edge_index, _ = graph()
    rows, generator = sparse_features(x * (x > 1.5)), torch.Generator().manual_seed(0)
    assert rows.layout == torch.sparse_csr
    model = GRACE(_Kept(), WIDTH, drop_edge=(0.0, 0.0), mask_features=(0.0, 0.5))
    with pytest.warns(UserWarning, match="both views have the same embeddings although they diff"):
        model.host_step(rows, edge_index, generator=generator)
    same = GRACE(_Kept(), WIDTH, drop_edge=(0.0, 0.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same.host_step(rows, edge_index, generator=generator, second=(rows.clone(), edge_index))
