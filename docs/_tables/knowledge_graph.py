"""Tables of the completion of knowledge graphs."""

from __future__ import annotations

from collections.abc import Callable

from _tables.common import ROOT, by_set, markdown, present, read, spread

SMALL = {"umls": "UMLS", "kinship": "Kinship", "nations": "Nations"}
LARGE = {
    "fb15k237": "FB15k-237",
    "fb15k237_rank25": "FB15k-237, d = 25",
    "wn18rr": "WN18RR",
    "wn18rr_rank25": "WN18RR, d = 25",
}
EMBEDDED = {"smoke": "classes of Python"}
RULES = ("mrr pessimistic", "mrr", "mrr optimistic")
FILE = "benchmarks/results/kge.json"


def scores() -> str:
    """Reciprocal ranks, ties against the answer, as the published programs count them."""
    found = present("knowledge_graph", SMALL)
    if not found:
        return "not measured yet"
    return by_set(found, "mrr pessimistic", "MRR, %", "")


def large() -> str:
    """Reciprocal ranks and hits of the large sets, with the published figures."""
    rows = []
    for title, table in present("knowledge_graph", LARGE).items():
        for name, row in table["rows"].items():
            published = table["published"].get(name, {})
            cells = []
            for metric in ("mrr", "hits@1", "hits@10"):
                beside = f" ({100 * published[metric]:.0f})" if metric in published else ""
                cells.append(spread(row[metric]) + beside)
            hours = row["cpu seconds"]["mean"] / 3600 if "cpu seconds" in row else None
            rows.append([title, name, *cells, "" if hours is None else f"{hours:.1f}"])
    if not rows:
        return "not measured yet"
    header = ["data", "row", "MRR, % (published)", "hits@1, %", "hits@10, %", "CPU hours"]
    return markdown(header, rows)


def ties() -> str:
    """One table of frequencies under three rules."""
    rows = []
    for title, table in (
        present("knowledge_graph", EMBEDDED) | present("knowledge_graph", SMALL)
    ).items():
        row = table["rows"]["frequency of tails"]
        rows.append(
            [title, *(spread(row[rule]) for rule in RULES), f"{100 * row['ties']['mean']:.0f}"]
        )
    header = [
        "frequency of tails",
        "pessimistic",
        "realistic",
        "optimistic",
        "queries with ties, %",
    ]
    return markdown(header, rows)


def speed() -> str:
    """CPU time and memory of a step and of ranking."""
    if not (ROOT / FILE).exists():
        return "not measured yet"
    rows = []
    for row in read(FILE)["rows"]:
        memory = f"{row['peak_extra_bytes'] / 1e6:,.0f} MB" if "peak_extra_bytes" in row else ""
        rows.append([row["case"], row["name"], _duration(row["cpu_s"]), memory])
    return markdown(["case", "by", "CPU time", "memory above the start"], rows)


def _duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1e3 * seconds:.1f} ms"


TABLES: dict[str, Callable[[], str]] = {
    "kge_scores": scores,
    "kge_large": large,
    "kge_ties": ties,
    "kge_speed": speed,
}
