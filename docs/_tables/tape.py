"""Tables of TAPE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _tables.common import ROOT, by_set, markdown, paired_test, present, read, row_names, spread

SETS = {"cora": "Cora", "citeseer": "CiteSeer", "stdlib": "standard library"}
#: With features of a language model that was tuned on the training labels.
TUNED = {
    "cora_tuned": "Cora, 2,211 papers with texts",
    "citeseer_tuned": "CiteSeer",
    "texas_tuned": "WebKB Texas",
}
#: Answers of a small local model, the file with more of them first.
SMALL = ("texas_smollm2_neighbors", "texas_smollm2")
NETWORKS = ("GCN", "SAGE", "RevGAT", "MLP")
LAYER = "benchmarks/results/tape.json"


def results() -> dict[str, Any]:
    """Result files by title, the rows of RevGAT, which have a file of their own, among them."""
    tables = present("tape", SETS)
    for title, more in present("tape", {f"{name}_revgat": SETS[name] for name in SETS}).items():
        seeds = more["seeds"]
        mark = "" if seeds == tables[title]["seeds"] else f" ({len(seeds)} seeds)"
        own = {f"{name}{mark}": row for name, row in more["rows"].items() if "RevGAT" in name}
        tables[title]["rows"] |= own
    return tables


def network(row: str) -> int:
    """Place of a row: baselines, then network by network."""
    name = row.partition(" ")[0]
    return NETWORKS.index(name) if name in NETWORKS else -1


def accuracy() -> str:
    """Test accuracy of members, ensembles and baselines, with what the authors' modules reach."""
    return by_set(results(), "accuracy", "accuracy, % (seeds)", " ({:.1f})", network)


def gains() -> str:
    """Every member and ensemble against a bag of words in the same network, split by split."""
    tables = results()
    header = ["minus BoW, points"]
    header += [cell for title in tables for cell in (f"{title}", "p (t-test)")]
    rows = []
    for name in row_names(tables, network):
        cells: list[str] = []
        for table in tables.values():
            base = table["rows"].get(f"{name.partition(' ')[0]} BoW")
            row = table["rows"].get(name)
            if base is None or row is None or row is base:
                cells += ["", ""]
                continue
            pairs = zip(row["accuracy"]["values"], base["accuracy"]["values"], strict=True)
            cells += paired_test([100 * (ours - words) for ours, words in pairs])
        if any(cells):
            rows.append([name, *cells])
    return markdown(header, rows)


def tuned() -> str:
    """Features of a language model tuned on training labels beside frozen ones and words."""
    tables = present("tape", TUNED)
    if not tables:
        return markdown(["not measured yet"], [])
    return by_set(tables, "accuracy", "accuracy, % (seeds)", "", network)


def small() -> str:
    """Answers of a small model as features, beside the own text in the same network."""
    found = present("tape", {name: name for name in SMALL})
    if not found:
        return markdown(["not measured yet"], [])
    table = next(iter(found.values()))
    scores = {name: row["accuracy"] for name, row in table["rows"].items()}
    networks = [name for name in NETWORKS if f"{name} TA" in scores]
    header = [f"WebKB Texas, accuracy, % ({len(table['seeds'])} seeds)"]
    header += [cell for name in networks for cell in (name, "minus TA (p)")]
    members = [name.partition(" ")[2] for name in scores if name.startswith(f"{networks[0]} ")]
    rows = [
        [name, spread(score), *[""] * (2 * len(networks) - 1)]
        for name, score in scores.items() if network(name) < 0
    ]  # fmt: skip
    for member in sorted(members, key=lambda name: ("TA" not in name, name.count("+"))):
        cells = []
        for name in networks:
            score, text = scores[f"{name} {member}"], scores[f"{name} TA"]
            pairs = zip(score["values"], text["values"], strict=True)
            gain = paired_test([100 * (ours - own) for ours, own in pairs])
            cells += [spread(score), "" if member == "TA" else "{} ({})".format(*gain)]
        rows.append([member, *cells])
    return markdown(header, rows)


def layer() -> str:
    """Time and memory of the P layer."""
    if not (ROOT / LAYER).exists():
        return markdown(["not measured yet"], [])
    rows = []
    for row in read(LAYER)["rows"]:
        speed = f"{row['speedup']:.1f}x, {row['times_less_memory']:.1f}x less"
        memory = f"{row['peak_extra_bytes'] / 1e6:,.0f} MB"
        rows.append([row["case"], row["name"], f"{row['median_s']:.2f} s", memory, speed])
    return markdown(["case", "method", "time", "memory", "faster, memory"], rows)


TABLES: dict[str, Callable[[], str]] = {
    "tape": accuracy,
    "tape_gains": gains,
    "tape_tuned": tuned,
    "tape_small": small,
    "tape_layer": layer,
}
