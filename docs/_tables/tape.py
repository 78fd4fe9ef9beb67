"""Tables of TAPE."""

from __future__ import annotations

from collections.abc import Callable

from _tables.common import ROOT, by_set, markdown, present, read

SETS = {"cora": "Cora", "citeseer": "CiteSeer", "stdlib": "standard library"}
LAYER = "benchmarks/results/tape.json"


def accuracy() -> str:
    """Test accuracy of members, ensembles and baselines, with what the authors' modules reach."""
    return by_set(present("tape", SETS), "accuracy", "accuracy, % (seeds)", " ({:.1f})")


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


TABLES: dict[str, Callable[[], str]] = {"tape": accuracy, "tape_layer": layer}
