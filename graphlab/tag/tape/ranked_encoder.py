"""A trained vector per class and rank, without ever storing them per node."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphlab._checks import check_int, check_matrix, check_range, check_tensor
from graphlab._tensor_memo import TensorMemo
from graphlab.ops.sum_of_rows import sum_of_rows

__all__ = ["RankedPredictionEncoder"]


class AnyLinear(Protocol):
    """A linear map: ``nn.Linear``, or PyG's."""

    weight: Tensor
    bias: Tensor | None


class RankedPredictionEncoder(nn.Module):
    r"""Embed the ranked classes of a node, one after the other.

    Row 0 of the table stands for "no class here" and is trained like the others, as in the authors'
    code. A linear layer on the result is a sum of k rows of tiny tables,

    .. math:: \mathrm{flatten}(E_{p_1}, \dots, E_{p_k}) W^\top = \sum_j (E W_j^\top)_{p_j},

    so with ``linear`` the ``(N, k dim)`` matrix is never made: forward and backward add rows of the
    output's width, where embedding and product need ``k dim`` numbers and ``k dim h`` products per
    node. The values are those of ``linear(encoder(ids))`` up to rounding.

    Args:
        num_classes (int): C.
        k (int): Ranks per node.
        dim (int): Width of a class vector.

    Shapes:
        ids: int64 ``(N, k)`` in ``[0, C]``, class id plus one, 0 for none.
        output: ``(N, k dim)``, or ``(N, h)`` with ``linear``.

    Raises:
        TypeError, ValueError: If an argument is malformed.
        IndexError: From ``forward``, if an id is outside ``[0, C]``.

    Complexity: with ``linear`` O(N k h) additions and O(N h) memory, forward and backward.

    Reference: X. He, X. Bresson, T. Laurent, A. Perold, Y. LeCun, B. Hooi: "Harnessing
    Explanations: LLM-to-LM Interpreter for Enhanced Text-Attributed Graph Representation Learning",
    ICLR 2024, arXiv:2305.19523.

    Example:
        >>> encoder = RankedPredictionEncoder(num_classes=3, k=2, dim=4)
        >>> ids = torch.tensor([[3, 1], [0, 0]])
        >>> encoder(ids).shape, encoder(ids, nn.Linear(8, 5)).shape
        (torch.Size([2, 8]), torch.Size([2, 5]))
    """

    def __init__(self, num_classes: int, k: int, dim: int) -> None:
        super().__init__()
        self.num_classes = check_int(num_classes, "num_classes", minimum=1)
        self.k = check_int(k, "k", minimum=1)
        self.dim = check_int(dim, "dim", minimum=1)
        self.weight = nn.Parameter(torch.empty(self.num_classes + 1, self.dim))
        self._memo: TensorMemo[None] = TensorMemo()
        self.reset_parameters()

    @property
    def out_channels(self) -> int:
        """Columns of the result without ``linear``: ``k dim``."""
        return self.k * self.dim

    def reset_parameters(self) -> None:
        """Draw the table anew, from the normal distribution."""
        nn.init.normal_(self.weight)

    def forward(self, ids: Tensor, linear: AnyLinear | None = None) -> Tensor:
        """Embed; with ``linear``, apply it too without making its input.

        Args:
            ids (Tensor): int64 ``(N, k)``.
            linear (Linear, optional): Layer applied to the embeddings.

        Returns:
            Tensor: ``(N, k dim)``, or ``(N, h)`` with ``linear``.
        """
        if linear is None:
            return F.embedding(self._checked(ids), self.weight).flatten(1)
        return self.project(ids, linear.weight, linear.bias)

    def project(self, ids: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """``F.linear(encoder(ids), weight, bias)`` in O(N h) memory.

        Args:
            ids (Tensor): int64 ``(N, k)``.
            weight (Tensor): ``(h, k dim)``.
            bias (Tensor, optional): ``(h,)``.

        Returns:
            Tensor: ``(N, h)``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        check_matrix(weight, "weight", cols=self.out_channels, finite=False)
        if bias is not None and not check_tensor(bias, "bias").is_floating_point():
            raise TypeError(f"bias must be floating point, got dtype {bias.dtype}")
        if bias is not None and bias.shape != weight.shape[:1]:
            raise ValueError(f"bias must have shape ({weight.size(0)},), got {tuple(bias.shape)}")
        # Block j of the layer only ever meets rank j, so its product with the table is k small
        # ones.
        blocks = weight.view(weight.size(0), self.k, self.dim)
        tables = torch.einsum("cd,hkd->kch", self.weight, blocks)
        out = sum_of_rows(tables, self._checked(ids))
        return out if bias is None else out + bias

    def extra_repr(self) -> str:
        """The sizes."""
        return f"num_classes={self.num_classes}, k={self.k}, dim={self.dim}"

    def _checked(self, ids: Tensor) -> Tensor:
        # Once per tensor: a training gives the same ids in every epoch, and reading the largest
        # waits for the device.
        self._memo.get((ids,), lambda: self._check(ids))
        return ids.long()

    def _check(self, ids: Tensor) -> None:
        check_tensor(ids, "ids")
        if ids.dtype not in (torch.int64, torch.int32):
            raise TypeError(f"ids must be int64 or int32, got dtype {ids.dtype}")
        if ids.dim() != 2 or ids.size(1) != self.k:
            raise ValueError(f"ids must have shape (N, {self.k}), got {tuple(ids.shape)}")
        check_range(ids, self.num_classes + 1, "ids")


class EncodedNetwork(nn.Module):
    """A network that takes floats, behind an encoder of ranked classes."""

    def __init__(self, encoder: RankedPredictionEncoder, network: nn.Module) -> None:
        super().__init__()
        self.encoder, self.network = encoder, network

    def forward(self, ids: Tensor, edge_index: Tensor) -> Tensor:
        out: Tensor = self.network(self.encoder(ids), edge_index)
        return out
