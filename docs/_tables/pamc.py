"""Tables of PamC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _tables import common
from _tables.common import markdown, present, read, spread

SETS = {"dblp": "DBLP", "acm": "ACM", "cite": "Citeseer", "digits": "digits", "usps": "USPS"}
CLUSTERING = "benchmarks/results/clustering.json"
#: Files of one set: the recipe (or all there is), baselines alone, the released preprocessing.
PARTS = {"": "", "_untrained": "", "_paper": "paper: "}


def scores() -> str:
    """All four scores, all protocols, and the published numbers."""
    rows = []
    for name, title in SETS.items():
        for part, mark in PARTS.items():
            for table in present("pamc", {f"{name}{part}": title}).values():
                rows += part_of(title, mark, table)
    header = ["data", "row", "ACC", "NMI", "ARI", "F1", "seeds"]
    return markdown(header, rows)


def part_of(title: str, mark: str, table: dict[str, Any]) -> list[list[str]]:
    """Rows of one file."""
    rows, seeds = [], str(len(table["seeds"]))
    for label, row in table["rows"].items():
        cells = [spread(row[m]) for m in ("acc", "nmi", "ari", "f1")]
        rows.append([title, f"{mark}{label}", *cells, seeds])
    for label, row in table["published"].items():
        numbers = [f"{100 * row[m]:.1f}" for m in ("acc", "nmi", "ari", "f1")]
        rows.append([title, f"published: {label}", *numbers, ""])
    return rows


def measured(case: str) -> dict[str, dict[str, Any]]:
    """Rows of one benchmark case by name."""
    return common.measured("benchmarks/results/pamc.json", case)


def speed() -> str:
    """Time and memory beside eager PyTorch."""
    rows = []
    cases = {
        "pamc on USPS order 4, forward + backward": "PamC, USPS of order 4 (E = 1.30 M, D = 10)",
        "exact negatives N=10000 D=10, forward + backward": "exact negatives, N = 10,000, D = 10",
        "exact negatives N=10000 D=128, forward + backward": "exact negatives, N = 10,000, D = 128",
    }
    for case, title in cases.items():
        methods = measured(case)
        ours, eager = methods["graphlab"], methods["eager"]
        memory = f"{eager['peak_extra_bytes'] / 1e6:,.0f} / {ours['peak_extra_bytes'] / 1e6:,.1f}"
        times = f"{1e3 * eager['median_s']:,.0f} / {1e3 * ours['median_s']:,.1f}"
        rows.append([title, times, f"{ours['speedup']:.1f}x", memory])
    epoch = measured("training epoch of SCGC + PamC on ACM")
    eager = epoch["eager, two forwards"]
    for name in ("graphlab, dense", "graphlab, sparse"):
        times = f"{1e3 * eager['median_s']:,.0f} / {1e3 * epoch[name]['median_s']:,.0f}"
        title = f"training epoch on ACM, {name.partition(', ')[2]} features"
        rows.append([title, times, f"{epoch[name]['speedup']:.2f}x", ""])
    header = ["forward + backward", "eager / ours, ms", "faster", "extra memory, eager / ours, MB"]
    return markdown(header, rows)


def gradients() -> str:
    """Cosine of the gradient of the negative term to the exact one."""
    by_set = {
        name: measured(f"negative term on {name}, tau={tau}")
        for name, tau in (("cora_svd16", 1.0), ("acm_ae10", 0.5))
    }
    rows = []
    for kind in ("meta", "meta1", "meta2"):
        cells = [f"{rows_[kind]['gradient_cosine_to_exact']:.4f}" for rows_ in by_set.values()]
        cells += [f"{rows_[kind]['speedup']:.0f}x" for rows_ in by_set.values()]
        rows.append([f'`"{kind}"`', *cells])
    header = ["negatives", "cosine, Cora (SVD)", "cosine, ACM (autoencoder)"]
    return markdown([*header, "faster than exact, Cora", "faster than exact, ACM"], rows)


def scaling() -> str:
    """Time and memory from 10^4 to 10^6 nodes."""
    rows = []
    for kind in ("meta", "meta2"):
        slope = measured(f"scaling {kind}, log-log slope")[kind]
        cells = [
            f"{row['median_s'] * 1e3:,.0f} ms, {row['peak_extra_bytes'] / 1e6:,.0f} MB"
            for row in read("benchmarks/results/pamc.json")["rows"]
            if row["case"] == f"scaling {kind}, D=64, degree 10"
        ]
        slopes = f"{slope['time_slope']:.2f}, {slope['memory_slope']:.2f}"
        rows.append([f'`"{kind}"`', *cells, slopes])
    sizes = ["10,000", "31,623", "100,000", "316,228", "1,000,000"]
    return markdown(["nodes", *sizes, "log-log slope: time, memory"], rows)


def large() -> str:
    """CPU time and memory of an epoch by number of nodes, all similarities at once beside it."""
    rows = read(CLUSTERING)["rows"]
    epochs = [row for row in rows if row["case"] == "epoch"]
    computed = [row for row in rows if row["case"].startswith("epoch, computed")]
    names = list(dict.fromkeys(row["name"] for row in epochs))
    sizes = sorted({row["num_nodes"] for row in computed})
    table = []
    for size in sizes:
        # What was run stands before what was computed for the same size.
        same = [row for row in epochs + computed if row["num_nodes"] == size]
        cells = [epoch_cell(next(row for row in same if row["name"] == name)) for name in names]
        table.append([f"{size:,}", *cells])
    return markdown(["nodes", *names], table)


def epoch_cell(row: dict[str, Any]) -> str:
    """Time and memory of one epoch; what was computed and not run is in italics."""
    size = row["peak_extra_bytes"] / 1e6
    memory = f"{size:,.0f} MB" if size < 1e4 else f"{size / 1e3:,.0f} GB"
    return f"{row['cpu_s']:.2f} s, {memory}" if "cpu_s" in row else f"*{memory}*"


def fits() -> str:
    """The whole fit at the largest size."""
    rows = [row for row in read(CLUSTERING)["rows"] if row["case"] == "fit with the defaults"]
    table = [
        [
            row["name"],
            f"{100 * row['acc']:.1f}",
            f"{100 * row['nmi']:.1f}",
            f"{row['cpu_s']:,.0f} s",
            f"{row['peak_extra_bytes'] / 1e6:,.0f} MB",
            str(row.get("epochs", "")),
        ]
        for row in rows
    ]
    return markdown(["", "ACC", "NMI", "CPU time", "memory beside the features", "epochs"], table)


TABLES: dict[str, Callable[[], str]] = {
    "large": large,
    "large_fits": fits,
    "scores": scores,
    "speed": speed,
    "gradients": gradients,
    "scaling": scaling,
}
