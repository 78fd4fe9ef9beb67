"""InfoNCE in both directions with a weight on every negative, tile by tile."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphlab._autograd import first_order, refuse_transforms
from graphlab._precision import full_precision
from graphlab.contrastive.losses.beta_mixture import BetaMixture

__all__ = ["LogWeights", "weighted_info_nce"]


class LogWeights(NamedTuple):
    r"""Logarithms of B, a function of cosines that do not change, and of its means.

    Attributes:
        mixture (BetaMixture): Gives :math:`\log B` of a cosine.
        first (Tensor): Unit rows of the first view, ``(N, D)``.
        second (Tensor): Of the second.
        row_mean (Tensor): Log of the mean of B over the other nodes of a row, ``(N,)``.
        col_mean (Tensor): Of a column.
    """

    mixture: BetaMixture
    first: Tensor
    second: Tensor
    row_mean: Tensor
    col_mean: Tensor

    @staticmethod
    def of(
        mixture: BetaMixture, first: Tensor, second: Tensor, tiles: Sequence[slice]
    ) -> LogWeights:
        """Weights between two views; their means take one pass over all pairs."""
        none = first.new_empty(0)
        bare = LogWeights(mixture, first, second, none, none)
        sums = _Sums.empty(first)
        for rows in tiles:
            table = bare.tile(rows)
            sums.add(rows, table, table)
        others = math.log(first.size(0) - 1)
        return bare._replace(row_mean=sums.row - others, col_mean=sums.col - others)

    def tile(self, rows: slice) -> Tensor:
        """Log of B of some rows with all columns; minus infinity at the own node."""
        table = self.mixture.log_hardness(self.first[rows] @ self.second.t())
        return table.scatter_(1, _own(rows, table), float("-inf"))


class _Sums(NamedTuple):
    """Log-sums over rows and columns of a matrix that is seen in tiles of rows."""

    row: Tensor
    col: Tensor

    @staticmethod
    def empty(like: Tensor) -> _Sums:
        low = torch.full((like.size(0),), float("-inf"), dtype=like.dtype, device=like.device)
        return _Sums(low, low.clone())

    def add(self, rows: slice, by_row: Tensor, by_col: Tensor) -> None:
        """Take a tile's sums, along its rows of one matrix and along its columns of another."""
        self.row[rows] = torch.logaddexp(self.row[rows], torch.logsumexp(by_row, dim=1))
        torch.logaddexp(self.col, torch.logsumexp(by_col, dim=0), out=self.col)


class _Tile(NamedTuple):
    """Logits of some rows of view one, and of view two, with their weights.

    Attributes:
        rows (slice): The rows.
        between (Tensor): Of rows of view one with all of view two.
        within (Tensor): Of rows of view one with all of view one.
        within_other (Tensor): Of rows of view two with all of view two.
    """

    rows: slice
    between: Tensor
    within: Tensor
    within_other: Tensor


def _own(rows: slice, like: Tensor) -> Tensor:
    return torch.arange(rows.start, rows.stop, device=like.device)[:, None]


def _tiles(
    u: Tensor, v: Tensor, weights: LogWeights, tiles: Sequence[slice], scale: float
) -> Iterator[_Tile]:
    for rows in tiles:
        table = weights.tile(rows)
        # One table serves both directions: the second has its transpose.
        within = torch.addmm(table, u[rows], u.t(), alpha=scale)
        within_other = torch.addmm(table, v[rows], v.t(), alpha=scale)
        yield _Tile(rows, table.addmm_(u[rows], v.t(), alpha=scale), within, within_other)


# What is computed again on the way back is not for torch.compile to trace.
@torch.compiler.disable  # type: ignore[untyped-decorator]
def weighted_info_nce(
    u: Tensor, v: Tensor, weights: LogWeights, tiles: Sequence[slice], temperature: float
) -> tuple[Tensor, Tensor]:
    r"""InfoNCE of all nodes in both directions, with weighted negatives.

    Anchor i of view one has the negatives j between and within the views with the weights
    :math:`B_{ij}` over their mean of row i, anchor j of view two those with :math:`B_{ij}` over
    the mean of column j.

    Args:
        u (Tensor): Unit rows of view one, floating point ``(N, D)``.
        v (Tensor): Unit rows of view two, ``(N, D)``.
        weights (LogWeights): The weights, constants.
        tiles (sequence of slice): Rows of the tiles, which together are all N.
        temperature (float): Positive; divides the cosine.

    Returns:
        tuple: ``(N,)`` from view one to two, and the other way; differentiable once.

    Complexity: O(N^2 D) time, four products of N x N x D and ten on the way back; memory of four
    tiles and a gradient.
    """
    refuse_transforms("ProGCLLoss")
    out: tuple[Tensor, Tensor] = _WeightedInfoNCE.apply(  # type: ignore[no-untyped-call]
        u, v, weights, tiles, 1.0 / temperature
    )
    return out


class _WeightedInfoNCE(torch.autograd.Function):
    """Both directions at once, so that they share products and weights; no tile is kept."""

    @staticmethod
    def forward(
        ctx: Any, u: Tensor, v: Tensor, weights: LogWeights, tiles: Sequence[slice], scale: float
    ) -> tuple[Tensor, Tensor]:
        between, within = _Sums.empty(u), _Sums.empty(u)
        with full_precision(u):
            for tile in _tiles(u, v, weights, tiles, scale):
                between.add(tile.rows, tile.between, tile.between)
                within.add(tile.rows, tile.within, tile.within_other)
        positive = scale * (u * v).sum(1)
        # Log-sums of the positive and all negatives of an anchor.
        one = torch.logaddexp(positive, torch.logaddexp(between.row, within.row) - weights.row_mean)
        two = torch.logaddexp(positive, torch.logaddexp(between.col, within.col) - weights.col_mean)
        ctx.save_for_backward(u, v, one, two)
        ctx.weights, ctx.tiles, ctx.scale = weights, tiles, scale
        return one - positive, two - positive

    @staticmethod
    @first_order
    def backward(ctx: Any, grad_one: Tensor, grad_two: Tensor) -> tuple[Tensor | None, ...]:
        u, v, one, two = ctx.saved_tensors
        scale, weights = ctx.scale, ctx.weights
        positive = scale * (u * v).sum(1)
        pull = grad_one * torch.expm1(positive - one) + grad_two * torch.expm1(positive - two)
        grad_u, grad_v = pull[:, None] * v, pull[:, None] * u
        row, col = one + weights.row_mean, two + weights.col_mean
        with full_precision(u):
            for tile in _tiles(u, v, weights, ctx.tiles, scale):
                rows = tile.rows
                # Shares of the negatives in the sums of their anchors, times what these pass back.
                push = (tile.between - row[rows, None]).exp_().mul_(grad_one[rows, None])
                push += tile.between.sub_(col).exp_().mul_(grad_two)
                inner = tile.within.sub_(row[rows, None]).exp_().mul_(grad_one[rows, None])
                outer = tile.within_other.sub_(col).exp_().mul_(grad_two)
                grad_u[rows] += torch.addmm(push @ v, inner, u)
                grad_v[rows] += outer @ v
                grad_u.addmm_(inner.t(), u[rows])
                grad_v.addmm_(push.t(), u[rows]).addmm_(outer.t(), v[rows])
        return grad_u.mul_(scale), grad_v.mul_(scale), None, None, None
