"""Tables of FastRP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _tables.common import ROOT, markdown, measured, present, read, spread

SETS = {
    "blogcatalog": "BlogCatalog, d = 128",
    "blogcatalog_d512": "BlogCatalog, d = 512, holdout",
    "blogcatalog_peers": "BlogCatalog, d = 128",
    "wikipedia": "Wikipedia-POS, d = 128",
    "wikipedia_peers": "Wikipedia-POS, d = 128",
    "dblp": "DBLP, d = 128",
}
METHODS = ("most frequent labels", "authors' setting", "tuned on validation")
PEERS = ("spectral (SVD)", "NetMF (DeepWalk's matrix)")
RATIOS = (0.01, 0.05, 0.09, 0.1, 0.5, 0.9)


def scores() -> str:
    """Micro and macro F1 by training ratio, with the number of labels known and not known."""
    rows = []
    for name, title in SETS.items():
        # FastRP's rows stand in the other file of the set; two files may have one title.
        methods = PEERS if name.endswith("_peers") else (*METHODS, *PEERS)
        for table in present("fastrp", {name: title}).values():
            for ratio in (r for r in table["config"]["ratios"] if r in RATIOS):
                for method in methods:
                    rows += of_method(table, title, ratio, method)
    header = ["data", "train", "row", "micro F1", "macro F1", "micro, thresholded", "macro, thr."]
    return markdown([*header, "seconds to embed"], rows)


def of_method(table: dict[str, Any], title: str, ratio: float, method: str) -> list[list[str]]:
    """Row of a method at a ratio, and the published one; none where the file lacks it."""
    label = f"{method}, {100 * ratio:g} % train"
    row = table["rows"].get(label)
    if row is None:
        return []
    first = [title, f"{100 * ratio:g} %"]
    cells = [spread(row[m]) for m in ("micro", "macro", "micro_t", "macro_t")]
    seconds = f"{row['seconds']['mean']:.2f}" if "seconds" in row else ""
    rows = [[*first, method, *cells, seconds]]
    published = table["published"].get(label)
    if published:
        numbers = [f"{100 * published[m]:.1f}" for m in ("micro", "macro")]
        rows.append([*first, "published notebook", *numbers, "", "", ""])
    return rows


def file(threads: int) -> str:
    """Benchmark file of a number of threads."""
    return f"benchmarks/results/embed_{threads}threads.json"


def measured_threads() -> list[int]:
    """Numbers of threads that were measured."""
    return [threads for threads in (1, 2) if (ROOT / file(threads)).exists()]


def case(path: str, part: str) -> dict[str, dict[str, Any]]:
    """The rows of the case whose name starts with ``part``."""
    names = {row["case"] for row in read(path)["rows"] if row["case"].startswith(part)}
    return measured(path, names.pop())


def speed() -> str:
    """One embedding beside every peer, on one and on two threads."""
    tables = [case(file(threads), "R-MAT 2^18") for threads in measured_threads()]
    rows = []
    for name, row in tables[0].items():
        cells = [f"{rows_[name]['median_s']:.2f} s" for rows_ in tables]
        ratios = [
            f"{rows_[name]['median_s'] / rows_['graphlab']['median_s']:.1f}x" for rows_ in tables
        ]
        rows.append([name, *cells, *ratios, f"{row['peak_extra_bytes'] / 1e6:,.0f}"])
    counts = measured_threads()
    header = ["method", *(f"{n} thread{'s' * (n > 1)}" for n in counts)]
    header += [f"times ours, {n}" for n in counts]
    return markdown([*header, "extra memory, MB"], rows)


def bound() -> str:
    """2^20 nodes beside the bandwidth bound; BlogCatalog; the largest graph."""
    rows = []
    for threads in measured_threads():
        row = case(file(threads), "R-MAT 2^20")["graphlab"]
        text = (
            f"copy {row['copy_gb_per_s']:.1f} GB/s; {row['times_the_bound']:.2f} times the bound "
            f"without reuse ({row['zero_reuse_bound_s']:.2f} s)"
        )
        rows.append([row["case"], str(threads), f"{row['median_s']:.2f} s", text])
        for dim in (128, 512):
            measured_case = case(file(threads), f"BlogCatalog, d = {dim}")
            ours = measured_case["graphlab"]
            text = f"{ours['speedup']:.0f} times the authors' method"
            rows.append([ours["case"], str(threads), f"{1e3 * ours['median_s']:.0f} ms", text])
    large = "benchmarks/results/embed_large_2threads.json"
    if (ROOT / large).exists():
        row = read(large)["rows"][0]
        text = f"extra memory {row['peak_extra_bytes'] / 1e9:.1f} GB"
        rows.append([row["case"], "2", f"{row['median_s']:.0f} s", text])
    return markdown(["case", "threads", "time", ""], rows)


def reconstruction() -> str:
    """Mean average precision by distance."""
    rows = []
    for title, table in present("fastrp_reconstruction", {"blogcatalog": "BlogCatalog"}).items():
        names = [name.rpartition(",")[0] for name in table["rows"] if name.endswith(", 1 hops")]
        for name in names:
            cells = [spread(table["rows"][f"{name}, {hop} hops"]["map"]) for hop in (1, 2, 3)]
            rows.append([title, name, *cells])
    header = ["graph", "rows", "1 hop", "2 hops", "3 hops"]
    return markdown(header, rows) if rows else "not measured yet"


TABLES: dict[str, Callable[[], str]] = {
    "fastrp_scores": scores,
    "fastrp_speed": speed,
    "fastrp_bound": bound,
    "fastrp_reconstruction": reconstruction,
}
