"""Loss of ProGCL: InfoNCE with negatives weighted or mixed by likelihood and hardness."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, cast

import torch
from torch import Tensor, nn

from graphlab._checks import (
    check_choice,
    check_fraction,
    check_index,
    check_int,
    check_pair,
    check_positive,
)
from graphlab._precision import full_precision, widened
from graphlab._random import random_order
from graphlab.contrastive.augment._draws import DrawStream
from graphlab.contrastive.losses._reduction import Reduction, check_reduction
from graphlab.contrastive.losses._weighted_negatives import LogWeights, weighted_info_nce
from graphlab.contrastive.losses.beta_mixture import BetaMixture
from graphlab.contrastive.losses.info_nce import both_directions, info_nce_per_node, per_node_terms
from graphlab.ops import unit_rows
from graphlab.ops.tiles import Tile, by_tiles

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ProGCLLoss"]

_Frozen = tuple[Tensor, Tensor, Tensor, Tensor]
#: Entries of a tile; about eight tiles are alive at a time.
_TILE = 2**19


class ProGCLLoss(nn.Module):
    r"""InfoNCE whose negatives are reweighted or extended by a Beta mixture.

    Until :meth:`fit` it is :class:`InfoNCELoss`. ``fit`` takes the present embeddings, fits a
    :class:`BetaMixture` to the cosines of all anchors with some random nodes, and freezes
    :math:`B_{ij}` = P(true negative | s_ij) (s_ij + 1) / 2. From then on

    * ``"weight"`` multiplies the negatives j of anchor i, between and within the views, by
      :math:`B_{ij} / \overline{B_i}` (mean over j);
    * ``"mix"`` takes the ``num_mixed`` negatives of largest B per anchor, mixes their similarities
      with a random permutation of them in proportion to B, and adds the results as negatives.

    B is a function of the frozen embeddings, so that the N x N table the authors keep is not
    stored: ``"weight"`` computes it again, tile by tile, in both passes, once for both directions.
    That from view 2 to view 1 has the transposed B; the authors reuse that of the first direction.

    Args:
        temperature (float): Positive; divides the cosine.
        mode (str): ``"weight"`` or ``"mix"``.
        num_mixed (int): Negatives added per anchor by ``"mix"``; at most N - 1 are.
        num_columns (int): Random nodes, with replacement, that the mixture is fitted on.
        prior (float): Share of the false negatives at the start of the fit, in [0, 1].
        iterations (int): Steps of the fit.
        chunk_size (int, optional): Anchors per tile; by default such that a tile has 2^19 entries.
        reduction (str): ``"mean"``, ``"sum"``, or ``"none"`` for the terms of the nodes, each the
            mean of its two directions.

    Attributes:
        mixture (BetaMixture, optional): The fitted mixture, or None.

    Shapes:
        - z1, z2: ``(N, D)`` floating point, N at least 2; half precision is computed in float32.
          The dtype of a call may be another one than that of the fit; the call's counts.
        - output: scalar; ``(N,)`` with ``reduction="none"``.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(N^2 D) time; O(N D) memory and a few tiles. ``"mix"`` also stores
        O(N num_mixed): 24 bytes per anchor and added negative (65 MB for Cora).
        ``"weight"`` costs several times the time of :class:`InfoNCELoss`. What is frozen is not
        part of ``state_dict``.
    Determinism: bitwise on the CPU for given generators.

    Reference: Xia et al., "ProGCL: rethinking hard negative mining in graph contrastive learning",
        ICML 2022, arXiv:2110.02027.
    """

    def __init__(
        self,
        temperature: float,
        mode: Literal["weight", "mix"] = "weight",
        *,
        num_mixed: int = 1000,
        num_columns: int = 100,
        prior: float = 0.05,
        iterations: int = 10,
        chunk_size: int | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        self.temperature = check_positive(temperature, "temperature")
        self.mode = check_choice(mode, "mode", ("weight", "mix"))
        self.num_mixed = check_int(num_mixed, "num_mixed", minimum=1)
        self.num_columns = check_int(num_columns, "num_columns", minimum=1)
        self.prior = check_fraction(prior, "prior")
        self.iterations = check_int(iterations, "iterations", minimum=1)
        if chunk_size is not None:
            check_int(chunk_size, "chunk_size", minimum=1)
        self.chunk_size = chunk_size
        self.reduction: Reduction = check_reduction(reduction)
        self.mixture: BetaMixture | None = None
        self._frozen: _Frozen | None = None
        self._stream = DrawStream(0)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> ProGCLLoss:
        """Move the frozen tensors along with the module (``to``, ``cuda``, ``double``)."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if self._frozen is not None:
            a, b, c, d = self._frozen
            self._frozen = fn(a), fn(b), fn(c), fn(d)
        return self

    @torch.no_grad()
    def fit(
        self,
        z1: Tensor,
        z2: Tensor,
        *,
        generator: torch.Generator | None = None,
        columns: Tensor | None = None,
    ) -> Self:
        """Fit the mixture on the present embeddings and freeze B.

        Args:
            z1 (Tensor): Embeddings ``(N, D)`` of the anchors of the first direction.
            z2 (Tensor): Embeddings of the other view.
            generator (torch.Generator, optional): Draws the columns where these are not given;
                seed 0 by default.
            columns (Tensor, optional): Node numbers to fit on, int64.

        Returns:
            ProGCLLoss: Itself.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed, or all cosines agree.
        """
        u1, u2 = self._units(z1, z2)
        # A stream of its own: two fits without a generator draw the same columns.
        drawing = DrawStream(0).generator(generator)
        if columns is None:
            columns = torch.randint(
                u1.size(0), (self.num_columns,), generator=drawing, device=drawing.device
            ).to(u1.device)
        columns = check_index(columns, u1.size(0), "columns")
        with full_precision(u1):
            cosine = u1 @ u2[columns].t()
            self.mixture = BetaMixture.fit(cosine, prior=self.prior, iterations=self.iterations)
            if self.mode == "mix":
                self._frozen = (*self._hardest(u1, u2), *self._hardest(u2, u1))
            else:
                tiles = self._tiles(u1.size(0))
                self._frozen = LogWeights.of(self.mixture, u1.clone(), u2.clone(), tiles)[1:]
        return self

    def forward(
        self, z1: Tensor, z2: Tensor, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """Loss of both directions.

        Args:
            z1 (Tensor): Embeddings of one view, ``(N, D)``.
            z2 (Tensor): Embeddings of the other.
            generator (torch.Generator, optional): Draws the permutation of ``"mix"``. Without one,
                call k of this loss draws from the k-th generator of seed 0.

        Returns:
            Tensor: A scalar; ``(N,)`` with ``reduction="none"``.
        """
        one, two = self.per_node(z1, z2, generator=generator)
        return both_directions(one, two, self.reduction)

    def per_node(
        self, z1: Tensor, z2: Tensor, *, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Losses of every node in both directions.

        Args:
            z1 (Tensor): Embeddings of one view, ``(N, D)``.
            z2 (Tensor): Embeddings of the other.
            generator (torch.Generator, optional): Draws the permutation of ``"mix"``. Without one,
                call k of this loss draws from the k-th generator of seed 0.

        Returns:
            tuple: ``(N,)`` from z1 to z2, and the other way.
        """
        if self._frozen is None:
            return info_nce_per_node(z1, z2, self.temperature, chunk_size=self.chunk_size)
        u1, u2 = self._units(z1, z2)
        if u1.size(0) != self._frozen[0].size(0):
            raise ValueError(
                f"z1 must have the {self._frozen[0].size(0)} rows of the fit, got {u1.size(0)}"
            )
        frozen = self._frozen_as(u1.dtype)
        if self.mode == "weight":
            mixture = cast(BetaMixture, self.mixture)  # of the fit, as what is frozen
            weights, tiles = LogWeights(mixture, *frozen), self._tiles(u1.size(0))
            terms: tuple[Tensor, Tensor] = weighted_info_nce(
                u1, u2, weights, tiles, self.temperature
            )
            return terms
        generator = self._stream.generator(generator)
        first, second = frozen[:2], frozen[2:]
        size = first[0].size(1)
        order = [random_order(size, generator, u1.device) for _ in range(2)]
        scale = 1.0 / self.temperature
        one, two = per_node_terms(z1, z2, scale, chunk_size=self.chunk_size)
        return (
            self._extended(one, u1, u2, *first, order[0]),
            self._extended(two, u2, u1, *second, order[1]),
        )

    def _units(self, z1: Tensor, z2: Tensor) -> tuple[Tensor, Tensor]:
        z1, z2 = check_pair(z1, z2, min_rows=2)
        u1, u2 = unit_rows(widened(z1)), unit_rows(widened(z2))
        dtype = torch.promote_types(u1.dtype, u2.dtype)
        return u1.to(dtype), u2.to(dtype)

    def _frozen_as(self, dtype: torch.dtype) -> _Frozen:
        """What is frozen, in the dtype of a call; the fit may have had another one."""
        a, b, c, d = (
            part.to(dtype) if part.is_floating_point() else part
            for part in cast(_Frozen, self._frozen)
        )
        return a, b, c, d

    def _extended(
        self, loss: Tensor, u: Tensor, v: Tensor, index: Tensor, hardness: Tensor, order: Tensor
    ) -> Tensor:
        """Add mixed negatives to an InfoNCE, ``(N,)``."""
        scale = 1.0 / self.temperature

        def tile(rows: slice, anchor: Tensor, u: Tensor, v: Tensor) -> Tensor:
            between = scale * (anchor @ v.t())
            own = torch.arange(rows.start, rows.stop, device=u.device)[:, None]
            chosen, weight = between.gather(1, index[rows]), hardness[rows]
            other, other_weight = chosen[:, order], weight[:, order]
            # Two negatives of hardness zero have no mean: theirs is zero, not NaN.
            mixed = (chosen * weight + other * other_weight) / (weight + other_weight + 1e-12)
            return torch.logsumexp(mixed, dim=1) - between.gather(1, own)[:, 0]

        return torch.logaddexp(loss, self._tiled(tile, u, v))

    def _hardest(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Indices and B of the negatives with the largest B, each ``(N, num_mixed)``."""
        mixture = cast(BetaMixture, self.mixture)
        size = min(self.num_mixed, u.size(0) - 1)
        parts = []
        for rows in self._tiles(u.size(0)):
            own = torch.arange(rows.start, rows.stop, device=u.device)[:, None]
            hardness = mixture.log_hardness(u[rows] @ v.t()).scatter_(1, own, float("-inf"))
            parts.append(hardness.topk(size, dim=1))
        index = torch.cat([part.indices for part in parts])
        return index, torch.cat([part.values for part in parts]).exp()

    def _tiles(self, num_nodes: int) -> list[slice]:
        step = self.chunk_size or max(1, _TILE // num_nodes)
        return [slice(a, min(a + step, num_nodes)) for a in range(0, num_nodes, step)]

    def _tiled(self, tile: Tile, u: Tensor, v: Tensor) -> Tensor:
        out: Tensor = by_tiles(tile, self._tiles(u.size(0)), u, v)
        return out

    def extra_repr(self) -> str:
        """Settings for ``repr``."""
        return f"temperature={self.temperature}, mode={self.mode!r}"
