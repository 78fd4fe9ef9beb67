"""The folder of a prepared graph: who has made what of it, and the graph mapped from it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab._distributed import is_distributed, rank, world_size
from graphlab._io import file_lock, read_json, sweep_stale, write_json
from graphlab._progress import Progress
from graphlab.ops import CSRGraph
from graphlab.tag.graphclip._prepared.chunks import edge_chunks
from graphlab.tag.graphclip._prepared.merge import KEY_BYTES, merge_runs
from graphlab.tag.graphclip._prepared.runs import EDGE_BYTES, chunk_name, read_runs, write_run

__all__: list[str] = []

_FORMAT = "graphlab.prepared_graph"
_SETTINGS = "settings.json"
_RECORD = "graph.json"
_RUNS = "runs"
_STATE = "merge.json"


def prepare_on_disk(
    edges: Tensor | Iterable[Tensor], num_nodes: int, folder: Path, memory: int
) -> CSRGraph:
    """Both directions of every edge once, without self-loops, sorted in a folder and mapped.

    Args:
        edges (Tensor or Iterable[Tensor]): ``(2, E)`` integers, or pieces of them.
        num_nodes (int): Number of nodes.
        folder (Path): Folder of the graph, the same on all processes.
        memory (int): Bytes that sorting may take.

    Raises:
        TypeError, ValueError, IndexError: If edges are malformed or out of range, or the folder
            holds another graph.
        OSError: If it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with file_lock(folder / ".prepare.lock"):
        size = _claim(folder, num_nodes, max(1, memory // EDGE_BYTES))
    # A second call for the folder waits, and finds the graph: two would cut each other's files.
    with file_lock(folder / ".work.lock") if rank() == 0 else nullcontext():
        _wait()
        names = _sort(edges, num_nodes, folder, size)
        _wait()
        if rank() == 0:
            if not (folder / _RECORD).is_file():
                _join(folder, names, num_nodes, max(1, memory // KEY_BYTES))
            (folder / _STATE).unlink(missing_ok=True)
            shutil.rmtree(folder / _RUNS, ignore_errors=True)
    _wait()
    return _open(folder, num_nodes)


def _claim(folder: Path, num_nodes: int, size: int) -> int:
    """Note what the folder is for, or see that it is for the same; returns the edges of a chunk."""
    path = folder / _SETTINGS
    for place in (folder, folder / _RUNS):
        sweep_stale(place)
    if not path.is_file():
        write_json(path, {"format": _FORMAT, "num_nodes": num_nodes, "chunk": size})
        return size
    noted = read_json(path)
    known = isinstance(noted, dict) and noted.get("format") == _FORMAT
    if not known or not all(type(noted.get(key)) is int for key in ("num_nodes", "chunk")):
        raise ValueError(f"{path} is of something else than a prepared graph; use another folder")
    if noted["num_nodes"] != num_nodes:
        raise ValueError(
            f"{folder} holds a graph of {noted['num_nodes']} nodes, not of {num_nodes}; "
            "use another folder"
        )
    return int(noted["chunk"])


def _sort(
    edges: Tensor | Iterable[Tensor], num_nodes: int, folder: Path, size: int
) -> dict[int, str]:
    """Sort the chunks of this process; where the graph is there, only compare them.

    Returns:
        dict[int, str]: Hashes of the chunks by number, empty for those of other processes.
    """
    path = folder / _RECORD
    made = _record(folder)["chunks"] if path.is_file() else None
    names: dict[int, str] = {}
    count = 0
    total = edges.size(1) if isinstance(edges, Tensor) and edges.dim() == 2 else None
    with Progress(total, "sort edges", unit="edges") as progress:
        for number, chunk in enumerate(edge_chunks(edges, num_nodes, size)):
            count += 1
            if number % world_size() != rank():
                names[number] = ""
            elif made is None:
                names[number] = write_run(folder / _RUNS, number, chunk, num_nodes)
            else:
                names[number] = chunk_name(chunk)
                if number >= len(made) or names[number] != made[number]:
                    raise ValueError(f"{folder} holds the graph of other edges; use another folder")
            progress.update(chunk.size(1))
            del chunk  # before the next one is put together
    if made is not None and count != len(made):
        raise ValueError(f"{folder} holds the graph of other edges; use another folder")
    return names


def _join(folder: Path, names: dict[int, str], num_nodes: int, limit: int) -> None:
    """Merge the runs; the graph stands when its record does, and the runs are removed."""
    runs = folder / _RUNS
    there = sorted(int(path.stem) for path in runs.glob("*.json")) if runs.is_dir() else []
    if there != sorted(names):
        raise ValueError(f"{folder} holds the graph of other edges; use another folder")
    files = folder / "rowptr.npy", folder / "col.npy", folder / _STATE
    entries = merge_runs(read_runs(runs, there), num_nodes, limit, *files)
    chunks = [read_json(runs / f"{number:05d}.json")["edges"] for number in there]
    record = {"format": _FORMAT, "num_nodes": num_nodes, "entries": entries, "chunks": chunks}
    write_json(folder / _RECORD, record)


def _open(folder: Path, num_nodes: int) -> CSRGraph:
    """The graph, mapped.

    Raises:
        ValueError: If the files do not belong together.
    """
    record = _record(folder)
    arrays: dict[str, Any] = {}
    sizes = {"rowptr": (np.int64, num_nodes + 1), "col": (np.int32, record["entries"])}
    for name, (dtype, size) in sizes.items():
        path = folder / f"{name}.npy"
        try:
            # Copy on write: torch wants arrays it might write to. Nothing can be mapped of none.
            array = np.load(path, mmap_mode="c" if size else None, allow_pickle=False)
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error!s:.400}") from error
        if array.shape != (size,) or array.dtype != dtype:
            raise ValueError(f"{path} is damaged: {array.dtype} {array.shape}, not ({size},)")
        arrays[name] = torch.from_numpy(array)
    return CSRGraph(arrays["rowptr"], arrays["col"])


def _record(folder: Path) -> dict[str, Any]:
    path = folder / _RECORD
    record = read_json(path)
    if not isinstance(record, dict) or not {"chunks", "entries"} <= record.keys():
        raise ValueError(f"{path} is damaged: remove its folder and prepare the graph again")
    return record


def _wait() -> None:
    if is_distributed():
        torch.distributed.barrier()
