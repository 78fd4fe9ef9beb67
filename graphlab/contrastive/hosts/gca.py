"""GCA: GRACE with edges dropped by the centrality of the node they enter."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from graphlab.contrastive.augment.centrality_drop_edge import CentralityDropEdge, Measure
from graphlab.contrastive.augment.mask_features import MaskFeatures
from graphlab.contrastive.hosts.grace import GRACE
from graphlab.contrastive.hosts.two_view import pair_of

__all__ = ["GCA"]


class GCA(GRACE):
    """:class:`GRACE` whose augmentation spares the edges into important nodes.

    Features are masked uniformly; the adaptive feature weights of the paper are not part of it
    (POT's code computes and never uses them).

    Args:
        encoder (nn.Module): Called as ``encoder(x, edge_index)``; returns ``(N, out_channels)``.
        out_channels (int): Width D of the embeddings.
        proj_channels (int, optional): Hidden width of the projection head; D if missing.
        edge_index (Tensor): Edges of the graph, ``(2, E)``; the centrality is computed once.
        num_nodes (int): N.
        drop_rate (sequence): Two average rates.
        centrality (str or Tensor): A measure of :func:`node_centrality` or own values, see
            :class:`CentralityDropEdge`. Three are those of the authors' code: ``"degree"`` (which
            all published rows of GCA here use), ``"eigenvector"``, and ``"released_pagerank"``
            for what that code calls PageRank; ``"pagerank"`` is the PageRank of the paper.
        threshold (float): Largest drop probability of an edge.
        temperature (float): Positive; divides the cosine.
        mask_features (sequence): Two rates or augmentations of the features.
        chunk_size (int, optional): See :class:`InfoNCELoss`.
        num_anchors (int, optional): See :class:`GRACE`.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed.

    Reference: Zhu et al., "Graph contrastive learning with adaptive augmentation", WWW 2021,
        arXiv:2010.14945.
    """

    def __init__(
        self,
        encoder: nn.Module,
        out_channels: int,
        proj_channels: int | None = None,
        *,
        edge_index: Tensor,
        num_nodes: int,
        drop_rate: Sequence[float] = (0.3, 0.1),
        centrality: Measure | Tensor = "degree",
        threshold: float = 0.7,
        temperature: float = 0.5,
        mask_features: Sequence[float | MaskFeatures] = (0.0, 0.0),
        chunk_size: int | None = None,
        num_anchors: int | None = None,
    ) -> None:
        drops = [
            CentralityDropEdge(edge_index, num_nodes, p, centrality, threshold)
            for p in pair_of(drop_rate, "drop_rate")
        ]
        super().__init__(
            encoder,
            out_channels,
            proj_channels,
            temperature=temperature,
            drop_edge=drops,
            mask_features=mask_features,
            chunk_size=chunk_size,
            num_anchors=num_anchors,
        )
