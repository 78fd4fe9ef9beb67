"""Pairs of subgraphs and texts on disk: memory, time and files by their number.

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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
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
LENGTH = 20  # steps of a walk: some ten nodes a subgraph, ten million in all
DEFAULT = SubgraphSampler().walk_length
MEMORY = 2**26  # bytes for sorting on disk: several runs, also of the smaller graph
STEPS = 32  # of the positional encoding
ROOT = Path(__file__).parents[2]
Row = dict[str, Any]


def store(pairs: int) -> list[Row]:
    """Preparation of so many pairs and of a quarter, and a step of training."""
    rows: list[Row] = []
    for count in (pairs // 4, pairs):
        with tempfile.TemporaryDirectory() as folder:
            child("write_inputs", folder, count)
            rows.append(child("sort_on_disk", folder, count))
            rows += [child(name, folder, count) for name in ("sample", "prepare", "reopen")]
            rows += [child("in_memory", folder, count), child("train", folder, count)]
            if count == pairs:
                for name in ("sample", "prepare", "reopen"):
                    rows.append(child(name, folder, count, DEFAULT))
    return rows


def child(function: str, folder: str, *arguments: object) -> Row:
    """The row that a function of this module prints in a process of its own."""
    out = start(function, folder, *arguments).communicate()[0]
    row: Row = json.loads(out.splitlines()[-1])
    print(json.dumps(row), file=sys.stderr, flush=True)  # a run at full size takes long
    return row


def start(
    function: str, *arguments: object, module: str = "benchmarks._tag.store"
) -> subprocess.Popen[str]:
    """Call a function of a module in another process with one thread."""
    words = ", ".join(repr(a) for a in arguments)
    code = f"from {module} import {function}; {function}({words})"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GRAPHLAB_PROGRESS": "0"}
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE
    )


def report(
    name: str, count: int, run: Callable[[], Any], length: int = LENGTH, **facts: object
) -> None:
    """Print seconds and memory of a call as the row of this process."""
    seconds: list[float] = []

    def timed() -> None:
        begin = time.process_time()
        run()
        seconds.append(time.process_time() - begin)

    peak = peak_memory(timed).cpu_bytes
    name = name if length == LENGTH else f"{name}, walks of {length} steps"
    row = {"case": case(count), "name": name, "pairs": count, "cpu_s": seconds[0]}
    row |= {"walk_length": length, "peak_extra_bytes": peak, **facts}
    print(json.dumps(row), flush=True)


def case(count: int) -> str:
    """What is prepared."""
    return f"{count} nodes and pairs, {DEGREE * count} entries, d = {WIDTH}, float16"


# --- inputs ---------------------------------------------------------------------------------------


def write_inputs(folder: str, count: int) -> None:
    """A random graph, and random unit rows as features and texts, by pieces."""
    edges = uniform_graph(count, DEGREE, SEED)
    torch.save(edges, f"{folder}/edges.pt")
    for number, piece in enumerate(edges.split(2**18, dim=1)):
        np.save(f"{folder}/edges-{number:04d}.npy", piece.numpy())
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


def pieces_of(folder: str) -> Iterator[torch.Tensor]:
    """The edges, piece by piece."""
    for path in sorted(Path(folder).glob("edges-*.npy")):
        yield torch.from_numpy(np.load(path))


def sampler(length: int = LENGTH) -> SubgraphSampler:
    """Walks."""
    return SubgraphSampler("rwr", length, seed=SEED)


def subgraphs_of(folder: str, length: int) -> Path:
    """Where the subgraphs of such walks are."""
    return Path(folder) / f"store-{length}"


def opened(folder: str, subgraphs: Path) -> GraphTextPairs:
    """The pairs, from files."""
    x, text = (EmbeddingStore(f"{folder}/{name}") for name in ("x", "text"))
    return GraphTextPairs(x, SubgraphStore.load(subgraphs, verify=False), text)


def size_of(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


# --- one process ----------------------------------------------------------------------------------


def sort_on_disk(folder: str, count: int) -> None:
    """The graph, sorted on disk with little memory, from pieces."""
    where = Path(folder) / "graph"

    def run() -> None:
        SubgraphSampler.prepare(pieces_of(folder), count, directory=where, memory=MEMORY)

    entries = edges_of(folder).size(1)
    report("sort on disk", count, run, entries=entries, memory_bytes=MEMORY)


def sample(folder: str, count: int, length: int = LENGTH) -> None:
    """Subgraphs of all nodes, from a prepared graph into a folder."""
    begin, edges = time.process_time(), edges_of(folder)
    memory = peak_memory(lambda: SubgraphSampler.prepare(edges, count)).cpu_bytes
    graph = SubgraphSampler.prepare(edges, count)
    facts = {"graph_cpu_s": (time.process_time() - begin) / 2, "graph_peak_extra_bytes": memory}
    facts |= {"graph_bytes": graph.col.nbytes + graph.rowptr.nbytes, "entries": edges.size(1)}
    where, draw = subgraphs_of(folder, length), sampler(length)
    report("sample", count, lambda: draw.sample(graph, directory=where), length, **facts)


def prepare(folder: str, count: int, length: int = LENGTH) -> None:
    """Checks, names of texts, encodings; nothing of it was there before."""
    where = subgraphs_of(folder, length)
    entries = SubgraphStore.load(where, verify=False).node.size
    before = size_of(where)
    report("pairs from disk", count, lambda: opened(folder, where).share(STEPS), length,
           node_entries=entries)  # fmt: skip
    # Nothing is printed twice: the sizes go into the row of the second opening.
    sizes = {"encoding_bytes": size_of(where) - before, "store_bytes": before}
    sizes["node_entries"] = entries
    Path(folder, "sizes.json").write_text(json.dumps(sizes), encoding="utf-8")


def reopen(folder: str, count: int, length: int = LENGTH) -> None:
    """The same again: encodings are there."""
    sizes = json.loads(Path(folder, "sizes.json").read_text(encoding="utf-8"))
    where = subgraphs_of(folder, length)
    report("pairs from disk, again", count, lambda: opened(folder, where).share(STEPS), length,
           **sizes)  # fmt: skip


def in_memory(folder: str, count: int) -> None:
    """Features, texts and subgraphs as tensors; memory above these."""
    x, text = (EmbeddingStore(f"{folder}/{name}").tensor() for name in ("x", "text"))
    saved = SubgraphStore.load(subgraphs_of(folder, LENGTH), mode="memory", verify=False)
    names = ("node_ptr", "node", "edge_ptr", "edge", "root")
    subgraphs = SubgraphStore(**{name: getattr(saved, name) for name in names})
    report("pairs in memory", count, lambda: GraphTextPairs(x, subgraphs, text).encoding(STEPS),
           input_bytes=x.nbytes + text.nbytes + subgraphs.nbytes)  # fmt: skip


def train(folder: str, count: int) -> None:
    """An epoch over a few thousand of the pairs with the small tower of the documentation."""
    pairs = opened(folder, subgraphs_of(folder, LENGTH))
    pairs.share(STEPS)
    with seeded(SEED, torch.device("cpu")):
        tower = GraphCLIPEncoder(WIDTH, 128, num_layers=3, out_channels=WIDTH)
    chosen = 2048
    few = GraphTextPairs(pairs.x, pairs.store.select(range(chosen)), pairs.text[:chosen])
    config = PretrainConfig(epochs=1, batch_size=256, val_fraction=0.0)
    report("training", count, lambda: pretrain(GraphCLIP(tower), few, config), trained=chosen)
