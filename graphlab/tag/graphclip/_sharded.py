"""Subgraphs that are written as they are drawn, by one process or by many."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab._distributed import is_distributed, rank, world_size
from graphlab._io import file_lock, read_json, write_json
from graphlab._progress import Progress
from graphlab.ops import CSRGraph
from graphlab.tag.graphclip.store import SubgraphStore

__all__: list[str] = []

#: Roots per shard: some ten MB of subgraphs, and a minute of work that a kill may cost.
ROOTS = 65536
_RECORD = "sampling.json"
_STORE = "store.json"
_PARTS = "parts"


def sharded(
    folder: Path,
    graph: CSRGraph,
    roots: Tensor,
    settings: Mapping[str, Any],
    draw: Callable[[Tensor], SubgraphStore],
) -> SubgraphStore:
    """Draw shards that are not there yet, join them, and map the whole.

    Args:
        folder (Path): Folder of the store, the same on all processes.
        graph (CSRGraph): The graph; only its name is needed here.
        roots (Tensor): Roots, int64 ``(P,)``.
        settings (Mapping): What else decides over the subgraphs, as JSON values.
        draw (callable): Subgraphs of some roots.

    Raises:
        ValueError: If the folder holds other subgraphs.
        OSError: If it cannot be written.
    """
    record = {**settings, "graph": _name(graph.rowptr, graph.col), "roots": _name(roots)}
    count = -(-roots.numel() // ROOTS)
    folder.mkdir(parents=True, exist_ok=True)
    with file_lock(folder / ".sampling.lock"):
        _claim(folder, record)
    if not (folder / _STORE).is_file():
        mine = range(rank(), count, world_size())
        with Progress(len(mine), "sample shards", unit="shards") as progress:
            for number in mine:
                part = _part(folder, number)
                if not (part / _STORE).is_file():
                    draw(roots[number * ROOTS : (number + 1) * ROOTS]).save(part)
                progress.update()
    _wait()
    if rank() == 0:
        _join(folder, count)
    _wait()
    return SubgraphStore.load(folder, verify=False)


def _claim(folder: Path, record: dict[str, Any]) -> None:
    """Note what the folder is for, or see that it is for the same."""
    path = folder / _RECORD
    if path.is_file():
        noted = read_json(path)
        differ = sorted(k for k in {*noted, *record} if noted.get(k) != record.get(k))
        if differ:
            changes = ", ".join(f"{k}: {noted.get(k)!r} -> {record.get(k)!r}" for k in differ)
            raise ValueError(f"{folder} holds other subgraphs ({changes}); use another folder")
    elif (folder / _STORE).is_file():
        raise ValueError(f"{folder} holds a store that was not sampled there; use another folder")
    else:
        write_json(path, record)


def _join(folder: Path, count: int) -> None:
    """Put the shards into one store, which stands when its record does, and remove them."""
    if not (folder / _STORE).is_file():
        # Mapped: what is joined need not fit into memory.
        parts = [SubgraphStore.load(_part(folder, i), verify=False) for i in range(count)]
        SubgraphStore.write_joined(folder, parts)
    shutil.rmtree(folder / _PARTS, ignore_errors=True)


def _part(folder: Path, number: int) -> Path:
    return folder / _PARTS / f"{number:05d}"


def _wait() -> None:
    if is_distributed():
        torch.distributed.barrier()


def _name(*tensors: Tensor) -> str:
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(np.ascontiguousarray(tensor.numpy()).data)
    return digest.hexdigest()[:16]
