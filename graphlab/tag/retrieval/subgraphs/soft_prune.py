"""Gates of nodes and edges by their distance from a question."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from graphlab._checks import (
    check_choice,
    check_edge_index,
    check_index,
    check_int,
    check_matrix,
    check_same_device,
)

__all__ = ["SoftPrune"]

Difference = Literal["absolute", "signed"]


class SoftPrune(nn.Module):
    r"""Gates in (0, 1) that weaken what has little to do with a question.

    .. math:: g_v = \sigma(\mathrm{MLP}(|x_v - q|)), \qquad g_e = \sigma(\mathrm{MLP}'(|a_e - q|))

    Multiply node and edge vectors with their gates before a layer that reads both, such as PyG's
    ``GATConv(..., edge_dim=...)``. (In the released code the layers do not read the edge vectors,
    so their gates never learn.)

    Args:
        in_channels (int): Width of node, edge and question vectors.
        hidden_channels (int): Width of the hidden layers.
        num_layers (int): Linear layers of each network, at least 1.
        difference (str): ``"absolute"`` (the release calls it euclidean) or ``"signed"`` (element).

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Source: GRAG (Hu et al., "GRAG: graph retrieval-augmented generation", 2024).

    Example:
        >>> prune = SoftPrune(4, 8)
        >>> gates = prune(torch.randn(3, 4), torch.randn(2, 4), torch.randn(4))
        >>> gates[0].shape, gates[1].shape
        (torch.Size([3, 1]), torch.Size([2, 1]))
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        num_layers: int = 3,
        *,
        difference: Difference = "absolute",
    ) -> None:
        super().__init__()
        self.in_channels = check_int(in_channels, "in_channels", minimum=1)
        width = check_int(hidden_channels, "hidden_channels", minimum=1)
        depth = check_int(num_layers, "num_layers", minimum=1)
        self.difference = check_choice(difference, "difference", ("absolute", "signed"))
        self.nodes = _network(self.in_channels, width, depth)
        self.edges = _network(self.in_channels, width, depth)

    def forward(
        self, x: Tensor, edge_attr: Tensor, question: Tensor, *,
        batch: Tensor | None = None, edge_index: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Gates of nodes and edges.

        Args:
            x (Tensor): Node vectors ``(N, D)``.
            edge_attr (Tensor): Edge vectors ``(E, D)``.
            question (Tensor): ``(D,)``, or ``(B, D)`` with ``batch`` and ``edge_index``.
            batch (Tensor, optional): Question of every node, ``(N,)``.
            edge_index (Tensor, optional): ``(2, E)``; an edge belongs to the question of its first
                node.

        Returns:
            tuple[Tensor, Tensor]: ``(N, 1)`` and ``(E, 1)``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range.
        """
        x = check_matrix(x, "x", cols=self.in_channels)
        edge_attr = check_matrix(edge_attr, "edge_attr", cols=self.in_channels)
        check_same_device(x=x, edge_attr=edge_attr, question=question)
        if question.dim() == 1:
            question = check_matrix(question[None], "question", cols=self.in_channels)
            return self._gates(self.nodes, x, question), self._gates(
                self.edges, edge_attr, question
            )
        question = check_matrix(question, "question", cols=self.in_channels)
        if batch is None or edge_index is None:
            raise ValueError("batch and edge_index must be given with several questions")
        batch = check_index(batch, question.size(0), "batch", length=x.size(0))
        edges = check_edge_index(edge_index, x.size(0))
        if edges.size(1) != edge_attr.size(0):
            raise ValueError(
                f"edge_index must have {edge_attr.size(0)} edges, one a row of edge_attr, "
                f"got {edges.size(1)}"
            )
        first = edges[0]
        return (
            self._gates(self.nodes, x, question[batch]),
            self._gates(self.edges, edge_attr, question[batch[first]]),
        )

    def _gates(self, network: nn.Module, rows: Tensor, question: Tensor) -> Tensor:
        apart = rows - question
        gates: Tensor = network(apart.abs() if self.difference == "absolute" else apart)
        return torch.sigmoid(gates)


def _network(in_channels: int, width: int, depth: int) -> nn.Sequential:
    sizes = [in_channels, *[width] * (depth - 1), 1]
    layers: list[nn.Module] = []
    for number in range(depth):
        layers += [nn.Linear(sizes[number], sizes[number + 1]), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
