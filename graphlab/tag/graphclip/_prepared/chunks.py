"""Edges in chunks of equal size, whatever the pieces they come in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from graphlab._checks import check_edge_index

__all__: list[str] = []


def edge_chunks(edges: Tensor | Iterable[Tensor], num_nodes: int, size: int) -> Iterator[Tensor]:
    """Go through edges.

    Args:
        edges (Tensor or Iterable[Tensor]): ``(2, E)`` integers, which may be mapped from a file;
            or pieces of them.
        num_nodes (int): Number of nodes.
        size (int): Edges of a chunk; the last one has fewer.

    Yields:
        Tensor: int64 ``(2, size)`` on the CPU, in range. One without edges is not given.

    Raises:
        TypeError, ValueError, IndexError: If a piece is malformed or out of range.
    """
    if isinstance(edges, Tensor):
        check_edge_index(edges[:, :0] if edges.dim() == 2 else edges, num_nodes)
        for part in edges.split(size, dim=1):
            if part.size(1):
                yield check_edge_index(part, num_nodes).cpu()
        return
    waiting: list[Tensor] = []
    count = 0
    for number, piece in enumerate(edges):
        checked = check_edge_index(piece, num_nodes, f"edge_index[{number}]").cpu()
        for part in checked.split(size, dim=1):
            waiting.append(part)
            count += part.size(1)
            if count >= size:
                both = torch.cat(waiting, dim=1)
                count -= size
                waiting = [both[:, size:].clone()]
                yield both[:, :size]
                del both
            else:
                # What reads the pieces may fill the same memory again.
                waiting[-1] = part.clone()
    if count:
        yield torch.cat(waiting, dim=1)
