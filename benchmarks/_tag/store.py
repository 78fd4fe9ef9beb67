"""Pairs of subgraphs and texts on disk: memory, time and files by their number, and by processes.

Every figure is that of a process of its own, which does one thing. Seconds are those that the
processor spent on it: other work on the machine does not count.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.nn.functional import normalize

from benchmarks._harness.graphs import uniform_graph
from benchmarks._harness.memory import peak_memory
from graphlab._random import seeded
from graphlab.tag import (
    EmbeddingStore,
    GraphCLIP,
    GraphTextPairs,
    PretrainConfig,
    SubgraphSampler,
    pretrain,
)
from graphlab.tag.graphclip import GraphCLIPEncoder, SubgraphStore

SEED = 0
WIDTH = 384
DEGREE = 10  # entries of the graph per node
LENGTH = 20  # steps of a walk: some ten nodes a subgraph
STEPS = 32  # of the positional encoding
ROOT = Path(__file__).parents[2]
Row = dict[str, Any]


def store(pairs: int) -> list[Row]:
    """Preparation of so many pairs and of a quarter, two processes, and a step of training."""
    rows: list[Row] = []
    for count in (pairs // 4, pairs):
        with tempfile.TemporaryDirectory() as folder:
            child("write_inputs", folder, count)
            rows += [child(name, folder, count) for name in ("sample", "prepare", "reopen")]
            rows += [child("in_memory", folder, count), child("train", folder, count)]
    return rows + processes(pairs // 4)


def child(function: str, folder: str, *arguments: object) -> Row:
    """The row that a function of this module prints in a process of its own."""
    out = start(function, folder, *arguments).communicate()[0]
    row: Row = json.loads(out.splitlines()[-1])
    print(json.dumps(row), file=sys.stderr, flush=True)  # a run at full size takes long
    return row


def start(function: str, *arguments: object) -> subprocess.Popen[str]:
    """Call a function of this module in another process with one thread."""
    words = ", ".join(repr(a) for a in arguments)
    code = f"from benchmarks._tag.store import {function}; {function}({words})"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GRAPHLAB_PROGRESS": "0"}
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE
    )


def report(name: str, count: int, run: Callable[[], Any], **facts: object) -> None:
    """Print seconds and memory of a call as the row of this process."""
    seconds: list[float] = []

    def timed() -> None:
        begin = time.process_time()
        run()
        seconds.append(time.process_time() - begin)

    peak = peak_memory(timed).cpu_bytes
    row = {"case": case(count), "name": name, "pairs": count, "cpu_s": seconds[0]}
    row |= {"peak_extra_bytes": peak, **facts}
    print(json.dumps(row), flush=True)


def case(count: int) -> str:
    """What is prepared."""
    return f"{count} nodes and pairs, {DEGREE * count} entries, d = {WIDTH}, float16"


# --- inputs ---------------------------------------------------------------------------------------


def write_inputs(folder: str, count: int) -> None:
    """A random graph, and random unit rows as features and texts, by pieces."""
    edges = uniform_graph(count, DEGREE, SEED)
    torch.save(edges, f"{folder}/edges.pt")
    for name in ("x", "text"):
        EmbeddingStore.write(f"{folder}/{name}", UnitRows(count, name == "x"))
    print(json.dumps({"entries": edges.size(1)}))


class UnitRows:
    """Random unit rows that are drawn when they are asked for."""

    def __init__(self, count: int, first: bool) -> None:
        self.shape, self.dtype, self._stream = (count, WIDTH), torch.float16, int(first)
        self.fingerprint = f"unit rows {count} {first}"

    def __getitem__(self, index: slice) -> torch.Tensor:
        start, stop, _ = index.indices(self.shape[0])
        generator = torch.Generator().manual_seed(2 * start + self._stream)
        return normalize(torch.randn(stop - start, WIDTH, generator=generator)).half()


def edges_of(folder: str) -> torch.Tensor:
    """The edges."""
    edges: torch.Tensor = torch.load(f"{folder}/edges.pt", weights_only=True)
    return edges


def sampler() -> SubgraphSampler:
    """Short walks."""
    return SubgraphSampler("rwr", LENGTH, seed=SEED)


def opened(folder: str, subgraphs: str = "store") -> GraphTextPairs:
    """The pairs, from files."""
    x, text = (EmbeddingStore(f"{folder}/{name}") for name in ("x", "text"))
    return GraphTextPairs(x, SubgraphStore.load(f"{folder}/{subgraphs}", verify=False), text)


def size_of(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


# --- one process ----------------------------------------------------------------------------------


def sample(folder: str, count: int) -> None:
    """Subgraphs of all nodes, from a prepared graph into a folder."""
    begin, edges = time.process_time(), edges_of(folder)
    memory = peak_memory(lambda: SubgraphSampler.prepare(edges, count)).cpu_bytes
    graph = SubgraphSampler.prepare(edges, count)
    facts = {"graph_cpu_s": (time.process_time() - begin) / 2, "graph_peak_extra_bytes": memory}
    facts |= {"graph_bytes": graph.col.nbytes + graph.rowptr.nbytes, "entries": edges.size(1)}
    where = Path(folder) / "store"
    report("sample", count, lambda: sampler().sample(graph, directory=where), **facts)


def prepare(folder: str, count: int) -> None:
    """Checks, names of texts, encodings; nothing of it was there before."""
    entries = SubgraphStore.load(f"{folder}/store", verify=False).node.size
    where = Path(folder) / "store"
    before = size_of(where)
    report("pairs from disk", count, lambda: opened(folder).share(STEPS), node_entries=entries)
    print_with(folder, count, entries, size_of(where) - before, before)


def print_with(folder: str, count: int, entries: int, encodings: int, subgraphs: int) -> None:
    """Nothing is printed twice: the sizes go into the row of the second opening."""
    sizes = {"encoding_bytes": encodings, "store_bytes": subgraphs, "node_entries": entries}
    Path(folder, "sizes.json").write_text(json.dumps(sizes), encoding="utf-8")


def reopen(folder: str, count: int) -> None:
    """The same again: encodings are there."""
    sizes = json.loads(Path(folder, "sizes.json").read_text(encoding="utf-8"))
    report("pairs from disk, again", count, lambda: opened(folder).share(STEPS), **sizes)


def in_memory(folder: str, count: int) -> None:
    """Features, texts and subgraphs as tensors; memory above these."""
    x, text = (EmbeddingStore(f"{folder}/{name}").tensor() for name in ("x", "text"))
    saved = SubgraphStore.load(f"{folder}/store", mode="memory", verify=False)
    names = ("node_ptr", "node", "edge_ptr", "edge", "root")
    subgraphs = SubgraphStore(**{name: getattr(saved, name) for name in names})
    report("pairs in memory", count, lambda: GraphTextPairs(x, subgraphs, text).encoding(STEPS),
           input_bytes=x.nbytes + text.nbytes + subgraphs.nbytes)  # fmt: skip


def train(folder: str, count: int) -> None:
    """An epoch over a few thousand of the pairs with the small tower of the documentation."""
    pairs = opened(folder)
    pairs.share(STEPS)
    with seeded(SEED, torch.device("cpu")):
        tower = GraphCLIPEncoder(WIDTH, 128, num_layers=3, out_channels=WIDTH)
    chosen = 2048
    few = GraphTextPairs(pairs.x, pairs.store.select(range(chosen)), pairs.text[:chosen])
    config = PretrainConfig(epochs=1, batch_size=256, val_fraction=0.0)
    report("training", count, lambda: pretrain(GraphCLIP(tower), few, config), trained=chosen)


# --- several processes ----------------------------------------------------------------------------


def processes(count: int, repeats: int = 3) -> list[Row]:
    """Sampling and preparation by one process and by two, in turn."""
    found: dict[int, list[list[float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        child("write_inputs", folder, count)
        for turn in range(repeats):
            for size in (1, 2):
                ranks = [
                    start("share", folder, count, rank, size, f"{size}-{turn}")
                    for rank in range(size)
                ]
                outs = [process.communicate()[0] for process in ranks]
                found[size].append([json.loads(out)["cpu_s"] for out in outs])
                print(f"{size} processes: {found[size][-1]} s", file=sys.stderr, flush=True)
    # The slowest process decides; of the turns, the one in the middle.
    seconds = {size: sorted(map(max, turns))[repeats // 2] for size, turns in found.items()}
    return [
        {
            "case": f"sampling and encodings, {case(count)}",
            "name": f"{size} process{'es' if size > 1 else ''}",
            "cpu_s": value,
            "ratio": value / seconds[1],
            "repeats": repeats,
        }
        for size, value in seconds.items()
    ]


def share(folder: str, count: int, rank: int, size: int, turn: str) -> None:
    """The part of one process."""
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meet-{turn}", rank=rank, world_size=size
    )
    graph = SubgraphSampler.prepare(edges_of(folder), count)
    dist.barrier()
    begin = time.process_time()
    sampler().sample(graph, directory=f"{folder}/store-{turn}")
    opened(folder, f"store-{turn}").share(STEPS)
    print(json.dumps({"cpu_s": time.process_time() - begin}), flush=True)
    dist.destroy_process_group()
