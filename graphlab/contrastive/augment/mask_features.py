"""Feature columns masked at random."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._checks import check_fraction, check_matrix
from graphlab.contrastive.augment._draws import DrawStream, drop_mask
from graphlab.contrastive.sparse_layout import scale_columns

__all__ = ["MaskFeatures"]


class MaskFeatures:
    """Set whole feature columns to zero, each with the same probability, for all nodes alike.

    Args:
        p (float): Probability in [0, 1] that a column is masked.
        seed (int): Seed of the draws of calls without a generator, which go on from call to call.

    Raises:
        TypeError, ValueError: If p is not a number in [0, 1].
    """

    def __init__(self, p: float, *, seed: int = 0) -> None:
        self.p = check_fraction(p, "p")
        self._stream = DrawStream(seed)

    def __call__(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Features with masked columns; the input itself if p is zero.

        Args:
            x (Tensor): Features, floating point ``(N, F)``, dense or sparse CSR.
            generator (torch.Generator, optional): Source of the draw; see ``seed``.

        Returns:
            Tensor: ``(N, F)``.
        """
        check_matrix(x, "x", finite=False, csr=True)
        if self.p == 0.0:
            return x
        generator = self._stream.generator(generator)
        keep = drop_mask(torch.full((x.size(1),), self.p, device=x.device), generator)
        return scale_columns(x, keep.to(x.dtype))

    def expected_budget(self, x: Tensor) -> int:
        """Expected number of masked columns, rounded half to even.

        Args:
            x (Tensor): Features ``(N, F)``, dense or sparse CSR.

        Returns:
            int: The number.
        """
        return round(self.p * check_matrix(x, "x", finite=False, csr=True).size(1))

    def __repr__(self) -> str:
        return f"MaskFeatures({self.p})"
