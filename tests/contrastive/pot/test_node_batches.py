"""Batches of nodes."""

from __future__ import annotations

import torch

from graphlab.contrastive.pot.node_batches import NodeBatches


def sizes_and_nodes(batches: NodeBatches, count: int, number: int) -> tuple[list[int], list[int]]:
    drawn = [batches.next(count) for _ in range(number)]
    parts = [part for part in drawn if part is not None]
    return [part.numel() for part in parts], torch.cat(parts).tolist()


def test_every_node_comes_once_before_any_comes_again() -> None:
    sizes, nodes = sizes_and_nodes(NodeBatches(5, 1, seed=0), 12, 3)
    assert sizes == [5, 5, 2]
    assert sorted(nodes) == list(range(12))


def test_a_rest_that_is_too_small_is_skipped() -> None:
    sizes, _ = sizes_and_nodes(NodeBatches(5, 2, seed=0), 11, 3)
    assert sizes == [5, 5, 5]


def test_all_nodes_need_no_batch() -> None:
    assert NodeBatches(None, 1, seed=0).next(3) is None
    assert NodeBatches(3, 1, seed=0).next(3) is None


def test_the_seed_decides() -> None:
    first, second, other = (sizes_and_nodes(NodeBatches(4, 1, seed=s), 9, 5)[1] for s in (1, 1, 2))
    assert first == second != other
