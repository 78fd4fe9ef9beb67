"""Tables of pairs on disk: what was measured, and where its slopes lead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _tables.common import ROOT, markdown, read

FILES = ("benchmarks/results/tag_store.json", "benchmarks/results/tag.json")
NAMES = (
    "sort on disk", "sample", "pairs from disk", "pairs from disk, again", "pairs in memory",
    "training",
)  # fmt: skip
DEFAULT = ", walks of 64 steps"
FAR_NODES, FAR_EDGES = 111_000_000, 1_600_000_000
WIDTH_BYTES = 2 * 384


def measured() -> list[dict[str, Any]]:
    """Rows of the part, none before its first run."""
    for path in FILES:
        if (ROOT / path).exists():
            rows = [
                row
                for row in read(path)["rows"]
                if row["name"].removesuffix(DEFAULT) in NAMES or "ratio" in row
            ]
            if rows:
                return rows
    return []


def store() -> str:
    """Time and memory at both sizes, and of two processes."""
    rows = []
    for row in measured():
        memory = f"{row['peak_extra_bytes'] / 1e9:.2f} GB" if "peak_extra_bytes" in row else ""
        notes = []
        if "encoding_bytes" in row:
            notes.append(
                f"encodings {row['encoding_bytes'] / 1e9:.2f} GB on disk, "
                f"{row['node_entries'] / 1e6:.1f} M nodes in all"
            )
        if "memory_bytes" in row:
            notes.append(f"memory={row['memory_bytes'] / 2**20:.0f} MiB")
        if "ratio" in row:
            notes.append(f"{row['ratio']:.2f} times one process")
        rows.append([row["case"], row["name"], f"{row['cpu_s']:.1f} s", memory, ", ".join(notes)])
    if not rows:
        return markdown(["not measured yet"], [])
    return markdown(["case", "what", "processor time", "most memory on top", ""], rows)


def far() -> str:
    """111 million nodes and 1.6 billion edges by the slopes between the two sizes."""
    rows = {(row["name"], row["pairs"]): row for row in measured() if "pairs" in row}
    sizes = sorted({pairs for _, pairs in rows})
    if len(sizes) < 2:
        return markdown(["not measured yet"], [])

    def slope(name: str, key: str, unit: str = "pairs") -> float:
        """Rise of a figure per pair, or per another unit."""
        small, large = (rows[name, size] for size in (sizes[0], sizes[-1]))
        return float((large[key] - small[key]) / (large[unit] - small[unit]))

    entries = 2 * FAR_EDGES
    graph = slope("sample", "graph_bytes", "entries") * entries
    sorting = slope("sample", "graph_peak_extra_bytes", "entries") * entries
    train = rows["training", sizes[-1]]
    disk = rows.get(("sort on disk", sizes[-1]))  # not in files of earlier versions
    default = rows.get(("pairs from disk, again" + DEFAULT, sizes[-1]))
    hours = {
        "subgraphs": slope("sample", "cpu_s") * FAR_NODES,
        "checks, names, encodings": slope("pairs from disk", "cpu_s") * FAR_NODES,
        "an epoch of the small tower": train["cpu_s"] / train["trained"] * FAR_NODES,
    }
    held = slope("pairs from disk", "peak_extra_bytes") * FAR_NODES
    files = {
        "features and texts": 2 * WIDTH_BYTES * FAR_NODES,
        "subgraphs": slope("pairs from disk, again", "store_bytes") * FAR_NODES,
        "encodings": slope("pairs from disk, again", "encoding_bytes") * FAR_NODES,
    }
    if default:
        bytes_each = default["encoding_bytes"] / default["pairs"]
        files["encodings of walks of 64 steps"] = bytes_each * FAR_NODES
    on_disk = []
    if disk:
        files["sorted runs of the edges, meanwhile"] = 16 * entries
        sort = slope("sort on disk", "cpu_s", "entries") * entries
        on_disk = [
            [
                f"memory: sorting it on disk, memory={disk['memory_bytes'] / 2**20:.0f} MiB",
                *[f"{disk['peak_extra_bytes'] / 1e9:.2f} GB"] * 3,
            ],
            ["time: sorting it on disk, by one process", *[f"{sort / 3600:.1f} h"] * 3],
        ]
    cells = [
        ["memory or disk: the prepared graph", *[f"{graph / 1e9:.0f} GB"] * 3],
        ["memory: sorting it in memory", *[f"{sorting / 1e9:.0f} GB"] * 3],
        *on_disk[:1],
        ["memory: pairs", *[f"{max(held, 0) / 1e9:.1f} GB"] * 3],
        *([f"disk: {name}", *[f"{size / 1e9:.0f} GB"] * 3] for name, size in files.items()),
        *on_disk[1:],
        *(
            [f"time: {name}", *(f"{seconds / 3600 / ranks:.1f} h" for ranks in (1, 16, 128))]
            for name, seconds in hours.items()
        ),
    ]
    head = [f"{FAR_NODES / 1e6:.0f}M nodes, all of them roots, {FAR_EDGES / 1e9:.1f}B edges"]
    return markdown([*head, "1 process", "each of 16", "each of 128"], cells)


TABLES: dict[str, Callable[[], str]] = {"tag_store": store, "tag_store_far": far}
