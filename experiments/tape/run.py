"""TAPE: node classification with a language model's answers beside a node's own text.

One network per feature and their average, beside a bag of words, the model's first guess and the
most frequent class. Members: ``TA`` (embedded text), ``P`` (the model's ranked classes), ``E`` (its
explanations, only with ``--llm``), ``BoW``, and with ``--tuned MODEL`` ``FT`` (the own text by a
language model that was fine-tuned on the training labels, out of fold). ``--experts sas sar`` asks
for more texts: summaries (``SAS``) and explained topics (``SAR``) that read the neighbours, too.

``citeseer`` embeds texts with a frozen sentence encoder, ``cora`` has embeddings fine-tuned by the
authors for the splits 0 to 3. Seeds 4 to 7 take the same embeddings and training nodes with
validation and test nodes exchanged: any other split would test on nodes whose labels the embeddings
have seen. Later seeds repeat these eight with new initial weights.

``stdlib`` is embedded and needs neither data nor a model: texts and words alone.

The epoch of every member is chosen on validation nodes; test labels are read for the table alone.

    python -m experiments.tape --preset cora --source ../shared/data/llm_outputs --seeds 0:8
    python -m experiments.tape --preset cora_tuned --source data/text_graphs/cora --seeds 0:5

``texts`` takes documents of one's own: a folder with ``nodes.csv`` and ``edges.csv``, or the table
of nodes and ``--edges``. ``TA`` and ``BoW`` need nothing else; ``P`` and ``E`` are asked of any
OpenAI-compatible server with ``--llm``:

    python -m experiments.tape --preset texts --source my_graph
    python -m experiments.tape --preset texts --source my.csv --edges links.csv
    python -m experiments.tape --preset texts --source my_graph --llm http://localhost:11434/v1/llama3
"""

from __future__ import annotations

from typing import Any, NoReturn

import torch
from torch import Tensor

from graphlab.evaluate import linear_probe
from graphlab.tag import TAPE
from graphlab.tag.tape import ensemble_logits

from .._data.text_graphs import DOCUMENTS
from .._harness import runner
from .._harness.context import Context
from .features import load
from .presets import CAVEATS, PRESETS, PUBLISHED, TITLES, Config
from .tuning import tune

#: Features in the order of their rows.
MEMBERS = ("TA", "FT", "E", "IDR", "SAS", "SAR", "P", "BoW")


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Train the members of every network and return the table's rows."""
    return members_and_ensembles(config, context, *load(config, context))


def members_and_ensembles(
    config: Config, context: Context, data: Any, split: dict[str, Tensor]
) -> dict[str, dict[str, float]]:
    """Train the members of every network on a graph whose features are there, and score them."""
    tuned = None if config.tuned is None else tune(config.tuned, config, context, data, split)
    names = [name for name in MEMBERS if name in data]
    y, test = data.y, split["test"]
    common = torch.bincount(y[split["train"]]).argmax()
    rows = {"most frequent class": {"accuracy": share(y[test] == common)}}
    if "P" in names:
        guess = data.P[:, 0] - 1
        rows["LLM top-1"] = {
            "accuracy": share(guess[test] == y[test]),
            "accuracy_all_nodes": share((guess == y)[y >= 0]),
            **(data.answer_check if "answer_check" in data else {}),
        }
    if config.dataset == DOCUMENTS or "P" not in names:
        probe = linear_probe(data.TA, y, split)
        rows["logistic regression on TA, no graph"] = {
            "accuracy": probe.accuracy,
            "val_accuracy": probe.val_accuracy,
        }
    if tuned is not None:
        rows["fine-tuned language model, no graph"] = scores([tuned], y, split)
    for gnn in config.gnns:
        model = TAPE(
            gnn,
            names,
            hidden_channels=config.hidden_channels,
            num_layers=config.num_layers,
            epochs=config.epochs,
            patience=config.patience,
            num_classes=len(data.label_names),
            allow_zero_rows=True,  # a text may have none of the frequent words
            seed=context.seed,
            device=context.device,
        ).fit(data, split)
        logits = model.member_logits()
        title = TITLES[gnn]
        for name in names:
            result = model.results_[name]
            rows[f"{title} {name}"] = scores([logits[name]], y, split) | {
                "best_epoch": float(result.best_epoch)
            }
            context.log(0, **{f"{title} {name}": rows[f"{title} {name}"]["accuracy"]})
        for ensemble in config.ensembles:
            members = ensemble.split("+")
            if set(members) <= set(names):
                rows[f"{title} {ensemble}"] = scores([logits[m] for m in members], y, split)
    context.bars("accuracy", rows, "accuracy", "test accuracy")
    return rows


def scores(members: list[Tensor], y: Tensor, split: dict[str, Tensor]) -> dict[str, float]:
    """Accuracy of averaged logits on test and validation nodes, and of averaged probabilities."""
    correct = ensemble_logits(members).argmax(1) == y
    row = {"accuracy": share(correct[split["test"]]), "val_accuracy": share(correct[split["val"]])}
    if len(members) > 1:
        correct = ensemble_logits(members, "probs").argmax(1) == y
        row["accuracy_probs"] = share(correct[split["test"]])
    return row


def share(hits: Tensor) -> float:
    """Share of true values."""
    return float(hits.double().mean())


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS, PUBLISHED, CAVEATS)
