"""Tables of topological concentration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _tables.common import markdown, present, read

SETS = {"cora": "Cora", "citeseer": "CiteSeer", "vole": "Vole", "reptile": "Reptile"}
FILE = "benchmarks/results/concentration.json"


def number(row: dict[str, Any], name: str, percent: bool) -> str:
    """Mean and deviation of a metric; blank where it is undefined."""
    if name not in row:
        return ""
    factor, digits = (100, 1) if percent else (1, 2)
    cell = row[name]
    text = f"{factor * cell['mean']:.{digits}f}"
    return text if cell["std"] is None else f"{text} ± {factor * cell['std']:.{digits}f}"


def link_prediction() -> str:
    """Hits, recall per node, and what recall goes along with."""
    rows = []
    for title, table in present("link_prediction", SETS).items():
        hits = next(m for row in table["rows"].values() for m in row if m.startswith("hits@"))
        for name, row in table["rows"].items():
            if hits not in row:
                continue
            cells = [number(row, metric, True) for metric in (hits, "recall@10")]
            cells += [
                number(row, f"r(recall, {what})", False) for what in ("tc_te", "tc_tr", "deg_tr")
            ]
            rows.append([title, name, *cells])
    header = ["data", "row", "Hits@100, %", "recall@10 per node, %"]
    header += [f"r(recall, {what})" for what in ("TC test", "TC train", "degree")]
    return markdown(header, rows)


def speed() -> str:
    """The published method, scipy and ours."""
    measured = read(FILE)["rows"]
    rows = []
    for case in dict.fromkeys(row["case"] for row in measured):
        names = {row["name"]: row for row in measured if row["case"] == case}
        if "sets, as published" in names:
            cells = [
                f"{1e3 * names[name]['median_s']:,.1f} ms"
                for name in ("sets, as published", "scipy products", "graphlab")
            ]
            rows.append([case, *cells, f"{names['graphlab']['speedup']:.0f}x"])
        else:
            row = names["graphlab"]
            seconds = row.get("median_s", row.get("seconds"))
            rows.append([case, "", "", f"{1e3 * seconds:,.0f} ms", ""])
    return markdown(["case", "sets, as published", "scipy products", "graphlab", "faster"], rows)


TABLES: dict[str, Callable[[], str]] = {"link_prediction": link_prediction, "tc_speed": speed}
