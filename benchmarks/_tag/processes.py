"""Sampling and preparation of pairs on disk by several processes."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import torch.distributed as dist

from benchmarks._tag.store import (
    STEPS,
    Row,
    case,
    child,
    edges_of,
    opened,
    sampler,
    start,
)
from graphlab.tag import SubgraphSampler


def processes(count: int, repeats: int = 3) -> list[Row]:
    """Sampling and preparation by one process and by two, in turn."""
    found: dict[int, list[list[float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        child("write_inputs", folder, count)
        for turn in range(repeats):
            for size in (1, 2):
                ranks = [
                    start("share", folder, count, rank, size, f"{size}-{turn}", module=__name__)
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
    where = Path(folder) / f"store-{turn}"
    sampler().sample(graph, directory=where)
    opened(folder, where).share(STEPS)
    print(json.dumps({"cpu_s": time.process_time() - begin}), flush=True)
    dist.destroy_process_group()
