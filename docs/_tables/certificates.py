"""Tables of the page on certificates."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from _tables.common import ROOT, markdown, paired_test, read, spread

FILE = "experiments/results/pot_cora_certificates.json"
TRAINED = "experiments/results/pot_cora.json"
BOUNDS = ("interval", "budget", "budget_crown")
BUDGETS = ("1 drop", "2 drops", "expected", "quantile", "all")
EMPTY = markdown(["not measured yet"], [])
Rows = dict[str, dict[str, Any]]


def trained() -> Rows:
    """Rows of encoders, the untrained one first; none where the file is missing."""
    if not (ROOT / FILE).exists():
        return {}
    return {name: row for name, row in read(FILE)["rows"].items() if "broken, budget_crown" in row}


def ordered() -> list[str]:
    """Names of the rows: untrained, the host, and its trainings by form and kappa."""
    first = ("untrained encoder", "GRACE")
    names = trained()
    return [n for n in first if n in names] + sorted(n for n in names if n not in first)


def sound() -> str:
    """Scores above zero, and scores that a graph within the budget falls below."""
    rows = [
        [name, *(spread(trained()[name][column]) for column in (
            "positive, reference score", "broken, reference score",
            "certified, budget_crown, expected", "broken, budget_crown",
        ))]
        for name in ordered()
    ]  # fmt: skip
    header = ["encoder", "published score positive, %", "published score broken, %"]
    header += ["certified by budget_crown, %", "budget_crown broken, %"]
    return markdown(header, rows) if rows else EMPTY


def by_budget() -> str:
    """Certified share of the host alone by bound and budget."""
    host = trained().get("GRACE")
    if host is None:
        return EMPTY
    rows = [
        [budget, *(spread(host[f"certified, {bound}, {budget}"]) for bound in BOUNDS)]
        for budget in BUDGETS
    ]
    return markdown(["budget", *(f"{bound}, %" for bound in BOUNDS)], rows)


def by_degree() -> str:
    """Certified share by degree at the expected budget."""
    found = trained()
    if not found:
        return EMPTY
    groups = [n.removeprefix("nodes, ") for n in found["GRACE"] if n.startswith("nodes, degree")]
    groups.sort(key=lambda group: int(re.findall(r"\d+", group)[0]))
    rows = []
    for name in ordered():
        row = found[name]
        cells = [spread(row[f"certified, {group}"]) for group in groups]
        rows.append([name, spread(row["certified, budget_crown, expected"]), *cells])
    seeds = len(found["GRACE"]["f1_micro"]["values"])
    shares = [found["GRACE"][f"nodes, {group}"]["mean"] for group in groups]
    header = [f"encoder ({seeds} seeds)", "all nodes, %"]
    header += [f"{g} ({100 * s:.0f} % of nodes)" for g, s in zip(groups, shares, strict=True)]
    return markdown(header, rows)


def cost() -> str:
    """What each form of training certifies by the same bound, and what it costs in accuracy."""
    table = read(TRAINED)
    host = table["rows"]["GRACE"]
    rows = []
    for name, row in table["rows"].items():
        if "certified" not in row:
            continue
        cells = [name]
        for metric in ("certified", "f1_micro"):
            pairs = zip(row[metric]["values"], host[metric]["values"], strict=True)
            differences = [100 * (value - alone) for value, alone in pairs]
            gain, p_value = paired_test(differences) if any(differences) else ("", "")
            cells += [spread(row[metric]), f"{gain} (p {p_value})" if gain else ""]
        rows.append([*cells, f"{row['kappa']['mean']:.2f}" if "POT" in name else ""])
    header = [f"training ({len(table['seeds'])} seeds, {table['config']['epochs']} epochs)"]
    header += ["certified, %", "paired", "F1 micro, %", "paired", "kappa chosen, mean"]
    return markdown(header, rows)


TABLES: dict[str, Callable[[], str]] = {
    "certificates_sound": sound,
    "certificates_budget": by_budget,
    "certificates_degree": by_degree,
    "certificates_cost": cost,
}
