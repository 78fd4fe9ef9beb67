"""TAPE: one network per feature, and their average."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from graphlab._checks import (
    check_choice,
    check_edge_index,
    check_fraction,
    check_int,
    check_nonnegative,
    check_positive,
)
from graphlab._random import seeded
from graphlab.evaluate import resolve_split
from graphlab.tag.tape._features import (
    check_labels,
    count_classes,
    count_nodes,
    find_features,
)
from graphlab.tag.tape.adjacency import SharedAdjacency
from graphlab.tag.tape.ensemble import REDUCTIONS, ensemble_logits
from graphlab.tag.tape.gnn import MemberNetwork
from graphlab.tag.tape.ranked_encoder import RankedPredictionEncoder
from graphlab.tag.tape.revgat import RevGAT
from graphlab.tag.tape.training import MemberResult, Recipe, evaluate, train_member

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["TAPE"]

NAMES = ("gcn", "sage", "mlp", "revgat")
Factory = Callable[[int, int], nn.Module]


class TAPE:
    """Classify the nodes of a text graph with one network per feature, and average their logits.

    The features are those of TAPE: ``"TA"``, embeddings of the nodes' own texts; ``"E"``, of the
    explanations of a language model; ``"P"``, its ranked classes. Any others may be added, such as
    a bag of words. Integer features are ranked classes (see :func:`read_ranked_predictions`), the
    others rows of floats. Every member starts from the same seed, so its result does not depend on
    the others; the epoch to keep is chosen by validation accuracy alone.

    Other than the authors': the adjacency matrix is normalised once, ranked classes are never
    expanded (:class:`RankedPredictionEncoder`), and features are checked before they are used.

    Args:
        gnn: ``"gcn"``, ``"sage"``, ``"mlp"``, ``"revgat"``, or a function of input and output
            columns that returns a module called with ``(x, edge_index)``.
        features: Names of attributes of the graph, or tensors by name.
        hidden_channels: Columns between layers (per head for RevGAT), also of a class vector.
        num_layers: Layers of a named network.
        dropout: Dropout of a named network; 0, or 0.5 for RevGAT.
        lr: Learning rate; 0.01 (Adam), or 0.002 for RevGAT (RMSprop, rising for 50 epochs).
        weight_decay: Weight decay.
        epochs: Most epochs.
        patience: Epochs below the best validation accuracy before a member stops.
        reduce: How members are averaged; see :func:`ensemble_logits`.
        weights: Weight by member; equal by default.
        num_classes: C; by default the number of ``data.label_names``, or the largest label plus
            one.
        allow_zero_rows: Whether rows of zeros are accepted, as in bags of words.
        seed: Seed of initial weights and dropout. The global generators stay as they are.
        device: Where to compute.

    Attributes:
        members_: Trained networks by feature, after :meth:`fit`.
        results_: Their :class:`MemberResult`.
        num_classes_: C.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: per epoch and member O(E h + N h (d + L h)) for d feature columns.

    Reference: X. He, X. Bresson, T. Laurent, A. Perold, Y. LeCun, B. Hooi: "Harnessing
    Explanations: LLM-to-LM Interpreter for Enhanced Text-Attributed Graph Representation Learning",
    ICLR 2024, arXiv:2305.19523.

    Example:
        >>> from torch_geometric.data import Data
        >>> y = torch.arange(30) % 3
        >>> ring = torch.stack([torch.arange(30), (torch.arange(30) + 3) % 30])
        >>> data = Data(y=y, edge_index=ring)
        >>> data.TA, data.P = torch.eye(3)[y], (y + 1).view(-1, 1)
        >>> for part, name in enumerate(("train", "val", "test")):
        ...     data[f"{name}_mask"] = torch.arange(30) // 3 % 3 == part
        >>> model = TAPE("gcn", {"TA", "P"}, hidden_channels=8, num_layers=2).fit(data)
        >>> bool((model.predict() == y).all())
        True
    """

    def __init__(
        self,
        gnn: str | Factory = "gcn",
        features: Collection[str] | Mapping[str, Tensor] = ("TA", "E", "P"),
        *,
        hidden_channels: int = 128,
        num_layers: int = 4,
        dropout: float | None = None,
        lr: float | None = None,
        weight_decay: float = 0.0,
        epochs: int = 200,
        patience: int = 50,
        reduce: str = "logits",
        weights: Mapping[str, float] | None = None,
        num_classes: int | None = None,
        allow_zero_rows: bool = False,
        seed: int = 0,
        device: str | torch.device = "cpu",
    ) -> None:
        self.gnn = gnn if callable(gnn) else check_choice(gnn, "gnn", NAMES)
        if isinstance(features, str) or not len(features):
            raise ValueError(f"features must name at least one, got {features!r}")
        self.features = features
        if weights is not None and set(weights) != set(features):
            raise ValueError(f"weights must be of {sorted(features)}, got {sorted(weights)}")
        self.weights = weights
        slow = gnn == "revgat"
        self.dropout = check_fraction(0.5 * slow if dropout is None else dropout, "dropout")
        self.hidden_channels = check_int(hidden_channels, "hidden_channels", minimum=1)
        self.num_layers = check_int(num_layers, "num_layers", minimum=2)
        self._recipe = Recipe(
            lr=check_positive((0.002 if slow else 0.01) if lr is None else lr, "lr"),
            weight_decay=check_nonnegative(weight_decay, "weight_decay"),
            epochs=check_int(epochs, "epochs", minimum=1),
            patience=check_int(patience, "patience", minimum=1),
            slow_start=slow,
        )
        self.reduce = check_choice(reduce, "reduce", REDUCTIONS)
        self.num_classes = num_classes
        self.allow_zero_rows = bool(allow_zero_rows)
        self.seed = check_int(seed, "seed", minimum=0, maximum=2**63 - 1)
        self.device = torch.device(device)

    # --- training ---------------------------------------------------------------------------------

    def fit(self, data: Any, split: Mapping[str, Tensor] | None = None) -> Self:
        """Train all members.

        Args:
            data: PyG ``Data`` with ``edge_index``, ``y`` (-1 where unknown), the named features
                and, without ``split``, masks.
            split: Masks or indices of the parts, see :func:`graphlab.evaluate.resolve_split`. Test
                nodes are never looked at; they may be left out, and are then all others.

        Returns:
            TAPE: This object.

        Raises:
            TypeError, ValueError, IndexError: If the graph, a feature or the split is malformed.
            FloatingPointError: If a loss stops being finite.
        """
        count = count_nodes(data)
        parts = resolve_split(_with_test(data.to_dict() if split is None else split, count), count)
        features = find_features(self.features, data, self.allow_zero_rows)
        y = check_labels(data.y, count, parts).to(self.device)
        self.num_classes_ = count_classes(self.num_classes, data, y, features)
        graph = self._graph(data)
        nodes = {part: parts[part].to(self.device) for part in ("train", "val")}
        self.members_: dict[str, nn.Module] = {}
        self.results_: dict[str, MemberResult] = {}
        self._logits: dict[str, Tensor] = {}
        for name, x in features.items():
            with seeded(self.seed, self.device):
                model = self._network(x).to(self.device)
                self.results_[name] = train_member(
                    model, x.to(self.device), graph, y, nodes, self._recipe, name
                )
            self.members_[name] = model
            self._logits[name] = evaluate(model, x.to(self.device), graph).cpu()
        return self

    def _network(self, x: Tensor) -> nn.Module:
        classes, hidden = self.num_classes_, self.hidden_channels
        encoder = None
        if not x.is_floating_point():
            encoder = RankedPredictionEncoder(classes, x.size(1), hidden)
        columns = x.size(1) if encoder is None else encoder.out_channels
        if isinstance(self.gnn, str) and self.gnn != "revgat":
            return MemberNetwork(
                self.gnn, columns, hidden, classes, self.num_layers, self.dropout, encoder
            )
        if self.gnn == "revgat":
            model: nn.Module = RevGAT(
                columns, hidden, classes, self.num_layers, dropout=self.dropout
            )
        else:
            model = self.gnn(columns, classes)  # type: ignore[operator]
        return model if encoder is None else _Encoded(encoder, model)

    def _graph(self, data: Any) -> SharedAdjacency | Tensor:
        count = count_nodes(data)
        edge_index = check_edge_index(data.edge_index, count, "data.edge_index")
        edge_index = edge_index.to(self.device)
        if self.gnn in ("gcn", "sage"):
            return SharedAdjacency.build(edge_index, count, str(self.gnn))
        return edge_index

    # --- prediction -------------------------------------------------------------------------------

    def member_logits(self, data: Any = None) -> dict[str, Tensor]:
        """Logits of every member by the name of its feature, ``(N, C)`` on the CPU.

        Args:
            data: Another graph with the same features as attributes; that of :meth:`fit` by
                default.

        Raises:
            RuntimeError: If the members are not trained.
            ValueError: If a feature is malformed.
        """
        if not hasattr(self, "members_"):
            raise RuntimeError("TAPE must be fitted first: call fit(data)")
        if data is None:
            return dict(self._logits)
        features = find_features(list(self.members_), data, self.allow_zero_rows)
        graph = self._graph(data)
        return {
            name: evaluate(self.members_[name], x.to(self.device), graph).cpu()
            for name, x in features.items()
        }

    def predict(self, data: Any = None) -> Tensor:
        """Class of every node, int64 ``(N,)``; see :meth:`member_logits`."""
        return self._ensemble(data).argmax(1)

    def predict_proba(self, data: Any = None) -> Tensor:
        """Probabilities of the classes, ``(N, C)``.

        By ``reduce``: softmax of averaged logits, averaged probabilities, or shares of the averaged
        places.
        """
        scores = self._ensemble(data)
        if self.reduce == "logits":
            return scores.softmax(1)
        return scores / scores.sum(1, keepdim=True)

    def _ensemble(self, data: Any) -> Tensor:
        logits = self.member_logits(data)
        weights: Sequence[float] | None = None
        if self.weights is not None:
            weights = [self.weights[name] for name in logits]
        return ensemble_logits(list(logits.values()), self.reduce, weights)


class _Encoded(nn.Module):
    """A network that takes floats, behind an encoder of ranked classes."""

    def __init__(self, encoder: RankedPredictionEncoder, network: nn.Module) -> None:
        super().__init__()
        self.encoder, self.network = encoder, network

    def forward(self, ids: Tensor, edge_index: Tensor) -> Tensor:
        out: Tensor = self.network(self.encoder(ids), edge_index)
        return out


def _with_test(split: Mapping[str, Tensor], num_nodes: int) -> Mapping[str, Tensor]:
    """Name the nodes outside the other parts as test nodes where the split does not."""
    if not isinstance(split, Mapping) or {"test", "test_mask"} & set(split):
        return split
    free = torch.ones(num_nodes, dtype=torch.bool)
    for key in ("train", "val", "valid", "train_mask", "val_mask"):
        part = split.get(key)
        if not isinstance(part, Tensor):
            continue
        if part.dtype != torch.bool:
            free[part[(part >= 0) & (part < num_nodes)].long().cpu()] = False
        elif part.shape == free.shape:
            free &= ~part.cpu()
    return {**split, "test": free}
