"""One working call of every public function that takes edges ``(2, E)``, by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import Sequential

from graphlab import contrastive, embed, evaluate, hyper, ops, tag
from graphlab.contrastive import pretext
from graphlab.contrastive.pot import (
    adjacency_bounds,
    compactness_bound,
    preactivation_bounds,
    reference_compactness,
)
from graphlab.tag import feasibility, graphclip
from tests.test_inputs import (
    CLUSTER,
    ENTRY_POINTS,
    NODES,
    PLAIN,
    Encoder,
    features,
    generator,
    modifier,
    set_parameters,
)

Call = Callable[[Any], Any]


def kinds_of(edges: Any) -> Tensor:
    """A relation for each edge, as many as there are, or as the plain edges have."""
    return torch.arange(edges.shape[1] if getattr(edges, "ndim", 0) == 2 else PLAIN.size(1)) % 2


def triples() -> Any:
    return made(embed.KGEmbedding(NODES, 2, 4, train_config=embed.KGETrainConfig(epochs=1)))


def made(model: nn.Module) -> Any:
    """With parameters that do not depend on the order in which tests run."""
    set_parameters(model)
    return model


def grace() -> Any:
    return made(contrastive.GRACE(Encoder(), 5))


def graphcl() -> Any:
    return made(contrastive.GraphCL(Encoder(), 5))


def s2gae() -> Any:
    return made(contrastive.S2GAE(Encoder(), 5))


def pot_encoder() -> nn.Module:
    layers = Encoder()
    return Sequential(
        "x, edge_index",
        [
            (layers.first, "x, edge_index -> x"),
            nn.ReLU(),
            (layers.second, "x, edge_index -> x"),
            nn.ReLU(),
        ],
    )


LAYERS = (
    (torch.linspace(-1, 1, 32).view(8, 4), torch.zeros(8)),
    (torch.linspace(-1, 1, 40).view(5, 8), torch.zeros(5)),
)
ANCHOR = torch.ones(NODES, 5)
ONES = torch.ones(NODES, dtype=torch.long)
KNOWN = torch.arange(NODES) % 2


def scgc() -> Any:
    return contrastive.SCGC(
        2, in_channels=4, hidden_channels=(6,), out_channels=3, epochs=2, pretrain_epochs=2, seed=0
    )


def shared(edge_index: Any) -> Tensor:
    loss = contrastive.PamCLoss()
    statistics = loss.collect(features(), CLUSTER)
    return loss.share(features(), edge_index, CLUSTER, statistics)


def clip_tower() -> Any:
    return made(graphclip.GraphCLIPEncoder(4, 8, 4, 1, 4, 2, out_channels=4, center_channels=8))


def clip_inputs(edge_index: Any) -> tuple[Any, ...]:
    batch = torch.zeros(NODES, dtype=torch.long)
    pe = graphclip.random_walk_encoding(PLAIN, batch, 1, 4)
    return features(), pe, edge_index, batch, torch.tensor([0])


def predictor() -> Any:
    model = tag.GraphCLIP(clip_tower())
    return tag.LinkPredictor(model, tag.SubgraphSampler(walk_length=6))


def evaluated(edge_index: Any) -> Tensor:
    pairs = torch.tensor([[0, 1], [5, 6]])
    found = predictor().evaluate(features(), edge_index, pairs, pairs.flip(0))
    return torch.tensor([value for row in found.values() for value in row.values()])


def scored_entities(edge_index: Any) -> Any:
    size = edge_index.shape[-1] if isinstance(edge_index, Tensor) else 1
    model = set_parameters(tag.retrieval.gfm.QueryGNN(4, 4, 2))
    start = torch.eye(NODES)[:2]
    return model(features()[:3], features()[:2], start, edge_index, torch.arange(size) % 3)


def typed_rows(edge_index: Any) -> ops.RelationalRows:
    pairs = isinstance(edge_index, Tensor) and edge_index.dim() == 2
    size = edge_index.size(1) if pairs else PLAIN.size(1)
    return ops.RelationalRows.from_edge_index(edge_index, torch.arange(size) % 3, NODES, 3)


TEXTS = ["a b", "c"] * 3 + ["d"]


#: Functions whose rows need more than a tensor of edges, or whose name says nothing of their own.
EDGE_CALLS: dict[str, Call] = {
    "KGEmbedding.fit": lambda e: triples().fit(e, kinds_of(e)).entities().detach(),
    "RankingModel.rank": lambda e: triples().rank(e, kinds_of(e), known=()).greater,
    "CSRGraph.from_edge_index": ENTRY_POINTS["ops.CSRGraph"],
    "SparseRows.from_edge_index": lambda e: ops.SparseRows.from_edge_index(e, NODES).col,
    "RelationalRows.from_edge_index": lambda e: typed_rows(e).rows.col,
    "CentralityDropEdge.__init__": lambda e: contrastive.CentralityDropEdge(e, NODES, 0.4).weight,
    "CentralityDropEdge.expected_budget": lambda e: contrastive.CentralityDropEdge(
        PLAIN, NODES, 0.4
    ).expected_budget(e),
    "CentralityDropEdge.keep": lambda e: contrastive.CentralityDropEdge(PLAIN, NODES, 0.4).keep(e),
    "DropEdge.expected_budget": ENTRY_POINTS["DropEdge budget"],
    "DropEdge.keep": lambda e: contrastive.DropEdge(0.4).keep(e),
    "EdgeDrop.__call__": lambda e: contrastive.DropEdge(0.4)(e),
    "BGRL.target": lambda e: made(contrastive.BGRL(Encoder(), 5, 6)).target(features(), e),
    "EmbeddingModel.embed": lambda e: made(contrastive.GraphMAE(Encoder(), 4, 5)).embed(
        features(), e
    ),
    "EmbeddingModel.forward": lambda e: made(contrastive.GraphMAE(Encoder(), 4, 5))(features(), e),
    "EmbeddingModel.training_loss": lambda e: made(
        contrastive.GraphMAE(Encoder(), 4, 5)
    ).training_loss(features(), e),
    "TwoViewModel.diagnose": lambda e: torch.tensor(
        grace().diagnose(features(), e, generator=generator()).effective_rank
    ),
    "TwoViewModel.embed": lambda e: grace().embed(features(), e),
    "TwoViewModel.forward": lambda e: grace()(features(), e),
    "TwoViewModel.host_step": lambda e: grace().host_step(features(), e).loss,
    "TwoViewModel.training_loss": lambda e: grace().training_loss(features(), e),
    "TwoViewModel.views": lambda e: [view[1] for view in grace().views(features(), e)],
    "GraphCL.host_step": lambda e: graphcl().host_step(features(), e).loss,
    "GraphMAE.loss": lambda e: made(contrastive.GraphMAE(Encoder(), 4, 5)).loss(
        features(), e, generator=generator()
    ),
    "S2GAE.forward": lambda e: s2gae()(features(), e),
    "S2GAE.levels": lambda e: s2gae().levels(features(), e),
    "S2GAE.loss": lambda e: s2gae().loss(features(), e, generator=generator()),
    "S2GAE.mask": lambda e: s2gae().mask(e, generator=generator()),
    "GCA.__init__": ENTRY_POINTS["GCA"],
    "SCGC.fit": lambda e: scgc().fit(features(), e).embed(features()),
    "SCGC.fit_predict": lambda e: scgc().fit_predict(features(), e),
    "smoothed_features": lambda e: contrastive.smoothed_features(features(), e, dim=3),
    "smoothed_kmeans": lambda e: contrastive.smoothed_kmeans(features(), e, 2, n_init=1),
    "PamCLoss.forward": ENTRY_POINTS["PamCLoss"],
    "PamCLoss.positive": lambda e: contrastive.PamCLoss().positive(features(), e),
    "PamCLoss.share": shared,
    "pamc_loss": ENTRY_POINTS["pamc_loss"],
    "POT.__init__": ENTRY_POINTS["POT sound"],
    "adjacency_bounds": lambda e: adjacency_bounds(e, NODES, ONES).low,
    "compactness_bound": lambda e: compactness_bound(features(), e, LAYERS, ANCHOR, ONES),
    "preactivation_bounds": lambda e: [
        end for pair in preactivation_bounds(features(), e, LAYERS, ONES) for end in pair
    ],
    "reference_compactness": lambda e: reference_compactness(
        features(), e, PLAIN, LAYERS, ANCHOR, 0.3
    ),
    "gte_scores": lambda e: embed.gte_scores(e, NODES, NODES),
    "context_histogram": lambda e: pretext.context_histogram(e, KNOWN),
    "harmonic_labels": lambda e: pretext.harmonic_labels(e, KNOWN).score,
    "ica_labels": lambda e: pretext.ica_labels(features(), e, KNOWN).score,
    "influence_adjacency": ENTRY_POINTS["influence_adjacency"],
    "influence_graph": ENTRY_POINTS["influence_graph"],
    "reconstruction_map": lambda e: list(
        evaluate.reconstruction_map(features(), e, hops=(1, 2)).values()
    ),
    "node_centrality": ENTRY_POINTS["node_centrality"],
    "sample_non_edges": ENTRY_POINTS["sample_non_edges"],
    "PowersOfFastRP.update": ENTRY_POINTS["FastRP.update"],
    "TCReweight.update": lambda e: embed.TCReweight().update(
        features(), lambda pairs: pairs.sum(1).sigmoid(), e, torch.ones(14)
    ),
    "EdgeCandidates.check_graph": ENTRY_POINTS["EdgeCandidates.check_graph"],
    "propose_edge_candidates": ENTRY_POINTS["propose_edge_candidates"],
    "LLMEdgeModifier.edit": ENTRY_POINTS["LLMEdgeModifier.edit"],
    "LLMEdgeModifier.vetted": lambda e: modifier().vetted(e),
    "apply_all_votes": ENTRY_POINTS["apply_all_votes"],
    "PromptExperts.prompts": lambda e: tag.PromptExperts(None, ("sas",)).prompts("sas", TEXTS, e),
    "PromptExperts.contexts": lambda e: str(tag.PromptExperts(None, ("idr",)).contexts(e, NODES)),
    "fit_selector": ENTRY_POINTS["fit_selector"],
    "GraphCLIPEncoder.embed_normalized": lambda e: (
        clip_tower().eval().embed_normalized(*clip_inputs(e))
    ),
    "GraphCLIPEncoder.forward": lambda e: clip_tower()(*clip_inputs(e)),
    "GraphCLIP.forward": lambda e: made(tag.GraphCLIP(clip_tower()))(*clip_inputs(e)),
    "LinkPredictor.predict": lambda e: predictor().predict(features(), e, PLAIN),
    "LinkPredictor.evaluate": evaluated,
    "random_walk_encoding": lambda e: graphclip.random_walk_encoding(
        e, torch.zeros(NODES, dtype=torch.long), 1, 4
    ),
    "augment_subgraphs": ENTRY_POINTS["augment_subgraphs"],
    "SoftPrune.forward": lambda e: made(tag.retrieval.SoftPrune(4, 8))(
        features()[:, :4],
        torch.ones(14, 4),
        features()[:2, :4],
        batch=torch.arange(NODES) // 6,
        edge_index=e,
    )[1],
    "SubgraphSampler.prepare": lambda e: tag.SubgraphSampler.prepare(e, NODES).col,
    "SubgraphSampler.sample": ENTRY_POINTS["SubgraphSampler"],
    "SharedAdjacency.build": lambda e: tag.tape.SharedAdjacency.build(e, NODES).rows.col,
    "RevGAT.forward": ENTRY_POINTS["RevGAT"],
    "QueryGNN.forward": scored_entities,
    "TextGraph.__init__": ENTRY_POINTS["TextGraph"],
}

#: Here a whole graph serves as well as its edges.
GRAPH_CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "fastrp": lambda g, n: embed.fastrp(g, n, dim=8),
    "FastRP.fit": lambda g, n: embed.FastRP(dim=8).fit(g, num_nodes=n).transform(),
    "FastRP.fit_transform": lambda g, n: embed.FastRP(dim=8).fit_transform(g, num_nodes=n),
    "FastRP.transform": lambda g, n: (
        embed.FastRP(dim=8).fit(PLAIN, num_nodes=NODES).transform(whole(g, n))
    ),
    "NodeEmbedding.__init__": lambda g, n: torch.from_numpy(
        embed.NodeEmbedding(whole(g, n), embed.FastRP(dim=8)).fit_transform(range(NODES))
    ),
    "PPR.fit": lambda g, n: embed.PPR().fit(g, n).query([0, 3]),
    "PPRFingerprints.fit": lambda g, n: (
        embed.PPRFingerprints(walk_length=50).fit(g, n).query([0, 3])
    ),
    "personalized_pagerank": lambda g, n: embed.personalized_pagerank(
        g, torch.eye(NODES)[:2].t(), num_nodes=n
    ),
    "topological_concentration": embed.topological_concentration,
    "approx_topological_concentration": lambda g, n: embed.approx_topological_concentration(
        g, n, dim=8
    ),
    "weighted_concentration": lambda g, n: embed.weighted_concentration(
        g, torch.ones(14), NODES if n is None else n
    ),
    "graphon": lambda g, n: feasibility.graphon(g, n, resolution=2),
    "maximal_cliques": lambda g, n: hyper.maximal_cliques(g, n).idx,
    "count_preimages": lambda g, n: torch.tensor(hyper.count_preimages(g, n)),
    "count_features": lambda g, n: _counted(hyper.count_features)(g, n),
    "motif_features": lambda g, n: _counted(hyper.motif_features)(g, n),
    "Untrained.predict": lambda g, n: hyper.CliqueCover().predict(g, n).edge_index,
    "Marioh.predict": lambda g, n: (
        _truth(hyper.Marioh())
        .predict(g, n, torch.ones(14, dtype=torch.int64) if is_edges(g) else None)
        .edge_index
    ),
    "HypergraphReconstructor.predict": lambda g, n: (
        _truth(hyper.HypergraphReconstructor(classifier="lr")).predict(g, n).edge_index
    ),
    "HypergraphReconstructor.predict_proba": lambda g, n: _truth(
        hyper.HypergraphReconstructor(classifier="lr")
    ).predict_proba(g, n)[1],
}


def is_edges(graph: Any) -> bool:
    """A tensor of edges, which says nothing of weights and of nodes without edges."""
    return isinstance(graph, Tensor) and graph.layout == torch.strided


def whole(graph: Any, num_nodes: int | None) -> Any:
    """With its nodes, for what takes no number of them."""
    return Data(edge_index=graph, num_nodes=num_nodes) if is_edges(graph) else graph


def _counted(function: Any) -> Callable[[Any, Any], Any]:
    cliques = hyper.maximal_cliques(PLAIN, NODES)
    hyperedges = torch.tensor([[0, 1, 2, 1, 2, 3], [0, 0, 0, 1, 1, 1]])
    sampler = hyper.CliqueSampler(8).fit(hyperedges, NODES, cliques)
    sample = sampler.sample(cliques)
    return lambda graph, num_nodes: function(sample, cliques, graph, num_nodes)


def _truth(model: Any) -> Any:
    from tests.test_inputs import HYPEREDGES

    return model.fit(HYPEREDGES, NODES)
