"""The transforms of all rooms behave as PyG's own do."""

import copy
import pickle

import pytest
import torch
from torch_geometric import EdgeIndex
from torch_geometric.data import Data, HeteroData
from torch_geometric.transforms import BaseTransform, Compose, ToUndirected

from graphlab import contrastive, embed, tag

ENDS = torch.tensor([[0, 0, 1, 1, 2], [1, 2, 2, 3, 3]])


def graph(edge_index: torch.Tensor | None = None) -> Data:
    both = torch.cat([ENDS, ENDS.flip(0)], dim=1)
    edges = both if edge_index is None else edge_index
    return Data(x=torch.eye(5), edge_index=edges, y=torch.arange(5), num_nodes=5)


def edge_index() -> EdgeIndex:
    both = graph().edge_index
    rows = both[:, (both[0] * 5 + both[1]).argsort()]
    return EdgeIndex(rows, sparse_size=(5, 5), sort_order="row", is_undirected=True)


def modifier() -> tag.gaugllm.LLMEdgeModifier:
    asked = tag.gaugllm.EdgeCandidates(
        torch.tensor([0, 0]), torch.tensor([3, 1]), torch.tensor([1, 0]), 5
    )
    return tag.gaugllm.LLMEdgeModifier(asked, torch.tensor([1, 0]), 1.0, 1.0, seed=0)


TRANSFORMS = {
    "AddFastRP": lambda: embed.AddFastRP(dim=4),
    "AddFastRP appended": lambda: embed.AddFastRP(None, dim=4),
    "AddTopologicalConcentration": embed.AddTopologicalConcentration,
    "AddTopologicalConcentration appended": lambda: embed.AddTopologicalConcentration(
        attr_name=None
    ),
    "LLMEdgeModifier": modifier,
    "DropEdge": lambda: contrastive.DropEdge(0.4),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_given_graph_stays_as_it_is(name: str) -> None:
    transform = TRANSFORMS[name]()
    assert isinstance(transform, BaseTransform)
    given = graph()
    before = copy.deepcopy(given)
    made = transform(given)
    assert isinstance(made, Data) and made is not given
    assert given.keys() == before.keys()
    assert all(torch.equal(given[key], before[key]) for key in ("x", "edge_index", "y"))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_edge_index_object_stays_one(name: str) -> None:
    given = graph(edge_index())
    made, plain = TRANSFORMS[name]()(given), TRANSFORMS[name]()(graph(given.edge_index.as_tensor()))
    assert isinstance(made.edge_index, EdgeIndex)
    assert made.edge_index.sparse_size() == (5, 5)
    made.edge_index.validate()
    assert torch.equal(made.edge_index.as_tensor(), plain.edge_index)
    assert torch.equal(made.x, plain.x)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_graph_of_several_types_is_refused(name: str) -> None:
    data = HeteroData()
    data["paper"].x = torch.eye(5)
    data["paper", "cites", "paper"].edge_index = ENDS
    with pytest.raises(TypeError, match="HeteroData"):
        TRANSFORMS[name]()(data)


def test_one_after_another() -> None:
    data = Data(x=torch.eye(5), edge_index=ENDS, num_nodes=5)
    chain = Compose(
        [
            ToUndirected(),
            modifier(),
            embed.AddFastRP("z", dim=4),
            embed.AddTopologicalConcentration(),
            embed.AddTopologicalConcentration(attr_name=None),
        ]
    )
    made = chain(data)
    assert (made.z.shape, made.tc.shape, made.x.shape) == ((5, 4), (5,), (5, 6))
    assert torch.equal(made.x[:, 5], made.tc.float())
    pairs = {(int(a), int(b)) for a, b in made.edge_index.t()}
    assert {(0, 3), (3, 0)} <= pairs and not {(0, 1), (1, 0)} & pairs


@pytest.mark.parametrize("kind", [embed.AddFastRP, embed.AddTopologicalConcentration])
def test_attribute_is_a_name(kind: type) -> None:
    with pytest.raises(TypeError, match="attr_name must be a str or None, got int"):
        kind(attr_name=3)


@pytest.mark.parametrize("kind", [embed.AddFastRP, embed.AddTopologicalConcentration])
def test_new_column_keeps_dtype_of_features_and_takes_none(kind: type) -> None:
    made = kind(attr_name=None)(Data(x=torch.ones(5), edge_index=graph().edge_index))
    assert made.x.dtype == torch.float32 and made.x.size(0) == 5
    assert torch.equal(made.x[:, 0], torch.ones(5))
    assert kind(attr_name=None)(Data(edge_index=graph().edge_index, num_nodes=5)).x.dim() == 2


@pytest.mark.parametrize("name", TRANSFORMS)
def test_workers_of_a_loader_can_have_it(name: str) -> None:
    transform = TRANSFORMS[name]()
    transform(graph())
    for again in (pickle.loads(pickle.dumps(transform)), copy.deepcopy(transform)):
        assert again(graph()).keys() == transform(graph()).keys()


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.uint8])
@pytest.mark.parametrize("name", [name for name in TRANSFORMS if name.endswith("appended")])
def test_features_of_whole_numbers_do_not_round_the_values(name: str, dtype: torch.dtype) -> None:
    given = graph()
    wanted = TRANSFORMS[name]()(given).x
    given.x = given.x.to(dtype)
    found = TRANSFORMS[name]()(given).x
    assert found.is_floating_point() and torch.allclose(found.float(), wanted)
