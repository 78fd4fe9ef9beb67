"""The random start of FastRP, by columns: projection, degree factors, features."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab._precision import working_dtype
from graphlab.ops import random_projection

__all__: list[str] = []

#: Columns of one product with the features: a fixed shape gives fixed bits.
_BLOCK = 16
#: Rows that are drawn in single precision before they become bfloat16.
_ROWS = 1 << 16
_TOPOLOGY, _FEATURES = 0, 1  # streams of the seed


@dataclass(frozen=True)
class Start:
    """The matrix that is propagated; any range of its columns can be computed by itself.

    Attributes:
        dim (int): Number of columns.
        dtype (torch.dtype): Of the columns.
        factor (Tensor): float64 ``(N,)``, multiplies the rows of the topology part.
        sparsity (float): Of the ternary entries; 0 draws normal ones.
        seed (int): Of both parts.
        node (Tensor, optional): Names of the rows; 0, 1, ... when missing.
        matrix (Tensor, optional): A given matrix instead of the drawn one.
        features (Tensor, optional): ``(N, F)`` float64; they fill the last ``feature_dim`` columns.
        feature_dim (int): Number of those columns.
    """

    dim: int
    dtype: torch.dtype
    factor: Tensor
    sparsity: float
    seed: int
    node: Tensor | None = None
    matrix: Tensor | None = None
    features: Tensor | None = None
    feature_dim: int = 0

    def columns(self, lo: int, hi: int) -> Tensor:
        """Columns ``[lo, hi)``, ``(N, hi - lo)``; the same bits for every way of cutting."""
        if self.matrix is not None:
            given = self.matrix[:, lo:hi].double() * self.factor.unsqueeze(1)
            return given.to(self.dtype).contiguous()
        border = self.dim - self.feature_dim
        if self.features is None or hi <= border:
            return self._topology(lo, hi)
        parts = [self._topology(lo, border)] if lo < border else []
        at = max(lo, border)
        while at < hi:
            stop = min(hi, (at // _BLOCK + 1) * _BLOCK)
            parts.append(self._feature_columns(self.features, at, stop))
            at = stop
        return torch.cat(parts, dim=1)

    def _topology(self, lo: int, hi: int) -> Tensor:
        # Variance 1 / dim per entry: sqrt(s / dim) with probability 1 / s, or normal / sqrt(dim).
        scale = ((self.sparsity or 1.0) / self.dim) ** 0.5
        wide = working_dtype(self.dtype)
        out = self.factor.new_empty((self.factor.numel(), hi - lo), dtype=self.dtype)
        step = _ROWS if self.dtype != wide else max(1, self.factor.numel())
        node = self.node
        if node is None and step < self.factor.numel():
            node = torch.arange(self.factor.numel(), device=self.factor.device)
        for begin in range(0, self.factor.numel(), step):
            part = slice(begin, begin + step)
            drawn = random_projection(
                self.factor[part].to(wide),
                lo,
                hi,
                sparsity=self.sparsity,
                scale=scale,
                node=None if node is None else node[part],
                seed=self.seed,
                stream=_TOPOLOGY,
            )
            if drawn.dtype == self.dtype and step >= self.factor.numel():
                return drawn
            out[part] = drawn
        return out

    def _feature_columns(self, features: Tensor, lo: int, hi: int) -> Tensor:
        """``features @ V`` with ternary V (s = 3) of the size that the topology part has."""
        count = features.size(1)
        border = self.dim - self.feature_dim
        # Always whole blocks, whatever was asked for, so that the product is always the same one.
        first = max(lo // _BLOCK * _BLOCK, border)
        last = min((lo // _BLOCK + 1) * _BLOCK, self.dim)
        vectors = random_projection(
            features.new_ones(count),
            first - border,
            last - border,
            sparsity=3.0,
            scale=(3.0 / self.dim) ** 0.5,
            seed=self.seed,
            stream=_FEATURES,
        )
        return (features @ vectors)[:, lo - first : hi - first].to(self.dtype)
