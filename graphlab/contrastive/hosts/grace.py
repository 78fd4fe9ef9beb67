"""GRACE: agreement of the nodes of two random views, against all other nodes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from graphlab._checks import check_int, values_visible, warn_caller
from graphlab._random import random_order
from graphlab.contrastive.augment.mask_features import MaskFeatures
from graphlab.contrastive.hosts.projection_head import head_outputs, host_head
from graphlab.contrastive.hosts.two_view import EdgeAugmentation, PairLossModel, View
from graphlab.contrastive.losses.info_nce import InfoNCELoss
from graphlab.ops import unit_rows

__all__ = ["GRACE"]

#: Mean cosine of the head's outputs, from one: 4e-6 on Amazon Photo, which collapses, 1e-4 on Cora.
_ALIKE = 1e-5


class GRACE(PairLossModel):
    """Contrast of nodes between two views of a graph, with negatives between and within them.

    The training loop is in the user's hands, see :class:`TwoViewModel`. (An encoder by
    ``torch_geometric.nn.Sequential`` makes PyG import the calling script again: give it a
    ``__main__`` guard.) Equal in value to the
    authors' loss; where they hold four N x N matrices this one holds none.

    Args:
        encoder (nn.Module): Called as ``encoder(x, edge_index)``; returns ``(N, out_channels)``.
        out_channels (int): Width D of the embeddings.
        proj_channels (int, optional): Hidden width of the projection head; D if missing.
        temperature (float): Positive; divides the cosine.
        drop_edge (sequence): Two rates or augmentations of the edges.
        mask_features (sequence): Two rates or augmentations of the features.
        chunk_size (int, optional): See :class:`InfoNCELoss`.
        num_anchors (int, optional): Nodes drawn per step whose terms make the loss; all where the
            graph has no more. The negatives stay all nodes: loss and gradient are unbiased.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Warns:
        UserWarning: At step 0, if the head gives all nodes nearly one output, as it does where the
            features are very short.

    Complexity: O(N^2 D) time and O(N D) memory for the loss, O(n N D) time with n anchors.

    Reference: Zhu et al., "Deep graph contrastive representation learning", arXiv:2006.04131.

    Example:
        >>> import torch
        >>> from torch_geometric.nn import GCN
        >>> model = GRACE(GCN(4, 8, 2), 8, temperature=0.5, drop_edge=(0.2, 0.3))
        >>> x, edge_index = torch.randn(5, 4), torch.tensor([[0, 1, 2], [1, 2, 3]])
        >>> model.training_loss(x, edge_index, generator=torch.Generator()).shape
        torch.Size([])
    """

    def __init__(
        self,
        encoder: nn.Module,
        out_channels: int,
        proj_channels: int | None = None,
        *,
        temperature: float = 0.5,
        drop_edge: Sequence[float | EdgeAugmentation] = (0.2, 0.4),
        mask_features: Sequence[float | MaskFeatures] = (0.0, 0.0),
        chunk_size: int | None = None,
        num_anchors: int | None = None,
    ) -> None:
        super().__init__(encoder, drop_edge, mask_features)
        if num_anchors is not None:
            check_int(num_anchors, "num_anchors", minimum=1)
        self.num_anchors = num_anchors
        self.head = host_head(out_channels, proj_channels)
        self.contrast = InfoNCELoss(temperature, True, chunk_size)

    def loss(self, z1: Tensor, z2: Tensor, nodes: Tensor | None = None) -> Tensor:
        """Loss of both views' embeddings, which are projected first.

        Args:
            z1 (Tensor): Embeddings of one view, ``(N, D)``.
            z2 (Tensor): Embeddings of the other.
            nodes (Tensor, optional): Anchors, distinct nodes ``(n,)``; all by default.

        Returns:
            Tensor: A scalar.
        """
        out: Tensor = self.contrast(*head_outputs(self.head, z1, z2), nodes)
        return out

    def _view_loss(
        self, z1: Tensor, z2: Tensor, views: list[View], *, generator: torch.Generator, step: int
    ) -> Tensor:
        """Loss of one step, :meth:`loss` of the anchors drawn."""
        count = z1.size(0)
        if step == 0 and count > 1 and values_visible(z1):
            self._warn_of_a_plateau(z1)
        if self.num_anchors is None or self.num_anchors >= count:
            return self.loss(z1, z2)
        anchors = random_order(count, generator, z1.device)[: self.num_anchors]
        return self.loss(z1, z2, anchors)

    @torch.no_grad()
    def _warn_of_a_plateau(self, z: Tensor) -> None:
        """Say that biases of the head outweigh short embeddings, before an encoder collapses."""
        rows = unit_rows(head_outputs(self.head, z, z)[0].double())
        count = rows.size(0)
        apart = 1.0 - (float(rows.sum(0).square().sum()) - count) / (count * (count - 1))
        if apart < _ALIKE:
            warn_caller(
                f"the projection head gives all nodes almost one output (mean cosine 1 - "
                f"{apart:.0e}): its biases outweigh embeddings of mean length "
                f"{float(z.norm(dim=1).mean()):.1e}, the loss starts on its plateau log(2 N - 1), "
                "and the encoder may collapse before it learns. Scale the features, for instance "
                "x / x.square().sum(1).mean().sqrt()"
            )
