"""COSTA: contrast of random sketches of two views instead of their nodes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from graphlab._checks import check_fraction, check_matrix, check_pair
from graphlab._random import check_generator
from graphlab.contrastive.augment.mask_features import MaskFeatures
from graphlab.contrastive.hosts.projection_head import check_head_dtype, host_head
from graphlab.contrastive.hosts.two_view import EdgeAugmentation, TwoViewModel, View
from graphlab.contrastive.losses.info_nce import InfoNCELoss
from graphlab.ops.sketch import unchecked_sketch

__all__ = ["COSTA"]


class COSTA(TwoViewModel):
    """Contrast of covariance-preserving sketches, without negatives within a view.

    Both views' embeddings are multiplied by one random matrix with half as many rows as there are
    nodes, then projected and contrasted. A row of a sketch is a mix of all nodes, not a node.
    The authors store the N/2 x N matrix; here it is drawn in blocks.

    Args:
        encoder (nn.Module): Called as ``encoder(x, edge_index)``; returns ``(N, out_channels)``.
        out_channels (int): Width D of the embeddings.
        proj_channels (int, optional): Hidden width of the projection head; D if missing.
        temperature (float): Positive; divides the cosine.
        ratio (float): Rows of the sketch per node, in (0, 1].
        drop_edge (sequence): Two rates or augmentations of the edges.
        mask_features (sequence): Two rates or augmentations of the features.
        chunk_size (int, optional): See :class:`InfoNCELoss`.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(ratio N^2 D) time, O(N D) memory for the loss.

    Reference: Zhang et al., "COSTA: covariance-preserving feature augmentation for graph
        contrastive learning", KDD 2022, arXiv:2206.04726.
    """

    def __init__(
        self,
        encoder: nn.Module,
        out_channels: int,
        proj_channels: int | None = None,
        *,
        temperature: float = 0.4,
        ratio: float = 0.5,
        drop_edge: Sequence[float | EdgeAugmentation] = (0.2, 0.4),
        mask_features: Sequence[float | MaskFeatures] = (0.0, 0.0),
        chunk_size: int | None = None,
    ) -> None:
        super().__init__(encoder, drop_edge, mask_features)
        if check_fraction(ratio, "ratio") == 0:
            raise ValueError("ratio must lie in (0, 1], got 0")
        self.ratio = float(ratio)
        self.head = host_head(out_channels, proj_channels)
        self.width = int(out_channels)
        self.contrast = InfoNCELoss(temperature, False, chunk_size)

    def loss(self, z1: Tensor, z2: Tensor, *, generator: torch.Generator) -> Tensor:
        """Loss of the projected sketches of both views' embeddings ``(N, D)``.

        Args:
            z1 (Tensor): Embeddings of one view.
            z2 (Tensor): Embeddings of the other.
            generator (torch.Generator): Draws the seed of this step's sketch.

        Returns:
            Tensor: A scalar.
        """
        z1, z2 = check_pair(z1, z2)
        check_matrix(z1, "z1", cols=self.width, finite=False)
        for z, name in ((z1, "z1"), (z2, "z2")):
            check_head_dtype(z, self.head, name)
        check_generator(generator)
        seed = torch.randint(2**62, (1,), generator=generator, device=generator.device)
        # Even the smallest graph has a sketch of one row.
        rows = max(1, int(self.ratio * z1.size(0)))
        # One matrix for both: it is drawn once for the two of them side by side.
        sketch = unchecked_sketch(torch.cat([z1, z2], dim=1), rows, int(seed))
        one, two = sketch.split([z1.size(1), z2.size(1)], dim=1)
        out: Tensor = self.contrast(self.head(one), self.head(two))
        return out

    def _view_loss(
        self, z1: Tensor, z2: Tensor, views: list[View], *, generator: torch.Generator, step: int
    ) -> Tensor:
        """Loss of one step, :meth:`loss`."""
        return self.loss(z1, z2, generator=generator)
