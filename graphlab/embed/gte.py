"""Scores of user-item pairs by counted walks, without parameters and without training."""

from __future__ import annotations

from math import comb

import torch
from torch import Tensor

from graphlab._checks import (
    check_edge_index,
    check_index,
    check_int,
    check_num_nodes,
    check_range,
    check_same_device,
    warn_caller,
)
from graphlab.ops import SparseRows, propagate_merge

__all__ = ["gte_scores"]


def gte_scores(
    edge_index: Tensor,
    num_users: int,
    num_items: int,
    num_layers: int = 3,
    *,
    users: Tensor | None = None,
    chunk_size: int = 1024,
) -> Tensor:
    r"""Recommendation scores of the parameter-free encoder GTE.

    With A the adjacency of the bipartite graph, the score of a user u and an item i is

    .. math:: \big[(I + A)^k\big]_{u i} = \sum_{j \text{ odd}} \binom{k}{j} \, W_j(u, i),

    where :math:`W_j` counts the walks of j steps from u to i. For k = 3 that is three times the
    interactions plus the walks over one other user, so once the training items are left out the
    ranking is that of :math:`B B^T B`. An even k adds nothing to the order of items that k - 1
    leaves unranked: k = 2 gives all unseen items the score 0.

    The training items of a user score highest: leave them out with ``exclude`` of
    :func:`graphlab.evaluate.top_predictions` (and ``exclude_self=False``, as users and items have
    numbers of their own). Setting their scores to 0 ties them with the items out of reach.

    Args:
        edge_index (Tensor): ``(2, E)`` interactions, int64 or int32: user in ``[0, num_users)``,
            item in ``[0, num_items)``. A repeated interaction counts once.
        num_users (int): U.
        num_items (int): I.
        num_layers (int): k, at least 1; at most 64.
        users (Tensor, optional): ``(B,)`` users to score; all when missing.
        chunk_size (int): Users whose walks are counted at once.

    Returns:
        Tensor: ``(B, I)`` float64; exact integers up to 2**53.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Warns:
        UserWarning: If ``num_layers`` is even.

    Complexity: O(B E k) time; O(chunk_size (U + I)) memory beside the result.

    Source: "Graph transformation encoder" of HKUDS/GTE (linear-time graph neural networks for
    scalable recommendations), re-derived: the propagation with the identity as item features.

    Example:
        >>> likes = torch.tensor([[0, 0, 1, 1, 2], [0, 1, 1, 2, 0]])  # user, item
        >>> gte_scores(likes, 3, 3)
        tensor([[6., 6., 1.],
                [1., 6., 5.],
                [5., 1., 0.]], dtype=torch.float64)
    """
    num_users = check_num_nodes(num_users, "num_users", minimum=1)
    num_items = check_num_nodes(num_items, "num_items", minimum=1)
    num_layers = check_int(num_layers, "num_layers", minimum=1, maximum=64)
    chunk_size = check_int(chunk_size, "chunk_size", minimum=1)
    edges = check_edge_index(edge_index, max(num_users, num_items))
    check_range(edges[0], num_users, "edge_index[0]")
    check_range(edges[1], num_items, "edge_index[1]")
    if users is None:
        users = torch.arange(num_users, device=edges.device)
    users = check_index(users, num_users, "users")
    check_same_device(edge_index=edges, users=users)
    if num_layers % 2 == 0:
        warn_caller(
            f"num_layers = {num_layers} is even: items reached by no walk of at most "
            f"{num_layers - 1} steps all score 0; use {num_layers - 1} or {num_layers + 1}"
        )
    rows = _both_directions(edges, num_users, num_items)
    score = edges.new_empty((users.numel(), num_items), dtype=torch.float64)
    powers = [float(comb(num_layers, step)) for step in range(num_layers + 1)]
    for first in range(0, users.numel(), chunk_size):
        part = users[first : first + chunk_size]
        start = score.new_zeros((rows.num_rows, part.numel()))
        start[part, torch.arange(part.numel(), device=part.device)] = 1
        walks = propagate_merge(start, rows, coefficients=powers)
        score[first : first + chunk_size] = walks[num_users:].t()
    return score


def _both_directions(edges: Tensor, num_users: int, num_items: int) -> SparseRows:
    """Adjacency of the bipartite graph: users first, then items, every interaction once."""
    keys = torch.unique(edges[0] * num_items + edges[1])
    user, item = keys // num_items, keys % num_items + num_users
    both = torch.stack([torch.cat([user, item]), torch.cat([item, user])])
    return SparseRows.from_edge_index(both, num_users + num_items)
