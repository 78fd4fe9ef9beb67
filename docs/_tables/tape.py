"""Tables of TAPE."""

from __future__ import annotations

from collections.abc import Callable

from _tables.common import ROOT, markdown, read, spread

SETS = {"cora": "Cora", "citeseer": "CiteSeer"}
LAYER = "benchmarks/results/tape.json"


def accuracy() -> str:
    """Test accuracy of members, ensembles and baselines, with what the authors' modules reach."""
    files = {title: f"experiments/results/tape_{name}.json" for name, title in SETS.items()}
    results = {title: read(path) for title, path in files.items() if (ROOT / path).exists()}
    names = list(dict.fromkeys(name for table in results.values() for name in table["rows"]))
    rows = []
    for name in names:
        cells = []
        for table in results.values():
            row = table["rows"].get(name, {})
            theirs = table["published"].get(name)
            text = spread(row["accuracy"]) if "accuracy" in row else ""
            cells.append(text + (f" ({100 * theirs['accuracy']:.1f})" if theirs else ""))
        rows.append([name, *cells])
    titles = [f"{title} ({len(table['seeds'])})" for title, table in results.items()]
    return markdown(["accuracy, % (seeds)", *titles], rows)


def layer() -> str:
    """Time and memory of the P layer."""
    if not (ROOT / LAYER).exists():
        return markdown(["not measured yet"], [])
    rows = []
    for row in read(LAYER)["rows"]:
        speed = f"{row['speedup']:.1f}x, {row['times_less_memory']:.1f}x less"
        memory = f"{row['peak_extra_bytes'] / 1e6:,.0f} MB"
        rows.append([row["case"], row["name"], f"{row['median_s']:.2f} s", memory, speed])
    return markdown(["case", "", "time", "memory", "faster, memory"], rows)


TABLES: dict[str, Callable[[], str]] = {"tape": accuracy, "tape_layer": layer}
