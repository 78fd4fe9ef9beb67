"""GAugLLM: self-supervised training with features and edge votes of a language model.

Four rows of an ablation share everything but what the model gives: nothing, features of the second
view, edits of its edges, or both. Frozen features, the model's own predictions, and the two side by
side stand beside them. A logistic regression reads 20 labels per class; its regularisation and the
features to embed (first view, second, or the mean) are chosen on 30 others per class, and the rest
of the nodes is scored once.

Without ``--llm-model`` the model's answers are stored ones: the similarities of 1,000 edges and
1,000 other pairs (Cora: and chosen neighbours) as votes, and ranked class predictions as what is
left of the expert that reasons about the own text (IDR). The experts that read neighbours (SAS,
SAR) are left out then. ``stdlib`` is embedded and has no stored answers: its second view reads
summaries by template, and texts vote by their similarity; ``texts`` does the same with documents
of one's own, a folder with ``nodes.csv`` and ``edges.csv`` or the table of nodes and ``--edges``.

``cora_gbt`` and the like train each self-supervised method at the length, width and rates of the
released scripts (see ``RECIPES`` for what these do not state).

With a model, all texts and votes come from it, at any endpoint:

    python -m experiments.gaugllm --preset citeseer_bgrl --seeds 0:5 --data data/llm_outputs
    python -m experiments.gaugllm --preset texts --data my_graph
    python -m experiments.gaugllm --preset citeseer_bgrl --llm-model llama3 --llm-url http://HOST/v1
"""

from __future__ import annotations

from typing import Any, Literal, NoReturn

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.evaluate import linear_probe
from graphlab.tag import GAugLLM
from graphlab.tag.gaugllm import LLMEdgeModifier, apply_all_votes, edge_changes

from .._data.llm_outputs import Stored
from .._harness import runner
from .._harness.context import Context
from .._harness.results import Rows
from .data import Assistance, read, split
from .presets import CAVEATS, PRESETS, TITLES, Config

VIEWS: tuple[Literal["first", "second", "mean"], ...] = ("first", "second", "mean")


def run(config: Config, context: Context) -> Rows:
    """Train the four rows of one seed and score them beside the baselines."""
    stored, assistance = read(config, context.seed)
    parts = split(config, stored, context.seed)
    rows = baselines(stored, assistance, parts)
    name = TITLES[config.backbone]
    trained = {
        f"{name}, no LLM": (False, False),
        f"{name}, features only ({assistance.origin})": (True, False),
        f"{name}, edges only ({assistance.origin})": (False, True),
        f"{name}, both ({assistance.origin})": (True, True),
    }
    for number, (title, (features, edges)) in enumerate(
        context.progress(trained.items(), desc="rows")
    ):
        rows[title] = train(config, context, stored, assistance, parts, features, edges)
        context.log(number, **{f"{title}.accuracy": rows[title]["accuracy"]})
    context.bars("accuracy", rows, "accuracy", "test accuracy")
    return rows


def train(
    config: Config,
    context: Context,
    stored: Stored,
    assistance: Assistance,
    parts: dict[str, Tensor],
    features: bool,
    edges: bool,
) -> dict[str, float]:
    """One row: train, embed in the way that validation nodes prefer, score, count edits."""
    views = assistance.views if features else (assistance.plain, assistance.plain)
    device = context.device
    modifier, options = None, None
    if config.predictor_channels is not None:
        options = {"predictor_channels": config.predictor_channels}
    if edges:
        modifier = LLMEdgeModifier(
            assistance.candidates, assistance.votes, config.p_add, config.p_del, seed=context.seed
        )
    model = GAugLLM(
        config.backbone,
        (views[0].to(device), views[1].to(device)),
        modifier,
        out_channels=config.out_channels,
        epochs=config.epochs,
        lr=config.lr,
        warmup=config.warmup,
        drop_edge=config.drop_edge,
        mask_features=config.mask_features,
        options=options,
        seed=context.seed,
    )
    data = Data(edge_index=stored.edge_index.to(device), num_nodes=stored.y.numel())
    model.fit(data)
    chosen = VIEWS if features else VIEWS[:1]
    probes = [linear_probe(model.transform(data, view), stored.y, parts) for view in chosen]
    best = max(probes, key=lambda result: result.val_accuracy)
    row = {"accuracy": best.accuracy, "macro_f1": best.macro_f1, "val_accuracy": best.val_accuracy}
    return row | (edits(stored, assistance, modifier) if modifier is not None else {})


def edits(stored: Stored, assistance: Assistance, modifier: LLMEdgeModifier) -> dict[str, float]:
    """Undirected edges that all votes together change, and that the last step changed."""
    everything = apply_all_votes(
        stored.edge_index, assistance.candidates, assistance.votes, undirected=True, isolated=False
    )
    whole = edge_changes(stored.edge_index, everything, stored.y.numel())
    last: Any = modifier.changes
    return {
        "edges": whole.before / 2,
        "edges added by all votes": whole.added / 2,
        "edges deleted by all votes": whole.deleted / 2,
        "edges changed in the last step": (last.added + last.deleted) / 2,
        "unknown votes": float(assistance.votes.counts()["unknown"]),
    }


def baselines(stored: Stored, assistance: Assistance, parts: dict[str, Tensor]) -> Rows:
    """The features alone, the model's predictions alone, and both in a logistic regression."""
    inputs = {
        "frozen features": assistance.plain,
        f"frozen features of the second view ({assistance.origin})": assistance.views[1],
    }
    rows = {}
    for title, x in inputs.items():
        result = linear_probe(x, stored.y, parts)
        rows[title] = {
            "accuracy": result.accuracy,
            "macro_f1": result.macro_f1,
            "val_accuracy": result.val_accuracy,
        }
    if bool(stored.ranked.any()):
        title, predicted = "stored predictions, no graph", stored.ranked[:, 0] - 1
    else:
        title, predicted = "most frequent class", torch.bincount(stored.y[parts["train"]]).argmax()
    correct = (predicted == stored.y)[parts["test"]]
    rows[title] = {"accuracy": float(correct.double().mean())}
    return rows


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS, None, CAVEATS)
