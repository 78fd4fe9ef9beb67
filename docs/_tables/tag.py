"""Tables of the text layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _tables.common import ROOT, markdown, read

FILE = "benchmarks/results/tag.json"
TABLES_FILE = "benchmarks/results/text_tables.json"


def measured() -> list[dict[str, Any]]:
    """Measured rows, none before the first run."""
    return read(FILE)["rows"] if (ROOT / FILE).exists() else []


def speed() -> str:
    """Calls per second of the client beside the bare SDK."""
    rows = [
        [row["name"], f"{row['median_s']:.2f} s", f"{row['calls_per_s']:.0f}",
         f"{row['times_the_bare_sdk']:.2f}"]
        for row in measured() if "calls_per_s" in row
    ]  # fmt: skip
    if not rows:
        return markdown(["not measured yet"], [])
    case = next(row["case"] for row in measured() if "calls_per_s" in row)
    return markdown([case, "time", "calls per second", "times the bare SDK"], rows)


def load() -> str:
    """Counts under faults and kills; the million texts."""
    rows = []
    for row in measured():
        if "rows_ok" in row:
            text = f"{row['rows_ok']} of {row['rows']} rows right, {row['calls']} calls, "
            text += f"at most {row['peak_concurrency']} at a time, {row['seconds']:.0f} s"
        elif "kills" in row:
            text = f"{row['kills']} kills: {row['committed_asked_again']} committed answers asked "
            text += f"again, at most {row['most_calls_lost_by_a_kill']} calls lost by one kill"
        elif "peak_rss_bytes" in row:
            text = f"{row['name']}: {row['seconds']:.0f} s, most memory "
            text += f"{row['peak_rss_bytes'] / 1e9:.2f} GB"
            if "shards_kept" in row:
                text += f", {row['shards_kept']} of {row['shards']} shards kept"
        else:
            continue
        rows.append([row["case"], text])
    return markdown(["case", "what happened"], rows) if rows else markdown(["not measured yet"], [])


def text_tables() -> str:
    """Time and memory of reading a text graph, by the kind of its tables."""
    if not (ROOT / TABLES_FILE).exists():
        return markdown(["not measured yet"], [])
    rows = read(TABLES_FILE)["rows"]
    cells = [
        [row["name"], f"{row['file_bytes'] / 1e6:.0f} MB", f"{row['cpu_s']:.1f} s",
         f"{row['seconds']:.1f} s", f"{row['memory_bytes'] / 1e9:.2f} GB"]
        for row in rows
    ]  # fmt: skip
    return markdown([rows[0]["case"], "files", "computing", "time", "memory"], cells)


TABLES: dict[str, Callable[[], str]] = {
    "tag_speed": speed,
    "tag_load": load,
    "tag_text_tables": text_tables,
}
