"""The demo's text-attributed graph, Python's standard library, and TAPE and GAugLLM on it.

There is no language model: TAPE trains the member that reads the texts themselves, GAugLLM takes
summaries by template and votes by similarity of texts in place of what a model would write.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch_geometric.data import Data

from experiments import gaugllm, tape
from experiments._context import Context
from experiments._llm_outputs import Stored
from experiments._text_graphs import bag_of_words
from graphlab import viz
from graphlab.datasets import python_stdlib
from graphlab.evaluate import linear_probe
from graphlab.tag import (
    TAPE,
    CandidateVote,
    HashingEncoder,
    SubgraphSampler,
    TemplateSummarizer,
    TextEncoder,
    TextGraph,
    propose_edge_candidates,
    tape_split,
)

Rows = dict[str, dict[str, float]]


@dataclass(frozen=True)
class TapeConfig:
    """Settings of the demo of TAPE."""

    protocol: str = "random 60/20/20, epoch chosen on validation nodes"
    gnns: tuple[str, ...] = ("gcn", "mlp")
    dim: int = 256
    words: int = 1000
    epochs: int = 200


_TRAINING = gaugllm.Config(dataset="stdlib", epochs=60, out_channels=64, num_candidates=5)


@dataclass(frozen=True)
class GAugConfig:
    """Settings of the demo of GAugLLM."""

    protocol: str = "random 60/20/20, choices on validation nodes"
    dim: int = 256
    threshold: float = 0.3
    training: gaugllm.Config = _TRAINING


@cache
def _texts(dim: int) -> tuple[Data, TextEncoder, Tensor]:
    # Read and embedded once: three systems share them.
    data = python_stdlib()
    encoder = TextEncoder(HashingEncoder(dim, num_features=2**14).fit(data.text))
    return data, encoder, encoder.encode(data.text)


def text_graph(dim: int) -> tuple[TextGraph, TextEncoder]:
    """Modules with docstrings, imports and chapters, and an encoder that needs no download."""
    data, encoder, x = _texts(dim)
    graph = TextGraph.from_data(data, data.text)
    graph.x = x
    return graph, encoder


def probe(x: Tensor, y: Tensor, split: dict[str, Tensor]) -> dict[str, float]:
    """Logistic regression on frozen features."""
    result = linear_probe(x, y, split)
    return {
        "accuracy": result.accuracy,
        "macro_f1": result.macro_f1,
        "val_accuracy": result.val_accuracy,
    }


def majority(y: Tensor, split: dict[str, Tensor]) -> dict[str, float]:
    """The most frequent class of the training nodes."""
    common = int(torch.bincount(y[split["train"]]).argmax())
    return {"accuracy": tape.share(y[split["test"]] == common)}


def run_tape(config: TapeConfig, context: Context) -> Rows:
    """Train the members that need no answers: texts (TA) and bag of words."""
    graph, _ = text_graph(config.dim)
    graph.TA, graph.BoW = graph.x, bag_of_words(graph.text, config.words)
    split = tape_split(int(graph.num_nodes), context.seed)
    rows = {
        "most frequent class": majority(graph.y, split),
        "logistic regression on TA, no graph": probe(graph.TA, graph.y, split),
    }
    for gnn in context.progress(config.gnns, desc="networks"):
        model = TAPE(
            gnn,
            ("TA", "BoW"),
            epochs=config.epochs,
            num_classes=len(graph.label_names),
            allow_zero_rows=True,
            seed=context.seed,
            device=context.device,
        ).fit(graph, split)
        logits = model.member_logits()
        for members in (("TA",), ("BoW",), ("TA", "BoW")):
            title = f"{tape.TITLES[gnn]} {'+'.join(members)}"
            rows[title] = tape.scores([logits[m] for m in members], graph.y, split)
    tape.draw(context, rows)
    return rows


def run_gaugllm(config: GAugConfig, context: Context) -> Rows:
    """The script's ablation, with templates and text similarity instead of a model's answers."""
    graph, encoder = text_graph(config.dim)
    split = tape_split(int(graph.num_nodes), context.seed)
    stored, help_ = without_llm(config, graph, encoder, context.seed)
    rows = {
        "most frequent class": majority(graph.y, split),
        "frozen features": probe(help_.views[0], graph.y, split),
        "frozen summaries": probe(help_.views[1], graph.y, split),
    }
    trained = {
        "BGRL, plain": (False, False),
        "BGRL, template summaries": (True, False),
        "BGRL, edges by text similarity": (False, True),
        "BGRL, both": (True, True),
    }
    for title, (features, edges) in context.progress(trained.items(), desc="rows"):
        rows[title] = gaugllm.train(config.training, context, stored, help_, split, features, edges)
    axes = viz.bars(list(rows), {"accuracy": [row["accuracy"] for row in rows.values()]})
    axes.tick_params(axis="x", labelrotation=90)
    context.figure("accuracy", axes)
    return rows


def without_llm(
    config: GAugConfig, graph: TextGraph, encoder: TextEncoder, seed: int
) -> tuple[Stored, gaugllm.Help]:
    """What the script needs, made without a model: no predictions at all."""
    count, size = int(graph.num_nodes), config.training.num_candidates
    store = SubgraphSampler("khop", num_hops=1, seed=seed).sample(graph.edge_index, count)
    summaries = encoder.encode(TemplateSummarizer().summarize(graph.text, store))
    asked = propose_edge_candidates(graph.x, graph.edge_index, size, size)
    similarity = (graph.x[asked.src] * graph.x[asked.dst]).sum(1).clamp(0, 1)
    votes = CandidateVote.from_scores(asked.src, asked.dst, similarity, config.threshold)
    nobody = torch.zeros(count, len(graph.label_names), dtype=torch.long)
    stored = Stored(
        graph.x,
        graph.y,
        graph.edge_index,
        nobody,
        asked,
        similarity,
        graph.text,
        tuple(graph.label_names),
        len(graph.label_names),
        None,
    )
    return stored, gaugllm.Help(graph.x, (graph.x, summaries), asked, votes, "no LLM")
