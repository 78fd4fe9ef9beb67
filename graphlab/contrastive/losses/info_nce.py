"""InfoNCE with in-batch negatives, in memory that is linear in the number of nodes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlab._checks import check_distinct, check_int, check_pair, check_positive
from graphlab._precision import widened
from graphlab.contrastive.losses._reduction import Reduction, check_reduction, reduced
from graphlab.contrastive.losses._row_logsumexp import row_logsumexp
from graphlab.ops import pairwise_logsumexp, self_logsumexp, unit_rows

__all__ = [
    "InfoNCELoss",
    "both_directions",
    "info_nce",
    "info_nce_per_node",
    "per_node_terms",
]


def info_nce(
    z1: Tensor,
    z2: Tensor,
    temperature: float,
    *,
    intraview: bool = True,
    chunk_size: int | None = None,
    nodes: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Mean of :func:`info_nce_per_node` over nodes and both directions.

    Args:
        z1 (Tensor): Floating point ``(N, D)``; rows are normalised inside, zero rows stay zero.
            Half precision is computed in float32.
        z2 (Tensor): The other view, ``(N, D)``.
        temperature (float): Positive; divides the cosine.
        intraview (bool): Count the other nodes of the own view as negatives too.
        chunk_size (int, optional): See :func:`info_nce_per_node`.
        nodes (Tensor, optional): See :func:`info_nce_per_node`. With the mean, nodes drawn at
            random give an unbiased estimate of the loss of all nodes and of its gradient.
        reduction (str): ``"mean"``, ``"sum"``, or ``"none"`` for the terms of the nodes, each the
            mean of its two directions.

    Returns:
        Tensor: A scalar; ``(N,)``, or ``(n,)`` with ``nodes``, for ``reduction="none"``.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed.

    Complexity: O(N^2 D) time, O(n N D) with ``nodes``; O(N D) memory, no N x N matrix is stored.
    Determinism: bitwise for a given device.

    Example:
        >>> z = torch.eye(3)
        >>> round(float(info_nce(z, z, 0.5, intraview=False)), 4)
        0.2395
    """
    check_reduction(reduction)
    one, two = info_nce_per_node(
        z1, z2, temperature, intraview=intraview, chunk_size=chunk_size, nodes=nodes
    )
    return both_directions(one, two, reduction)


def info_nce_per_node(
    z1: Tensor,
    z2: Tensor,
    temperature: float,
    *,
    intraview: bool = True,
    chunk_size: int | None = None,
    nodes: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    r"""InfoNCE of every node, in both directions.

    With cosines :math:`s(\cdot, \cdot)` and temperature t, the direction from u = z1 to v = z2 is

    .. math:: \ell_i = -\log \frac{e^{s(u_i, v_i) / t}}{\sum_j e^{s(u_i, v_j) / t}
        + \sum_{j \ne i} e^{s(u_i, u_j) / t}}

    and the last sum is there with ``intraview`` only. Both directions with intra-view negatives are
    one log-sum-exp over the 2 N stacked rows without the pair of a row with itself.

    Args:
        z1 (Tensor): Floating point ``(N, D)``; rows are normalised inside, zero rows stay zero.
            Half precision is computed in float32.
        z2 (Tensor): The other view, ``(N, D)``.
        temperature (float): Positive t; divides the cosine.
        intraview (bool): Count the other nodes of the own view as negatives too.
        chunk_size (int, optional): Anchors per call of the operator. ``None`` passes all at once,
            which is fastest; the operator tiles by itself. The values do not depend on it.
        nodes (Tensor, optional): Distinct nodes ``(n,)`` whose terms are wanted. The negatives
            remain all N nodes, so that each term is the one of the whole.

    Returns:
        tuple: Losses ``(N,)`` of the direction from z1 to z2, and of the other; ``(n,)`` in the
        order of ``nodes``.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed.

    Complexity: O(N^2 D) time, O(n N D) with ``nodes``; O(N D) memory, no N x N matrix is stored.
    Determinism: bitwise for a given device.
    """
    z1, z2 = check_pair(z1, z2, min_rows=1)
    scale = 1.0 / check_positive(temperature, "temperature")
    if chunk_size is not None:
        check_int(chunk_size, "chunk_size", minimum=1)
    if nodes is not None:
        nodes = check_distinct(nodes, z1.size(0), "nodes")
        if not nodes.numel():
            raise ValueError("nodes must hold at least one node, got none")
    return per_node_terms(z1, z2, scale, intraview, chunk_size, nodes)


def both_directions(one: Tensor, two: Tensor, reduction: Reduction) -> Tensor:
    """Terms of two directions, reduced over both."""
    if reduction == "mean":
        return 0.5 * (one.mean() + two.mean())
    return reduced(0.5 * (one + two), reduction)


def per_node_terms(
    z1: Tensor,
    z2: Tensor,
    scale: float,
    intraview: bool = True,
    chunk_size: int | None = None,
    nodes: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """:func:`info_nce_per_node` of checked arguments; ``scale`` is one over the temperature."""
    u1, u2 = unit_rows(widened(z1)), unit_rows(widened(z2))
    if nodes is not None:
        return _terms_of(nodes, u1, u2, scale, intraview, chunk_size)
    attraction = scale * (u1 * u2).sum(1)
    # The positive stands in the denominator too: the difference of logarithms overflows at no
    # temperature, where the quotient of exponentials would.
    if intraview:
        forward, backward = _stacked(torch.cat([u1, u2]), scale, chunk_size).chunk(2)
    else:
        forward, backward = _between(u1, u2, scale, chunk_size)
    return forward - attraction, backward - attraction


def _terms_of(
    nodes: Tensor, u1: Tensor, u2: Tensor, scale: float, intraview: bool, chunk_size: int | None
) -> tuple[Tensor, Tensor]:
    """Terms of some nodes against all."""
    own1, own2 = u1[nodes], u2[nodes]
    attraction = scale * (own1 * own2).sum(1)
    size = chunk_size or max(1, nodes.numel())
    if not intraview:
        forward, backward = (
            torch.cat([row_logsumexp(part, other, scale) for part in own.split(size)])
            for own, other in ((own1, u2), (own2, u1))
        )
        return forward - attraction, backward - attraction
    # A row without itself: among the chosen rows by the operator, and with the others as a whole.
    own = torch.cat([own1, own2])
    rest = torch.ones(u1.size(0), dtype=torch.bool, device=u1.device).index_fill(0, nodes, False)
    among = _stacked(own, scale, chunk_size)
    others = torch.cat([u1[rest], u2[rest]])
    apart = torch.cat([row_logsumexp(part, others, scale) for part in own.split(size)])
    forward, backward = torch.logaddexp(among, apart).chunk(2)
    return forward - attraction, backward - attraction


def _stacked(u: Tensor, scale: float, chunk_size: int | None) -> Tensor:
    """Log-sum-exp of every row over all other rows, ``(2 N,)``."""
    if chunk_size is None or chunk_size >= u.size(0):
        return self_logsumexp(u, scale=scale, diagonal="exclude")
    parts = []
    for start in range(0, u.size(0), chunk_size):
        # The other rows stand before, within and after the chunk: three views, no copies.
        stop = start + chunk_size
        own = u[start:stop]
        sums = [self_logsumexp(own, scale=scale, diagonal="exclude")]
        sums += [row_logsumexp(own, other, scale) for other in (u[:start], u[stop:])]
        parts.append(torch.stack(sums).logsumexp(0))
    return torch.cat(parts)


def _between(u1: Tensor, u2: Tensor, scale: float, chunk_size: int | None) -> tuple[Tensor, Tensor]:
    """Log-sum-exp of every row of one view over all rows of the other, both ways."""
    if chunk_size is None or chunk_size >= u1.size(0):
        row, column = pairwise_logsumexp(u1, u2, scale=scale, columns=True)
        return row, column
    first, second = (
        torch.cat([row_logsumexp(part, other, scale) for part in own.split(chunk_size)])
        for own, other in ((u1, u2), (u2, u1))
    )
    return first, second


class InfoNCELoss(nn.Module):
    """:func:`info_nce` as a module.

    With ``intraview`` this is the loss of GRACE and GCA, without it the symmetric loss of COSTA,
    SimCLR-like two-tower models and CLIP. Stable at any temperature; no N x N matrix is stored,
    where the usual implementations hold several.

    Args:
        temperature (float): Positive; divides the cosine.
        intraview (bool): Count the other nodes of the own view as negatives too.
        chunk_size (int, optional): Anchors per call of the operator, see :func:`info_nce`.
        reduction (str): See :func:`info_nce`.

    Shapes:
        - z1, z2: ``(N, D)`` floating point, row i of both belongs to node i.
        - output: scalar; ``(N,)`` with ``reduction="none"``.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(N^2 D) time, O(N D) memory.

    Reference: van den Oord et al., "Representation learning with contrastive predictive coding",
        arXiv:1807.03748; Zhu et al., "Deep graph contrastive representation learning",
        arXiv:2006.04131.

    Example:
        >>> z = torch.eye(3)
        >>> round(float(InfoNCELoss(0.5, intraview=False)(z, z)), 4)
        0.2395
    """

    def __init__(
        self,
        temperature: float,
        intraview: bool = True,
        chunk_size: int | None = None,
        *,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        self.temperature = check_positive(temperature, "temperature")
        self.intraview = bool(intraview)
        if chunk_size is not None:
            check_int(chunk_size, "chunk_size", minimum=1)
        self.chunk_size = chunk_size
        self.reduction: Reduction = check_reduction(reduction)

    def forward(self, z1: Tensor, z2: Tensor, nodes: Tensor | None = None) -> Tensor:
        """Loss of both views' embeddings.

        Args:
            z1 (Tensor): Embeddings of one view, ``(N, D)``.
            z2 (Tensor): Embeddings of the other.
            nodes (Tensor, optional): Nodes whose terms count, see :func:`info_nce`.

        Returns:
            Tensor: A scalar; ``(N,)`` with ``reduction="none"``.
        """
        return info_nce(
            z1,
            z2,
            self.temperature,
            intraview=self.intraview,
            chunk_size=self.chunk_size,
            nodes=nodes,
            reduction=self.reduction,
        )

    def extra_repr(self) -> str:
        """Settings for ``repr``."""
        return f"temperature={self.temperature}, intraview={self.intraview}"
