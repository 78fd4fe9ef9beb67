"""What the network of a member is given: the whole graph at once, or sampled neighbourhoods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from graphlab._eval_mode import evaluating
from graphlab._feature_rows import FeatureRows
from graphlab._prefetch import made_ahead
from graphlab._random import derive_seed, make_generator, random_order
from graphlab._user_module import check_output
from graphlab.ops import SparseRows
from graphlab.tag._neighbors import NeighborSampler
from graphlab.tag.tape.adjacency import SharedAdjacency

__all__: list[str] = []

Kind = Literal["gcn", "sage", "mlp", "other"]

_AHEAD = 2
# Purposes of random numbers.
_ORDER, _TRAINING, _INFERENCE = range(3)


class Piece(NamedTuple):
    """Input of a network, and the nodes whose logits count.

    Attributes:
        x (Tensor): Features of the rows that it sees.
        graph (SharedAdjacency or Tensor): Edges among them.
        node (Tensor): Nodes, int64 ``(B,)``.
        row (Tensor): Positions of these among the rows, ``(B,)``.
    """

    x: Tensor
    graph: SharedAdjacency | Tensor
    node: Tensor
    row: Tensor


class GraphView(Protocol):
    """A graph as a member is trained on it."""

    def training(self, nodes: Tensor, epoch: int) -> Iterator[Piece]:
        """Pieces that cover some nodes once."""

    def logits(self, model: nn.Module, num_classes: int, nodes: Tensor | None = None) -> Tensor:
        """Logits of some nodes or all, without dropout and gradient."""


def logits_of(model: nn.Module, x: Tensor, graph: SharedAdjacency | Tensor, classes: int) -> Tensor:
    """What the model returns, which for a network of the caller's can be anything."""
    call = "gnn(in_channels, num_classes)(x, edge_index)"
    return check_output(model(x, graph), x.size(0), call, cols=classes)


class WholeGraph:
    """The graph at once.

    Args:
        x (Tensor): Features, on the device of the training.
        graph (SharedAdjacency or Tensor): Edges, likewise.
    """

    def __init__(self, x: Tensor, graph: SharedAdjacency | Tensor) -> None:
        self._x, self._graph = x, graph

    def training(self, nodes: Tensor, epoch: int) -> Iterator[Piece]:
        """One piece."""
        yield Piece(self._x, self._graph, nodes, nodes)

    @torch.no_grad()
    def logits(self, model: nn.Module, num_classes: int, nodes: Tensor | None = None) -> Tensor:
        """One pass."""
        model.eval()
        found = logits_of(model, self._x, self._graph, num_classes)
        return found if nodes is None else found[nodes]


class SampledGraph:
    """Neighbourhoods of batches of nodes, whose features are read when they are needed.

    Every edge that GCN draws of a node's d ones stands for d / k of them, and is normalised by the
    degrees of the whole graph: sums are right on average, and exact where all neighbours are taken.

    Args:
        x (FeatureRows): Features of all nodes.
        sampler (NeighborSampler): The graph.
        kind (str): Whose normalisation edges get; ``"other"`` networks are given the edges.
        batch_size (int): Nodes of a batch.
        num_neighbors (Sequence[int]): Neighbours by layer.
        seed (int): Of orders and draws.
        device (torch.device): Of the network.
    """

    def __init__(
        self,
        x: FeatureRows,
        sampler: NeighborSampler,
        kind: Kind,
        batch_size: int,
        num_neighbors: Sequence[int],
        seed: int,
        device: torch.device,
    ) -> None:
        self._x, self._sampler, self._kind = x, sampler, kind
        self._size, self._seed, self._device = batch_size, seed, device
        self._neighbors = () if kind == "mlp" else tuple(num_neighbors)
        self._degree = sampler.degree

    def training(self, nodes: Tensor, epoch: int) -> Iterator[Piece]:
        """Batches in an order of their own for every epoch, read ahead of their step."""
        generator = make_generator(derive_seed(self._seed, _ORDER, epoch))
        order = random_order(nodes.numel(), generator, "cpu")
        return self._pieces(nodes.cpu()[order], (_TRAINING, epoch))

    @torch.no_grad()
    def logits(self, model: nn.Module, num_classes: int, nodes: Tensor | None = None) -> Tensor:
        """Batch by batch, with the same draws at every call."""
        chosen = torch.arange(self._x.shape[0], device="cpu") if nodes is None else nodes.cpu()
        parts = []
        with evaluating(model):
            for piece in self._pieces(chosen, (_INFERENCE,)):
                found = logits_of(model, piece.x, piece.graph, num_classes)
                parts.append(found[piece.row])
        if not parts:
            return torch.empty(0, num_classes, device=self._device)
        return torch.cat(parts)

    def _pieces(self, nodes: Tensor, purpose: tuple[int, ...]) -> Iterator[Piece]:
        keys = list(enumerate(nodes.split(self._size))) if nodes.numel() else []

        def read(key: tuple[int, Tensor]) -> Piece:
            generator = make_generator(derive_seed(self._seed, *purpose, key[0]))
            hood = self._sampler.sample(key[1], self._neighbors, generator)
            x = self._x[hood.node]
            x = x.float() if x.is_floating_point() else x.long()
            graph = self._graph(hood.node, hood.edge_index)
            rows = torch.arange(hood.num_seeds, device=self._device)
            return Piece(x.to(self._device), graph, key[1].to(self._device), rows)

        return made_ahead(read, keys, _AHEAD)

    def _graph(self, node: Tensor, edge_index: Tensor) -> SharedAdjacency | Tensor:
        source, target = edge_index
        count = node.numel()
        if self._kind == "gcn":
            drawn = torch.bincount(target, minlength=count).clamp(min=1)
            degree = self._degree[node]
            root = (degree + 1.0).rsqrt()  # with the self-loop, as GCNConv counts
            weight = root[source] * root[target] * (degree / drawn)[target]
            every = torch.arange(count, device="cpu")
            edge_index = torch.cat([edge_index, every.expand(2, -1)], 1)
            weight = torch.cat([weight, root.square()])
        elif self._kind == "sage":
            drawn = torch.bincount(target, minlength=count).clamp(min=1)
            weight = drawn.float().reciprocal()[target]
        else:
            return edge_index.to(self._device)
        edge_index, weight = edge_index.to(self._device), weight.float().to(self._device)
        rows = SparseRows.from_edge_index(edge_index.flip(0), count, weight)
        columns = SparseRows.from_edge_index(edge_index, count, weight)
        return SharedAdjacency(rows, columns, self._kind)
