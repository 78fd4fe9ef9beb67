"""Reading a text graph: 200,000 nodes with abstracts and a million edges, in every kind of table.

python -m benchmarks.text_tables               all parts; writes results/text_tables.json
python -m benchmarks.text_tables --only csv    one part
python -m benchmarks.text_tables --scale 0.01  small, to try it out

Every reading has a process of its own with one thread. ``cpu_s`` is the time that it computed: on a
machine with other work it says more than the time that passed.
"""

from __future__ import annotations

import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._harness.parts import part_parser, run_parts

SEED = 0
HERE = Path(__file__).parent
Row = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """Amounts that the command line may lower together."""

    nodes: int = 200_000
    edges: int = 1_000_000
    words: int = 120
    repeats: int = 3

    @staticmethod
    def scaled(factor: float) -> Sizes:
        """The same, times a factor."""
        full = Sizes()
        nodes, edges = round(full.nodes * factor), round(full.edges * factor)
        return Sizes(max(100, nodes), max(500, edges))


def columns(sizes: Sizes) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """A table of nodes with ids that are words, and one of edges between random ones."""
    draw = np.random.default_rng(SEED)
    vocabulary = np.array([f"w{i:x}" for i in range(50_000)])
    ids = [f"paper-{i * 7919 % 1_000_003}" for i in range(sizes.nodes)]
    texts = [
        ", ".join(vocabulary[draw.integers(vocabulary.size, size=sizes.words)])
        for _ in range(sizes.nodes)
    ]
    nodes = {
        "id": ids,
        "title": [text[:50] for text in texts],
        "abstract": texts,
        "label": [f"cs.{c}" for c in draw.integers(40, size=sizes.nodes)],
        "split": [("train", "val", "test")[c] for c in draw.integers(3, size=sizes.nodes)],
    }
    ends = draw.integers(sizes.nodes, size=(2, sizes.edges)).tolist()
    edges = {"src": [ids[i] for i in ends[0]], "dst": [ids[i] for i in ends[1]]}
    return nodes, edges


def write(table: dict[str, list[str]], path: Path) -> None:
    """Write a table in the form of its ending."""
    rows = zip(*table.values(), strict=True)
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([list(table), *rows])
    elif path.suffix == ".jsonl":
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(dict(zip(table, r, strict=True)))}\n" for r in rows)
    else:
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.table(table), path)


@contextmanager
def tables(sizes: Sizes, ending: str) -> Iterator[Path]:
    """A folder with both tables."""
    with tempfile.TemporaryDirectory() as name:
        nodes, edges = columns(sizes)
        write(nodes, Path(name) / f"nodes.{ending}")
        write(edges, Path(name) / f"edges.{ending}")
        yield Path(name)


def read(folder: str, ending: str, stored: bool, nodes: int) -> None:
    """Read both tables and print seconds and the memory it took; run in a process of its own."""
    from experiments._harness.environment import peak_rss_bytes
    from graphlab.tag import TextGraph

    begin, computed, before = time.perf_counter(), time.process_time(), peak_rss_bytes()
    path = Path(folder)
    text_file = path / "texts.safetensors" if stored else None
    source, target = path / f"nodes.{ending}", path / f"edges.{ending}"
    if ending == "csv":
        graph = TextGraph.from_csv(source, target, text_file=text_file)
    else:
        graph = TextGraph.from_tables(source, target, text_file=text_file)
    if graph.num_nodes != nodes:
        raise RuntimeError(f"{graph.num_nodes} nodes were read, not {nodes}")
    report = {
        "seconds": time.perf_counter() - begin,
        "cpu_s": time.process_time() - computed,
        "memory_bytes": peak_rss_bytes() - before,
    }
    print(json.dumps(report), flush=True)


def measured(folder: Path, ending: str, stored: bool, sizes: Sizes) -> Row:
    """Medians of several readings."""
    code = "from benchmarks.text_tables import read; "
    code += f"read({str(folder)!r}, {ending!r}, {stored}, {sizes.nodes})"
    reports = []
    for _ in range(sizes.repeats):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=HERE.parent, check=True, stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1", "GRAPHLAB_PROGRESS": "0"},
        )  # fmt: skip
        reports.append(json.loads(done.stdout))
    medians = {key: statistics.median(report[key] for report in reports) for key in reports[0]}
    return {**medians, "repeats": sizes.repeats}


def part(ending: str) -> Callable[[Sizes], list[Row]]:
    """One kind of table, with the texts in memory and in a file."""

    def run(sizes: Sizes) -> list[Row]:
        case = f"{sizes.nodes} nodes, {sizes.edges} edges"
        with tables(sizes, ending) as folder:
            size = sum(path.stat().st_size for path in folder.iterdir())
            return [
                {"case": case, "name": f"{ending}, texts in {place}", "file_bytes": size,
                 **measured(folder, ending, place == "a file", sizes)}
                for place in ("memory", "a file")
            ]  # fmt: skip

    return run


PARTS: dict[str, Callable[[Sizes], list[Row]]] = {
    ending: part(ending) for ending in ("csv", "jsonl", "parquet")
}


def main() -> None:
    """Run the chosen parts and write their rows."""
    parser = part_parser(__doc__, PARTS)
    parser.add_argument("--scale", type=float, default=1.0, help="factor on all amounts")
    options = parser.parse_args()
    run_parts("text_tables", PARTS, options, Sizes.scaled(options.scale), seeds=[SEED])


if __name__ == "__main__":
    main()
