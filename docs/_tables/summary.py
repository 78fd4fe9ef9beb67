"""Tables over all systems: every committed result file, and one line per system."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from _tables.common import ROOT, markdown, read, spread


@dataclass(frozen=True)
class Rule:
    """Part of a script's files to show: rows by regular expression, and the measure.

    Attributes:
        title (str): Name of the system.
        page (str): Its page.
        ours (str): Rows of the system.
        baseline (str): Rows beside it.
        metric (str): Name of the number in the files.
        measure (str): Its title.
        instead (str): Rows of the system where the file has none of ``ours``.
        beside (str): Rows beside those; ``baseline`` where it is empty.
        official (str): Row whose published number, of the authors' code, stands beside it too.
    """

    title: str
    page: str
    ours: str
    baseline: str
    metric: str
    measure: str
    instead: str = ""
    beside: str = ""
    official: str = ""


#: By the beginning of the file's name; the page of the system has everything else.
RULES = {
    "pamc": Rule(
        "PamC", "pamc", r"PamC|SCGC \+ meta2", r"no training, \d+ hops|k-means on autoencoder",
        "acc", "accuracy",
    ),
    "pot": Rule(
        "POT", "pot", r"\w+ \+ POT (reference|budget)", "GRACE|GCA|ProGCL|COSTA",
        "f1_micro", "micro-F1",
        instead="GRACE|GCA|ProGCL|COSTA", beside="features|untrained encoder",
    ),
    "fastrp": Rule(
        "FastRP, 10 % train", "fastrp", "tuned on validation, 10 % train",
        r"(most frequent labels|spectral \(SVD\)|NetMF.*), 10 % train", "micro", "micro-F1",
    ),
    "link_prediction": Rule(
        "TC re-weighting", "topological_concentration", r"GCN \+ TC \(target\)", "GCN|SAGE",
        "hits@100", "hits@100",
    ),
    "hypergraph": Rule(
        "Hypergraphs", "hypergraph", "ours, count, mlp", "maximal cliques|clique cover",
        "jaccard", "Jaccard", instead="ours, count, hgb", official="paper, count, mlp",
    ),
    "graphclip_zeroshot": Rule(
        "GraphCLIP, zero-shot", "graphclip", "graphclip",
        r"own text|subgraph mean|own \+ mean|majority", "acc", "accuracy",
    ),
    "graphclip_fewshot": Rule(
        "GraphCLIP, 5 shots", "graphclip", "5-shot prompts",
        "zero-shot, same nodes as 5-shot|own text.*, 5-shot logistic regression",
        "acc", "accuracy",
    ),
    "graphclip_linkpred": Rule(
        "GraphCLIP, links", "graphclip", "graphclip", "own text", "auc", "AUC"
    ),
    "tape": Rule(
        "TAPE", "tape", r"(GCN|SAGE|RevGAT) (TA|FT)\+(E\+)?(P\+)?BoW",
        r"(GCN|SAGE|RevGAT) BoW|logistic regression on TA, no graph", "accuracy", "accuracy",
    ),
    "knowledge_graph": Rule(
        "Knowledge graphs", "knowledge_graph", "ComplEx, (softmax|bce)", "frequency of tails",
        "mrr", "MRR",
    ),
    "retrieval": Rule(
        "Retrieval", "retrieval", "walk(, no model)?", "cosine|BM25", "recall@5", "recall@5"
    ),
    "retrieval_gfm": Rule(
        "Retrieval with a GNN", "retrieval", r"walk \+ GFM", "walk|GFM|cosine|BM25",
        "recall@5", "recall@5",
    ),
    "pretext": Rule(
        "Pretext tasks, 5 labels", "pretext", r"GCN \+ .*, 5 labels", "GCN, 5 labels",
        "accuracy", "accuracy",
    ),
    "gaugllm": Rule(
        "GAugLLM", "gaugllm", r"\w+, both \((stored|templates|raw, .*)\)",
        r"\w+, no LLM|frozen features", "accuracy", "accuracy",
    ),
}  # fmt: skip


#: What rows of one split say and the title says for all of them.
SPLIT = re.compile(", (10 % train|5 labels)$")

#: Ends of names of files that show that a figure repeats, or stand on the page of their system.
APART = ("_smoke", "_untrained", "_start", "_certificates", "_peers", "_marioh")


def shown() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """System, data and content of every committed result file that has a line."""
    for name in RULES:
        for path in sorted((ROOT / "experiments" / "results").glob(f"{name}_*.json")):
            table = with_peers(path.stem)
            if table["script"] == name and not path.stem.endswith(APART):
                yield name, path.stem.removeprefix(f"{name}_"), table


def with_peers(stem: str) -> dict[str, Any]:
    """A result file, with the rows of its peers on the same splits where they have a file."""
    table = read(f"experiments/results/{stem}.json")
    peers = f"experiments/results/{stem}_peers.json"
    if (ROOT / peers).exists():
        table = {**table, "rows": read(peers)["rows"] | table["rows"]}
    return table


def results() -> str:
    """Every committed result file."""
    lines = []
    for name, data, table in shown():
        link = f"[json](../experiments/results/{name}_{data}.json)"
        if below(RULES[name], table):
            link += f", [why below]({RULES[name].page}.md)"
        lines.append([*described(RULES[name], data, table), link])
    return markdown(["system, data (seeds)", "%", "result", "beside it", "file"], lines)


def below(rule: Rule, table: dict[str, Any]) -> list[str]:
    """Rows of the system whose mean is smaller than that of a baseline beside them."""
    ours, baselines = (
        {row: score["mean"] for row, score in matching(table, pattern, rule.metric).items()}
        for pattern in patterns(rule, table)
    )
    return [row for row, mean in ours.items() if mean < max(baselines.values(), default=0.0)]


def patterns(rule: Rule, table: dict[str, Any]) -> tuple[str, str]:
    """Rows of the system in a file, and those beside them, as regular expressions."""
    if matching(table, rule.ours, rule.metric) or not rule.instead:
        return rule.ours, rule.baseline
    return rule.instead, rule.beside or rule.baseline


def matching(table: dict[str, Any], rows: str, metric: str) -> dict[str, Any]:
    """Scores of the rows that match and have the metric, by row."""
    return {
        row: scores[metric]
        for row, scores in table["rows"].items()
        if re.fullmatch(rows, row) and metric in scores
    }


def unexplained() -> list[str]:
    """What a page lacks: sentences on rows below a baseline, or rows for its sentences.

    A page says ``<!-- below: FILE -->`` in front of the paragraph that explains such a row.
    """
    wanted = {f"{name}_{data}": name for name, data, table in shown() if below(RULES[name], table)}
    faults = []
    for page in sorted({rule.page for rule in RULES.values()}):
        text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
        said = set(re.findall(r"<!-- below: (\w+) -->", text))
        asked = {stem for stem, name in wanted.items() if RULES[name].page == page}
        faults += [f"docs/{page}.md does not explain {stem}" for stem in sorted(asked - said)]
        faults += [f"docs/{page}.md: {stem} is not below" for stem in sorted(said - asked)]
    return faults


#: The data set that stands for a system: Cora, or one of its paper; of FastRP's the one on which
#: peers have run, of the hypergraphs the one whose projection hides most.
OVERVIEW = {
    "pamc": "dblp",
    "pot": "cora_paired",
    "fastrp": "wikipedia",
    "link_prediction": "cora",
    "hypergraph": "enron",
    "graphclip_zeroshot": "cora",
    "graphclip_fewshot": "cora",
    "tape": "cora",
    "retrieval_gfm": "musique",
    "knowledge_graph": "umls",
    "pretext": "cora",
    "gaugllm": "cora_gbt",
}


def overview() -> str:
    """One committed result file per system."""
    lines = []
    for name, data in OVERVIEW.items():
        rule, table = RULES[name], with_peers(f"{name}_{data}")
        lines.append([*described(rule, data, table), f"[page](docs/{rule.page}.md)"])
    return markdown(["system, data (seeds)", "%", "result", "beside it", "more"], lines)


def described(rule: Rule, data: str, table: dict[str, Any]) -> list[str]:
    """System and data, measure, our rows and the baselines of one file."""
    title = f"{rule.title}, {data.replace('_', ' ')} ({len(table['seeds'])})"
    ours, *beside = (cell(table, rows, rule.metric) for rows in patterns(rule, table))
    published = table["published"].get(rule.official)
    if published:
        beside.append(f"authors' code: {100 * published[rule.metric]:.1f}")
    return [title, rule.measure, ours, "; ".join(beside)]


def cell(table: dict[str, Any], rows: str, metric: str) -> str:
    """Rows that match, with their numbers."""
    scores = matching(table, rows, metric)
    return "; ".join(f"{SPLIT.sub('', row)}: {spread(v)}" for row, v in scores.items())


TABLES: dict[str, Callable[[], str]] = {"results": results, "overview": overview}
