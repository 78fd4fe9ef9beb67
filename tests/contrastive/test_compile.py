"""Losses and models under torch.compile: alone, with an encoder, over several steps and sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import GCN

from graphlab.contrastive import losses
from graphlab.ops import CSRGraph
from tests.contrastive._hosts import FEATURES, NODES, WIDTH, graph
from tests.contrastive.hosts.test_contract import MODELS

X, EDGES, _ = graph()
CLUSTER = torch.arange(NODES) % 4
WEIGHT = torch.linspace(0.5, 1.5, EDGES.size(1))
OTHER = torch.randn(NODES, WIDTH, generator=torch.Generator().manual_seed(0))
STEPS = 3
# What torch's tracer itself warns about is no matter of the library.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf"),
    pytest.mark.filterwarnings("ignore:Dynamo does not know how to trace"),
]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Nothing compiled before, and nothing left behind."""
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def pamc(kind: Any, **given: Any) -> Callable[[], nn.Module]:
    """PamC on plain edges, K given as for every compiled call."""

    class OnGraph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            # Drawn anew at every call, the sample would differ between the two trainings.
            self.loss = losses.PamCLoss(0.5, kind, num_samples=NODES)

        def forward(self, z: Tensor) -> Tensor:
            edges = given.get("edges", EDGES)
            value: Tensor = self.loss(z, edges, CLUSTER, given.get("weight"), given.get("k", 4))
            return value

    return OnGraph


class Against(nn.Module):
    """A loss of two views, the second of which stays."""

    def __init__(self, loss: Callable[..., Tensor]) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, z: Tensor) -> Tensor:
        return self.loss(z, OTHER)


def fitted() -> losses.ProGCLLoss:
    return losses.ProGCLLoss(0.5).fit(OTHER, OTHER.flip(0), columns=torch.arange(5))


IDS = torch.arange(NODES) // 2
LOSSES: dict[str, Callable[[], nn.Module]] = {
    **{f"PamCLoss {k}": pamc(k) for k in ("meta", "meta1", "meta2", "exact", "sampled")},
    "PamCLoss with weights": pamc("meta", weight=WEIGHT),
    "PamCLoss, K read off": pamc("meta", k=None),
    "PamCLoss, prepared": pamc("meta", edges=CSRGraph.from_edge_index(EDGES, NODES)),
    "pamc_loss": lambda: Against(lambda z, _: losses.pamc_loss(z, EDGES, CLUSTER, num_clusters=4)),
    "InfoNCELoss": lambda: Against(losses.InfoNCELoss(0.5)),
    "InfoNCELoss between": lambda: Against(losses.InfoNCELoss(0.5, False)),
    "ProGCLLoss": lambda: Against(fitted()),
    "BarlowTwinsLoss": lambda: Against(losses.BarlowTwinsLoss()),
    "CLIPLoss": lambda: Against(losses.CLIPLoss()),
    "CLIPLoss siglip": lambda: Against(losses.CLIPLoss("siglip")),
    "CLIPLoss with ids": lambda: Against(lambda a, b: losses.CLIPLoss()(a, b, IDS)),
    "bgrl_loss": lambda: Against(lambda a, b: losses.bgrl_loss(a, b, a, b)),
    "scaled_cosine_error": lambda: Against(losses.scaled_cosine_error),
    "GraphCLLoss": lambda: Against(Discriminator()),
    "supcon_loss": lambda: Against(
        lambda a, b: losses.supcon_loss(torch.stack([a, b], 1), CLUSTER)
    ),
}


class Discriminator(nn.Module):
    """GraphCLLoss of two matrices, its weights the same every time."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.loss = losses.GraphCLLoss(WIDTH)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        value: Tensor = self.loss(a, b, a, b)
        return value


def made_encoder() -> GCN:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return GCN(FEATURES, 8, 2, out_channels=WIDTH)


def trained(step: Callable[[], Tensor], parameters: Any) -> list[float]:
    """Losses of some steps."""
    optimizer = torch.optim.SGD(parameters, lr=1e-2)
    found = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = step()
        loss.backward()
        optimizer.step()
        found.append(float(loss.detach()))
    return found


def losses_of(name: str, way: str) -> list[float]:
    encoder, loss = made_encoder(), LOSSES[name]()
    call: Callable[[], Tensor]
    if way == "alone":
        compiled = torch.compile(loss, backend="eager")
        call = lambda: compiled(encoder(X, EDGES))  # noqa: E731
    else:

        def both() -> Tensor:
            value: Tensor = loss(encoder(X, EDGES))
            return value

        call = torch.compile(both, backend="eager") if way == "with the encoder" else both
    return trained(call, encoder.parameters())


#: One of each family: tracing takes seconds.
QUICK = ("PamCLoss meta", "PamCLoss exact", "InfoNCELoss", "ProGCLLoss", "BarlowTwinsLoss")


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in LOSSES]
)
def test_compiled_loss_trains_as_the_eager_one(name: str) -> None:
    assert losses_of(name, "alone") == pytest.approx(losses_of(name, "eager"), rel=1e-4)


#: The one that prepares and remembers a graph; the others are slow tests.
FAST = ("PamCLoss meta",)


@pytest.mark.parametrize(
    "name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in LOSSES]
)
def test_compiled_encoder_and_loss_train_as_the_eager_ones(name: str) -> None:
    compiled = losses_of(name, "with the encoder")
    assert compiled == pytest.approx(losses_of(name, "eager"), rel=1e-4)


def test_a_prepared_graph_is_one_piece_and_plain_edges_are_not() -> None:
    prepared = CSRGraph.from_edge_index(EDGES, NODES)
    for edges, whole in ((prepared, True), (EDGES, False)):
        torch._dynamo.reset()
        loss = torch.compile(pamc("meta", edges=edges)(), backend="eager", fullgraph=True)
        if whole:
            assert bool(loss(OTHER).isfinite())
            continue
        with pytest.raises(Exception, match="data-dependent|Dynamic shape|csr_from_edges"):
            loss(OTHER)


@pytest.mark.parametrize("mode", ["weight", "mix"])
def test_progcl_is_one_piece_until_its_fit(mode: Any) -> None:
    made = losses.ProGCLLoss(0.5, mode, num_mixed=5)
    assert torch._dynamo.explain(made)(OTHER, OTHER.flip(0)).graph_break_count == 0
    made.fit(OTHER, OTHER.flip(0))
    torch._dynamo.reset()
    assert torch._dynamo.explain(made)(OTHER, OTHER.flip(0)).graph_break_count > 0


@pytest.mark.parametrize(
    "kind", ["info_nce", *(pytest.param(k, marks=pytest.mark.slow) for k in ("meta", "exact"))]
)
def test_sizes_may_change(kind: Any) -> None:
    def loss(z: Tensor, edges: Tensor, cluster: Tensor) -> Tensor:
        if kind == "info_nce":
            return losses.info_nce(z, z.flip(1), 0.5)
        return losses.pamc_loss(z, edges, cluster, negatives=kind, num_clusters=4)

    compiled = torch.compile(loss, backend="eager", dynamic=True)
    generator = torch.Generator().manual_seed(0)
    for count in (40, 50, 33, 50):
        z = torch.randn(count, 8, generator=generator, requires_grad=True)
        edges = torch.randint(count, (2, 3 * count), generator=generator)
        arguments = (z, edges, torch.arange(count) % 4)
        (found,) = torch.autograd.grad(compiled(*arguments), z)
        (expected,) = torch.autograd.grad(loss(*arguments), z)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("dynamic", [None, True])
@pytest.mark.parametrize("name", ["PamCLoss meta", "PamCLoss meta2", "InfoNCELoss", "ProGCLLoss"])
def test_generated_code_agrees(name: str, dynamic: bool | None) -> None:
    loss = LOSSES[name]()
    z = OTHER.flip(1).clone().requires_grad_()
    (expected,) = torch.autograd.grad(loss(z), z)
    compiled = torch.compile(loss, dynamic=dynamic)
    for _ in range(STEPS):
        (found,) = torch.autograd.grad(compiled(z), z)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["encoder", "model", "training_loss"])
@pytest.mark.parametrize("name", MODELS)
def test_models_train_compiled(name: str, part: str) -> None:
    def run(compiled: bool) -> list[float]:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = MODELS[name]()
        step = model.training_loss
        if compiled and part == "encoder":
            model.encoder = torch.compile(model.encoder, backend="eager")  # type: ignore[assignment]
        elif compiled and part == "model":
            model.compile(backend="eager")
        elif compiled:
            step = torch.compile(step, backend="eager")
        generator = torch.Generator().manual_seed(0)
        number = iter(range(STEPS))
        return trained(
            lambda: step(X, EDGES, generator=generator, step=next(number)), model.parameters()
        )

    assert run(True) == pytest.approx(run(False), rel=1e-4)
