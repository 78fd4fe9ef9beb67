"""One working call of every public function that takes a graph or hypergraph as an object."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import networkx
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab import contrastive, datasets, embed, hyper, tag, viz
from graphlab.contrastive import pretext
from tests.tag.graphclip._toy import HashEncoder, toy_model
from tests.test_inputs import HYPEREDGES, NODES, PLAIN, features, generator, modifier, toy_data

Call = Callable[[Any], Any]


def tape(epochs: int = 2) -> Any:
    return tag.TAPE(
        "gcn", {"x": features()}, hidden_channels=4, num_layers=2, epochs=epochs, seed=0
    )


def scgc() -> Any:
    return contrastive.SCGC(
        2,
        in_channels=4,
        hidden_channels=(6,),
        out_channels=3,
        epochs=2,
        pretrain_epochs=2,
        n_init=1,
        seed=0,
    )


def batch(data: Any) -> Any:
    """As a loader of PyG gives it."""
    if isinstance(data, Data):
        data.batch_size = 3
    return data


def gaugllm() -> Any:
    views = [features(), features()]
    return tag.GAugLLM("bgrl", views, modifier(), out_channels=4, epochs=2)


def texts() -> list[str]:
    return [f"word {i} text" for i in range(NODES)]


def text_graph(data: Any) -> Tensor:
    made = tag.TextGraph.from_data(data, texts())
    return made.edge_index


def zero_shot(encoder: Any) -> Any:
    sampler = tag.SubgraphSampler(walk_length=6)
    return tag.ZeroShotNodes(toy_model(), encoder=encoder, sampler=sampler)


def pipeline(encoder: Any = None) -> Any:
    """Fitted on the toy graph."""
    config = tag.PretrainConfig(epochs=1, batch_size=6, val_fraction=0.0)
    model = tag.GraphCLIPPipeline(
        encoder=HashEncoder() if encoder is None else encoder,
        sampler=tag.SubgraphSampler(walk_length=6),
        config=config,
        hidden_channels=16,
        num_layers=1,
    )
    return model.fit(tag.TextGraph(edge_index=PLAIN, text=texts()))


class Hashing:
    """Embeds texts without a model."""

    def encode(self, texts: Any, **_: Any) -> Tensor:
        return torch.tensor([[float(sum(map(ord, text))), 1.0] for text in texts])


def hiding() -> pretext.AttributeMask:
    return pretext.AttributeMask(2, rate=0.5, num_components=1)


#: Functions of a ``Data``.
DATA_CALLS: dict[str, Call] = {
    "AddFastRP.forward": lambda d: embed.AddFastRP(dim=8)(d).x,
    "AddTopologicalConcentration.forward": lambda d: embed.AddTopologicalConcentration()(d).tc,
    "PretextTask.setup": lambda d: contrastive.ContextLabel(4, 2).setup(d).target,
    "PretextTask.perturb": lambda d: hiding().setup(d).perturb(d).x,
    "MultiTaskLoss.setup": lambda d: (
        pretext.MultiTaskLoss([hiding()], [1.0]).setup(d).tasks[0].target
    ),
    "MultiTaskLoss.perturb": lambda d: (
        pretext.MultiTaskLoss([hiding()], [1.0]).setup(d).perturb(d).x
    ),
    "EdgeDrop.forward": lambda d: contrastive.DropEdge(0.4).forward(d).edge_index,
    "LLMEdgeModifier.forward": lambda d: modifier()(d).edge_index,
    "GAugLLM.fit": lambda d: gaugllm().fit(d).transform(d),
    "GAugLLM.fit_transform": lambda d: gaugllm().fit_transform(d),
    "GAugLLM.transform": lambda d: gaugllm().fit(toy_data(PLAIN)).transform(d),
    "TAPE.fit": lambda d: tape().fit(d).predict_proba(),
    "TAPE.member_logits": lambda d: tape().fit(toy_data(PLAIN)).member_logits(d)["x"],
    "TAPE.predict": lambda d: tape().fit(toy_data(PLAIN)).predict(d),
    "TAPE.predict_proba": lambda d: tape().fit(toy_data(PLAIN)).predict_proba(d),
    "TextGraph.from_data": text_graph,
    "SCGC.fit": lambda d: scgc().fit(d).embed(d.x),
    "SCGC.fit_predict": lambda d: scgc().fit_predict(d),
    "seed_positives": lambda d: contrastive.seed_positives(batch(d))[0],
}


def truth(model: Any, hyperedges: Any) -> Tensor:
    fitted = model.fit(hyperedges, None if isinstance(hyperedges, Data) else NODES)
    weight = torch.ones(14, dtype=torch.int64)
    if isinstance(model, hyper.Marioh):
        return fitted.predict(PLAIN, NODES, weight).edge_index
    return fitted.predict(PLAIN, NODES).edge_index


def nodes_of(hyperedges: Any) -> int | None:
    return None if isinstance(hyperedges, Data) else NODES


def sampled(hyperedges: Any) -> Any:
    cliques = hyper.maximal_cliques(PLAIN, NODES)
    sampler = hyper.CliqueSampler(8).fit(hyperedges, nodes_of(hyperedges), cliques)
    return sampler.sample(cliques).idx


def written(hyperedges: Any) -> Tensor:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "toy.hif.json"
        datasets.write_hif(hyperedges, path)
        return datasets.read_hif(path).edge_index


#: Functions of a hypergraph, as incidences ``(2, nnz)`` or as PyG's ``HyperGraphData``.
HYPERGRAPH_CALLS: dict[str, Call] = {
    "CliqueSampler.fit": sampled,
    "HypergraphReconstructor.fit": lambda h: truth(
        hyper.HypergraphReconstructor(classifier="lr"), h
    ),
    "HypergraphReconstructor.importance": lambda h: torch.tensor(
        list(
            hyper.HypergraphReconstructor(classifier="lr")
            .fit(HYPEREDGES, NODES)
            .importance(h, nodes_of(h))
            .values()
        )
    ),
    "Marioh.fit": lambda h: truth(hyper.Marioh(), h),
    "hypergraph_drawing": lambda h: len(viz.hypergraph_drawing(h, NODES).patches),
    "to_hyperedges": lambda h: hyper.to_hyperedges(h, nodes_of(h)),
    "is_conformal": lambda h: hyper.is_conformal(h, nodes_of(h)),
    "nested_hyperedges": lambda h: hyper.nested_hyperedges(h, nodes_of(h)),
    "project": lambda h: hyper.project(h, nodes_of(h)),
    "projection_loss": lambda h: str(hyper.projection_loss(h, nodes_of(h))),
    "rho": lambda h: str(hyper.rho(h, nodes_of(h), hyper.maximal_cliques(PLAIN, NODES))),
    "to_networkx_bipartite": lambda h: sorted(
        hyper.to_networkx_bipartite(h, nodes_of(h)).edges, key=str
    ),
    "uncovered_triangles": lambda h: hyper.uncovered_triangles(h, nodes_of(h)),
    "write_hif": written,
    "to_xgi": lambda h: hyper.to_xgi(h, nodes_of(h)).num_edges,
    "to_hypergraphx": lambda h: len(hyper.to_hypergraphx(h, nodes_of(h)).get_edges()),
}


def hypergraph() -> HyperGraphData:
    return HyperGraphData(edge_index=HYPEREDGES, num_nodes=NODES)


def networkx_graph() -> Any:
    graph = networkx.Graph()
    graph.add_nodes_from((i, {"text": f"text {i}", "label": i % 2}) for i in range(NODES))
    graph.add_edges_from(PLAIN.t().tolist())
    return graph


def bipartite() -> Any:
    graph = networkx.Graph()
    graph.add_nodes_from(range(NODES), bipartite=0)
    graph.add_nodes_from((f"edge {i}" for i in range(4)), bipartite=1)
    graph.add_edges_from((int(u), f"edge {int(v)}") for u, v in HYPEREDGES.t())
    return graph


def two_topics() -> Any:
    """Nodes that write about what their neighbours write about."""
    ends = torch.randint(20, (2, 200), generator=generator())
    edges = torch.cat([ends, ends + 20], dim=1)
    words = ["apples pears plums cherries", "trains buses ships planes"]
    text = [f"{words[i // 20]} {i % 5}" for i in range(40)]
    return tag.TextGraph(edge_index=edges[:, edges[0] != edges[1]], text=text)


#: Functions of the objects of one library, with a maker of such an object and the library's name.
OBJECT_CALLS: dict[str, tuple[Call, Callable[[], Any], str]] = {
    "TextGraph.from_networkx": (
        lambda g: tag.TextGraph.from_networkx(g).edge_index,
        networkx_graph,
        "networkx",
    ),
    "from_networkx_bipartite": (
        lambda g: hyper.from_networkx_bipartite(g).edge_index,
        bipartite,
        "networkx",
    ),
    "from_xgi": (
        lambda g: hyper.from_xgi(g).edge_index,
        lambda: hyper.to_xgi(hypergraph()),
        "xgi",
    ),
    "from_hypergraphx": (
        lambda g: hyper.from_hypergraphx(g).edge_index,
        lambda: hyper.to_hypergraphx(hypergraph()),
        "hypergraphx",
    ),
    "check_text_alignment": (
        lambda g: str(tag.text_graph.check_text_alignment(g)),
        two_topics,
        "torch_geometric",
    ),
    "GFMRetriever.__init__": (
        lambda g: (
            tag.GFMRetriever(None, g, Hashing(), hidden=4, num_layers=2, steps=1)
            .fit()
            .query_many(["Is Rome in Italy?"], k=2)
            .scores
        ),
        lambda: tag.knowledge_graph(
            [("Rome", "is in", "Italy", 0), ("Oslo", "is in", "Norway", 1)], ["Rome.", "Oslo."]
        ),
        "torch_geometric",
    ),
    "encode_edges": (
        lambda g: tag.embedding.encode_edges(g, Hashing()).edge_attr,
        lambda: tag.TextGraph(
            edge_index=PLAIN, text=texts(), edge_text=[f"to {i}" for i in PLAIN[1].tolist()]
        ),
        "torch_geometric",
    ),
    "EgoGraphRetriever.fit": (
        lambda g: tag.retrieval.EgoGraphRetriever(Hashing()).fit(g).vectors_,
        lambda: tag.TextGraph(edge_index=PLAIN, text=texts()),
        "torch_geometric",
    ),
    "render_subgraph": (
        tag.retrieval.render_subgraph,
        lambda: tag.TextGraph(edge_index=PLAIN, text=texts()),
        "torch_geometric",
    ),
    "GraphCLIPPipeline.predict": (
        lambda g: pipeline().predict(g, ["word", "text"]),
        lambda: tag.TextGraph(edge_index=PLAIN, text=texts()),
        "torch_geometric",
    ),
    "GraphCLIPPipeline.predict_proba": (
        lambda g: pipeline().predict_proba(g, ["word", "text"]),
        lambda: tag.TextGraph(edge_index=PLAIN, text=texts()),
        "torch_geometric",
    ),
    "ZeroShotNodes.fit": (
        lambda g: zero_shot(HashEncoder()).fit(g).embeddings_,
        lambda: tag.TextGraph(edge_index=PLAIN, text=texts()),
        "torch_geometric",
    ),
    "encode_nodes": (
        lambda g: tag.embedding.encode_nodes(g, Hashing()).x,
        lambda: tag.TextGraph(edge_index=PLAIN, text=texts()),
        "torch_geometric",
    ),
}

#: Functions that need more than an object, with the tests that give them every kind of graph.
ELSEWHERE = {
    "MemberNetwork.forward": "SharedAdjacency.build",
    "PromptExperts.run": "PromptExperts.prompts",
}
