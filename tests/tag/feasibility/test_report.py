"""The report: which source is near, texts and probes beside the structure, bad input."""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import pytest
import torch
from torch_geometric.data import Data

from graphlab.tag import TextEncoder, TextGraph
from graphlab.tag.feasibility import (
    FeasibilityReport,
    centroid_cosine,
    feasibility,
    maximum_mean_discrepancy,
)
from tests._graphs import planted

HASHING = TextEncoder("hashing")
OPTIONS: dict[str, Any] = {"resolution": 8, "num_egos": 40, "num_hops": 1}


def text_graph(kind: str, words: str) -> TextGraph:
    graph = {
        "caves": nx.connected_caveman_graph(10, 6),
        "stars": nx.barabasi_albert_graph(60, 1, seed=0),
    }[kind]
    edges = torch.tensor(list(graph.to_directed().edges)).t()
    texts = [f"{words} {node % 7}" for node in range(graph.number_of_nodes())]
    return TextGraph(edge_index=edges, num_nodes=len(texts), text=texts)


SOURCES = {
    "caves": text_graph("caves", "protein sequence fold"),
    "stars": text_graph("stars", "film actor scene"),
}


def report(target: Any, **options: Any) -> FeasibilityReport:
    return feasibility(SOURCES, target, encoder=HASHING, **OPTIONS, **options)


def test_names_the_source_that_is_near_in_structure_and_in_text() -> None:
    found = report(text_graph("caves", "film actor scene"))
    caves, stars = found.sources["caves"], found.sources["stars"]
    assert caves.alpha > 0.9
    assert caves.squared_distance < stars.squared_distance
    assert stars.text_mmd < caves.text_mmd
    assert stars.text_cosine > caves.text_cosine
    assert found.lower_bound <= found.squared_distance + 1e-12
    assert found.squared_distance <= caves.squared_distance + 1e-9
    assert math.isnan(caves.probe_gap)


def test_a_source_itself_has_distance_zero() -> None:
    found = report(SOURCES["stars"])
    assert found.squared_distance == pytest.approx(0, abs=1e-10)
    assert found.sources["stars"].alpha == pytest.approx(1, abs=1e-6)
    assert found.sources["stars"].text_mmd == pytest.approx(0, abs=0.2)
    assert found.sources["stars"].text_cosine == pytest.approx(1, abs=1e-6)


def test_table_lists_every_source_nearest_first() -> None:
    lines = report(SOURCES["stars"]).table().splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["stars", "caves"]
    assert lines[2].rstrip("| ").endswith("-")


def test_probe_of_a_frozen_model() -> None:
    data = planted(90, 3)
    data.y[:5] = -1
    found = feasibility(
        {"good": data, "bad": data},
        data,
        models={
            "good": lambda graph: torch.eye(3)[torch.arange(90) % 3],
            "bad": lambda graph: torch.zeros(90, 2),
        },
        **OPTIONS,
    )
    assert found.sources["good"].probe_gap > 0
    assert found.sources["bad"].probe_gap < 0


def test_features_are_compared_without_an_encoder() -> None:
    near, far = planted(60, 3), planted(60, 3)
    far.x = far.x + 3
    found = feasibility({"near": near, "far": far}, planted(60, 3, seed=1), **OPTIONS)
    assert found.sources["near"].text_mmd < found.sources["far"].text_mmd
    other = planted(60, 3, dim=7)
    assert math.isnan(feasibility({"near": near}, other, **OPTIONS).sources["near"].text_mmd)


def test_discrepancy_of_equal_and_of_distant_samples() -> None:
    generator = torch.Generator().manual_seed(0)
    one, two = (torch.randn(200, 4, generator=generator) for _ in range(2))
    assert maximum_mean_discrepancy(one, two) < 0.1
    assert maximum_mean_discrepancy(one, two + 5) > 0.8
    assert maximum_mean_discrepancy(one * 0, two * 0) == 0
    assert centroid_cosine(one + 5, two - 5) == pytest.approx(-1, abs=0.01)
    assert centroid_cosine(one, two * 0) == 0


@pytest.mark.parametrize(
    ("sources", "target", "options", "error", "match"),
    [
        ({}, SOURCES["caves"], {}, TypeError, "sources must be a mapping"),
        ([SOURCES["caves"]], SOURCES["caves"], {}, TypeError, "sources must be a mapping"),
        ({1: SOURCES["caves"]}, SOURCES["caves"], {}, TypeError, "str as names, got 1"),
        ({"a": "caves"}, SOURCES["caves"], {}, TypeError, r"sources\['a'\]"),
        (SOURCES, "caves", {}, TypeError, "target"),
        (SOURCES, SOURCES["caves"], {"models": {"x": len}}, ValueError, "models"),
        (SOURCES, SOURCES["caves"], {"models": {"caves": len}}, ValueError, "target must have x"),
        (
            SOURCES,
            planted(),
            {"encoder": TextEncoder("hashing")},
            ValueError,
            "target must have texts",
        ),
        (SOURCES, Data(edge_index=torch.zeros(2, 0).long(), num_nodes=3), {}, ValueError, "edge"),
    ],
)
def test_bad_input_is_named(
    sources: Any, target: Any, options: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        feasibility(sources, target, **OPTIONS, **options)


def test_rows_are_checked() -> None:
    with pytest.raises(ValueError, match="first must have at least 2 rows"):
        maximum_mean_discrepancy(torch.zeros(1, 2), torch.zeros(3, 2))
    with pytest.raises(ValueError, match="second"):
        centroid_cosine(torch.zeros(3, 2), torch.zeros(3, 4))
