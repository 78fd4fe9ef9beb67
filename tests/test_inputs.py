"""What users of PyG hand in as a graph gives what the plain tensor of edges gives."""

import warnings
from collections.abc import Callable
from typing import Any

import networkx
import numpy
import pytest
import scipy.sparse
import torch
from torch import Tensor, nn
from torch_geometric import EdgeIndex, Index
from torch_geometric.data import Data, HeteroData
from torch_geometric.data.hypergraph_data import HyperGraphData
from torch_geometric.nn import GCNConv, Sequential
from torch_geometric.transforms import Compose, ToSparseTensor
from torch_geometric.utils import (
    from_scipy_sparse_matrix,
    to_scipy_sparse_matrix,
    to_torch_coo_tensor,
)

from graphlab import contrastive, embed, evaluate, hyper, ops, tag
from graphlab.contrastive.pot import adjacency_bounds
from tests._rows import rows

NODES = 7
# Two triangles that share an edge, a path behind them, and a node of its own.
ENDS = torch.tensor([[0, 0, 1, 1, 2, 3, 4], [1, 2, 2, 3, 3, 4, 5]])
PLAIN = torch.cat([ENDS, ENDS.flip(0)], dim=1)[
    :, torch.randperm(14, generator=torch.Generator().manual_seed(0))
]
BY_ROW = PLAIN[:, (PLAIN[0] * NODES + PLAIN[1]).argsort()]
BY_COLUMN = PLAIN[:, (PLAIN[1] * NODES + PLAIN[0]).argsort()]


def _filled(edges: Tensor, order: str) -> EdgeIndex:
    size = (NODES, NODES)
    return EdgeIndex(edges, sparse_size=size, sort_order=order, is_undirected=True).fill_cache_()


EDGE_INDICES: dict[str, Callable[[], tuple[EdgeIndex, Tensor]]] = {
    "unsorted": lambda: (EdgeIndex(PLAIN), PLAIN),
    "by row": lambda: (_filled(BY_ROW, "row"), BY_ROW),
    "by column": lambda: (_filled(BY_COLUMN, "col"), BY_COLUMN),
    "int32": lambda: (_filled(BY_ROW.int(), "row"), BY_ROW),
}


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def features(columns: int = 4) -> Tensor:
    return torch.randn(NODES, columns, generator=generator())


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = GCNConv(4, 8), GCNConv(8, 5)
        with torch.no_grad():
            for i, parameter in enumerate(self.parameters()):
                parameter.copy_(
                    torch.linspace(-1, 1, parameter.numel()).view_as(parameter) / (i + 1)
                )

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return self.second(self.first(x, edge_index).relu(), edge_index)


def set_parameters(model: nn.Module) -> nn.Module:
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, generator=generator())
    return model.eval()


def trained(model: Any, edge_index: Tensor) -> Tensor:
    """Loss of the first step of a training."""
    set_parameters(model)
    loss: Tensor = model.training_loss(features(), edge_index, generator=generator())
    return loss


def pot(mode: str) -> Callable[[Tensor], Tensor]:
    def run(edge_index: Tensor) -> Tensor:
        layers = Encoder()
        chain = Sequential(
            "x, edge_index",
            [
                (layers.first, "x, edge_index -> x"),
                nn.ReLU(),
                (layers.second, "x, edge_index -> x"),
                nn.ReLU(),
            ],
        )
        model = contrastive.GRACE(chain, 5)
        set_parameters(model)
        pot = contrastive.POT(chain, edge_index, (0.4, 0.3), mode=mode)
        x = features()
        return pot.regularise(model.host_step(x, edge_index, generator=generator()), x)

    return run


def scgc(edge_index: Tensor) -> Tensor:
    model = contrastive.SCGC(
        2, in_channels=4, hidden_channels=(6,), out_channels=3, epochs=2, pretrain_epochs=2, seed=0
    )
    return model.fit(features(), edge_index).embed(features())


def fastrp_update(edge_index: Tensor) -> Tensor:
    model = embed.FastRP(dim=8).fit(edge_index, num_nodes=NODES)
    return model.update(edge_index)


def reweight(edge_index: Tensor) -> Tensor:
    rule = embed.TCReweight()
    return rule.update(
        features(), lambda pairs: pairs.sum(1).sigmoid(), edge_index, torch.ones(edge_index.size(1))
    )


def toy_data(edge_index: Tensor) -> Data:
    y = torch.arange(NODES) % 2
    data = Data(x=features(), y=y, edge_index=edge_index, num_nodes=NODES)
    for part, name in enumerate(("train", "val", "test")):
        data[f"{name}_mask"] = torch.arange(NODES) // 2 % 3 == part
    return data


def candidates() -> tag.gaugllm.EdgeCandidates:
    return tag.gaugllm.propose_edge_candidates(features(), PLAIN, min_del=1, num_add=2)


def modifier() -> tag.gaugllm.LLMEdgeModifier:
    votes = (torch.arange(len(candidates())) % 3) - 1
    return tag.gaugllm.LLMEdgeModifier(candidates(), votes, 0.8, 0.8, seed=0)


def store(edge_index: Tensor) -> tag.graphclip.SubgraphStore:
    return tag.SubgraphSampler(walk_length=6).sample(edge_index, NODES)


def stored(found: tag.graphclip.SubgraphStore) -> list[Tensor]:
    return [
        torch.as_tensor(part.copy()).long() for part in (found.node, found.edge, found.node_ptr)
    ]


def link_predictor(edge_index: Tensor) -> Tensor:
    model = tag.GraphCLIP(
        tag.graphclip.GraphCLIPEncoder(4, 8, 4, 1, 4, 2, out_channels=4, center_channels=8)
    )
    set_parameters(model)
    predictor = tag.LinkPredictor(model, tag.SubgraphSampler(walk_length=6))
    return predictor.predict(features(), edge_index, edge_index)


def clip_encoder(edge_index: Tensor) -> Tensor:
    model = tag.graphclip.GraphCLIPEncoder(4, 8, 4, 1, 4, 2, out_channels=4, center_channels=8)
    set_parameters(model)
    batch = torch.zeros(NODES, dtype=torch.long)
    pe = tag.graphclip.random_walk_encoding(edge_index, batch, 1, 4)
    return model(features(), pe, edge_index, batch, torch.tensor([0]))[0]


def selector(edge_index: Tensor) -> Tensor:
    model = tag.gaugllm.ContextAwareSelector(4, 2)
    set_parameters(model)
    content = torch.randn(NODES, 2, 4, generator=generator())
    return tag.gaugllm.fit_selector(model, content, content.flip(1), edge_index, epochs=2).x


def predicted(model: Any, edge_index: Tensor) -> Tensor:
    return model.fit(HYPEREDGES, NODES).predict(edge_index, NODES).edge_index


def counted(function: Any) -> Callable[[Tensor], Tensor]:
    def run(edge_index: Tensor) -> Tensor:
        cliques = hyper.maximal_cliques(PLAIN, NODES)
        hyperedges = torch.tensor([[0, 1, 2, 1, 2, 3], [0, 0, 0, 1, 1, 1]])
        sampler = hyper.CliqueSampler(8).fit(hyperedges, NODES, cliques)
        return function(sampler.sample(cliques), cliques, edge_index, NODES)

    return run


def marioh(edge_index: Tensor) -> Tensor:
    weight = torch.ones(edge_index.size(1), dtype=torch.int64)
    return hyper.Marioh().fit(HYPEREDGES, NODES).predict(edge_index, NODES, weight).edge_index


def csr(edge_index: Tensor) -> list[Tensor]:
    graph = ops.CSRGraph.from_edge_index(edge_index, NODES, torch.arange(14.0))
    return [graph.rowptr, graph.col, graph.weight, graph.weight_t]


def revgat(edge_index: Tensor) -> Tensor:
    return set_parameters(tag.tape.RevGAT(4, 4, 2, 2, heads=2, edge_dropout=0.5))(
        features(), edge_index
    )


def tape(edge_index: Tensor) -> Tensor:
    data = toy_data(edge_index)
    return (
        tag.TAPE("gcn", {"x": data.x}, hidden_channels=4, num_layers=2, epochs=2)
        .fit(data)
        .predict_proba()
    )


def text_graph(edge_index: Tensor) -> Tensor:
    return tag.TextGraph(x=features(), edge_index=edge_index, text=["a"] * NODES).edge_index


def gaugllm(edge_index: Tensor) -> Tensor:
    model = tag.GAugLLM("bgrl", [features(), features()], modifier(), out_channels=4, epochs=2)
    return model.fit_transform(toy_data(edge_index))


CLUSTER = torch.arange(NODES) % 3
ADD_COLUMN = embed.AddTopologicalConcentration(attr_name=None)
WEIGHT = torch.linspace(0.5, 1.5, 14)

ENTRY_POINTS: dict[str, Callable[[Tensor], Any]] = {
    "ops.CSRGraph": csr,
    "ops.walk_overlap": lambda e: ops.walk_overlap(ops.CSRGraph.from_edge_index(e, NODES), e),
    "PamCLoss": lambda e: contrastive.PamCLoss()(features(), e, CLUSTER, WEIGHT),
    "pamc_loss": lambda e: contrastive.pamc_loss(features(), e, CLUSTER),
    "SCGC": scgc,
    "influence_adjacency": lambda e: contrastive.influence_adjacency(e, NODES, 2),
    "influence_graph": lambda e: contrastive.influence_graph(e, NODES, 2).col,
    "node_centrality": lambda e: [
        contrastive.node_centrality(e, NODES, m) for m in ("degree", "pagerank", "eigenvector")
    ],
    "sample_non_edges": lambda e: contrastive.sample_non_edges(e, NODES, 4, generator=generator()),
    "DropEdge": lambda e: contrastive.DropEdge(0.4)(e, generator=generator()),
    "DropEdge undirected": lambda e: contrastive.DropEdge(0.4, True)(e, generator=generator()),
    "DropEdge budget": lambda e: contrastive.DropEdge(0.4).expected_budget(e, NODES),
    "CentralityDropEdge": lambda e: contrastive.CentralityDropEdge(e, NODES, 0.4)(
        e, generator=generator()
    ),
    "GRACE": lambda e: trained(contrastive.GRACE(Encoder(), 5), e),
    "GCA": lambda e: trained(contrastive.GCA(Encoder(), 5, edge_index=e, num_nodes=NODES), e),
    "ProGCL": lambda e: trained(contrastive.ProGCL(Encoder(), 5, start_epoch=0), e),
    "COSTA": lambda e: trained(contrastive.COSTA(Encoder(), 5), e),
    "GBT": lambda e: trained(contrastive.GBT(Encoder()), e),
    "BGRL": lambda e: trained(contrastive.BGRL(Encoder(), 5, 6), e),
    "GraphCL": lambda e: trained(contrastive.GraphCL(Encoder(), 5), e),
    "embed": lambda e: contrastive.GRACE(Encoder(), 5).embed(features(), e),
    "GraphMAE": lambda e: trained(contrastive.GraphMAE(Encoder(), 4, 5), e),
    "S2GAE": lambda e: trained(contrastive.S2GAE(Encoder(), 5), e),
    "POT reference": pot("reference"),
    "POT sound": pot("sound"),
    "adjacency_bounds": lambda e: (
        adjacency_bounds(e, NODES, torch.ones(NODES, dtype=torch.long)).low
    ),
    "fastrp": lambda e: embed.fastrp(e, NODES, WEIGHT, dim=8),
    "FastRP.update": fastrp_update,
    "AddFastRP": lambda e: embed.AddFastRP(dim=8)(toy_data(e)).x,
    "topological_concentration": lambda e: embed.topological_concentration(
        e, NODES, num_hops=2, nodes=torch.tensor([0, 3])
    ),
    "approx_topological_concentration": lambda e: embed.approx_topological_concentration(
        e, NODES, targets={"train": None, "none": e[:, :0]}, dim=8
    )["train"],
    "weighted_concentration": lambda e: embed.weighted_concentration(
        torch.tensor([[0, 6], [6, 0]]), torch.ones(2), NODES, targets=e
    ),
    "weighted_concentration train": lambda e: embed.weighted_concentration(
        e, torch.ones(14), NODES
    ),
    "AddTopologicalConcentration": lambda e: embed.AddTopologicalConcentration()(toy_data(e)).tc,
    "TCReweight": reweight,
    "link metrics": lambda e: evaluate.per_node_link_metrics(
        evaluate.top_predictions(features() @ features().T, 2, exclude=e[:, :4]), e, 2, e[:, :4]
    )["recall"],
    "maximal_cliques": lambda e: hyper.maximal_cliques(e, NODES).idx,
    "count_features": counted(hyper.count_features),
    "motif_features": counted(hyper.motif_features),
    "count_preimages": lambda e: torch.tensor(hyper.count_preimages(e, NODES)),
    "CliqueCover": lambda e: predicted(hyper.CliqueCover(), e),
    "MaxCliqueBaseline": lambda e: predicted(hyper.MaxCliqueBaseline(), e),
    "HypergraphReconstructor": lambda e: predicted(
        hyper.HypergraphReconstructor(classifier="lr"), e
    ),
    "Marioh": marioh,
    "project": lambda e: hyper.project(e, NODES, num_hyperedges=NODES),
    "TextGraph": text_graph,
    "SubgraphSampler": lambda e: stored(store(e)),
    "SubgraphSampler k hops": lambda e: stored(
        tag.SubgraphSampler("khop", num_hops=2).sample(e, NODES)
    ),
    "SubgraphStore.from_edges": lambda e: stored(
        tag.graphclip.SubgraphStore.from_edges([e[:, :4]], [int(e[0, 0])], NODES)
    ),
    "LinkPredictor": link_predictor,
    "GraphCLIPEncoder": clip_encoder,
    "augment_subgraphs": lambda e: tag.graphclip.augment_subgraphs(
        features(), e, torch.zeros(NODES, dtype=torch.long), 1
    ),
    "TAPE": tape,
    "RevGAT": revgat,
    "EdgeCandidates.check_graph": lambda e: candidates().check_graph(e).src,
    "propose_edge_candidates": lambda e: (
        tag.gaugllm.propose_edge_candidates(features(), e, min_del=1).score
    ),
    "LLMEdgeModifier.edit": lambda e: modifier().edit(e),
    "LLMEdgeModifier": lambda e: modifier()(Data(edge_index=e, num_nodes=NODES)).edge_index,
    "apply_all_votes": lambda e: tag.gaugllm.apply_all_votes(
        e, candidates(), (torch.arange(len(candidates())) % 3) - 1
    ),
    "edge_changes": lambda e: torch.tensor(tag.gaugllm.edge_changes(e, e[:, 1:], NODES).deleted),
    "fit_selector": selector,
    "PromptExperts": lambda e: torch.tensor(
        [
            hash(
                tuple(tag.PromptExperts(None, ("sas",)).prompts("sas", ["a b", "c"] * 3 + ["d"], e))
            ),
            hash(str(tag.PromptExperts(None, ("idr",)).contexts(e, NODES))),
        ]
    ),
    "GAugLLM": gaugllm,
    "Compose": lambda e: (
        Compose([embed.AddFastRP(attr_name=None, dim=4), ADD_COLUMN])(toy_data(e)).x
    ),
}


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_edge_index_object_gives_what_the_plain_tensor_gives(name: str) -> None:
    run, before = ENTRY_POINTS[name], {}
    with rows() as table:
        for kind, make in EDGE_INDICES.items():
            with table.row(kind):
                given, plain = make()
                order = plain.numpy().tobytes()
                if order not in before:
                    before[order] = _flat(run(plain.clone()))
                for one, other in zip(_flat(run(given)), before[order], strict=True):
                    torch.testing.assert_close(one, other, equal_nan=True, check_dtype=False)


def _scipy(kind: str) -> Any:
    return to_scipy_sparse_matrix(PLAIN, num_nodes=NODES).asformat(kind)


def _networkx() -> Any:
    graph = networkx.Graph()
    graph.add_nodes_from(f"node {i}" for i in range(NODES))
    graph.add_edges_from([(f"node {u}", f"node {v}") for u, v in ENDS.t().tolist()])
    return graph


def _torch_sparse(convert: Callable[[Tensor], Tensor]) -> Tensor:
    return _quiet(lambda: convert(to_torch_coo_tensor(PLAIN, size=NODES)))


def _quiet(make: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its sparse tensors a beta feature
        return make()


def _with_stored_zeros(kind: str) -> Any:
    """The graph, with edges that were set to zero and an erased diagonal."""
    extra = torch.tensor([[0, 5, 6, 3, 3], [5, 0, 6, 3, 0]])
    value = torch.cat([torch.ones(14), torch.zeros(5)])
    shape = (NODES, NODES)
    index = torch.cat([PLAIN, extra], dim=1)
    return scipy.sparse.coo_matrix((value.numpy(), index.numpy()), shape=shape).asformat(kind)


def _torch_zeros() -> Tensor:
    matrix = _with_stored_zeros("coo")
    index = torch.from_numpy(numpy.stack([matrix.row, matrix.col])).long()
    value = torch.from_numpy(matrix.data)
    return torch.sparse_coo_tensor(index, value, matrix.shape, check_invariants=True)


class SparseTensor:
    """The methods of ``torch_sparse.SparseTensor`` that tell its entries."""

    def __init__(self, matrix: Any, *, values: bool = True) -> None:
        self.matrix, self.values = matrix.tocoo(), values

    def coo(self) -> tuple[Tensor, Tensor, Tensor | None]:
        row, col = (torch.from_numpy(part).long() for part in (self.matrix.row, self.matrix.col))
        return row, col, torch.from_numpy(self.matrix.data) if self.values else None

    def sparse_sizes(self) -> tuple[int, int]:
        size: tuple[int, int] = self.matrix.shape
        return size


def _without_edge_index(layout: torch.layout) -> Data:
    """What ToSparseTensor leaves: ``adj_t``, rows being the targets."""
    transform, plain = ToSparseTensor(layout=layout), Data(edge_index=PLAIN, num_nodes=NODES)
    data: Data = _quiet(lambda: transform(plain))
    assert data.edge_index is None
    return data


GRAPHS: dict[str, Callable[[], Any]] = {
    "EdgeIndex with sizes": lambda: _filled(BY_ROW, "row"),
    "Data": lambda: Data(edge_index=PLAIN, num_nodes=NODES),
    "Data with EdgeIndex": lambda: Data(edge_index=EdgeIndex(PLAIN), num_nodes=NODES),
    "Data by its features": lambda: Data(edge_index=PLAIN, x=features()),
    "TextGraph": lambda: tag.TextGraph(edge_index=PLAIN, text=["a"] * NODES),
    "torch COO": lambda: _torch_sparse(lambda a: a),
    "torch CSR": lambda: _torch_sparse(lambda a: a.to_sparse_csr()),
    "torch CSC": lambda: _torch_sparse(lambda a: a.to_sparse_csc()),
    "scipy COO": lambda: _scipy("coo"),
    "scipy CSR of bool": lambda: _scipy("csr").astype(bool),
    "scipy CSC of int": lambda: _scipy("csc").astype(int),
    "scipy LIL": lambda: _scipy("lil"),
    "networkx": _networkx,
    "networkx directed": lambda: _networkx().to_directed(),
    "scipy CSR with zeros": lambda: _with_stored_zeros("csr"),
    "scipy CSC with zeros": lambda: _with_stored_zeros("csc"),
    "scipy COO with zeros": lambda: _with_stored_zeros("coo"),
    "torch COO with zeros": _torch_zeros,
    "torch CSR with zeros": lambda: _quiet(lambda: _torch_zeros().to_sparse_csr()),
    "torch CSC with zeros": lambda: _quiet(lambda: _torch_zeros().to_sparse_csc()),
    "SparseTensor": lambda: SparseTensor(_scipy("coo")),
    "SparseTensor with zeros": lambda: SparseTensor(_with_stored_zeros("coo")),
    "adj_t CSR": lambda: _without_edge_index(torch.sparse_csr),
    "adj_t COO": lambda: _without_edge_index(torch.sparse_coo),
    "adj_t with zeros": lambda: Data(adj_t=_torch_zeros()),
    "adj_t SparseTensor": lambda: Data(adj_t=SparseTensor(_scipy("coo"))),
    "adj_t without values": lambda: Data(adj_t=SparseTensor(_scipy("coo"), values=False)),
}

HYPEREDGES = torch.tensor([[0, 1, 2, 1, 2, 3, 3, 4, 4, 5], [0, 0, 0, 1, 1, 1, 2, 2, 3, 3]])

WHOLE_GRAPH: dict[str, Callable[[Any, Any], Any]] = {
    "fastrp": lambda g, n: embed.fastrp(g, n, dim=8),
    "topological_concentration": embed.topological_concentration,
    "approx_topological_concentration": lambda g, n: embed.approx_topological_concentration(
        g, n, dim=8
    ),
    "topological_concentration of two hops": lambda g, n: embed.topological_concentration(
        g, n, num_hops=2
    ),
    "weighted_concentration": lambda g, n: embed.weighted_concentration(
        g, num_nodes=n, weight=None
    ),
    "maximal_cliques": lambda g, n: hyper.maximal_cliques(g, n).idx,
    "count_preimages": lambda g, n: torch.tensor(hyper.count_preimages(g, n)),
    "CliqueCover": lambda g, n: hyper.CliqueCover().predict(g, n).edge_index,
    "MaxCliqueBaseline": lambda g, n: hyper.MaxCliqueBaseline().predict(g, n).edge_index,
    "HypergraphReconstructor": lambda g, n: (
        hyper.HypergraphReconstructor(classifier="lr")
        .fit(HYPEREDGES, NODES)
        .predict(g, n)
        .edge_index
    ),
}


@pytest.mark.parametrize("name", WHOLE_GRAPH)
def test_graph_gives_what_its_edges_and_size_give(name: str) -> None:
    run = WHOLE_GRAPH[name]
    expected = run(PLAIN, NODES)
    with rows() as table:
        for kind, make in GRAPHS.items():
            with table.row(kind):
                torch.testing.assert_close(run(make(), None), expected, equal_nan=True)


WEIGHTS = torch.arange(1, 8).repeat(2)  # of the undirected edges, both directions


@pytest.mark.parametrize("kind", ["Data", "scipy", "networkx", "COO not coalesced"])
def test_weights_of_a_graph_are_read(kind: str) -> None:
    both = torch.cat([ENDS, ENDS.flip(0)], dim=1)
    graph: Any
    if kind == "Data":
        graph = Data(edge_index=both, edge_weight=WEIGHTS, num_nodes=NODES)
    elif kind == "scipy":
        graph = to_scipy_sparse_matrix(both, WEIGHTS, NODES)
    elif kind == "networkx":
        graph = networkx.Graph()
        graph.add_nodes_from(range(NODES))
        triples = zip(*ENDS.tolist(), WEIGHTS[:7].tolist(), strict=True)
        graph.add_weighted_edges_from(triples)
    else:
        repeated, halves = torch.cat([both, both], dim=1), WEIGHTS.repeat(2) / 2
        graph = torch.sparse_coo_tensor(repeated, halves, (NODES, NODES), check_invariants=True)
    expected = embed.fastrp(both, NODES, WEIGHTS.double(), dim=8)
    torch.testing.assert_close(embed.fastrp(graph, dim=8), expected)
    if kind == "COO not coalesced":
        assert not graph.is_coalesced()
    truth = hyper.Marioh().fit(HYPEREDGES, NODES)
    expected = truth.predict(both, NODES, WEIGHTS).edge_index
    assert torch.equal(truth.predict(graph).edge_index, expected)


def test_whole_and_boolean_weights_are_numbers() -> None:
    both = torch.cat([ENDS, ENDS.flip(0)], dim=1)
    edges, weight = from_scipy_sparse_matrix(to_scipy_sparse_matrix(both, WEIGHTS, NODES))
    assert weight.dtype == torch.int64
    for given in (weight, weight > 3):
        real = given.float()
        torch.testing.assert_close(
            embed.fastrp(edges, NODES, given, dim=8), embed.fastrp(edges, NODES, real, dim=8)
        )
        loss = contrastive.PamCLoss()
        torch.testing.assert_close(
            loss(features(), edges, CLUSTER, given), loss(features(), edges, CLUSTER, real)
        )
        torch.testing.assert_close(
            embed.weighted_concentration(edges, given, NODES),
            embed.weighted_concentration(edges, real, NODES),
            equal_nan=True,
        )


@pytest.mark.parametrize(
    "graph, message",
    [
        (HeteroData(), "to_homogeneous"),
        (HyperGraphData(edge_index=HYPEREDGES), "graphlab.hyper.project"),
        (scipy.sparse.coo_matrix((2, 3)), "square matrix, got shape \\(2, 3\\)"),
        ([[0, 1], [1, 0]], "got list"),
    ],
)
def test_what_is_no_graph_is_refused(graph: Any, message: str) -> None:
    for run in (embed.fastrp, embed.topological_concentration, hyper.maximal_cliques):
        with pytest.raises((TypeError, ValueError), match=message):
            run(graph, num_nodes=3 if isinstance(graph, list) else None)


def test_a_matrix_states_its_own_size_and_weights() -> None:
    graph = _scipy("csr")
    with pytest.raises(ValueError, match="num_nodes must be 7, the size of the matrix, got 8"):
        embed.topological_concentration(graph, 8)
    with pytest.raises(ValueError, match="edge_weight must be None where edge_index is a matrix"):
        embed.fastrp(graph, edge_weight=torch.ones(14))


@pytest.mark.parametrize("kind", ["torch CSR", "scipy COO", "networkx"])
def test_functions_of_edges_name_the_converter(kind: str) -> None:
    with pytest.raises(TypeError, match="torch_geometric.utils has to_edge_index"):
        contrastive.pamc_loss(features(), GRAPHS[kind](), CLUSTER)


def test_index_of_pyg_serves_as_clusters() -> None:
    loss = contrastive.PamCLoss()
    expected = loss(features(), PLAIN, CLUSTER)
    assert torch.equal(loss(features(), PLAIN, Index(CLUSTER)), expected)


def _flat(value: Any) -> list[Tensor]:
    return list(value) if isinstance(value, (tuple, list)) else [value]
