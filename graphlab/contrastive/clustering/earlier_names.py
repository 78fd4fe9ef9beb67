"""Attributes of SCGC under their names of the last version."""

from __future__ import annotations

from graphlab._deprecation import warn_renamed
from graphlab.contrastive.clustering.network import ClusteringNetwork
from graphlab.contrastive.losses.pamc import PamCLoss

__all__: list[str] = []


class EarlierNames:
    """``network`` and ``contrast``, with a warning; goes with the next version."""

    network_: ClusteringNetwork

    def _contrast(self) -> PamCLoss:
        raise NotImplementedError

    @property
    def network(self) -> ClusteringNetwork | None:
        """The network under its earlier name; None before a fit."""
        warn_renamed("SCGC.network", "SCGC.network_")
        return getattr(self, "network_", None)

    @property
    def contrast(self) -> PamCLoss:
        """The contrastive loss, which was an attribute before a fit as well."""
        warn_renamed("SCGC.contrast", "SCGC.network_.contrast")
        if hasattr(self, "network_"):
            return self.network_.contrast
        # What is changed on it before a fit counts in the fit.
        if not hasattr(self, "_early"):
            self._early = self._contrast()
        return self._early

    def _earlier_samples(self, num_samples: int) -> int:
        """Number of sampled rows, or what was set on :attr:`contrast` before the fit."""
        early: PamCLoss | None = getattr(self, "_early", None)
        return num_samples if early is None else early.num_samples
