"""Costs of the experiments: time, memory and machine of every committed result file."""

from __future__ import annotations

from collections.abc import Callable

from _tables.common import ROOT, markdown, read


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def costs() -> str:
    """One line per file."""
    rows = []
    for path in sorted((ROOT / "experiments" / "results").glob("*.json")):
        file = read(f"experiments/results/{path.name}")
        cost, hardware = file["cost"], file["hardware"]
        mean = sum(part["seconds"] for part in cost) / len(cost)
        memory = max(part["peak_rss_bytes"] for part in cost)
        rows.append(
            [
                f"[{path.stem}](../experiments/results/{path.name})",
                str(len(cost)),
                duration(mean),
                f"{memory / 1e6:,.0f} MB",
                f"{hardware['cpu'].split('@')[0].strip()}, {file['threads']['torch']} threads",
                file["date"][:10],
            ]
        )
    return markdown(["result file", "seeds", "a seed", "peak memory", "machine", "date"], rows)


TABLES: dict[str, Callable[[], str]] = {"experiment_costs": costs}
