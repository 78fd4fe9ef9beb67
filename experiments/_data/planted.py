"""A generated graph of documents: groups show in words and in links, and some have no link."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab._checks import check_fraction, check_int


def planted_documents(
    num_nodes: int,
    num_groups: int = 10,
    *,
    num_words: int = 500,
    words_per_node: int = 12,
    own_words: float = 0.3,
    degree: int = 8,
    own_links: float = 0.6,
    unlinked: float = 0.3,
    seed: int = 0,
) -> Data:
    """Draw documents of equal groups.

    A share of the words of a document is drawn from the words of its group, the others from all
    words; a share of its links goes to its group, the others to anybody. As in a graph of authors,
    a part of the nodes has no link, and only their words tell their group.

    Args:
        num_nodes (int): N, at least the number of groups.
        num_groups (int): Number of groups.
        num_words (int): Width F of the bag of words, at least the number of groups.
        words_per_node (int): Draws of a word per node; repetitions count once.
        own_words (float): Share of words from the group's own F / groups words.
        degree (int): Mean number of links of a linked node, an even number.
        own_links (float): Share of links into the own group.
        unlinked (float): Share of nodes without a link.
        seed (int): Seed of all draws.

    Returns:
        Data: ``x`` (N, F) of 0 and 1, ``y`` (N,), ``edge_index`` (2, E) with both directions,
        sorted, without loops and repetition.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(N F) memory, all of it the features.
    """
    check_int(num_groups, "num_groups", minimum=2)
    count = check_int(num_nodes, "num_nodes", minimum=num_groups)
    check_int(num_words, "num_words", minimum=num_groups)
    for name, share in (("own_words", own_words), ("own_links", own_links), ("unlinked", unlinked)):
        check_fraction(share, name)
    draw = torch.Generator().manual_seed(check_int(seed, "seed", minimum=0))
    y = torch.randperm(count, generator=draw) % num_groups
    x = torch.zeros(count, num_words)
    own = num_words // num_groups
    word = torch.randint(num_words, (count, words_per_node), generator=draw)
    of_group = y[:, None] * own + torch.randint(own, word.shape, generator=draw)
    x.scatter_(1, _mixed(of_group, word, own_words, draw), 1.0)
    linked = torch.rand(count, generator=draw) >= unlinked
    edges = _links(y, linked.nonzero()[:, 0], degree // 2, own_links, draw)
    return Data(x=x, y=y, edge_index=edges, num_nodes=count)


def _links(y: Tensor, nodes: Tensor, picks: int, own_links: float, draw: torch.Generator) -> Tensor:
    """So many picks of every linked node, among its group or among all linked nodes."""
    order = nodes[y[nodes].argsort(stable=True)]  # the nodes of a group, one after the other
    size = torch.bincount(y[nodes], minlength=int(y.max()) + 1)
    first = size.cumsum(0) - size
    source = nodes.repeat_interleave(picks)
    place = (
        torch.rand(source.numel(), generator=draw, dtype=torch.float64) * size[y[source]]
    ).long()
    anybody = nodes[torch.randint(nodes.numel(), source.shape, generator=draw)]
    target = _mixed(order[first[y[source]] + place], anybody, own_links, draw)
    pairs = torch.stack([source, target])[:, source != target]
    edges: Tensor = torch.cat([pairs, pairs.flip(0)], dim=1).unique(dim=1)
    return edges


def _mixed(own: Tensor, other: Tensor, share: float, draw: torch.Generator) -> Tensor:
    return torch.where(torch.rand(own.shape, generator=draw) < share, own, other)
