"""The script of knowledge graphs: its rows, its model-free row, and its resume."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from experiments._harness.runner import execute
from experiments.knowledge_graph.frequency import frequency_ranks
from experiments.knowledge_graph.presets import METHODS, PRESETS, PUBLISHED
from experiments.knowledge_graph.run import load, run

TINY = replace(PRESETS["smoke"], hidden_channels=2, epochs=1)


def test_every_method_trains_and_stands_beside_the_table(tmp_path: Path) -> None:
    config = replace(TINY, methods=tuple(METHODS))
    rows = execute(run, config, out=tmp_path).summary()
    assert list(rows) == ["frequency of tails", *METHODS]
    for row in rows.values():
        low, middle, high = (
            row[f"mrr{tie}"]["mean"] for tie in (" pessimistic", "", " optimistic")
        )
        assert 0 < low <= middle <= high <= 1


def test_the_table_of_frequencies_counts_tails_of_the_relation() -> None:
    splits = load(TINY, 0)
    ranks = frequency_ranks(splits.num_nodes, splits.num_relations, splits)
    counts = Counter(zip(splits.train[1].tolist(), splits.train[0][1].tolist(), strict=True))
    known = {
        fact
        for edges, kinds in (splits.train, splits.valid, splits.test)
        for fact in zip(*edges.tolist(), kinds.tolist(), strict=True)
    }
    for query in range(0, splits.test[1].numel(), 40):
        (head, tail), kind = splits.test[0][:, query].tolist(), int(splits.test[1][query])
        others = [
            counts[kind, node]
            for node in range(splits.num_nodes)
            if node != tail and (head, node, kind) not in known
        ]
        own = counts[kind, tail]
        assert int(ranks.greater[query]) == sum(count > own for count in others)
        assert int(ranks.equal[query]) == sum(count == own for count in others)
        assert int(ranks.candidates[query]) == len(others) + 1


def test_finished_rows_are_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from experiments.knowledge_graph import run as script

    train, seen = script.train, []

    def failing(*arguments: object) -> dict[str, float]:
        seen.append(arguments[3])
        if len(seen) == 2:
            raise RuntimeError("power cut")
        return train(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(script, "train", failing)
    assert execute(run, TINY, out=tmp_path).errors
    again = execute(run, TINY, out=tmp_path)
    assert seen == [TINY.methods[0], TINY.methods[1], *TINY.methods[1:]]
    assert list(again.summary()) == ["frequency of tails", *TINY.methods]


def test_presets_name_methods_and_published_rows_are_among_them() -> None:
    for name, config in PRESETS.items():
        assert set(config.methods) <= set(METHODS)
        assert set(PUBLISHED.get(name, {})) <= set(config.methods)


def test_parts_are_disjoint_and_depend_on_the_seed() -> None:
    one, other = load(TINY, 0), load(TINY, 1)
    sizes = [part[1].numel() for part in (one.train, one.valid, one.test)]
    assert sizes[1] == sizes[2] == sum(sizes) // 8
    assert not torch.equal(one.test[0], other.test[0])
