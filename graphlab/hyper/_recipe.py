"""Draw and description of candidates: the same steps for the source and for every target."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from graphlab.hyper._cover import greedy_cover, with_cover
from graphlab.hyper._graph import Graph
from graphlab.hyper._selection import select_columns
from graphlab.hyper._sets import Floats, Ints, SetFamily, find, node_sets
from graphlab.hyper.candidates import CandidateSet
from graphlab.hyper.count_features import COUNT_NAMES, count_features
from graphlab.hyper.motif_features import MOTIF_NAMES, motif_features
from graphlab.hyper.sampler import CliqueSampler


@dataclass(frozen=True, eq=False)
class Recipe:
    """Draws and describes the candidates of a graph.

    Attributes:
        features (str): ``"count"``, ``"motif"`` or ``"both"``.
        paper (bool): Whether the authors' steps are followed.
        sampler (CliqueSampler): Fitted on the source.
        source_cliques (int): Maximal cliques of the source.
        columns (Tensor, optional): Columns that are kept; ``None`` keeps all.
    """

    features: str
    paper: bool
    sampler: CliqueSampler
    source_cliques: int
    columns: Tensor | None = None

    def apply(self, cliques: SetFamily, graph: Graph) -> tuple[CandidateSet, Floats]:
        """Candidates and their features, standardised by their own mean and deviation."""
        if self.paper:
            candidates = self.sampler.sample(cliques)
            extra = []
        else:
            # A target with more cliques than the source may draw more, in proportion.
            ratio = max(1.0, len(cliques) / max(1, self.source_cliques))
            drawn = self.sampler.sample(cliques, budget=int(ratio * self.sampler.beta))
            cover = greedy_cover(graph)
            candidates = with_cover(drawn, cover)
            inside = torch.from_numpy(find(node_sets(candidates), cover) >= 0)
            extra = [inside.double().unsqueeze(1)]
        x = self._describe(candidates, cliques, graph, extra)
        return candidates, x if self.columns is None else x[:, self.columns.numpy()]

    def _describe(
        self, candidates: CandidateSet, cliques: SetFamily, graph: Graph, extra: list[Tensor]
    ) -> Floats:
        parts = []
        if self.features != "motif":
            parts.append(count_features(candidates, cliques, graph))
        if self.features != "count":
            parts.append(motif_features(candidates, cliques, graph))
        x: Floats = standardize(torch.cat([*parts, *extra], dim=1)).numpy()
        return _check_finite(x)

    def with_selection(self, x: Floats, y: Ints) -> Recipe:
        """The recipe that keeps the columns the authors select on the source, if they do."""
        if self.paper and self.features == "motif":
            return replace(self, columns=select_columns(x, y))
        return self

    def names(self) -> list[str]:
        """Names of the columns."""
        names = [] if self.features == "motif" else list(COUNT_NAMES)
        names += [] if self.features == "count" else [f"motif {name}" for name in MOTIF_NAMES]
        names += [] if self.paper else ["in cover"]
        return names if self.columns is None else [names[i] for i in self.columns.tolist()]


def standardize(x: Tensor) -> Tensor:
    """Columns with mean 0 and population deviation 1, of this very sample."""
    if x.size(0) == 0:  # a graph without nodes, of which torch would warn
        return x
    deviation = torch.std(x, dim=0, correction=0)
    return (x - x.mean(dim=0)) / (deviation + 1e-8)


def _check_finite(x: Floats) -> Floats:
    if not np.isfinite(x.sum()) and not np.isfinite(x).all():  # a finite sum is enough
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(f"features must be finite, but row {row} has {x[row, column]} at {column}")
    return x
