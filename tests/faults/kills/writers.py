"""Everything that writes files, with a reader that tells which version it finds whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from experiments._harness.context import METRICS, Context
from experiments._harness.results import Results
from graphlab._estimator import Estimator
from graphlab._io import (
    atomic_write,
    file_lock,
    load_arrays,
    read_json,
    save_arrays,
    sweep_stale,
    write_json,
)
from graphlab._training_checkpoint import load_checkpoint, save_checkpoint
from graphlab.tag import EmbeddingStore, GraphRetriever, TextEncoder
from graphlab.tag.embedding._cache import EmbeddingCache
from graphlab.tag.graphclip import SubgraphStore
from graphlab.tag.llm._cache import ReplyCache

SIZE = 1 << 20  # bytes per write: large enough that most kills land inside one


@dataclass(frozen=True)
class Writer:
    """A writer under test.

    Attributes:
        write (callable): Writes a version, a positive number, into a folder, over an earlier one.
        read (callable): The version in a folder; raises if a file is damaged or files disagree.
        tidies (bool): Whether :func:`sweep_stale` removes all that a killed write leaves; for
            others the next write does.
        next (callable, optional): The version to write after one that was read (one more).
    """

    write: Callable[[Path, int], None]
    read: Callable[[Path], int]
    tidies: bool = True


class Model(Estimator):
    """An estimator whose tensor and parameter must agree."""

    def __init__(self, version: int = 0) -> None:
        self.version = version

    def _config(self):
        return {"version": self.version}

    def _arrays(self):
        return {"x": torch.full((SIZE // 8,), self.version)}

    @classmethod
    def _restore(cls, config, arrays):
        if not bool((arrays["x"] == config["version"]).all()):
            raise RuntimeError("parameters and arrays are of different saves")
        return cls(**config)


def write_bytes(folder: Path, version: int) -> None:
    atomic_write(folder / "file", version.to_bytes(8, "big") * (SIZE // 8))


def read_bytes(folder: Path) -> int:
    data = (folder / "file").read_bytes()
    assert data == data[:8] * (SIZE // 8)
    return int.from_bytes(data[:8], "big")


def write_document(folder: Path, version: int) -> None:
    write_json(folder / "file", [version] * (SIZE // 64))


def read_document(folder: Path) -> int:
    values = read_json(folder / "file")
    assert values == values[:1] * (SIZE // 64)
    return values[0]


def write_tensors(folder: Path, version: int) -> None:
    x = torch.full((SIZE // 16,), version)
    save_arrays(folder / "file", {"x": x, "y": -x}, {"version": str(version)})


def read_tensors(folder: Path) -> int:
    arrays, metadata = load_arrays(folder / "file")
    version = int(metadata["version"])
    assert bool((arrays["x"] == version).all())
    assert bool((arrays["y"] == -version).all())
    return version


def write_model(folder: Path, version: int) -> None:
    Model(version).save(folder)


def read_model(folder: Path) -> int:
    return Model.load(folder).version


def write_locked(folder: Path, version: int) -> None:
    with file_lock(folder / "lock"):
        write_bytes(folder, version)


def read_locked(folder: Path) -> int:
    with file_lock(folder / "lock", timeout=5.0):
        return read_bytes(folder)


# --- stores and caches ----------------------------------------------------------------------------


def write_store(folder: Path, version: int) -> None:
    size = SIZE // 8
    ends = np.array([0, size])
    nodes = np.full(size, version, np.int32)
    edges = np.full((2, size), version, np.int16)
    SubgraphStore(ends, nodes, ends, edges, np.array([version], np.int32)).save(folder)


def read_store(folder: Path) -> int:
    store = SubgraphStore.load(folder)
    version = int(store.root[0])
    assert (store.node == version).all() and (store.edge == version).all()
    return version


ROWS = 8  # of a transaction


def write_replies(folder: Path, version: int) -> None:
    cache = ReplyCache(folder / "replies.db")
    text = json.dumps(["x" * 4_000, version])
    cache.put([(f"{version:09d} {row}", "{}", text) for row in range(ROWS)])
    cache.close()


def read_replies(folder: Path) -> int:
    cache = ReplyCache(folder / "replies.db")
    count, rest = divmod(len(cache), ROWS)
    assert rest == 0  # a transaction is there or not
    for version in range(1, count + 1):
        for row in range(ROWS):
            assert json.loads(cache.get(f"{version:09d} {row}") or "null")[1] == version
    cache.close()
    return count


def write_rows(folder: Path, version: int) -> None:
    cache = EmbeddingCache(folder)
    keys = cache.keys([f"{version} {row}" for row in range(ROWS)], "settings")
    cache.put(keys, np.full((ROWS, 1_000), version, np.float32))
    cache.close()


def read_rows(folder: Path) -> int:
    cache = EmbeddingCache(folder)
    version = 0
    while found := cache.get(
        cache.keys([f"{version + 1} {row}" for row in range(ROWS)], "settings")
    ):
        version += 1
        assert len(found) == ROWS
        assert all((row == version).all() for row in found.values())
    cache.close()
    return version


SHARD = 4


def _embed(texts: list[str]) -> torch.Tensor:
    return torch.tensor([float(text) for text in texts]).unsqueeze(1).expand(-1, 20_000)


def write_shards(folder: Path, version: int) -> None:
    texts = [str(number) for number in range(SHARD * version)]
    encoder = TextEncoder(_embed, name="numbers", normalize=False)
    encoder.encode_to(texts, folder, shard_size=SHARD, dtype="float32")


def read_shards(folder: Path) -> int:
    store = EmbeddingStore(folder)
    store.verify()
    assert torch.equal(store.tensor()[:, 0], torch.arange(len(store), dtype=torch.float32))
    return len(store) // SHARD


def write_retriever(folder: Path, version: int) -> None:
    texts = {number: f"Text{number} of Version{version} and Rome" for number in range(20)}
    GraphRetriever().index(texts).save(folder)


def read_retriever(folder: Path) -> int:
    retriever = GraphRetriever.load(
        folder, encoder=None, query_encoder=None, names=None, tokenize=None
    )
    versions = {retriever[number].text.split()[2].removeprefix("Version") for number in range(20)}
    (version,) = versions
    assert len(retriever.query(f"Text3 Version{version}", k=3)) == 3
    return int(version)


# --- trainings and scripts ------------------------------------------------------------------------


def _optimizer(version: int) -> torch.optim.Optimizer:
    weight = torch.nn.Parameter(torch.full((SIZE // 32,), float(version)))
    optimizer = torch.optim.Adam([weight])
    weight.grad = torch.full_like(weight, float(version))
    optimizer.step()
    return optimizer


def write_training(folder: Path, version: int) -> None:
    w = torch.full((SIZE // 32,), float(version))
    record = {"settings": {"seed": 0}, "epoch": version}
    save_checkpoint(folder / "file", {"w": w}, _optimizer(version), {"w": -w}, record)


def read_training(folder: Path) -> int:
    optimizer = _optimizer(0)
    weights, best, record = load_checkpoint(folder / "file", optimizer, {"seed": 0})
    version = record["epoch"]
    (state,) = optimizer.state_dict()["state"].values()
    assert bool((weights["w"] == version).all()) and bool((best["w"] == -version).all())
    assert torch.equal(state["exp_avg"], next(iter(_optimizer(version).state.values()))["exp_avg"])
    return version


def write_script(folder: Path, version: int) -> None:
    context = Context(0, torch.device("cpu"), folder)
    context.restore()
    context.log(version, loss=float(version))
    w = torch.full((SIZE // 4,), version)
    context.checkpoint(version, {"w": w}, {"version": version})


def read_script(folder: Path) -> int:
    saved = Context(0, torch.device("cpu"), folder).restore()
    assert saved is not None
    assert saved.state["version"] == saved.step
    assert bool((saved.tensors["w"] == saved.step).all())
    lines = (folder / METRICS).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(1, saved.step + 1))
    return saved.step


def write_results(folder: Path, version: int) -> None:
    Results("script", "preset", {"version": version, "pad": [version] * 20_000}, None).write(
        folder / "results.json"
    )


def read_results(folder: Path) -> int:
    config = read_json(folder / "results.json")["config"]
    assert config["pad"] == [config["version"]] * 20_000
    return config["version"]


WRITERS: dict[str, Writer] = {
    "bytes": Writer(write_bytes, read_bytes),
    "json": Writer(write_document, read_document),
    "arrays": Writer(write_tensors, read_tensors),
    "estimator": Writer(write_model, read_model),
    "locked": Writer(write_locked, read_locked),
    "store of subgraphs": Writer(write_store, read_store, tidies=False),
    "cache of replies": Writer(write_replies, read_replies, tidies=False),
    "cache of embeddings": Writer(write_rows, read_rows, tidies=False),
    "shards of embeddings": Writer(write_shards, read_shards, tidies=False),
    "retriever": Writer(write_retriever, read_retriever),
    "checkpoint of a training": Writer(write_training, read_training),
    "checkpoint of a script": Writer(write_script, read_script),
    "results of a script": Writer(write_results, read_results),
}

__all__ = ["SIZE", "WRITERS", "Writer", "sweep_stale"]
