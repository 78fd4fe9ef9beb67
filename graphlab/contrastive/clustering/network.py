"""An encoder with trainable cluster centres, and where the centres start."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlab._checks import check_finite, check_int, check_matrix, check_nonnegative
from graphlab._user_module import check_encoder, check_output
from graphlab.contrastive.clustering.assignment import student_t_assignment, target_distribution
from graphlab.contrastive.losses.pamc import PamCLoss
from graphlab.ops import CSRGraph

__all__ = ["ClusteringNetwork", "initial_centers"]


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

    Raises:
        TypeError, ValueError: If an argument is malformed.
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
        self.encoder = check_encoder(encoder)
        self.centers = nn.Parameter(check_matrix(centers, "centers").detach().clone())
        self.contrast = contrast
        self.alpha = check_nonnegative(alpha, "alpha")
        self.beta = check_nonnegative(beta, "beta")

    def embed(self, x: Tensor) -> Tensor:
        """Embeddings.

        Args:
            x (Tensor): Features ``(N, F)``.

        Returns:
            Tensor: ``(N, D)``.

        Raises:
            TypeError, ValueError: If ``x`` is no matrix, or the encoder returns something else.
        """
        x = check_matrix(x, "x", finite=False, csr=True)
        width = self.centers.size(1)
        return check_output(self.encoder(x), x.size(0), "encoder(x)", cols=width, finite=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings and soft assignment.

        Args:
            x (Tensor): Features ``(N, F)``.

        Returns:
            tuple: ``(N, D)`` and ``(N, K)``.

        Raises:
            TypeError, ValueError: See :meth:`embed`.
        """
        z = self.embed(x)
        return z, student_t_assignment(z, self.centers)

    @torch.no_grad()
    def assign(self, x: Tensor) -> Tensor:
        """Cluster of every node.

        Args:
            x (Tensor): Features ``(N, F)``.

        Returns:
            Tensor: ``(N,)`` int64.

        Raises:
            TypeError, ValueError: See :meth:`embed`; or if distances to the centres are beyond what
                numbers hold.
        """
        q: Tensor = self(x)[1]
        check_finite(q, "q")
        return q.argmax(1)

    def loss(self, z: Tensor, q: Tensor, graph: CSRGraph) -> Tensor:
        """Loss of one epoch from its forward pass.

        Args:
            z (Tensor): Embeddings ``(N, D)``.
            q (Tensor): Soft assignment ``(N, K)``.
            graph (CSRGraph): Positives, prepared.

        Returns:
            Tensor: A scalar.

        Raises:
            TypeError, ValueError: If an argument is malformed.
        """
        if not isinstance(graph, CSRGraph):
            raise TypeError(f"graph must be a CSRGraph, got {type(graph).__name__}")
        # The target is a constant: the assignment moves to it, not both to each other.
        target = target_distribution(q)
        kl = nn.functional.kl_div(q.log(), target, reduction="batchmean")
        # Hard labels only group the negatives: no gradient goes through the choice.
        cluster = q.detach().argmax(1)
        contrast: Tensor = self.contrast(z, graph, cluster, None, q.size(1))
        return self.beta * kl + self.alpha * contrast


def initial_centers(
    z: Tensor, num_clusters: int, seed: int, n_init: int = 20
) -> tuple[Tensor, Tensor]:
    """Centres and labels of k-means on embeddings.

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
    check_int(seed, "seed", minimum=0, maximum=2**32 - 1)
    check_int(n_init, "n_init", minimum=1)
    means = KMeans(num_clusters, n_init=n_init, random_state=seed).fit(z.cpu().double().numpy())
    centers = torch.from_numpy(means.cluster_centers_).to(z.device, z.dtype)
    return centers, torch.from_numpy(means.labels_).to(z.device, torch.int64)
