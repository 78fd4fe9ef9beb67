"""Tables of the retriever."""

from __future__ import annotations

from collections.abc import Callable

from _tables.common import ROOT, markdown, present, read

SETS = {"hotpotqa": "HotpotQA-100", "musique": "MuSiQue-100"}
METHODS = ("BM25", "cosine", "BM25 + cosine", "walk, no model", "walk")
CUTS = (1, 2, 5, 10, 20)
GRAPHS = {
    "musique": "MuSiQue-100, facts by GPT-3.5",
    "musique_names": "MuSiQue-100, names",
    "hotpotqa_names": "HotpotQA-100, names",
}
DIFFERENCE = "walk + GFM - walk"
FILE = "benchmarks/results/retrieval.json"


def scores() -> str:
    """Recall by cut-off, with the interval at 5."""
    rows = []
    for title, table in present("retrieval", SETS).items():
        for method in METHODS:
            row = {name: cell["mean"] for name, cell in table["rows"][method].items()}
            cells = [f"{100 * row[f'recall@{k}']:.1f}" for k in CUTS]
            interval = f"{100 * row['recall@5 low']:.1f} to {100 * row['recall@5 high']:.1f}"
            rows.append([title, method, *cells, interval, f"{100 * row['all@5']:.0f}"])
    header = ["questions", "row", *(f"R@{k}" for k in CUTS), "R@5, 95 %", "all@5"]
    return markdown(header, rows)


def differences() -> str:
    """Paired differences at 5 and 10."""
    rows = []
    for title, table in present("retrieval", SETS).items():
        for name in ("walk - cosine", "walk, no model - BM25"):
            row = {key: cell["mean"] for key, cell in table["rows"][name].items()}
            cells = []
            for metric in ("recall@5", "recall@10", "all@5"):
                value, low, high = (100 * row[f"{metric}{end}"] for end in ("", " low", " high"))
                cells.append(f"{value:+.1f} ({low:+.1f} to {high:+.1f})")
            rows.append([title, name, *cells])
    return markdown(["questions", "difference", "R@5", "R@10", "all@5"], rows)


def learned() -> str:
    """The learned reader beside the walk, means over seeds."""
    rows = []
    for title, table in present("retrieval_gfm", GRAPHS).items():
        for method, cells in table["rows"].items():
            row = {name: cell["mean"] for name, cell in cells.items()}
            sign = "+" if method == DIFFERENCE else ""
            values = [f"{100 * row[f'recall@{k}']:{sign}.1f}" for k in CUTS]
            ends = [f"{100 * row[f'recall@10 {end}']:{sign}.1f}" for end in ("low", "high")]
            alls = f"{100 * row['all@5']:{sign}.0f}"
            rows.append([title, method, *values, " to ".join(ends), alls])
    if not rows:
        return "not measured yet"
    header = ["graph", "row", *(f"R@{k}" for k in CUTS), "R@10, 95 %", "all@5"]
    return markdown(header, rows)


def cost() -> str:
    """What an index of each size costs."""
    if not (ROOT / FILE).exists():
        return "not measured yet"
    rows = []
    for row in read(FILE)["rows"]:
        if row["name"] != "GraphRetriever":
            continue
        rows.append(
            [
                f"{row['documents']:,}",
                f"{row['documents_per_s']:,.0f}",
                f"{1e3 * row['add_s']:.2f} ms",
                f"{1e3 * row['remove_s']:.3f} ms",
                f"{1e3 * row['query_s']:.1f} ms",
                f"{1e3 * row['query_64_s'] / 64:.1f} ms",
                f"{row['bytes_per_document'] / 1e3:.1f} kB",
            ]
        )
    header = ["documents", "indexed a second", "add one", "remove one", "one question"]
    return markdown([*header, "each of 64", "memory a document"], rows)


def pagerank() -> str:
    """Personalised PageRank beside its peers."""
    if not (ROOT / FILE).exists():
        return "not measured yet"
    rows = [
        [row["case"], row["name"], f"{1e3 * row['median_s']:.1f} ms", f"{1 / row['speedup']:.2f}"]
        for row in read(FILE)["rows"]
        if row["case"].startswith("PageRank")
    ]
    return markdown(["case", "method", "time", "times ours"], rows)


TABLES: dict[str, Callable[[], str]] = {
    "retrieval_scores": scores,
    "retrieval_differences": differences,
    "retrieval_gfm": learned,
    "retrieval_cost": cost,
    "pagerank_speed": pagerank,
}
