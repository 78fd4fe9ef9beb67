"""SCGC: clustering of an attributed graph by contrast and self-supervision, without messages."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from graphlab._checks import check_matrix
from graphlab._deprecation import row_callback
from graphlab._estimator import Estimator, packed, unpacked
from graphlab._io import check_writable
from graphlab._progress import Progress
from graphlab._random import make_generator
from graphlab._training import Callback
from graphlab._user_module import check_encoder, check_output
from graphlab.contrastive.clustering.earlier_names import EarlierNames
from graphlab.contrastive.clustering.features import FeatureKind, FeatureScaling
from graphlab.contrastive.clustering.graph_input import features_and_edges, features_of
from graphlab.contrastive.clustering.network import ClusteringNetwork, initial_centers
from graphlab.contrastive.clustering.parameters import check_parameters
from graphlab.contrastive.clustering.refinement import Refinement, has_checkpoint, settings_of
from graphlab.contrastive.clustering.start import (
    autoencoder,
    first_width,
    positives,
    pretrained_encoder,
)
from graphlab.contrastive.losses.pamc import PamCLoss
from graphlab.contrastive.losses.pamc.negatives import Negatives
from graphlab.contrastive.sparse_layout import sparse_features
from graphlab.ops import CSRGraph

if TYPE_CHECKING:
    from torch_geometric.data import Data
    from typing_extensions import Self

__all__ = ["SCGC"]


class SCGC(EarlierNames, Estimator):
    r"""Cluster the nodes of an attributed graph.

    The encoder begins where no training ends: it learns to give the averages over the graph of
    :func:`smoothed_features` from the features of a node alone (or, where these are dense, it is
    half an autoencoder of them). K-means places the centres, and both are refined by
    :class:`PamCLoss` over the r-order influence graph together with the self-supervision of DEC,
    until the clusters stand still: going on trains the contrast at the cost of the clusters, which
    no loss shows. New nodes are embedded and assigned from features alone, without the graph; so
    where links tell more than features and nodes are too many to be learnt by heart,
    :func:`smoothed_kmeans` is ahead.

    The published recipe is ``features="dense", start="autoencoder", tolerance=0``. On a graph of
    nearest neighbours of the features themselves (images) give ``negatives="meta2", tau=0.25,
    alpha=4, beta=0.1, order=4``.

    Args:
        num_clusters (int): K, at least 2.
        in_channels (int, optional): Number of features F; read off the features if missing.
        hidden_channels (sequence of int, optional): Hidden widths of the encoder; by default 500,
            and 500, 500, 2000 for an autoencoder.
        out_channels (int): Width D of the embedding.
        features (str): Kind of the features, see :func:`scaled_features`.
        start (str): ``"smoothed"``, ``"autoencoder"``, or ``"auto"``: smoothed where the features
            are words.
        hops (int): Averages over the graph for a smoothed start.
        negatives (str): Negatives of :class:`PamCLoss`; ``"meta"`` is PamC, ``"exact"`` SCGC*.
        num_samples (int): Rows that ``negatives="sampled"`` draws per epoch.
        tau (float): Inverse temperature of the contrast.
        alpha (float): Weight of the contrast.
        beta (float): Weight of the self-supervision.
        order (int): Order r of the influence graph.
        cumulative (bool): Sum the powers up to r (influence) instead of taking the last.
        lr (float): Learning rate of Adam.
        epochs (int): Full-batch epochs at most; the last one is kept.
        tolerance (float): Ends the training after ``patience`` epochs in which a smaller share of
            the nodes changed their cluster, in each; 0 trains to the end.
        patience (int): See there. The first ``patience`` epochs do not count.
        pretrain_epochs (int): Epochs of the start; 0 skips it.
        pretrain_lr (float): Learning rate of the start.
        batch_size (int): Rows per step of the start.
        n_init (int): Restarts of k-means.
        encoder (nn.Module, optional): Your own encoder from ``(N, in_channels)`` to embeddings,
            trained in place of ours from where it is (without a start). Its weights are saved, it
            itself is not: give :meth:`load` one of the same architecture.
        seed (int): Seed of weights, shuffles and k-means.
        device (str): Where to train.

    Attributes:
        network_ (ClusteringNetwork): The encoder with its centres.
        labels_ (Tensor): Cluster of every training node, ``(N,)`` int64.
        history_ (list): A row per epoch: ``"epoch"``, ``"loss"`` and ``"changed"``, the share of
            nodes that changed their cluster.
        idf_ (Tensor): Weight of every word, ``(F,)``; empty where features stay as they are.

    Complexity: O(epochs (N F h + E D)) time (more for ``negatives="exact"``), linear memory.

    Reference: Kulatilleke et al., "SCGC: Self-Supervised Contrastive Graph Clustering",
    arXiv:2204.12656; "Efficient Block Contrastive Learning via Parameter-Free Meta-Node
    Approximation", arXiv:2209.14067.

    Example:
        >>> from graphlab.datasets import digits_knn
        >>> data = digits_knn()
        >>> model = SCGC(10, hidden_channels=(32,), epochs=2, pretrain_epochs=1)
        >>> labels = model.fit(data).predict()
        >>> tuple(labels.shape)
        (1797,)
    """

    _objects: ClassVar[tuple[str, ...]] = ("encoder",)
    _schema: ClassVar[int] = 2

    idf_: Tensor
    network_: ClusteringNetwork
    labels_: Tensor
    history_: list[dict[str, Any]]

    def __init__(
        self,
        num_clusters: int = 2,
        *,
        in_channels: int | None = None,
        hidden_channels: Sequence[int] | None = None,
        out_channels: int = 10,
        features: FeatureKind = "auto",
        start: Literal["auto", "smoothed", "autoencoder"] = "auto",
        hops: int = 2,
        negatives: Negatives = "meta",
        num_samples: int = 512,
        tau: float = 0.5,
        alpha: float = 1.0,
        beta: float = 1.0,
        order: int = 1,
        cumulative: bool = True,
        lr: float = 1e-3,
        epochs: int = 200,
        tolerance: float = 5e-3,
        patience: int = 5,
        pretrain_epochs: int = 30,
        pretrain_lr: float = 1e-3,
        batch_size: int = 256,
        n_init: int = 20,
        encoder: nn.Module | None = None,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.num_clusters = num_clusters
        self.in_channels = in_channels
        self.hidden_channels = hidden_channels
        self.out_channels = out_channels
        self.features = features
        self.start = start
        self.hops = hops
        self.negatives = negatives
        self.num_samples = num_samples
        self.tau = tau
        self.alpha = alpha
        self.beta = beta
        self.order = order
        self.cumulative = cumulative
        self.lr = lr
        self.epochs = epochs
        self.tolerance = tolerance
        self.patience = patience
        self.pretrain_epochs = pretrain_epochs
        self.pretrain_lr = pretrain_lr
        self.batch_size = batch_size
        self.n_init = n_init
        self.encoder = encoder
        self.seed = seed
        self.device = device

    def fit(
        self,
        x: Tensor | Data,
        edge_index: Tensor | CSRGraph | None = None,
        *,
        directory: str | os.PathLike[str] | None = None,
        resume: bool = True,
        callback: Callback | None = None,
    ) -> Self:
        """Pretrain, place the centres, and refine.

        Args:
            x (Tensor or Data): Features, floating point ``(N, in_channels)``; or a PyG ``Data``
                that holds them and the graph; its ``edge_weight`` is not read.
            edge_index (Tensor or CSRGraph): Pairs ``(2, E)``, directed or not; or the influence
                graph itself, prepared (``order`` and ``cumulative`` are then not used). Beside a
                ``Data`` it replaces the edges of that.
            directory (path, optional): Folder of a checkpoint that is replaced every few seconds,
                from the first epoch on. Whatever ends the training, Ctrl-C too, the next call goes
                on from there.
            resume (bool): Continue from a checkpoint found there; of the parameters only those of
                the end (``epochs``, ``patience``, ``tolerance``) and ``device`` may differ.
            callback (callable, optional): Called as ``callback(row)`` with every new row of
                ``history_``. Inside it ``labels_`` holds the clusters of that epoch, and
                :meth:`embed` and :meth:`predict` may be used.

        Returns:
            SCGC: The fitted estimator.

        Raises:
            TypeError, ValueError, IndexError: If a parameter or an argument is malformed, or the
                checkpoint has other settings or data.
            OSError: If the folder cannot be written.

        Warns:
            UserWarning: If edges of a ``Data`` have weights, which are not read.
        """
        self._check_parameters()
        folder = None if directory is None else check_writable(directory, "directory", folder=True)
        x, edge_index = features_and_edges(x, edge_index)
        x = check_matrix(x, "x", cols=self.in_channels).to(self.device)
        graph = positives(edge_index, x.size(0), self.order, self.cumulative).to(self.device)
        latest: dict[str, Tensor] = {}
        if callback is not None:
            callback = row_callback(
                callback,
                "callback(epoch, z, labels)",
                lambda row: (row["epoch"], latest["z"], self.labels_),
            )
        before = dict(vars(self))
        try:
            # A network of the caller's gets features as the caller has them.
            kind = "dense" if self.encoder is not None else self.features
            scaling = FeatureScaling.of(x, kind)
            self.idf_ = x.new_zeros(0) if scaling.idf is None else scaling.idf
            x = FeatureScaling.stored(self.idf_).apply(x)
            going_on = resume and has_checkpoint(folder)
            encoder = self._like_saved(x) if going_on else self._start(x, edge_index, graph)
            self._refine(self._run(encoder, x, graph, folder, going_on), latest, callback)
        except BaseException:
            # What is interrupted leaves the estimator as it was, fitted or not.
            vars(self).clear()
            vars(self).update(before)
            raise
        return self

    def _run(
        self, encoder: nn.Module, x: Tensor, graph: CSRGraph, folder: Path | None, going_on: bool
    ) -> Refinement:
        """The refinement at its beginning, or as far as its checkpoint."""
        inputs = x if self.encoder is not None else sparse_features(x)
        with torch.no_grad():
            z = check_output(encoder(inputs), x.size(0), "encoder(x)", finite=True)
        centers, labels = z.new_zeros(self.num_clusters, z.size(1)), z.new_zeros(z.size(0)).long()
        if not going_on:
            centers, labels = initial_centers(z, self.num_clusters, self.seed, self.n_init)
        # Named for the checkpoint alone: a hash reads all features.
        settings = {} if folder is None else settings_of(self.get_params(False), encoder, x, graph)
        run = Refinement(
            self._network(encoder, centers),
            inputs,
            graph,
            labels,
            lr=self.lr,
            settings=settings,
            directory=folder,
        )
        run.restore() if going_on else run.save()
        return run

    def _refine(
        self, run: Refinement, latest: dict[str, Tensor], callback: Callback | None
    ) -> None:
        """Train encoder and centres together; ``latest["z"]`` is the embedding of a row."""
        self.network_, self.history_ = run.network, run.history
        done = len(run.history)
        with Progress(self.epochs, "SCGC", unit="epochs", done=done) as progress:
            end = (self.epochs, self.patience, self.tolerance)
            while not run.ends(*end):
                row = run.advance()
                self.labels_, latest["z"] = run.labels, run.z
                if callback is not None:
                    callback(row)
                progress.update()
        if len(run.history) > done:
            run.save()
        self.labels_ = run.clusters()

    def predict(self, x: Tensor | Data | None = None) -> Tensor:
        """Cluster of every training node, or of new nodes.

        Args:
            x (Tensor or Data, optional): Features of new nodes, ``(M, in_channels)``, or a ``Data``
                that holds them; its edges are not read.

        Returns:
            Tensor: ``(N,)`` or ``(M,)`` int64.

        Raises:
            sklearn.exceptions.NotFittedError: Before :meth:`fit`.
            TypeError, ValueError: If ``x`` is malformed.
        """
        self._check_fitted()
        return self.labels_ if x is None else self.network_.assign(self._features(x))

    def fit_predict(self, x: Tensor | Data, edge_index: Tensor | CSRGraph | None = None) -> Tensor:
        """Fit, and return the cluster of every node.

        Args:
            x (Tensor or Data): See :meth:`fit`.
            edge_index (Tensor or CSRGraph): See :meth:`fit`.

        Returns:
            Tensor: ``(N,)`` int64.
        """
        return self.fit(x, edge_index).predict()

    @torch.no_grad()
    def embed(self, x: Tensor | Data) -> Tensor:
        """Embeddings of nodes.

        Args:
            x (Tensor or Data): Features ``(M, in_channels)``, or a ``Data`` that holds them.

        Returns:
            Tensor: ``(M, out_channels)``.

        Raises:
            sklearn.exceptions.NotFittedError: Before :meth:`fit`.
            TypeError, ValueError: If ``x`` is malformed.
        """
        self._check_fitted()
        return self.network_.embed(self._features(x))

    def _check_parameters(self) -> None:
        check_parameters(self.get_params(deep=False))
        self._contrast()  # the loss checks its own, and a pretraining should not come first

    def _contrast(self) -> PamCLoss:
        generator = make_generator(self.seed, self.device)
        count = self._earlier_samples(self.num_samples)
        return PamCLoss(self.tau, self.negatives, num_samples=count, generator=generator)

    def _network(self, encoder: nn.Module, centers: Tensor) -> ClusteringNetwork:
        return ClusteringNetwork(encoder, centers, self._contrast(), self.alpha, self.beta)

    def _features(self, x: Tensor | Data) -> Tensor:
        """New features where the network is; an encoder of ours reads any floating-point type."""
        width = self.idf_.numel() or self.in_channels or first_width(self.network_.encoder)
        x = check_matrix(features_of(x), "x", cols=width).to(self.device)
        x = x if self.encoder is not None else x.to(self.network_.centers.dtype)
        return FeatureScaling.stored(self.idf_).apply(x)

    def _like_saved(self, x: Tensor) -> nn.Module:
        """An encoder that takes what a checkpoint holds."""
        if self.encoder is not None:
            return check_encoder(self.encoder).to(self.device)
        sizes, generator = (self.hidden_channels, self.out_channels), make_generator(0, "cpu")
        return autoencoder(x.size(1), *sizes, self._smoothed(), generator).encoder.to(x)

    def _start(self, x: Tensor, edge_index: Tensor | CSRGraph, graph: CSRGraph) -> nn.Module:
        """Encoder to refine: the user's, or a pretrained one of ours."""
        if self.encoder is not None:
            return check_encoder(self.encoder).to(self.device)
        return pretrained_encoder(
            x,
            graph if isinstance(edge_index, CSRGraph) else edge_index,
            self.hidden_channels,
            self.out_channels,
            smoothed=self._smoothed(),
            hops=self.hops,
            seed=self.seed,
            epochs=self.pretrain_epochs,
            lr=self.pretrain_lr,
            batch_size=self.batch_size,
        )

    def _smoothed(self) -> bool:
        words = self.idf_.numel() > 0
        return self.start == "smoothed" or (self.start == "auto" and words)

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        facts = {"labels": self.labels_, "idf": self.idf_}
        return packed("network.", self.network_.state_dict()) | facts

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        self.device = "cpu"
        if self.hidden_channels is not None:
            self.hidden_channels = tuple(self.hidden_channels)  # JSON has lists only
        self.idf_ = arrays["idf"]
        state = unpacked("network.", arrays)
        encoder = self.encoder
        if encoder is None:
            width = int(state["encoder.0.weight"].size(1))
            model = autoencoder(width, self.hidden_channels, self.out_channels, self._smoothed())
            encoder = model.encoder.to(state["centers"].dtype)
        self.network_, self.labels_ = self._network(encoder, state["centers"]), arrays["labels"]
        try:
            self.network_.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(f"encoder must be like the one that was saved: {error}") from error
