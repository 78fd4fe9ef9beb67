"""SCGC: clustering of an attributed graph by contrast and self-supervision, without messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from graphlab._checks import check_int, check_matrix, check_nonnegative, check_positive
from graphlab._deprecation import row_callback, warn_renamed
from graphlab._estimator import Estimator, packed, unpacked
from graphlab._progress import track
from graphlab._random import make_generator
from graphlab._training import Callback
from graphlab.contrastive.clustering.autoencoder import SDCNAutoEncoder, pretrain_autoencoder
from graphlab.contrastive.clustering.influence import influence_graph
from graphlab.contrastive.clustering.network import ClusteringNetwork, initial_centers
from graphlab.contrastive.losses.pamc import PamCLoss
from graphlab.contrastive.sparse_layout import sparse_features
from graphlab.ops import CSRGraph

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["SCGC"]


class SCGC(Estimator):
    r"""Cluster the nodes of an attributed graph.

    An autoencoder is pretrained on the features, k-means on its embeddings places the centres,
    and the encoder is refined by :class:`PamCLoss` over the r-order influence graph together with
    the self-supervision of DEC. The graph only chooses positives: new nodes are embedded and
    assigned from features alone.

    Args:
        in_channels (int): Number of features F.
        num_clusters (int): K, at least 2.
        hidden_channels (sequence of int): Hidden widths of the encoder.
        out_channels (int): Width D of the embedding.
        negatives (str): Negatives of :class:`PamCLoss`; ``"meta"`` is PamC, ``"exact"`` SCGC*.
        tau (float): Inverse temperature of the contrast.
        alpha (float): Weight of the contrast.
        beta (float): Weight of the self-supervision.
        order (int): Order r of the influence graph.
        cumulative (bool): Sum the powers up to r (influence) instead of taking the last.
        lr (float): Learning rate of Adam.
        epochs (int): Full-batch epochs; the last one is kept.
        pretrain_epochs (int): Epochs of the autoencoder; 0 skips pretraining.
        pretrain_lr (float): Learning rate of the pretraining.
        batch_size (int): Rows per pretraining step.
        n_init (int): Restarts of k-means.
        encoder (nn.Module, optional): Your own encoder from ``(N, in_channels)`` to embeddings,
            trained in place of the autoencoder's (without pretraining). Its weights are saved, it
            itself is not: give :meth:`load` one of the same architecture.
        seed (int): Seed of weights, shuffles and k-means.
        device (str): Where to train.

    Attributes:
        network_ (ClusteringNetwork): The encoder with its centres.
        labels_ (Tensor): Cluster of every training node, ``(N,)`` int64.
        history_ (list): A row per epoch: ``"epoch"``, ``"loss"`` and ``"changed"``, the share of
            nodes that changed their cluster.

    Complexity: O(epochs (N F h + E D)) time; memory linear in nodes and edges except for
    ``negatives="exact"`` in time.

    Reference: Kulatilleke et al., "SCGC: Self-Supervised Contrastive Graph Clustering",
    arXiv:2204.12656; "Efficient Block Contrastive Learning via Parameter-Free Meta-Node
    Approximation", arXiv:2209.14067.

    Example:
        >>> from graphlab.datasets import digits_knn
        >>> data = digits_knn()
        >>> model = SCGC(64, 10, hidden_channels=(32,), epochs=2, pretrain_epochs=1)
        >>> labels = model.fit(data.x, data.edge_index).predict()
        >>> tuple(labels.shape)
        (1797,)
    """

    _objects: ClassVar[tuple[str, ...]] = ("encoder",)

    network_: ClusteringNetwork
    labels_: Tensor
    history_: list[dict[str, Any]]

    def __init__(
        self,
        in_channels: int,
        num_clusters: int,
        hidden_channels: Sequence[int] = (500, 500, 2000),
        out_channels: int = 10,
        *,
        negatives: str = "meta",
        tau: float = 0.5,
        alpha: float = 1.0,
        beta: float = 1.0,
        order: int = 1,
        cumulative: bool = True,
        lr: float = 1e-3,
        epochs: int = 200,
        pretrain_epochs: int = 30,
        pretrain_lr: float = 1e-3,
        batch_size: int = 256,
        n_init: int = 20,
        encoder: nn.Module | None = None,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.in_channels = in_channels
        self.num_clusters = num_clusters
        self.hidden_channels = hidden_channels
        self.out_channels = out_channels
        self.negatives = negatives
        self.tau = tau
        self.alpha = alpha
        self.beta = beta
        self.order = order
        self.cumulative = cumulative
        self.lr = lr
        self.epochs = epochs
        self.pretrain_epochs = pretrain_epochs
        self.pretrain_lr = pretrain_lr
        self.batch_size = batch_size
        self.n_init = n_init
        self.encoder = encoder
        self.seed = seed
        self.device = device

    def fit(
        self,
        x: Tensor,
        edge_index: Tensor | CSRGraph,
        *,
        callback: Callback | None = None,
    ) -> Self:
        """Pretrain, place the centres, and refine.

        Args:
            x (Tensor): Features, floating point ``(N, in_channels)``.
            edge_index (Tensor or CSRGraph): Pairs ``(2, E)``, directed or not; or the influence
                graph itself, prepared (``order`` and ``cumulative`` are then not used).
            callback (callable, optional): Called as ``callback(row)`` with every new row of
                ``history_``. Inside it ``labels_`` holds the clusters of that epoch, and
                :meth:`embed` and :meth:`predict` may be used.

        Returns:
            SCGC: The fitted estimator.

        Raises:
            TypeError, ValueError, IndexError: If a parameter or an argument is malformed or out of
                range.
        """
        self._check_parameters()
        x = check_matrix(x, "x", cols=self.in_channels).to(self.device)
        graph = self._positives(edge_index, x.size(0))
        latest: dict[str, Tensor] = {}
        if callback is not None:
            callback = row_callback(
                callback,
                "callback(epoch, z, labels)",
                lambda row: (row["epoch"], latest["z"], self.labels_),
            )
        before = dict(vars(self))
        try:
            self._refine(self._start(x), x, graph, latest, callback)
        except BaseException:
            # What is interrupted leaves the estimator as it was, fitted or not.
            vars(self).clear()
            vars(self).update(before)
            raise
        return self

    def _refine(
        self,
        encoder: nn.Module,
        x: Tensor,
        graph: CSRGraph,
        latest: dict[str, Tensor],
        callback: Callback | None,
    ) -> None:
        """Train encoder and centres together; ``latest["z"]`` is the embedding of a row."""
        x = x if self.encoder is not None else sparse_features(x)
        with torch.no_grad():
            centers, labels = initial_centers(encoder(x), self.num_clusters, self.seed, self.n_init)
        self.network_ = self._network(encoder, centers)
        self.history_ = []
        optimizer = torch.optim.Adam(self.network_.parameters(), lr=self.lr)
        for epoch in track(range(self.epochs), "SCGC", unit="epochs"):
            z, q = self.network_(x)
            loss = self.network_.loss(z, q, graph)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            # Labels of the forward pass: those after the step would cost another one.
            new = q.detach().argmax(1)
            changed = float((new != labels).double().mean())
            self.labels_ = labels = new
            latest["z"] = z.detach()
            row = {"epoch": epoch, "loss": float(loss.detach()), "changed": changed}
            self.history_.append(row)
            if callback is not None:
                callback(row)
        self.labels_ = self._assign(x)

    @property
    def network(self) -> ClusteringNetwork | None:
        """The network under its earlier name; None before a fit."""
        warn_renamed("SCGC.network", "SCGC.network_")
        return getattr(self, "network_", None)

    @property
    def contrast(self) -> PamCLoss:
        """The contrastive loss, which was an attribute before a fit as well."""
        warn_renamed("SCGC.contrast", "SCGC.network_.contrast")
        return self.network_.contrast if hasattr(self, "network_") else self._contrast()

    def predict(self, x: Tensor | None = None) -> Tensor:
        """Cluster of every training node, or of new nodes.

        Args:
            x (Tensor, optional): Features of new nodes, ``(M, in_channels)``.

        Returns:
            Tensor: ``(N,)`` or ``(M,)`` int64.

        Raises:
            sklearn.exceptions.NotFittedError: Before :meth:`fit`.
            TypeError, ValueError: If ``x`` is malformed.
        """
        self._check_fitted()
        return self.labels_ if x is None else self._assign(self._features(x))

    def fit_predict(self, x: Tensor, edge_index: Tensor | CSRGraph) -> Tensor:
        """Fit, and return the cluster of every node.

        Args:
            x (Tensor): See :meth:`fit`.
            edge_index (Tensor or CSRGraph): See :meth:`fit`.

        Returns:
            Tensor: ``(N,)`` int64.
        """
        return self.fit(x, edge_index).predict()

    @torch.no_grad()
    def embed(self, x: Tensor) -> Tensor:
        """Embeddings of nodes.

        Args:
            x (Tensor): Features ``(M, in_channels)``.

        Returns:
            Tensor: ``(M, out_channels)``.

        Raises:
            sklearn.exceptions.NotFittedError: Before :meth:`fit`.
            TypeError, ValueError: If ``x`` is malformed.
        """
        self._check_fitted()
        z: Tensor = self.network_.encoder(self._features(x))
        return z

    def _check_parameters(self) -> None:
        for name in ("in_channels", "out_channels", "order", "batch_size", "n_init"):
            check_int(getattr(self, name), name, minimum=1)
        for name in ("epochs", "pretrain_epochs", "seed"):
            check_int(getattr(self, name), name, minimum=0)
        check_int(self.num_clusters, "num_clusters", minimum=2)
        check_positive(self.lr, "lr")
        check_positive(self.pretrain_lr, "pretrain_lr")
        # The loss and the network check theirs; a pretraining should not come first.
        self._contrast()
        check_nonnegative(self.alpha, "alpha")
        check_nonnegative(self.beta, "beta")

    def _contrast(self) -> PamCLoss:
        generator = make_generator(self.seed, self.device)
        return PamCLoss(self.tau, self.negatives, generator=generator)

    def _network(self, encoder: nn.Module, centers: Tensor) -> ClusteringNetwork:
        return ClusteringNetwork(encoder, centers, self._contrast(), self.alpha, self.beta)

    def _features(self, x: Tensor) -> Tensor:
        """New features where the network is; an encoder of ours reads any floating-point type."""
        x = check_matrix(x, "x", cols=self.in_channels).to(self.device)
        return x if self.encoder is not None else x.to(self.network_.centers.dtype)

    @torch.no_grad()
    def _assign(self, x: Tensor) -> Tensor:
        _, q = self.network_(x)
        labels: Tensor = q.argmax(1)
        return labels

    def _positives(self, edge_index: Tensor | CSRGraph, num_nodes: int) -> CSRGraph:
        if not isinstance(edge_index, CSRGraph):
            edge_index = influence_graph(edge_index, num_nodes, self.order, self.cumulative)
        if edge_index.num_nodes != num_nodes:
            raise ValueError(
                f"edge_index must be a graph of {num_nodes} nodes, got {edge_index.num_nodes}"
            )
        return edge_index.to(self.device)

    def _start(self, x: Tensor) -> nn.Module:
        """Encoder to refine: the user's, or one half of a pretrained autoencoder."""
        if self.encoder is not None:
            return self.encoder.to(self.device)
        generator = make_generator(self.seed, "cpu")
        model = self._autoencoder(generator).to(self.device, x.dtype)
        pretrain_autoencoder(
            model,
            x,
            epochs=self.pretrain_epochs,
            lr=self.pretrain_lr,
            batch_size=self.batch_size,
            generator=generator,
        )
        return model.encoder

    def _autoencoder(self, generator: torch.Generator | None = None) -> SDCNAutoEncoder:
        return SDCNAutoEncoder(
            self.in_channels, self.hidden_channels, self.out_channels, generator=generator
        )

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        return packed("network.", self.network_.state_dict()) | {"labels": self.labels_}

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        self.device = "cpu"
        state = unpacked("network.", arrays)
        encoder = self.encoder
        if encoder is None:
            encoder = self._autoencoder().encoder.to(state["centers"].dtype)
        network = self._network(encoder, state["centers"])
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(f"encoder must be like the one that was saved: {error}") from error
        self.network_, self.labels_ = network, arrays["labels"]
