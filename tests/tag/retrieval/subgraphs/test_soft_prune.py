"""Gates by distance from a question: reference cases, gradients, several questions."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.nn import GATConv

from graphlab.tag.retrieval import SoftPrune
from tests._golden import load

DIFFERENCE = {"euclidean": "absolute", "element": "signed"}


def golden(kind: str) -> tuple[SoftPrune, dict]:
    case = load("retrieval", f"grag_soft_prune_{kind}")
    made = SoftPrune(12, 16, 3, difference=DIFFERENCE[kind]).double()  # type: ignore[arg-type]
    names = {"mlp_x": "nodes", "mlp_edge_attr": "edges"}
    state = {
        f"{ours}.{2 * layer}.{part}": case[f"sd/{theirs}.layers.{layer}.{part}"]
        for theirs, ours in names.items()
        for layer in range(3)
        for part in ("weight", "bias")
    }
    made.load_state_dict(state)
    return made, case


@pytest.mark.parametrize("kind", DIFFERENCE)
def test_golden(kind: str) -> None:
    made, case = golden(kind)
    nodes, edges = made(case["x"], case["edge_attr"], case["question"])
    torch.testing.assert_close(nodes, case["node_weight"], rtol=0, atol=1e-9)
    torch.testing.assert_close(edges, case["edge_weight"], rtol=0, atol=1e-9)
    torch.testing.assert_close(edges * case["edge_attr"], case["edge_attr_out"], rtol=0, atol=1e-9)


def test_both_networks_learn_where_the_layer_reads_edges() -> None:
    made, case = golden("euclidean")
    layer = GATConv(12, 8, edge_dim=12).double()
    nodes, edges = made(case["x"], case["edge_attr"], case["question"])
    out = layer(nodes * case["x"], case["edge_index"], edge_attr=edges * case["edge_attr"])
    out.square().sum().backward()
    for parameter in made.parameters():
        assert parameter.grad is not None and float(parameter.grad.abs().sum()) > 0


def test_several_questions_are_each_on_its_own() -> None:
    made = SoftPrune(4, 8).double()
    x, edge_attr = torch.randn(5, 4).double(), torch.randn(3, 4).double()
    questions = torch.randn(2, 4).double()
    batch, edges = torch.tensor([0, 0, 0, 1, 1]), torch.tensor([[0, 1, 3], [1, 2, 4]])
    nodes, links = made(x, edge_attr, questions, batch=batch, edge_index=edges)
    first = made(x[:3], edge_attr[:2], questions[0])
    second = made(x[3:], edge_attr[2:], questions[1])
    torch.testing.assert_close(nodes, torch.cat([first[0], second[0]]))
    torch.testing.assert_close(links, torch.cat([first[1], second[1]]))


def test_bad_input_is_named() -> None:
    made = SoftPrune(4, 8)
    with pytest.raises(ValueError, match="x must have 4 columns"):
        made(torch.zeros(2, 3), torch.zeros(1, 4), torch.zeros(4))
    with pytest.raises(ValueError, match="question must have 4 columns"):
        made(torch.zeros(2, 4), torch.zeros(1, 4), torch.zeros(3))
    with pytest.raises(ValueError, match="batch and edge_index"):
        made(torch.zeros(2, 4), torch.zeros(1, 4), torch.zeros(2, 4))
    two, edge = torch.zeros(2, 4), torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(ValueError, match="edge_index must have 1 edges, one a row of edge_attr"):
        made(two, torch.zeros(1, 4), two, batch=torch.tensor([0, 1]), edge_index=edge)
    with pytest.raises(ValueError, match="difference"):
        SoftPrune(4, 8, difference="cosine")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="num_layers"):
        SoftPrune(4, 8, 0)
