"""Every public module can be copied, pickled, moved, stored and wrapped as torch expects."""

import copy
import importlib
import inspect
import json
import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv, Sequential

from graphlab import contrastive, embed, tag
from graphlab._estimator import Estimator
from graphlab.contrastive import pretext
from graphlab.tag import tape
from tests._data import REPOSITORY

NODES = 12
RING = torch.stack([torch.arange(NODES), (torch.arange(NODES) + 1) % NODES])
EDGES = torch.cat([RING, RING.flip(0)], dim=1)
CLUSTER = torch.arange(NODES) % 3


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows(columns: int, seed: int = 0, count: int = NODES) -> Tensor:
    return torch.randn(count, columns, generator=seeded(seed), dtype=torch.float64)


def encoder() -> nn.Module:
    layers = [
        (GCNConv(4, 6), "x, edge_index -> x"),
        nn.ReLU(),
        (GCNConv(6, 5), "x, edge_index -> x"),
    ]
    made: nn.Module = Sequential("x, edge_index", layers)
    return made


def first_loss(model: Any) -> Tensor:
    loss: Tensor = model.training_loss(rows(4), EDGES, generator=seeded())
    return loss


def clustering(model: contrastive.ClusteringNetwork) -> Tensor:
    return model.loss(*model(rows(4)), contrastive.influence_graph(EDGES, NODES))


def progcl_loss(loss: contrastive.ProGCLLoss) -> Tensor:
    if loss.mixture is None:
        loss.fit(rows(5), rows(5, 1), generator=seeded())
    return loss(rows(5), rows(5, 1))


def clip_encoder(**options: Any) -> tag.graphclip.GraphCLIPEncoder:
    return tag.graphclip.GraphCLIPEncoder(
        4, 8, 4, 1, 4, 2, out_channels=5, center_channels=8, **options
    )


def clip_inputs() -> tuple[Tensor, ...]:
    batch = torch.zeros(NODES, dtype=torch.long)
    pe = tag.graphclip.random_walk_encoding(EDGES, batch, 1, 4, dtype=torch.float64)
    return rows(4), pe, EDGES, batch, torch.tensor([0])


GCA = {"edge_index": EDGES, "num_nodes": NODES}
TUNER = {"class_embeddings": torch.eye(3, 5)}


def labelled() -> Data:
    mask = torch.arange(NODES) < 4
    return Data(x=rows(4), edge_index=EDGES, y=torch.arange(NODES) % 2, train_mask=mask)


# How to build it, and a value that it computes in double precision.
MODULES: dict[str, tuple[Callable[[], nn.Module], Callable[[Any], Any]]] = {
    "BGRL": (lambda: contrastive.BGRL(encoder(), 5, 6), first_loss),
    "BarlowTwinsLoss": (contrastive.BarlowTwinsLoss, lambda m: m(rows(5), rows(5, 1))),
    "CLIPLoss": (contrastive.CLIPLoss, lambda m: m(rows(5), rows(5, 1))),
    "COSTA": (lambda: contrastive.COSTA(encoder(), 5), first_loss),
    "ClusteringNetwork": (
        lambda: contrastive.ClusteringNetwork(
            nn.Linear(4, 5), rows(5, count=3).float(), contrastive.PamCLoss()
        ),
        clustering,
    ),
    "ContextAwareSelector": (
        lambda: tag.gaugllm.ContextAwareSelector(5, 2),
        lambda m: m(rows(10).view(NODES, 2, 5), rows(10, 1).view(NODES, 2, 5)),
    ),
    "ContextLabel": (
        lambda: contrastive.ContextLabel(4, 2, dropout=0.0).setup(labelled()),
        lambda m: m.loss(rows(4)),
    ),
    **{
        name: (made_task, lambda m: m.loss(rows(4)))
        for name, made_task in {
            "AttributeMask": lambda: pretext.AttributeMask(4, rate=0.5, num_components=2).setup(
                labelled()
            ),
            "DistanceToCluster": lambda: pretext.DistanceToCluster(4, num_clusters=2).setup(
                labelled()
            ),
            "DistanceToLabeled": lambda: pretext.DistanceToLabeled(4, 2).setup(labelled()),
            "EdgeMask": lambda: pretext.EdgeMask(4, rate=0.5).setup(labelled()),
            "NodeProperty": lambda: pretext.NodeProperty(4).setup(labelled()),
            "PairwiseDistance": lambda: pretext.PairwiseDistance(4, num_pairs=1, max_hops=2).setup(
                labelled()
            ),
            "PairwiseSimilarity": lambda: pretext.PairwiseSimilarity(4).setup(labelled()),
        }.items()
    },
    "MultiTaskLoss": (
        lambda: pretext.MultiTaskLoss([pretext.NodeProperty(4)], [2.0]).setup(labelled()),
        lambda m: m(rows(4)),
    ),
    "GBT": (lambda: contrastive.GBT(encoder()), first_loss),
    "GCA": (lambda: contrastive.GCA(encoder(), 5, **GCA), first_loss),
    "GRACE": (lambda: contrastive.GRACE(encoder(), 5), first_loss),
    "GraphCL": (lambda: contrastive.GraphCL(encoder(), 5), first_loss),
    "GraphCLIP": (lambda: tag.GraphCLIP(clip_encoder()), lambda m: m(*clip_inputs())),
    "GraphCLIPEncoder": (clip_encoder, lambda m: m(*clip_inputs())),
    "GraphCLLoss": (
        lambda: contrastive.GraphCLLoss(5),
        lambda m: m(rows(5), rows(5, 1), rows(5, 2), rows(5, 3)),
    ),
    "GraphMAE": (lambda: contrastive.GraphMAE(encoder(), 4, 5), first_loss),
    "InfoNCELoss": (lambda: contrastive.InfoNCELoss(0.5), lambda m: m(rows(5), rows(5, 1))),
    "KGEmbedding": (
        lambda: embed.KGEmbedding(
            NODES, 2, 4, (torch.mul, nn.Linear(4, 4)), entity_features=rows(3).float()
        ),
        lambda m: m(EDGES[0], EDGES[0] % 4, EDGES[1]),
    ),
    "MemberNetwork": (
        lambda: tape.MemberNetwork("gcn", 4, 4, 2, num_layers=2),
        lambda m: m(rows(4), EDGES),
    ),
    "PamCLoss": (contrastive.PamCLoss, lambda m: m(rows(5), EDGES, CLUSTER)),
    "QueryGNN": (
        lambda: tag.retrieval.gfm.QueryGNN(4, 5, 2),
        lambda m: m(rows(4)[:4], rows(4)[:1], torch.ones(1, NODES).double(), EDGES, EDGES[0] % 4),
    ),
    "ProGCL": (lambda: contrastive.ProGCL(encoder(), 5, start_epoch=0), first_loss),
    "ProGCLLoss": (lambda: contrastive.ProGCLLoss(0.5), progcl_loss),
    "PromptTuner": (
        lambda: tag.PromptTuner(tag.GraphCLIP(clip_encoder()), **TUNER),
        lambda m: m(rows(4)),
    ),
    "SoftPrune": (
        lambda: tag.retrieval.SoftPrune(4, 5),
        lambda m: sum(gates.sum() for gates in m(rows(4), rows(4, 1), rows(4, 2)[0])),
    ),
    "RankedPredictionEncoder": (
        lambda: tag.tape.RankedPredictionEncoder(3, 2, 4),
        lambda m: m(torch.tensor([[1, 2], [3, 0]])),
    ),
    "RevGAT": (lambda: tag.tape.RevGAT(4, 4, 2, 2, heads=2), lambda m: m(rows(4), EDGES)),
    "S2GAE": (lambda: contrastive.S2GAE(encoder(), 5), first_loss),
    "SDCNAutoEncoder": (lambda: contrastive.SDCNAutoEncoder(4, (6,), 3), lambda m: m(rows(4))),
    "TwoViewModel": (
        lambda: contrastive.TwoViewModel(encoder(), (0.2, 0.3), (0.1, 0.1)),
        lambda m: m(rows(4), EDGES),
    ),
}


def made(name: str) -> nn.Module:
    """In double precision and in evaluation mode, used once: whatever it keeps, it now has."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = MODULES[name][0]().double().eval()
    value(name, module)
    return module


def value(name: str, module: nn.Module) -> list[Tensor]:
    out = MODULES[name][1](module)
    return list(out) if isinstance(out, tuple) else [out]


def same(name: str, module: nn.Module, other: nn.Module) -> bool:
    pairs = zip(value(name, module), value(name, other), strict=True)
    return all(torch.equal(one, two) for one, two in pairs)


def test_every_public_module_is_here() -> None:
    public = json.loads(
        (REPOSITORY / "tests" / "house" / "surface.json").read_text(encoding="utf-8")
    )
    found = set()
    for room, names in public.items():
        objects = {name: getattr(importlib.import_module(room), name) for name in names}
        found |= {
            name
            for name, item in objects.items()
            if inspect.isclass(item) and issubclass(item, nn.Module)
            if not inspect.isabstract(item)
        }
    assert found == set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_copy_and_pickle_compute_the_same(name: str) -> None:
    module = made(name)
    assert same(name, copy.deepcopy(module), module)
    assert same(name, pickle.loads(pickle.dumps(module)), module)


@pytest.mark.parametrize("name", MODULES)
def test_copy_shares_nothing_that_learns(name: str) -> None:
    module = made(name)
    twin = copy.deepcopy(module)
    before = [tensor.clone() for tensor in module.state_dict().values()]
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(1.0)
    after = module.state_dict().values()
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("name", MODULES)
def test_state_restores_a_module_built_anew(name: str) -> None:
    module = made(name)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        other = MODULES[name][0]().double().eval()
    other.load_state_dict(module.state_dict())
    assert same(name, other, module)
    assert all(isinstance(tensor, Tensor) for tensor in module.state_dict().values())


@pytest.mark.parametrize("name", MODULES)
def test_double_reaches_every_floating_tensor(name: str) -> None:
    state = made(name).state_dict().items()
    assert {key for key, t in state if t.is_floating_point() and t.dtype != torch.float64} == set()


#: Plain objects whose tensors are brought to the device of each call's arguments, and the cache of
#: the last graph, which those of another device replace.
FOLLOW_ARGUMENTS = ("CentralityDropEdge", "BetaMixture", "TensorMemo")


def kept(holder: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Tensor]]:
    """All tensors that can be reached from an object, with the way to them."""
    if isinstance(holder, Tensor):
        yield path, holder
    skipped = type(holder).__name__ in FOLLOW_ARGUMENTS or isinstance(holder, torch.Generator)
    if skipped or id(holder) in seen:
        return
    seen.add(id(holder))
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(holder, dict):
        items = holder.items()
    elif isinstance(holder, (list, tuple)):
        items = enumerate(holder)
    elif hasattr(holder, "__dict__") and not isinstance(holder, (Tensor, type)):
        items = vars(holder).items()
        if isinstance(holder, Estimator):  # its parameters stay as they were given
            given = holder.get_params(deep=False)
            given["_fitted_by"] = given  # the same objects
            items = [(key, value) for key, value in items if key not in given]
    for key, value in items:
        yield from kept(value, f"{path}.{key}", seen)


@pytest.mark.parametrize("name", MODULES)
def test_nothing_stays_behind_when_a_module_moves(name: str) -> None:
    module = made(name)
    module.zero_grad()
    module.to("meta")
    left = [path for path, tensor in kept(module, name, set()) if not tensor.is_meta]
    assert left == []


@pytest.fixture
def one_process() -> Iterator[None]:
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.skipif(not dist.is_available(), reason="torch without distributed")
@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("name", MODULES)
def test_distributed_wrapper_takes_what_learns(name: str) -> None:
    module = made(name)
    learns = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if learns:
        wrapped = DistributedDataParallel(module)
        assert same(name, wrapped.module, module)
    else:  # there is nothing to average: the loss stands beside the wrapped encoder
        assert same(name, copy.deepcopy(module), module)
