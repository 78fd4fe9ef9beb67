"""Pages made of results: one run with everything about it, or several runs together."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphlab._io import read_json

from .context import ARTIFACTS, METRICS
from .page import MAX_CURVES, Report
from .results import Results

__all__ = ["Entry", "Report", "joint_report", "results_report"]


@dataclass(frozen=True)
class Entry:
    """One run on a joint page.

    Attributes:
        title (str): Name of the system.
        data (str): What it ran on.
        description (str): What it does here.
        summary (Mapping[str, Any]): Its line of the first table.
        results (Results): What came out.
        note (str): What must not be missed.
    """

    title: str
    data: str
    description: str
    summary: Mapping[str, Any]
    results: Results
    note: str = ""


def results_report(results: Results) -> Report:
    """The standard page of a run: table, baselines, curves, pictures, cost, environment, gaps.

    Args:
        results (Results): What :func:`experiments._harness.runner.execute` returned.

    Returns:
        Report: The page, to which a script may append.
    """
    facts = results.as_dict()
    page = Report(f"{results.script}: {results.preset}")
    page.text(_protocol(results))
    page.section("Results")
    _add_table(page, results)
    _add_curves(page, results)
    _add_artifacts(page, results, page.section)
    page.section("Cost")
    page.table(facts["cost"], "wall seconds and highest resident memory of the process")
    page.section("What was not run, and why")
    _add_gaps(page, [{"left out": what, "why": why} for what, why in gaps(results).items()])
    _add_environment(page, facts)
    page.section("Configuration")
    page.table([{"": key, "value": str(value)} for key, value in results.config.items()])
    if results.command:
        page.code(results.command)
    return page


def joint_report(title: str, opening: str, entries: Sequence[Entry]) -> Report:
    """One page for several runs: a summary, a section per run, all gaps, the environment once.

    Args:
        title (str): Heading of the page.
        opening (str): Paragraphs below it.
        entries (Sequence[Entry]): The runs.

    Returns:
        Report: The page, to which a script may append.
    """
    page = Report(title).text(opening)
    page.section("Summary")
    page.table([entry.summary for entry in entries], "each system's number beside its baseline")
    left_out = []
    for entry in entries:
        page.section(f"{entry.title}: {entry.data}")
        page.text(entry.description).text(_protocol(entry.results))
        if entry.note:
            page.note(entry.note)
        if entry.results.finished:
            _add_table(page, entry.results)
        _add_artifacts(page, entry.results)
        if entry.results.command:
            page.code(entry.results.command)
        left_out += [
            {"system": entry.title, "left out": what, "why": why}
            for what, why in gaps(entry.results).items()
        ]
    page.section("Time and memory")
    page.table(
        [_cost(entry) for entry in entries if entry.results.finished],
        "wall seconds of all seeds; highest resident memory of the process until the part ended",
    )
    page.section("What was not run, and why")
    _add_gaps(page, left_out)
    if entries:
        _add_environment(page, entries[0].results.as_dict())
    return page


def _cost(entry: Entry) -> dict[str, str]:
    costs = [result.cost for result in entry.results.finished]
    memory = max(cost["peak_rss_bytes"] or 0 for cost in costs)
    return {
        "system": entry.title,
        "seconds": f"{sum(cost['seconds'] for cost in costs):.1f}",
        "memory so far, MB": f"{memory / 1e6:,.0f}",
        "seeds": str(len(costs)),
    }


def gaps(results: Results) -> dict[str, str]:
    """Parts missing from the results, with the reason of each."""
    failed = {f"seed {seed}": f"failed: {message}" for seed, message in results.errors.items()}
    return failed | results.not_run


def _protocol(results: Results) -> str:
    protocol = results.protocol or "not stated by the configuration"
    return f"Protocol: {protocol}. Seeds finished: {len(results.finished)}."


def _add_table(page: Report, results: Results) -> None:
    seeds = len(results.finished)
    caption = f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
    published = "; published lines below" if results.published else ""
    table = results.table_rows()
    if {row["seeds"] for row in table} <= {str(seeds), "-"}:  # a column that says it again
        table = [{name: cell for name, cell in row.items() if name != "seeds"} for row in table]
    for number, rows in enumerate(_alike(table)):
        page.table(rows, "" if number else caption + published)


def _alike(rows: Sequence[dict[str, str]]) -> list[list[dict[str, str]]]:
    """Rows in tables of their own where they share no measure with those before."""
    groups: list[tuple[set[str], list[dict[str, str]]]] = []
    for row in rows:
        measures = set(row) - {"", "seeds"}
        match = next((group for group in groups if group[0] & measures), None)
        if match is None:
            match = (set(), [])
            groups.append(match)
        match[0].update(measures)
        match[1].append(row)
    return [group for _, group in groups]


def _add_gaps(page: Report, rows: list[dict[str, str]]) -> None:
    if rows:
        page.table(rows)
    else:
        page.text("Nothing was left out.")


def _add_environment(page: Report, facts: Mapping[str, Any]) -> None:
    page.section("Environment")
    names = ("hardware", "versions", "kernels", "threads", "system", "commit", "date")
    page.table([{"": key, "value": _flat(facts[key])} for key in names])


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        parts = {
            key.removesuffix("_bytes"): f"{item / 1e9:.1f} GB"
            if key.endswith("_bytes") and item is not None
            else _flat(item)
            for key, item in value.items()
        }
        return ", ".join(f"{key} {text}" for key, text in parts.items())
    if isinstance(value, list):
        return ", ".join(map(_flat, value)) or "none"
    return "none" if value is None else str(value)


def _add_curves(page: Report, results: Results) -> None:
    series: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for result in results.finished:
        path = result.directory / METRICS
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            row = json.loads(line)
            step = row.pop("step")
            for metric, value in row.items():
                if value is not None:
                    lines = series.setdefault(metric, {})
                    lines.setdefault(f"seed {result.seed}", []).append((step, value))
    if series:
        page.section("Curves")
    for metric, lines in series.items():
        page.curves(dict(list(lines.items())[:MAX_CURVES]), f"{metric} by step")


def _add_artifacts(
    page: Report, results: Results, heading: Callable[[str], Report] | None = None
) -> None:
    # One seed's pictures tell the story; ten copies of each would bury it.
    if not results.finished:
        return
    first = results.finished[0]
    folder = first.directory / ARTIFACTS
    pictures, tables = sorted(folder.rglob("*.png")), sorted(folder.rglob("*.json"))
    if heading is not None and (pictures or tables):
        heading(f"Pictures and tables of seed {first.seed}")
    for path in pictures:
        page.figure(path, path.stem.replace("_", " "))
    for path in tables:
        page.table(read_json(path), path.stem.replace("_", " "))
