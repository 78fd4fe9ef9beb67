"""Tables of the page on certificates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _tables.common import ROOT, markdown, paired_test, read, spread

FILE = "experiments/results/pot_cora_certificates.json"
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


def training() -> str:
    """Certified share by degree, and the accuracy that it costs."""
    found = trained()
    if not found:
        return EMPTY
    groups = [n.removeprefix("nodes, ") for n in found["GRACE"] if n.startswith("nodes, degree")]
    rows = []
    for name in ordered():
        row, host = found[name], found["GRACE"]
        cost = ""
        if name.startswith("GRACE +"):
            pairs = zip(row["f1_micro"]["values"], host["f1_micro"]["values"], strict=True)
            differences = [100 * (value - alone) for value, alone in pairs]
            cost = f"{differences[0]:+.1f}"
            if len(differences) > 1:
                gain, p_value = paired_test(differences)
                cost = f"{gain} (p {p_value})"
        cells = [spread(row[f"certified, {group}"]) for group in groups]
        every = spread(row["certified, budget_crown, expected"])
        rows.append([name, spread(row["f1_micro"]), cost, every, *cells])
    seeds = len(found["GRACE"]["f1_micro"]["values"])
    shares = [found["GRACE"][f"nodes, {group}"]["mean"] for group in groups]
    header = [f"encoder ({seeds} seeds)", "F1 micro, %", "paired", "certified, %"]
    header += [f"{g} ({100 * s:.0f} % of nodes)" for g, s in zip(groups, shares, strict=True)]
    return markdown(header, rows)


TABLES: dict[str, Callable[[], str]] = {
    "certificates_sound": sound,
    "certificates_budget": by_budget,
    "certificates_training": training,
}
