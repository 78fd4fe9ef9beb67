"""One call of every public function that takes a path, by its name and that of the argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch_geometric.data import Data

from graphlab import contrastive, datasets, embed, hyper, tag
from graphlab.tag import graphclip
from graphlab.tag.embedding import EmbeddingStore
from graphlab.tag.llm import LLMClient
from graphlab.tag.tape import (
    ExplanationTable,
    read_ranked_predictions,
    read_tape_responses,
    write_ranked_predictions,
)
from graphlab.tag.text_graph import StoredTexts
from tests.inputs._object_calls import hypergraph, pipeline, texts
from tests.tag.graphclip._toy import HashEncoder, toy_model, toy_pairs
from tests.test_inputs import HYPEREDGES, NODES, PLAIN, features

Call = Callable[[Any], Any]


def fastrp() -> Any:
    return embed.FastRP(dim=16).fit(PLAIN, num_nodes=NODES)


def encoder(**options: Any) -> Any:
    return tag.TextEncoder(
        lambda texts: torch.ones(len(texts), 2), name="one", normalize=False, **options
    )


def client(path: Any) -> Any:
    return LLMClient("m", base_url="http://127.0.0.1:1/v1", cache=path).close()


def batch(run: Callable[[Any], Any]) -> Any:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        cached = LLMClient("m", base_url="http://127.0.0.1:1/v1", cache=f"{folder}/answers.db")
        try:
            return run(cached)
        finally:
            cached.close()


def described() -> Data:
    part = torch.arange(NODES) % 3
    masks = {f"{name}_mask": part == i for i, name in enumerate(("train", "val", "test"))}
    return Data(edge_index=PLAIN, y=torch.arange(NODES) // 2 % 2, TA=features(), **masks)


def table() -> ExplanationTable:
    return ExplanationTable((), ("a", "b"), 2)


def pretrained(path: Any) -> Any:
    config = graphclip.PretrainConfig(epochs=1, batch_size=16)
    return graphclip.pretrain(toy_model(), toy_pairs(), config, directory=path)


def gfm() -> tag.GFMRetriever:
    graph = tag.knowledge_graph([("Rome", "is in", "Italy", 0)], ["Rome is in Italy."])
    return tag.GFMRetriever(None, graph, HashEncoder(), hidden=4, num_layers=1, steps=1)


#: Functions that read a file, then such that read a folder, write a file, write a folder.
READ_FILE: dict[str, Call] = {
    "read_hif.path": datasets.read_hif,
    "read_multilabel_mat.path": datasets.read_multilabel_mat,
    "read_hyperedge_list.path": datasets.read_hyperedge_list,
    "load_official_checkpoint.path": graphclip.load_official_checkpoint,
    "TrainedNetwork.load_official_checkpoint.path": lambda p: gfm().load_official_checkpoint(p),
    "read_official_pairs.path": lambda p: graphclip.read_official_pairs(p, NODES),
    "LLMClient.import_batch.path": lambda p: batch(lambda c: c.import_batch(p)),
    "read_ranked_predictions.path_or_rows": lambda p: read_ranked_predictions(p, 1, 2, 2),
    "ExplanationTable.read.path": ExplanationTable.read,
    "StoredTexts.__init__.path": StoredTexts,
    "TextGraph.from_csv.nodes": tag.TextGraph.from_csv,
    "TextGraph.from_csv.edges": lambda p: tag.TextGraph.from_csv(_nodes(), p),
}

READ_FOLDER: dict[str, Call] = {
    "Estimator.load.directory": embed.FastRP.load,
    "Estimator.from_pretrained.name_or_path": embed.FastRP.from_pretrained,
    "AnimalNetwork.__init__.source": lambda p: datasets.AnimalNetwork(_root(), "reptile", source=p),
    "MultilabelDataset.__init__.source": lambda p: datasets.MultilabelDataset(
        _root(), "blogcatalog", source=p
    ),
    "TextGraphDataset.__init__.source": lambda p: datasets.TextGraphDataset(
        _root(), "wikics", source=p
    ),
    "SDCNDataset.__init__.source": lambda p: datasets.SDCNDataset(_root(), "acm", source=p),
    "SHyReDataset.__init__.source": lambda p: datasets.SHyReDataset(_root(), "crime", source=p),
    "TripleDataset.__init__.source": lambda p: datasets.TripleDataset(_root(), "umls", source=p),
    "read_simplices.folder": datasets.read_simplices,
    "EmbeddingStore.__init__.folder": EmbeddingStore,
    "GraphCLIP.from_pretrained.name_or_path": tag.GraphCLIP.from_pretrained,
    "SubgraphStore.load.directory": graphclip.SubgraphStore.load,
    "read_tape_responses.folder": lambda p: read_tape_responses(p, 2),
}

WRITE_FILE: dict[str, Call] = {
    "write_hif.path": lambda p: datasets.write_hif(hypergraph(), p),
    "FastRP.fit_transform.out": lambda p: embed.FastRP(dim=16).fit_transform(
        PLAIN, num_nodes=NODES, out=p
    ),
    "FastRP.transform.out": lambda p: fastrp().transform(out=p),
    "LLMClient.__init__.cache": client,
    "LLMClient.export_batch.path": lambda p: batch(lambda c: c.export_batch(["a?"], p)),
    "write_ranked_predictions.path": lambda p: write_ranked_predictions(p, torch.tensor([[1, 0]])),
    "ExplanationTable.write.path": lambda p: table().write(p),
    "StoredTexts.save.path": lambda p: StoredTexts.write(["a"], f"{_root()}/texts").save(p),
    "StoredTexts.write.path": lambda p: StoredTexts.write(["a"], p),
    "TextGraph.from_csv.text_file": lambda p: tag.TextGraph.from_csv(_nodes(), text_file=p),
    "TextGraph.from_tables.text_file": lambda p: tag.TextGraph.from_tables(_nodes(), text_file=p),
}

WRITE_FOLDER: dict[str, Call] = {
    "Estimator.save.directory": lambda p: fastrp().save(p),
    "HypergraphReconstructor.save.directory": lambda p: (
        hyper.HypergraphReconstructor(classifier="lr").fit(HYPEREDGES, NODES).save(p)
    ),
    "AnimalNetwork.__init__.root": lambda p: datasets.AnimalNetwork(p, "reptile"),
    "MultiHopQA.__init__.root": datasets.MultiHopQA,
    "MultilabelDataset.__init__.root": lambda p: datasets.MultilabelDataset(p, "blogcatalog"),
    "SDCNDataset.__init__.root": lambda p: datasets.SDCNDataset(p, "acm"),
    "SHyReDataset.__init__.root": lambda p: datasets.SHyReDataset(p, "crime"),
    "TextGraphDataset.__init__.root": lambda p: datasets.TextGraphDataset(p, "wikics"),
    "TripleDataset.__init__.root": lambda p: datasets.TripleDataset(p, "umls"),
    "SCGC.fit.directory": lambda p: contrastive.SCGC(
        num_clusters=2, hidden_channels=(8,), epochs=1, pretrain_epochs=1
    ).fit(features(), PLAIN, directory=p),
    "TAPE.fit.directory": lambda p: tag.TAPE("mlp", ["TA"], epochs=1).fit(described(), directory=p),
    "KGEmbedding.fit.directory": lambda p: embed.KGEmbedding(
        NODES, 2, 4, train_config=embed.KGETrainConfig(epochs=1)
    ).fit(PLAIN, PLAIN[0] % 2, directory=p),
    "TextEncoder.__init__.cache_dir": lambda p: encoder(cache_dir=p).encode(["a"]),
    "TextEncoder.encode_to.folder": lambda p: encoder().encode_to(["a"], p),
    "GraphCLIPPipeline.fit.directory": lambda p: pipeline().fit(
        tag.TextGraph(edge_index=PLAIN, text=texts()), directory=p
    ),
    "GraphCLIP.save_pretrained.directory": lambda p: toy_model().save_pretrained(p),
    "pretrain.directory": pretrained,
    "TrainedNetwork.fit.directory": lambda p: gfm().fit(directory=p),
    "SubgraphStore.save.directory": lambda p: toy_pairs().store.save(p),
    "SubgraphStore.write_joined.directory": lambda p: graphclip.SubgraphStore.write_joined(
        p, [toy_pairs().store]
    ),
    "SubgraphSampler.sample.directory": lambda p: tag.SubgraphSampler(walk_length=6).sample(
        PLAIN, NODES, directory=p
    ),
    "SubgraphSampler.prepare.directory": lambda p: tag.SubgraphSampler.prepare(
        PLAIN, NODES, directory=p
    ),
    "EmbeddingStore.write.folder": lambda p: EmbeddingStore.write(p, torch.ones(2, 2)),
    "GAugLLM.fit.directory": lambda p: tag.GAugLLM("gbt", out_channels=4, epochs=1).fit(
        Data(x=torch.eye(NODES), edge_index=PLAIN), directory=p
    ),
}

#: Functions that reach a path through one of the others, or only with what tests do not have.
ELSEWHERE = {
    "ExplanationGenerator.run.out": "ExplanationTable.write.path",
    "HubModel.push_to_hub.directory": "Estimator.save.directory",
    "fine_tune_text_encoder.directory": "Estimator.save.directory",
}


def _root() -> str:
    from tempfile import mkdtemp

    return mkdtemp()


def _nodes() -> str:
    from pathlib import Path

    path = Path(_root()) / "nodes.csv"
    path.write_text("id,text\na,one\nb,two\n", encoding="utf-8")
    return str(path)
