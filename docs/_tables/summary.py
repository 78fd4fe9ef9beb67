"""Tables over all systems: every committed result file, and one line per system."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from _tables.common import ROOT, markdown, read, spread


@dataclass(frozen=True)
class Rule:
    """Part of a script's files to show: rows by regular expression, and the measure."""

    title: str
    ours: str
    baseline: str
    metric: str
    measure: str


#: By the beginning of the file's name; the page of the system has everything else.
RULES = {
    "pamc": Rule(
        "PamC", r"PamC|SCGC \+ meta2", r"no training, \d+ hops|k-means on autoencoder",
        "acc", "accuracy",
    ),
    "pot": Rule(
        "POT", r"\w+ \+ POT (reference|budget)", r"GRACE|GCA|ProGCL|COSTA", "f1_micro", "micro-F1"
    ),
    "fastrp": Rule(
        "FastRP", "tuned on validation, 10 % train", "most frequent labels, 10 % train",
        "micro", "micro-F1",
    ),
    "link_prediction": Rule(
        "TC re-weighting", r"GCN \+ TC \(target\)", "GCN", "hits@100", "hits@100"
    ),
    "hypergraph": Rule(
        "Hypergraphs", "ours, count, (mlp|hgb)", "maximal cliques|clique cover",
        "jaccard", "Jaccard",
    ),
    "graphclip_zeroshot": Rule(
        "GraphCLIP, zero-shot", "graphclip", r"own text|subgraph mean|own \+ mean|majority",
        "acc", "accuracy",
    ),
    "graphclip_fewshot": Rule(
        "GraphCLIP, 5 shots", "5-shot prompts",
        "zero-shot, same nodes as 5-shot|own text.*, 5-shot logistic regression",
        "acc", "accuracy",
    ),
    "graphclip_linkpred": Rule("GraphCLIP, links", "graphclip", "own text", "auc", "AUC"),
    "tape": Rule("TAPE", r"GCN TA\+(P|BoW)", "GCN BoW", "accuracy", "accuracy"),
    "knowledge_graph": Rule(
        "Knowledge graphs", "ComplEx, (softmax|bce)", "frequency of tails", "mrr", "MRR"
    ),
    "retrieval": Rule("Retrieval", "walk(, no model)?", "cosine|BM25", "recall@5", "recall@5"),
    "gaugllm": Rule(
        "GAugLLM", r"BGRL, both \((stored|templates)\)", "frozen features", "accuracy", "accuracy"
    ),
}  # fmt: skip


def results() -> str:
    """Every committed result file."""
    lines = []
    for name, rule in RULES.items():
        for path in sorted((ROOT / "experiments" / "results").glob(f"{name}_*.json")):
            if path.stem.endswith(("_smoke", "_untrained")):
                continue  # shows that a figure repeats, or stands in the table of its system
            table = read(str(path.relative_to(ROOT)))
            link = f"[json](../experiments/results/{path.name})"
            lines.append([*described(rule, path.stem.removeprefix(f"{name}_"), table), link])
    return markdown(["system, data (seeds)", "%", "result", "beside it", "file"], lines)


#: The data set that stands for a system: Cora, or the first of its paper; and its page.
OVERVIEW = {
    "pamc": ("dblp", "pamc"),
    "pot": ("cora", "pot"),
    "fastrp": ("blogcatalog_d128", "fastrp"),
    "link_prediction": ("cora", "topological_concentration"),
    "hypergraph": ("dblp", "hypergraph"),
    "graphclip_zeroshot": ("cora", "graphclip"),
    "graphclip_fewshot": ("cora", "graphclip"),
    "tape": ("cora", "tape"),
    "retrieval": ("musique", "retrieval"),
    "gaugllm": ("cora", "gaugllm"),
}


def overview() -> str:
    """One committed result file per system."""
    lines = []
    for name, (data, page) in OVERVIEW.items():
        table = read(f"experiments/results/{name}_{data}.json")
        lines.append([*described(RULES[name], data, table), f"[page](docs/{page}.md)"])
    return markdown(["system, data (seeds)", "%", "result", "beside it", "more"], lines)


def described(rule: Rule, data: str, table: dict[str, Any]) -> list[str]:
    """System and data, measure, our rows and the baselines of one file."""
    title = f"{rule.title}, {data.replace('_', ' ')} ({len(table['seeds'])})"
    return [title, rule.measure, *(cell(table, r, rule.metric) for r in (rule.ours, rule.baseline))]


def cell(table: dict[str, Any], rows: str, metric: str) -> str:
    """Rows that match, with their numbers."""
    scores = {
        row: scores[metric]
        for row, scores in table["rows"].items()
        if re.fullmatch(rows, row) and metric in scores
    }
    return "; ".join(f"{row.partition(', 10 %')[0]}: {spread(v)}" for row, v in scores.items())


TABLES: dict[str, Callable[[], str]] = {"results": results, "overview": overview}
