"""DistanceToCluster: where in the graph a node is."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_choice, check_index, check_int, check_tensor
from graphlab.contrastive.pretext.answers import masked_squared_error
from graphlab.contrastive.pretext.hop_targets import closeness
from graphlab.contrastive.pretext.partition import Centers, part_centers, partition_nodes
from graphlab.contrastive.pretext.task import PretextTask

__all__ = ["DistanceToCluster"]


class DistanceToCluster(PretextTask):
    """Pretext task: closeness to the centres of parts of the graph.

    The target is one over the number of hops to each centre: 1 for the centre itself (the authors'
    program has 0, as if it could not be reached), 0 for what cannot be reached. The loss is the
    mean squared error of the head.

    Args:
        in_channels (int): Width D of the hidden states.
        num_clusters (int): Number of parts K.
        partition (Tensor, optional): int64 ``(N,)`` in [0, K), parts from elsewhere (METIS, a
            clustering), none of them empty. Parts around drawn nodes by default.
        centers (str or Tensor): ``"medoid"``: the member with the least mean number of hops to the
            others of its part; ``"degree"``: the one with the most edges (the authors mean this
            one, but take its number within the part for that of a node); or int64 ``(K,)`` nodes.

    Attributes:
        target (Tensor): Float32 ``(N, K)``.
        mask (Tensor): bool ``(N,)``: nodes that reach a centre.
        centers (Tensor): int64 ``(K,)``, after :meth:`~PretextTask.setup`.
        report (dict): ``clusters``, and nodes ``out_of_reach`` of all centres.

    Source: Jin et al., "Self-supervised learning on graphs: deep insights and new direction", 2020.
    """

    target: Tensor
    mask: Tensor
    centers: Tensor

    def __init__(
        self,
        in_channels: int,
        *,
        num_clusters: int = 10,
        partition: Tensor | None = None,
        centers: Centers | Tensor = "medoid",
    ) -> None:
        self.num_clusters = check_int(num_clusters, "num_clusters", minimum=1)
        super().__init__(in_channels, self.num_clusters)
        if isinstance(centers, str):
            check_choice(centers, "centers", ("medoid", "degree"))
        else:
            check_tensor(centers, "centers")
        self.partition, self.center_rule = partition, centers

    def _prepare(
        self, data: Any, train_mask: Tensor | None, generator: torch.Generator
    ) -> dict[str, int]:
        edges, num_nodes = data.edge_index, int(data.num_nodes)
        if self.num_clusters > num_nodes:
            raise ValueError(
                f"num_clusters must be at most the {num_nodes} nodes, got {self.num_clusters}"
            )
        nodes = self._find_centers(edges, num_nodes, generator)
        group = torch.arange(self.num_clusters, device=edges.device)
        target = closeness(edges, num_nodes, nodes, group, self.num_clusters)
        found = target.sum(1) > 0
        self._keep("centers", nodes)
        self._keep("target", target.float())
        self._keep("mask", found)
        return {"clusters": self.num_clusters, "out_of_reach": int((~found).sum())}

    def _find_centers(self, edges: Tensor, num_nodes: int, generator: torch.Generator) -> Tensor:
        rule, count = self.center_rule, self.num_clusters
        if isinstance(rule, Tensor):
            return check_index(rule, num_nodes, "centers", length=count).to(edges.device)
        if self.partition is None:
            part = partition_nodes(edges, num_nodes, count, generator)
        else:
            part = check_index(self.partition, count, "partition", length=num_nodes)
            part = part.to(edges.device)
            empty = (part.bincount(minlength=count) == 0).nonzero()
            if empty.numel():
                raise ValueError(
                    f"partition must have a node in each of {count} clusters, "
                    f"{int(empty[0])} has none"
                )
        return part_centers(edges, part, count, rule, generator)

    def _compare(self, h: Tensor) -> Tensor:
        return masked_squared_error(self.head(h), self.target, self.mask)
