"""Bars of everything that was timed: ours, peers, and the floor where one is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from _tables.common import ROOT, markdown, read

FILES = {
    "pamc": "PamC and SCGC",
    "grace": "GRACE",
    "pairwise": "all pairs",
    "pairwise_rank": "ranks",
    "pairwise_topk": "best rows",
    "pot": "POT",
    "embed_2threads": "FastRP",
    "concentration": "topological concentration",
    "hyper": "hypergraph reconstruction",
    "tape": "TAPE",
    "graphclip": "GraphCLIP",
    "tag": "text layer",
    "scatter": "sums of rows",
    "scatter_means_attention": "means and attention",
    "sparse_rows": "typed messages and sparse rows",
    "sharing": "threads on a shared machine",
}
GPUS = ("h100", "h200")
#: Keys under which a row tells the least time possible.
FLOORS = ("zero_reuse_bound_s", "least_possible_s")
WIDTH = 24


@dataclass(frozen=True)
class Case:
    """One thing that several methods do.

    Attributes:
        system (str): Title of the system.
        title (str): What is done.
        seconds (dict[str, float]): Time by method, as measured.
        floor (float, optional): The least time possible, where it is known.
    """

    system: str
    title: str
    seconds: dict[str, float]
    floor: float | None


def cases() -> Iterator[Case]:
    """Cases of all CPU result files with at least two bars."""
    for name, system in FILES.items():
        path = f"benchmarks/results/{name}.json"
        if not (ROOT / path).exists():
            continue
        rows = [row for row in read(path)["rows"] if "median_s" in row]
        again = measured_again(name)
        rows = [row for row in rows if row["case"] not in again]
        for title in dict.fromkeys(row["case"] for row in rows):
            same = [row for row in rows if row["case"] == title]
            seconds = {row["name"]: row["median_s"] for row in same}
            floor = next((row[key] for row in same for key in FLOORS if key in row), None)
            # Cases that repeat a name are curves over sizes, not comparisons.
            if len(seconds) == len(same) and len(seconds) + (floor is not None) > 1:
                yield Case(system, title, seconds, floor)


def measured_again(name: str) -> set[str]:
    """Cases of a file that the file of one of its parts has too, which is the newer one."""
    parts = [part for part in FILES if part.startswith(f"{name}_")]
    paths = [f"benchmarks/results/{part}.json" for part in parts]
    return {row["case"] for path in paths if (ROOT / path).exists() for row in read(path)["rows"]}


def bar(share: float) -> str:
    """A bar of a share of the whole width; something is always seen."""
    return "█" * max(1, round(WIDTH * share))


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{1e6 * seconds:.3g} µs"


def bars(times: dict[str, float], floor: float | None) -> list[list[str]]:
    """Name, time and bar of every method, slowest first, the floor last."""
    longest = max(times.values())
    rows = [
        [name, duration(seconds), bar(seconds / longest)]
        for name, seconds in sorted(times.items(), key=lambda item: -item[1])
    ]
    if floor is not None:
        rows.append(["*floor*", duration(floor), bar(floor / longest)])
    return rows


def cpu() -> str:
    """Every case on the CPU."""
    rows, before = [], ""
    for case in cases():
        for i, row in enumerate(bars(case.seconds, case.floor)):
            system = case.system if case.system != before else ""
            rows.append([system, case.title if i == 0 else "", *row])
            before = case.system
    return markdown(["system", "case", "method", "time", "of the slowest"], rows)


def machines() -> str:
    """Machine and date of every file."""
    rows = []
    for name, system in FILES.items():
        path = f"benchmarks/results/{name}.json"
        if not (ROOT / path).exists():
            continue
        file = read(path)
        hardware, threads = file["hardware"], file["threads"]["torch"]
        cell = f"{hardware['cpu']}, {hardware['cores']} cores, {threads} threads"
        rows.append([system, cell, file["date"][:10], file["commit"][:7], f"`{file['command']}`"])
    return markdown(["system", "machine", "date", "commit", "command"], rows)


def sharing() -> str:
    """One and two threads beside busy processes, for both ways in which OpenMP's threads wait."""
    rows = read("benchmarks/results/sharing.json")["rows"]
    lines = []
    for one, two in zip(rows[::2], rows[1::2], strict=True):
        ratio, low, high = (1 / two[key] for key in ("speedup", "speedup_q3", "speedup_q1"))
        beside = two["case"].split(" beside ")[1]
        times = [duration(row["median_s"]) for row in (one, two)]
        lines.append(
            [two["threads wait"], beside, *times, f"{ratio:.2f} ({low:.2f} to {high:.2f})"]
        )
    header = ["threads wait", "beside", "one thread", "two threads", "two over one (quartiles)"]
    return markdown(header, lines)


def cuda() -> str:
    """Operators on the GPUs that were measured; says so where none was."""
    rows = [line for stem in GPUS for line in gpu_lines(stem)]
    if not rows:
        return markdown(["not measured: no CUDA kernel has been run on a GPU yet"], [])
    header = ["device", "operator", "time", "times the floor", "peer", "peer over ours", "error"]
    return markdown(header, rows)


def gpu_lines(stem: str) -> list[list[str]]:
    """One line per operator of a device's file."""
    path = f"benchmarks/results/{stem}.json"
    if not (ROOT / path).exists():
        return []
    return [gpu_line(stem, row) for row in read(path)["rows"] if "time_us" in row]


def gpu_line(stem: str, row: dict[str, Any]) -> list[str]:
    """Time, ratios and error of one operator."""
    ratio = "" if row["ratio_to_peer"] is None else f"{row['ratio_to_peer']:.1f}x"
    return [
        stem.upper(),
        f"`{row['case']}`",
        duration(1e-6 * row["time_us"]),
        f"{row['ratio_to_floor']:.2f}",
        row["peer"] or "",
        ratio,
        f"{row['max_error']:.0e}",
    ]


TABLES: dict[str, Callable[[], str]] = {
    "performance_cpu": cpu,
    "performance_cuda": cuda,
    "performance_machines": machines,
    "sharing": sharing,
}
