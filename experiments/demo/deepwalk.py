"""DeepWalk, which FastRP stands beside: random walks, skip-grams, negative sampling."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from graphlab.ops import CSRGraph


@dataclass(frozen=True)
class DeepWalk:
    """Settings; one pass over the pairs of all walks.

    Attributes:
        dim (int): Width of the embedding.
        walks (int): Walks from every node.
        length (int): Nodes of a walk.
        window (int): Nodes on either side that count as context.
        negatives (int): Random nodes per pair.
        lr (float): Learning rate of Adam, which falls to zero along a line.
        batch_size (int): Pairs per step.
    """

    dim: int = 64
    walks: int = 4
    length: int = 40
    window: int = 5
    negatives: int = 5
    lr: float = 0.025
    batch_size: int = 8192

    def embed(self, edge_index: Tensor, num_nodes: int, seed: int) -> Tensor:
        """Embeddings ``(N, dim)`` of an undirected graph.

        Reference: Perozzi et al., "DeepWalk: Online Learning of Social Representations", KDD 2014,
        with negative sampling in place of the hierarchical softmax. Vectorised, with the gradients
        written down: what a careful user of torch would run, not the fastest program there is.
        """
        draw = torch.Generator().manual_seed(seed)
        walks = self._walks(CSRGraph.from_edge_index(edge_index, num_nodes), draw)
        center, context = self._pairs(walks)
        common = torch.bincount(walks.flatten(), minlength=num_nodes).double() ** 0.75
        rows = (torch.rand(num_nodes, self.dim, generator=draw) - 0.5) / self.dim
        z = torch.nn.Parameter(rows)
        out = torch.nn.Parameter(torch.zeros(num_nodes, self.dim))
        optimizer = torch.optim.Adam([z, out], lr=self.lr)
        order = torch.randperm(center.numel(), generator=draw).split(self.batch_size)
        for step, batch in enumerate(order):
            optimizer.param_groups[0]["lr"] = self.lr * (1 - step / len(order))
            wrong = torch.multinomial(
                common, batch.numel() * self.negatives, replacement=True, generator=draw
            ).view(-1, self.negatives)
            optimizer.zero_grad()
            anchor = z[center[batch]]
            near = (anchor * out[context[batch]]).sum(1)
            far = (anchor.unsqueeze(1) * out[wrong]).sum(2)
            loss = -logsigmoid(near).mean() - self.negatives * logsigmoid(-far).mean()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return z.detach()

    def _walks(self, graph: CSRGraph, draw: torch.Generator) -> Tensor:
        """Uniform random walks, ``(walks N, length)``; one that is stuck stays where it is."""
        at = torch.arange(graph.num_nodes).repeat(self.walks)
        degree, steps = graph.rowptr.diff(), [at]
        for _ in range(self.length - 1):
            place = (torch.rand(at.numel(), generator=draw) * degree[at]).long()
            edge = (graph.rowptr[at] + place).clamp(max=graph.num_edges - 1)
            at = torch.where(degree[at] > 0, graph.col[edge].long(), at)
            steps.append(at)
        return torch.stack(steps, dim=1)

    def _pairs(self, walks: Tensor) -> tuple[Tensor, Tensor]:
        """Every node of a walk with those at most ``window`` steps away."""
        ahead = [(walks[:, :-k], walks[:, k:]) for k in range(1, self.window + 1)]
        first = torch.cat([a.flatten() for a, _ in ahead])
        second = torch.cat([b.flatten() for _, b in ahead])
        return torch.cat([first, second]), torch.cat([second, first])
