"""What is no graph object is refused by name wherever one is taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch_geometric.data import Data, HeteroData
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab import contrastive, hyper, tag
from graphlab._checks.graph_objects import check_data

EDGES = torch.tensor([[0, 1], [1, 0]])

TAKERS: dict[str, Callable[[Any], Any]] = {
    "DropEdge": lambda d: contrastive.DropEdge(0.1).forward(d),
    "TAPE": lambda d: tag.TAPE("mlp", {"x": torch.ones(2, 2)}).fit(d),
    "GAugLLM": lambda d: tag.GAugLLM(out_channels=2).fit(d),
    "TextGraph.from_data": lambda d: tag.TextGraph.from_data(d, ["a", "b"]),
}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (EDGES, r"data must be a torch_geometric.data.Data, got Tensor: Data\(x=x"),
        ("graph.pt", "data must be a torch_geometric.data.Data, got str"),
        (None, "data must be a torch_geometric.data.Data, got NoneType"),
        (HeteroData(), "data must have one type of nodes: use HeteroData.to_homogeneous"),
        (HyperGraphData(edge_index=EDGES), "graphlab.hyper.project"),
    ],
)
@pytest.mark.parametrize("name", TAKERS)
def test_what_is_no_data_is_refused_by_name(name: str, value: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        TAKERS[name](value)


def test_data_passes() -> None:
    data = Data(edge_index=EDGES)
    assert check_data(data) is data


@pytest.mark.parametrize("value", [None, "graph", EDGES, 3])
@pytest.mark.parametrize("run", [tag.TextGraph.from_networkx, hyper.from_networkx_bipartite])
def test_what_is_no_networkx_graph_is_refused_by_name(run: Callable[..., Any], value: Any) -> None:
    with pytest.raises(TypeError, match="graph must be a networkx graph, got"):
        run(value)


@pytest.mark.parametrize("value", [None, "texts", Data(edge_index=EDGES)])
def test_nodes_of_texts_need_a_text_graph(value: Any) -> None:
    with pytest.raises(TypeError, match="graph must be a TextGraph, got"):
        tag.embedding.encode_nodes(value, tag.TextEncoder("hashing"))
