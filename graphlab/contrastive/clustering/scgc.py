"""SCGC: clustering of an attributed graph by contrast and self-supervision, without messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from graphlab._checks import check_int, check_matrix, check_nonnegative, check_positive
from graphlab._estimator import Estimator
from graphlab._random import make_generator
from graphlab.contrastive.clustering.assignment import student_t_assignment, target_distribution
from graphlab.contrastive.clustering.autoencoder import SDCNAutoEncoder, pretrain_autoencoder
from graphlab.contrastive.clustering.influence import influence_graph
from graphlab.contrastive.losses.pamc.pamc import PamCLoss
from graphlab.contrastive.sparse_rows import sparse_features
from graphlab.ops import CSRGraph

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["SCGC", "ClusteringNetwork", "initial_centers"]


class ClusteringNetwork(nn.Module):
    r"""An encoder with trainable cluster centres, and the loss of one epoch.

    .. math:: \beta \, \mathrm{KL}(p \,\Vert\, q) + \alpha \, L_{contrast}

    The target p and the hard assignment used by the contrast come from the same forward pass
    (the authors run a second one, which computes the same numbers).

    Args:
        encoder (nn.Module): Maps features ``(N, F)`` to embeddings ``(N, D)``.
        centers (Tensor): Initial centres ``(K, D)``; they become a parameter.
        contrast (PamCLoss): The contrastive loss.
        alpha (float): Weight of the contrast.
        beta (float): Weight of the self-supervision.
    """

    def __init__(
        self,
        encoder: nn.Module,
        centers: Tensor,
        contrast: PamCLoss,
        alpha: float = 1.0,
        beta: float = 1.0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.centers = nn.Parameter(check_matrix(centers, "centers").detach().clone())
        self.contrast = contrast
        self.alpha = check_nonnegative(alpha, "alpha")
        self.beta = check_nonnegative(beta, "beta")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return embeddings ``(N, D)`` and soft assignment ``(N, K)``."""
        z = self.encoder(x)
        return z, student_t_assignment(z, self.centers)

    def loss(self, z: Tensor, q: Tensor, graph: CSRGraph) -> Tensor:
        """Compute the loss of one epoch from its forward pass, a scalar."""
        kl = nn.functional.kl_div(q.log(), target_distribution(q), reduction="batchmean")
        cluster = q.detach().argmax(1)
        contrast: Tensor = self.contrast(z, graph, cluster, None, q.size(1))
        return self.beta * kl + self.alpha * contrast


def initial_centers(
    z: Tensor, num_clusters: int, seed: int, n_init: int = 20
) -> tuple[Tensor, Tensor]:
    """Run k-means on embeddings.

    Args:
        z (Tensor): Embeddings, floating point ``(N, D)``, finite.
        num_clusters (int): K, at most N.
        seed (int): Seed of scikit-learn's k-means.
        n_init (int): Number of restarts.

    Returns:
        tuple: Centres ``(K, D)`` and labels ``(N,)``, on the device of ``z``.

    Raises:
        TypeError, ValueError: If an argument is malformed.
    """
    from sklearn.cluster import KMeans

    z = check_matrix(z, "z").detach()
    check_int(num_clusters, "num_clusters", minimum=2, maximum=z.size(0))
    means = KMeans(num_clusters, n_init=n_init, random_state=seed).fit(z.cpu().double().numpy())
    centers = torch.from_numpy(means.cluster_centers_).to(z.device, z.dtype)
    return centers, torch.from_numpy(means.labels_).to(z.device, torch.int64)


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
            trained in place of the autoencoder's (without pretraining). It is not saved with the
            estimator's configuration: give the same architecture when you load.
        seed (int): Seed of weights, shuffles and k-means.
        device (str): Where to train.

    Attributes:
        labels_ (Tensor): Cluster of every training node, ``(N,)``, after :meth:`fit`.
        history_ (dict): ``"loss"`` and ``"changed"`` (fraction of nodes that moved) per epoch.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

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
        self.in_channels = check_int(in_channels, "in_channels", minimum=1)
        self.num_clusters = check_int(num_clusters, "num_clusters", minimum=2)
        self.hidden_channels = tuple(hidden_channels)
        self.out_channels = check_int(out_channels, "out_channels", minimum=1)
        self.contrast = PamCLoss(tau, negatives, generator=make_generator(seed, device))
        self.alpha = check_nonnegative(alpha, "alpha")
        self.beta = check_nonnegative(beta, "beta")
        self.order = check_int(order, "order", minimum=1)
        self.cumulative = bool(cumulative)
        self.lr = check_positive(lr, "lr")
        self.epochs = check_int(epochs, "epochs", minimum=0)
        self.pretrain_epochs = check_int(pretrain_epochs, "pretrain_epochs", minimum=0)
        self.pretrain_lr = check_positive(pretrain_lr, "pretrain_lr")
        self.batch_size = check_int(batch_size, "batch_size", minimum=1)
        self.n_init = check_int(n_init, "n_init", minimum=1)
        self.encoder = encoder
        self.seed = check_int(seed, "seed", minimum=0)
        self.device = str(device)
        self.network: ClusteringNetwork | None = None
        self.labels_: Tensor | None = None
        self.history_: dict[str, list[float]] = {"loss": [], "changed": []}

    def fit(
        self,
        x: Tensor,
        edge_index: Tensor | CSRGraph,
        *,
        callback: Callable[[int, Tensor, Tensor], None] | None = None,
    ) -> Self:
        """Pretrain, place the centres, and refine.

        Args:
            x (Tensor): Features, floating point ``(N, in_channels)``.
            edge_index (Tensor or CSRGraph): Pairs ``(2, E)``, directed or not; or the influence
                graph itself, prepared (``order`` and ``cumulative`` are then not used).
            callback (callable, optional): Called after every epoch's forward pass as
                ``callback(epoch, z, labels)`` with detached tensors.

        Returns:
            SCGC: The fitted estimator.
        """
        x = check_matrix(x, "x", cols=self.in_channels).to(self.device)
        graph = self._positives(edge_index, x.size(0))
        # Anew, so that a second fit draws what the first one did.
        self.contrast.generator = make_generator(self.seed, self.device)
        encoder = self._start(x)
        x = x if self.encoder is not None else sparse_features(x)
        with torch.no_grad():
            centers, labels = initial_centers(encoder(x), self.num_clusters, self.seed, self.n_init)
        self.network = ClusteringNetwork(encoder, centers, self.contrast, self.alpha, self.beta)
        self.history_ = {"loss": [], "changed": []}
        optimizer = torch.optim.Adam(self.network.parameters(), lr=self.lr)
        for epoch in range(self.epochs):
            z, q = self.network(x)
            loss = self.network.loss(z, q, graph)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            new = q.detach().argmax(1)
            self.history_["loss"].append(float(loss.detach()))
            self.history_["changed"].append(float((new != labels).double().mean()))
            labels = new
            if callback is not None:
                callback(epoch, z.detach(), labels)
        self.labels_ = self._assign(x)
        return self

    def predict(self, x: Tensor | None = None) -> Tensor:
        """Return the cluster of every training node, or of new nodes, ``(N,)`` int64."""
        if x is not None:
            return self._assign(self._rows(x))
        self._fitted()
        if self.labels_ is None:
            raise ValueError("x must be given, because this estimator was loaded without labels")
        return self.labels_

    def fit_predict(self, x: Tensor, edge_index: Tensor | CSRGraph) -> Tensor:
        """Fit, and return the cluster of every node."""
        return self.fit(x, edge_index).predict()

    @torch.no_grad()
    def embed(self, x: Tensor) -> Tensor:
        """Return the embeddings of nodes with features ``x``, ``(N, out_channels)``."""
        z: Tensor = self._fitted().encoder(self._rows(x))
        return z

    def _rows(self, x: Tensor) -> Tensor:
        """New features where the network is; an encoder of ours reads any floating-point type."""
        x = check_matrix(x, "x", cols=self.in_channels).to(self.device)
        return x if self.encoder is not None else x.to(self._fitted().centers.dtype)

    @torch.no_grad()
    def _assign(self, x: Tensor) -> Tensor:
        _, q = self._fitted()(x)
        labels: Tensor = q.argmax(1)
        return labels

    def _fitted(self) -> ClusteringNetwork:
        if self.network is None:
            raise ValueError("this SCGC is not fitted: call fit(x, edge_index) first")
        return self.network

    def _positives(self, edge_index: Tensor | CSRGraph, num_nodes: int) -> CSRGraph:
        if not isinstance(edge_index, CSRGraph):
            edge_index = influence_graph(edge_index, num_nodes, self.order, self.cumulative)
        if edge_index.num_nodes != num_nodes:
            raise ValueError(
                f"edge_index must be a graph of {num_nodes} nodes, got {edge_index.num_nodes}"
            )
        return edge_index.to(self.device)

    def _start(self, x: Tensor) -> nn.Module:
        """Return the encoder to refine: the user's, or one half of a pretrained autoencoder."""
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

    def _config(self) -> dict[str, Any]:
        names = self._config_keys() - {"encoder", "negatives", "tau", "hidden_channels"}
        return {name: getattr(self, name) for name in names} | {
            "encoder": None,
            "negatives": self.contrast.negatives,
            "tau": self.contrast.tau,
            "hidden_channels": list(self.hidden_channels),
        }

    def _arrays(self) -> dict[str, Tensor]:
        if self.encoder is not None:
            raise ValueError(
                "encoder must be None to save an SCGC: save your own encoder's state_dict yourself"
            )
        arrays = {f"network.{k}": v for k, v in self._fitted().state_dict().items()}
        return arrays if self.labels_ is None else arrays | {"labels": self.labels_}

    @classmethod
    def _restore(cls, config: dict[str, Any], arrays: dict[str, Tensor]) -> Self:
        model = cls(**{**config, "device": "cpu"})
        state = {k.removeprefix("network."): v for k, v in arrays.items() if k != "labels"}
        encoder = model._autoencoder().encoder.to(state["centers"].dtype)
        model.network = ClusteringNetwork(
            encoder, state["centers"], model.contrast, model.alpha, model.beta
        )
        model.network.load_state_dict(state)
        model.labels_ = arrays.get("labels")
        return model
