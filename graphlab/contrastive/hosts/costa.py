"""COSTA: contrast of random sketches of two views instead of their nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from graphlab._autograd import first_order
from graphlab._checks import check_fraction, check_int, check_matrix
from graphlab._precision import full_precision, widened
from graphlab.contrastive.augment.random import MaskFeatures
from graphlab.contrastive.hosts.two_view import EdgeAugmentation, TwoViewModel, projection_head
from graphlab.contrastive.losses.info_nce import InfoNCELoss
from graphlab.ops import random_projection
from graphlab.ops.reference.rows import chunks

__all__ = ["COSTA", "gaussian_sketch"]


class _Sketch(torch.autograd.Function):
    """P z with P drawn block by block, forwards and again backwards."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, rows: int, seed: int) -> Tensor:
        ctx.options = (rows, seed, z.size(0))
        out = z.new_empty(rows, z.size(1))
        with full_precision(z):
            for part in chunks(rows, z.size(0)):
                out[part] = _block(z, z.size(0), part, rows, seed).t() @ z
        return out

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        rows, seed, num_nodes = ctx.options
        out = grad.new_zeros(num_nodes, grad.size(1))
        with full_precision(grad):
            for part in chunks(rows, num_nodes):
                out += _block(grad, num_nodes, part, rows, seed) @ grad[part]
        return out, None, None


def _block(like: Tensor, num_nodes: int, part: slice, rows: int, seed: int) -> Tensor:
    """Some rows of P, transposed: ``(N, rows of the part)``."""
    return random_projection(
        like.new_ones(num_nodes),
        part.start,
        part.stop,
        sparsity=0,
        scale=rows**-0.5,
        seed=seed,
    )


def gaussian_sketch(z: Tensor, rows: int, *, seed: int) -> Tensor:
    r"""Multiply from the left by a random matrix that is never stored.

    P has ``rows`` rows and independent normal entries of variance 1 / rows, so that
    :math:`\mathbb{E}[P^\top P] = I`.

    Args:
        z (Tensor): Floating point ``(N, D)``; half precision is computed in float32.
        rows (int): Rows of the sketch, at least 1.
        seed (int): Seed of P, in ``[0, 2**64)``; the same seed gives the same P.

    Returns:
        Tensor: P z, ``(rows, D)``, dtype of z, differentiable in z.

    Complexity: O(rows N D) time, O((rows + N) D) memory; P is drawn twice, forwards and backwards.
    """
    check_matrix(z, "z")
    out: Tensor = _Sketch.apply(widened(z), check_int(rows, "rows", minimum=1), seed)  # type: ignore[no-untyped-call]
    return out.to(z.dtype)


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
        self.head = projection_head(out_channels, proj_channels)
        self.contrast = InfoNCELoss(temperature, False, chunk_size)

    def loss(self, z1: Tensor, z2: Tensor, *, generator: torch.Generator) -> Tensor:
        """Contrast the projected sketches of both views' embeddings ``(N, D)``, a scalar.

        Args:
            z1 (Tensor): Embeddings of one view.
            z2 (Tensor): Embeddings of the other.
            generator (torch.Generator): Draws the seed of this step's sketch.
        """
        check_matrix(z2, "z2", rows=check_matrix(z1, "z1").size(0))
        seed = torch.randint(2**62, (1,), generator=generator, device=generator.device)
        rows = max(1, int(self.ratio * z1.size(0)))
        # One matrix for both: it is drawn once for the two of them side by side.
        sketch = gaussian_sketch(torch.cat([z1, z2], dim=1), rows, seed=int(seed))
        one, two = sketch.split([z1.size(1), z2.size(1)], dim=1)
        out: Tensor = self.contrast(self.head(one), self.head(two))
        return out
