"""Tables of topological concentration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _tables.common import markdown, present, read
from _tables.pot import paired_test

SETS = {"cora": "Cora", "citeseer": "CiteSeer", "vole": "Vole", "reptile": "Reptile"}
#: Columns of the table of the approximation; the files have more.
SHOWN = ("d = 64", "d = 1024", "without noise")
FILE = "benchmarks/results/concentration.json"


def number(row: dict[str, Any], name: str, percent: bool) -> str:
    """Mean and deviation of a metric; blank where it is undefined."""
    if name not in row:
        return ""
    factor, digits = (100, 1) if percent else (1, 2)
    cell = row[name]
    text = f"{factor * cell['mean']:.{digits}f}"
    return text if cell["std"] is None else f"{text} ± {factor * cell['std']:.{digits}f}"


#: Rows of the first table with the row that they are compared with on the same splits.
REWEIGHTED = {
    "GCN": None,
    "GCN + TC (target)": "GCN",
    "GCN + TC (source)": "GCN",
    "SAGE": "GCN + TC (target)",
    "SAGE + TC (target)": "SAGE",
    "SAGE + TC (source)": "SAGE",
}


def link_prediction() -> str:
    """Hits and recall per node, re-weighted and plain, with paired differences."""
    rows = []
    for title, table in present("link_prediction", SETS).items():
        hits = next(m for row in table["rows"].values() for m in row if m.startswith("hits@"))
        for name, other in REWEIGHTED.items():
            row = table["rows"][name]
            cells = [f"{title} ({len(table['seeds'])}, {table['config']['epochs']})", name]
            for metric in (hits, "recall@10"):
                cells.append(number(row, metric, True))
                cells.append(
                    "" if other is None else difference(row[metric], table["rows"][other][metric])
                )
            rows.append([*cells, other or ""])
    header = ["data (seeds, epochs)", "row", "Hits@100, %", "paired", "recall@10 per node, %"]
    return markdown([*header, "paired", "paired with"], rows)


def difference(row: dict[str, Any], other: dict[str, Any]) -> str:
    """Mean of the paired differences in points, and the p-value of a t-test."""
    pairs = zip(row["values"], other["values"], strict=True)
    gain, p_value = paired_test([100 * (value - before) for value, before in pairs])
    return f"{gain.partition(' ')[0]} (p {p_value})"


def recall_goes_with() -> str:
    """What recall goes along with over nodes: known before, and known only afterwards."""
    rows = []
    for title, table in present("link_prediction", SETS).items():
        for name in ("GCN", "SAGE"):
            row = table["rows"][name]
            cells = [
                number(row, f"r(recall, {what})", False) for what in ("tc_tr", "deg_tr", "tc_te")
            ]
            rows.append([title, name, *cells])
    header = ["data", "predictor", "usable: TC of training edges", "usable: degree"]
    return markdown([*header, "oracle: TC of test edges"], rows)


def approximation() -> str:
    """Rank correlation of both approximations with the exact value, by columns and hops."""
    rows = []
    for title, table in present("concentration", SETS).items():
        for hops in (name.removeprefix("exact, ") for name in table["rows"] if "exact" in name):
            for form in ("cosine", "unbiased"):
                found = [table["rows"][f"{form}, {hops}, {columns}"] for columns in SHOWN]
                cells = [
                    f"{row[f'spearman, {part}']['mean']:.2f}"
                    for part in ("train", "test")
                    for row in found
                ]
                error = found[1]["error, train"]["mean"]
                mean = table["rows"][f"exact, {hops}"]["mean, train"]["mean"]
                cells.append(f"{error:.2f} / {mean:.2f}")
                rows.append([f"{title} ({len(table['seeds'])})", hops, form, *cells])
    header = ["data (seeds)", "hops", "form"]
    header += [f"{part} edges, {columns}" for part in ("training", "test") for columns in SHOWN]
    header += ["mean error at d = 1024 / mean value, training edges"]
    return markdown(header, rows) if rows else markdown(["not measured yet"], [])


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


TABLES: dict[str, Callable[[], str]] = {
    "link_prediction": link_prediction,
    "tc_recall": recall_goes_with,
    "tc_approximation": approximation,
    "tc_speed": speed,
}
