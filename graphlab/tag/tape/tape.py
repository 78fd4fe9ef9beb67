"""TAPE: one network per feature, and their average."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from graphlab._checks import Array, check_edge_index, check_matrix
from graphlab._estimator import Estimator, packed, unpacked
from graphlab._feature_rows import FeatureRows, in_memory
from graphlab._graphs.edges import read_structure
from graphlab._io import check_layers, check_writable
from graphlab._random import seeded
from graphlab._training import Callback
from graphlab._user_module import check_encoder
from graphlab.evaluate import resolve_split
from graphlab.tag._neighbors import NeighborSampler, check_neighbors
from graphlab.tag.tape._features import (
    check_as_fitted,
    check_labels,
    count_classes,
    count_nodes,
    find_features,
    is_ranked,
)
from graphlab.tag.tape._split import with_test_part
from graphlab.tag.tape.adjacency import SharedAdjacency
from graphlab.tag.tape.ensemble import ensemble_logits
from graphlab.tag.tape.finished import FinishedMembers, data_name
from graphlab.tag.tape.gnn import MemberNetwork
from graphlab.tag.tape.graph_view import GraphView, SampledGraph, WholeGraph
from graphlab.tag.tape.member import (
    MemberResult,
    member_result,
    train_member,
)
from graphlab.tag.tape.parameters import check_parameters, settings_of
from graphlab.tag.tape.ranked_encoder import EncodedNetwork, RankedPredictionEncoder
from graphlab.tag.tape.revgat import RevGAT

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["TAPE"]

Factory = Callable[[int, int], nn.Module]


class TAPE(Estimator):
    """Classify the nodes of a text graph with one network per feature, and average their logits.

    The features are those of TAPE: ``"TA"``, embeddings of the nodes' own texts; ``"E"``, of the
    explanations of a language model; ``"P"``, its ranked classes. Any others may be added, such as
    a bag of words. Integer features are ranked classes (see :func:`read_ranked_predictions`), the
    others rows of floats: give a bag of words as floats. Every member starts from the same seed,
    so its result does not depend on the others; the epoch to keep is chosen by validation accuracy
    alone.

    Other than the authors': the adjacency matrix is normalised once, ranked classes are never
    expanded (:class:`RankedPredictionEncoder`), and features are checked before they are used.

    Args:
        gnn (str or callable): ``"gcn"``, ``"sage"``, ``"mlp"``, ``"revgat"``, or a function of
            input and output columns that returns a module called with ``(x, edge_index)``. A
            function is not saved: give it to :meth:`load` again.
        features (collection of str, or mapping): Names of attributes of the graph, or tensors or
            numpy arrays by name, of which the names alone are saved. An :class:`EmbeddingStore` may
            take the place of a tensor of floats.
        hidden_channels (int): Columns between layers (per head for RevGAT), also of a class vector.
        num_layers (int): Layers of a named network.
        dropout (float, optional): Dropout of a named network; 0, or 0.5 for RevGAT, when missing.
        lr (float, optional): Learning rate; 0.01 (Adam), or 0.002 for RevGAT (RMSprop, rising for
            50 epochs), when missing.
        weight_decay (float): Weight decay.
        epochs (int): Most epochs.
        patience (int): Epochs below the best validation accuracy before a member stops.
        reduce (str): Average of the members; see :func:`ensemble_logits`.
        weights (mapping, optional): Weight by member; equal when missing.
        num_classes (int, optional): C; the number of ``data.label_names``, or the largest label
            plus one, when missing.
        allow_zero_rows (bool): Accept rows of zeros, as in bags of words.
        seed (int): Seed of initial weights and dropout. The global generators stay as they are.
        device (str or torch.device): Where to compute; a loaded one computes on the CPU.
        batch_size (int, optional): Nodes of a step, which sees them with sampled neighbours and
            reads no other features; the whole graph when missing.
        num_neighbors (sequence of int, optional): Neighbours drawn per node with ``batch_size``,
            from the nodes of the batch outwards, one number per layer, -1 for all; 10 in every
            layer when missing. Predictions draw the same ones at every call, and are exact where
            all are taken in as many layers as the network has.

    Attributes:
        members_ (dict[str, nn.Module]): Trained networks by feature, after :meth:`fit`.
        logits_ (dict[str, Tensor]): Their logits on the graph of :meth:`fit`, ``(N, C)``.
        history_ (list[dict]): ``member``, ``epoch``, ``loss`` and ``val_accuracy`` of every epoch.
        num_classes_ (int): C.

    Complexity: per epoch and member O(E h + N h (d + L h)) for d feature columns. With a batch
        size, memory is that of the edges and of one neighbourhood.

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

    _objects: ClassVar[tuple[str, ...]] = ("gnn",)
    _read_later: ClassVar[frozenset[str]] = frozenset(
        {"reduce", "weights", "device", "batch_size", "num_neighbors"}
    )

    def __init__(
        self,
        gnn: Literal["gcn", "sage", "mlp", "revgat"] | Factory = "gcn",
        features: Collection[str] | Mapping[str, FeatureRows] = ("TA", "E", "P"),
        *,
        hidden_channels: int = 128,
        num_layers: int = 4,
        dropout: float | None = None,
        lr: float | None = None,
        weight_decay: float = 0.0,
        epochs: int = 200,
        patience: int = 50,
        reduce: Literal["logits", "probs", "rank"] = "logits",
        weights: Mapping[str, float] | None = None,
        num_classes: int | None = None,
        allow_zero_rows: bool = False,
        seed: int = 0,
        device: str | torch.device = "cpu",
        batch_size: int | None = None,
        num_neighbors: Sequence[int] | None = None,
    ) -> None:
        self.gnn = gnn
        self.features = features
        self.hidden_channels = hidden_channels
        self.num_layers = num_layers
        self.dropout = dropout
        self.lr = lr
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.patience = patience
        self.reduce = reduce
        self.weights = weights
        self.num_classes = num_classes
        self.allow_zero_rows = allow_zero_rows
        self.seed = seed
        self.device = device
        self.batch_size = batch_size
        self.num_neighbors = num_neighbors

    # --- training ---------------------------------------------------------------------------------

    def fit(
        self,
        data: Any,
        split: Mapping[str, Array] | None = None,
        *,
        directory: str | os.PathLike[str] | None = None,
        resume: bool = True,
        callback: Callback | None = None,
    ) -> Self:
        """Train all members.

        Args:
            data (Data): Graph with ``edge_index``, ``y`` (-1 where unknown), the named features
                and, without ``split``, masks.
            split (Mapping[str, Tensor or ndarray], optional): Masks or indices of the parts, see
                :func:`graphlab.evaluate.resolve_split`. Test nodes are never looked at; they may be
                left out, and are then all others.
            directory (path, optional): Folder that keeps every member as soon as it is trained.
                Whatever ends the training, Ctrl-C too, the next call goes on with the others.
            resume (bool): Take members found there, whose settings and data must be the same.
            callback (callable, optional): Called with the row of every epoch that is trained; see
                ``history_``.

        Returns:
            TAPE: This object.

        Raises:
            TypeError, ValueError, IndexError: If a parameter, the graph, a feature or the split is
                malformed, or a member that was kept has other settings or data.
            FloatingPointError: If a loss stops being finite.
            OSError: If the folder cannot be written.
        """
        recipe = check_parameters(self.get_params(deep=False))
        folder = None if directory is None else check_writable(directory, "directory", folder=True)
        count = count_nodes(data)
        parts = resolve_split(
            with_test_part(data.to_dict() if split is None else split, count), count
        )
        features = find_features(self.features, data, self.allow_zero_rows)
        y = check_labels(data.y, count, parts).to(self.device)
        num_classes = count_classes(self.num_classes, data, y, features)
        edge_index = _edges_of(data, count)
        views = self._views(edge_index, count)
        nodes = {part: parts[part].to(self.device) for part in ("train", "val")}
        settings = settings_of(self.get_params(deep=False), recipe, num_classes)
        if folder is not None:  # a hash reads all edges
            settings["data"] = data_name(edge_index, y, nodes)
        finished = FinishedMembers(folder, settings, resume)
        members: dict[str, nn.Module] = {}
        logits: dict[str, Tensor] = {}
        history: list[dict[str, Any]] = []

        for name, x in features.items():
            # From the same seed for every member: its result does not depend on the others.
            with seeded(self.seed, torch.device(self.device)):
                model = self._network(x.shape[1], is_ranked(x), num_classes).to(self.device)
                kept = finished.load(name, x, model)
                if kept is None:
                    view = views(x)
                    rows = train_member(model, view, y, num_classes, nodes, recipe, name, callback)
                    kept = view.logits(model, num_classes).cpu(), rows
                    finished.save(name, x, model, *kept)
            members[name], (logits[name], done) = model, kept
            history += done
        self.members_, self.logits_, self.history_ = members, logits, history
        self.num_classes_ = num_classes
        self._inputs = {name: (int(x.shape[1]), is_ranked(x)) for name, x in features.items()}
        return self

    def _check_parameters(self) -> None:
        check_parameters(self.get_params(deep=False))

    def _network(self, columns: int, ranked: bool, classes: int) -> nn.Module:
        """Untrained network of a member whose feature has so many columns."""
        hidden, encoder = self.hidden_channels, None
        if ranked:
            encoder = RankedPredictionEncoder(classes, columns, hidden)
            columns = encoder.out_channels
        if isinstance(self.gnn, str) and self.gnn != "revgat":
            dropout = 0.0 if self.dropout is None else self.dropout
            return MemberNetwork(
                self.gnn, columns, hidden, classes, self.num_layers, dropout, encoder
            )
        if self.gnn == "revgat":
            dropout = 0.5 if self.dropout is None else self.dropout
            model: nn.Module = RevGAT(columns, hidden, classes, self.num_layers, dropout=dropout)
        else:
            model = check_encoder(self.gnn(columns, classes), "gnn(...)")  # type: ignore[operator]
        return model if encoder is None else EncodedNetwork(encoder, model)

    def _views(self, edge_index: Tensor, count: int) -> Callable[[FeatureRows], GraphView]:
        """What makes of a feature the input of a network; edges are prepared once for all."""
        if self.batch_size is not None:
            kind: Any = self.gnn if self.gnn in ("gcn", "sage", "mlp") else "other"
            if kind == "gcn":  # which has loops of its own
                edge_index = edge_index[:, edge_index[0] != edge_index[1]]
            sampler = NeighborSampler(edge_index, count)
            size, device = self.batch_size, torch.device(self.device)
            neighbors = check_neighbors(self.num_neighbors, self.num_layers)
            return lambda x: SampledGraph(x, sampler, kind, size, neighbors, self.seed, device)
        edge_index = edge_index.to(self.device)
        graph: SharedAdjacency | Tensor = edge_index
        if self.gnn == "gcn" or self.gnn == "sage":
            graph = SharedAdjacency.build(edge_index, count, self.gnn)
        return lambda x: WholeGraph(_dense(x).to(self.device), graph)

    # --- prediction -------------------------------------------------------------------------------

    @property
    def results_(self) -> dict[str, MemberResult]:
        """Best epoch, its validation accuracy and the epochs trained, by feature."""
        self._check_fitted()
        return {
            name: member_result([row for row in self.history_ if row["member"] == name])
            for name in self.members_
        }

    def member_logits(self, data: Any = None) -> dict[str, Tensor]:
        """Logits of every member by the name of its feature, ``(N, C)`` on the CPU.

        Args:
            data (Data, optional): Another graph with the same features as attributes; that of
                :meth:`fit` when missing.

        Returns:
            dict[str, Tensor]: Logits by feature.

        Raises:
            NotFittedError: If the members are not trained.
            TypeError, ValueError: If a feature is malformed, or of another width or kind than in
                :meth:`fit`.
        """
        self._check_fitted()
        if data is None:
            return dict(self.logits_)
        features = find_features(list(self.members_), data, self.allow_zero_rows)
        check_as_fitted(features, self._inputs, self.num_classes_)
        count = count_nodes(data)
        views = self._views(_edges_of(data, count), count)
        return {
            name: views(x).logits(self.members_[name].to(self.device), self.num_classes_).cpu()
            for name, x in features.items()
        }

    def predict(self, data: Any = None) -> Tensor:
        """Class of every node, int64 ``(N,)``; see :meth:`member_logits`.

        Args:
            data (Data, optional): See :meth:`member_logits`.
        """
        return self._ensemble(data).argmax(1)

    def predict_proba(self, data: Any = None) -> Tensor:
        """Probabilities of the classes, ``(N, C)``.

        By ``reduce``: softmax of averaged logits, averaged probabilities, or shares of the averaged
        ranks.

        Args:
            data (Data, optional): See :meth:`member_logits`.
        """
        scores = self._ensemble(data)
        if self.reduce == "logits":
            return scores.softmax(1)
        return scores / scores.sum(1, keepdim=True)

    def _ensemble(self, data: Any) -> Tensor:
        logits = self.member_logits(data)
        weights: Sequence[float] | None = None
        if self.weights is not None:
            if set(self.weights) != set(logits):
                raise ValueError(f"weights must be of {sorted(logits)}, got {sorted(self.weights)}")
            weights = [self.weights[name] for name in logits]
        return ensemble_logits(list(logits.values()), self.reduce, weights)

    # --- files ------------------------------------------------------------------------------------

    def _config(self) -> dict[str, Any]:
        config = super()._config() | {"features": list(self.features), "device": "cpu"}
        if self.num_neighbors is not None:
            config["num_neighbors"] = list(self.num_neighbors)
        if self.weights is not None:
            config["weights"] = dict(self.weights)
        return config | ({"gnn": self.gnn} if isinstance(self.gnn, str) else {})

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        arrays = {
            "inputs": torch.tensor([self._inputs[name] for name in self.members_], device="cpu")
        }
        for i, (name, model) in enumerate(self.members_.items()):
            # Numbered, because sums of logits depend on the order of the members.
            arrays[f"logits/{i}/{name}"] = self.logits_[name]
            arrays |= packed(f"member/{i}/", model.state_dict())
        return arrays

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        self.members_, self.logits_, self._inputs = {}, {}, {}
        for i, (columns, ranked) in enumerate(arrays["inputs"].tolist()):
            ((name, logits),) = unpacked(f"logits/{i}/", arrays).items()
            self.num_classes_ = check_matrix(logits, f"logits/{i}/{name}").size(1)
            weights = unpacked(f"member/{i}/", arrays)
            if isinstance(self.gnn, str):  # a function makes as many layers as it likes
                check_layers(self.num_layers, weights)
            with seeded(self.seed, torch.device("cpu")):
                model = self._network(columns, bool(ranked), self.num_classes_)
            model.load_state_dict(weights)
            self.members_[name], self.logits_[name] = model.eval(), logits
            self._inputs[name] = (columns, bool(ranked))


def _dense(x: FeatureRows) -> Tensor:
    """The whole feature, as networks compute with it."""
    whole = in_memory(x)
    return whole if is_ranked(x) else whole.float()


def _edges_of(data: Any, count: int) -> Tensor:
    """Edges of a graph, checked."""
    structure = read_structure(data, count)[0]
    return check_edge_index(structure, count, "data.edge_index")
