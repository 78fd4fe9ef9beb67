"""Batch normalisation over the rows of all processes, on any device."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlab._distributed import all_reduce_sum, is_distributed
from graphlab._precision import widened


class GlobalBatchNorm(nn.BatchNorm1d):
    """``BatchNorm1d`` whose statistics are those of the rows of all ranks.

    Where torch's ``SyncBatchNorm`` needs an accelerator, this runs on gloo as well. One process
    gives exactly ``BatchNorm1d``, and the names of parameters and buffers are the same. Ranks may
    have different numbers of rows.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(N, C)``."""
        if not (self.training and is_distributed()):
            return super().forward(x)
        wide = widened(x)
        count = wide.new_full((1,), wide.size(0))
        # Ranks differ in rows: sums and counts travel together, means could not be averaged.
        sums = all_reduce_sum(torch.cat([wide.sum(0), count]))
        total, mean = sums[-1].detach(), sums[:-1] / sums[-1].detach()
        # A second message, but no cancellation between squares.
        variance = all_reduce_sum(((wide - mean) ** 2).sum(0)) / total
        self._track(mean.detach(), variance.detach(), total)
        out = (wide - mean) * torch.rsqrt(variance + self.eps)
        if self.weight is not None:
            out = out * self.weight + self.bias
        return out.to(x.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, total: Tensor) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        # Running variances are unbiased, those of the step are not: torch's convention.
        unbiased = variance * (total / (total - 1).clamp(min=1))
        momentum = self.momentum
        if momentum is None:  # the average over all steps; as in torch none without their number
            steps = self.num_batches_tracked
            momentum = 0.0 if steps is None else 1.0 / float(steps)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), momentum)
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), momentum)
