"""Every reader of the library: whole files for it, a call, and what it may raise.

A reader here is what takes bytes that somebody else wrote. Its errors are those of its docstring,
and name the file (or the argument, where there is no file); anything else is a find.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import scipy.io
import scipy.sparse as sp
import torch
from torch import Tensor

from experiments._harness.context import Context
from experiments._harness.repeat import committed
from graphlab import datasets, embed, tag
from graphlab._estimator import Estimator
from graphlab._io import load_arrays, read_json, save_arrays
from graphlab._text_file import read_text
from graphlab.datasets._local import read_stored
from graphlab.datasets._sdcn_files import read_features, read_integers
from graphlab.tag import graphclip
from graphlab.tag.embedding import EmbeddingStore
from graphlab.tag.embedding._cache import EmbeddingCache
from graphlab.tag.llm._cache import ReplyCache
from graphlab.tag.llm._completion import ErrorAnswer, read_completion
from graphlab.tag.tape import (
    ExplanationTable,
    read_ranked_predictions,
    read_tape_responses,
)
from tests._estimators import ENTRIES, fitted, made, objects_of
from tests.faults.fuzz.mutations import changed, damaged
from tests.faults.fuzz.replies import REPLIES
from tests.tag.graphclip._toy import HashEncoder, toy_model, toy_pairs

Mutate = Callable[[bytes, random.Random, list[bytes]], bytes]


@dataclass(frozen=True)
class Reader:
    """One way to read.

    Attributes:
        files (callable): Whole files by name, of which one is damaged at a time.
        read (callable): Called with the folder that holds them.
        allowed (tuple): What it may raise.
        names (tuple): A message holds one of these, or the folder.
        mutate (callable): What damages a file.
        skip (tuple): Names of files that are never damaged.
        slow (bool): Whether a run takes a tenth of a second and more.
    """

    files: Callable[[Path], None]
    read: Callable[[Path], object]
    allowed: tuple[type[BaseException], ...] = (ValueError,)
    names: tuple[str, ...] = ()
    mutate: Mutate = damaged
    skip: tuple[str, ...] = ()
    slow: bool = False


READERS: dict[str, Reader] = {}


def texts(**files: str | bytes) -> Callable[[Path], None]:
    """Writes files; ``__`` in a name stands for a point."""

    def write(folder: Path) -> None:
        for name, content in files.items():
            raw = content.encode() if isinstance(content, str) else content
            (folder / name.replace("__", ".").replace("_", "-")).write_bytes(raw)

    return write


def crafted(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    """Other tensors or another record, with a right checksum: what is sent to do harm."""
    if draw.random() < 0.2:
        return damaged(data, draw, others)
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        arrays, metadata = load_arrays(path)
        for _ in range(draw.choice((1, 1, 2))):
            if metadata and draw.random() < 0.4:
                key = draw.choice(sorted(metadata))
                try:
                    value = changed(json.loads(metadata[key]), draw)
                    metadata[key] = json.dumps(value)
                except (ValueError, RecursionError):
                    metadata[key] = draw.choice(("", "{}", "[]", "[" * 5000, "null"))
            elif arrays:
                name = draw.choice(sorted(arrays))
                arrays = _changed_arrays(arrays, name, draw)
        save_arrays(path, arrays, metadata)
        return path.read_bytes()


def _changed_arrays(arrays: dict[str, Tensor], name: str, draw: random.Random) -> dict[str, Tensor]:
    value = arrays[name]
    what = draw.randrange(8)
    if what == 0:
        return {k: v for k, v in arrays.items() if k != name}
    if what == 1:
        return arrays | {"extra": torch.ones(2)}
    if what == 2:
        other = draw.choice((torch.float32, torch.int64, torch.uint8, torch.bool, torch.float16))
        return arrays | {name: value.to(other)}
    if what == 3:
        return arrays | {name: value[:-1] if value.dim() and value.size(0) else value.view(-1)}
    if what == 4:
        return arrays | {name: torch.cat([value, value]) if value.dim() else value.view(1)}
    if what == 5:
        return arrays | {name: value.reshape(-1)}
    if what == 6 and value.dtype == torch.uint8 and value.dim() == 1:  # JSON in an array
        try:
            text = json.dumps(changed(json.loads(bytes(value.tolist())), draw))
            return arrays | {name: torch.tensor(list(text.encode()), dtype=torch.uint8)}
        except (ValueError, RecursionError):
            return arrays
    flat = value.clone().reshape(-1)
    if flat.numel():
        at = draw.randrange(flat.numel())
        extremes = (-1, 0, 1, 2**31 - 1) if not flat.is_floating_point() else (float("nan"), 1e38)
        chosen = draw.choice(extremes)
        if flat.dtype in (torch.int64, torch.int32) or flat.is_floating_point():
            flat[at] = chosen
        elif flat.dtype != torch.bool:
            flat[at] = chosen % 100
    return arrays | {name: flat.reshape(value.shape)}


# --- tables and lists of edges --------------------------------------------------------------------

CSV = (
    "source,target,weight,time\nann,bob,1.5,2024-01-02\nbob,eve,2,2024-01-03\n"
    "eve,ann,.5,2024-02-01\n"
)
SPACED = "# a comment\n% another\n0 1 3\n1 2 4\n\n2 0 5\n"

READERS["edge list"] = Reader(
    texts(edges__csv=CSV, plain__txt=SPACED, tabs__tsv=CSV.replace(",", "\t")),
    lambda f: [datasets.read_edge_list(p) for p in sorted(f.iterdir())],
)
READERS["edge list, weights and times"] = Reader(
    texts(edges__csv=CSV),
    lambda f: datasets.read_edge_list(
        f / "edges.csv", "source", "target", weight="weight", time="time", undirected=True
    ),
)
READERS["edge list, numbers"] = Reader(
    texts(edges__txt=SPACED),
    lambda f: datasets.read_edge_list(f / "edges.txt", 0, 1, time=2, header=False, nodes=[0, 1, 2]),
)
READERS["packed text"] = Reader(
    lambda f: [
        (f / f"{name}.txt").write_bytes(pack(SPACED.encode()))  # type: ignore[func-returns-value]
        for name, pack in (("gz", gzip.compress), ("bz", bz2.compress), ("xz", lzma.compress))
    ],
    lambda f: [read_text(p) for p in sorted(f.iterdir())],
)


def _frames(folder: Path) -> None:
    import pandas

    frame = pandas.DataFrame(
        {"source": ["a", "b", "c"], "target": ["b", "c", "a"], "weight": [1.0, 2.0, 3.0]}
    )
    frame.to_parquet(folder / "edges.parquet")
    frame.to_feather(folder / "edges.feather")


READERS["Parquet and Feather"] = Reader(
    _frames,
    lambda f: [
        datasets.read_edge_list(f / f"edges.{kind}", weight="weight")
        for kind in ("parquet", "feather")
    ],
)

NODES = 'id,text,label,split\na,one text,x,train\nb,"two, texts",y,val\nc,three,x,test\n'
EDGES = "source,target,text\na,b,knows\nb,c,likes\n"
READERS["text graph"] = Reader(
    texts(nodes__csv=NODES, edges__csv=EDGES, classes__json='["x", "y"]'),
    lambda f: tag.TextGraph.from_csv(f, edge_text_column="text", undirected=True),
    names=("label", "edge_text"),
)

# --- hypergraphs and triples ----------------------------------------------------------------------

HIF = {
    "network-type": "undirected",
    "metadata": {"name": "toy"},
    "incidences": [
        {"edge": "e", "node": "a", "weight": 2.0},
        {"edge": "e", "node": 7, "attrs": {"x": [1]}},
        {"edge": 1, "node": "b"},
    ],
    "nodes": [{"node": "a", "weight": 1.5, "attrs": {}}, {"node": "z"}],
    "edges": [{"edge": "e", "weight": 1}, {"edge": "empty"}],
}


def _hif(folder: Path) -> None:
    (folder / "toy.json").write_text(json.dumps(HIF))


def _read_hif(folder: Path) -> None:
    data = datasets.read_hif(folder / "toy.json")
    datasets.write_hif(data, folder / "again.json")
    (folder / "again.json").unlink()


READERS["HIF"] = Reader(_hif, _read_hif)
READERS["hyperedges"] = Reader(
    texts(list__txt="1 2 3\n# c\n2,3\n9 1\n"),
    lambda f: [
        datasets.read_hyperedge_list(f / "list.txt", distinct=distinct) for distinct in (0, 1)
    ],
)
READERS["hyperedges of words"] = Reader(
    texts(list__txt="ann;bob;eve\nbob;eve\n"),
    lambda f: datasets.read_hyperedge_list(f / "list.txt", names=True),
)
READERS["simplices"] = Reader(
    texts(
        toy_nverts__txt="2\n3\n1\n",
        toy_simplices__txt="1\n2\n2\n3\n4\n1\n",
        toy_times__txt="10\n20\n30\n",
    ),
    lambda f: datasets.read_simplices(f, "toy"),
    names=("toy-nverts", "toy-simplices", "toy-times"),
)
READERS["triples"] = Reader(
    texts(train__txt="a\tknows\tb\nb\tlikes\tc\n", valid__txt="a likes c\n", test__txt=""),
    lambda f: datasets.read_triples(f),
    names=("source",),
)


def _mat(folder: Path) -> None:
    network = sp.csc_matrix(np.array([[0.0, 1, 0], [1, 0, 2], [0, 2, 0]]))
    group = sp.csc_matrix(np.eye(3))
    scipy.io.savemat(folder / "a.mat", {"network": network, "group": group})
    scipy.io.savemat(folder / "b.mat", {"network": network, "group": group}, do_compression=True)


READERS["MATLAB"] = Reader(
    _mat, lambda f: [datasets.read_multilabel_mat(f / name) for name in ("a.mat", "b.mat")]
)


def _features(folder: Path) -> None:
    np.savez(folder / "dense.npz", x=np.ones((2, 3)))
    csr = sp.csr_matrix(np.eye(3))
    sp.save_npz(folder / "sparse.npz", csr)


READERS["NumPy archives"] = Reader(
    _features, lambda f: [read_features(p) for p in sorted(f.iterdir())]
)
READERS["columns of integers"] = Reader(
    texts(labels__txt="0\n1\n2\n"), lambda f: read_integers(f / "labels.txt", 1)
)


def _graphml(folder: Path) -> None:
    graph = networkx.karate_club_graph()
    networkx.write_graphml(graph, folder / "a.graphml")
    networkx.write_gml(graph, folder / "b.gml")
    networkx.write_weighted_edgelist(graph, folder / "c.txt")


def _read_networks(folder: Path) -> None:
    readers = (networkx.read_graphml, networkx.read_gml, networkx.read_weighted_edgelist)
    for path, read in zip(sorted(folder.iterdir()), readers, strict=True):
        try:
            graph = read(path)
        except Exception:  # networkx's own, about its own format
            continue
        embed.FastRP(dim=4).fit_transform(graph)
        if path.suffix == ".graphml":
            tag.TextGraph.from_networkx(graph, text="club", label=None)


READERS["GraphML and others, by networkx"] = Reader(
    _graphml,
    _read_networks,
    allowed=(ValueError, TypeError),
    names=("edge_index", "graph", "club", "weight", "node", "edge"),
    slow=True,
)

# --- arrays, estimators, stores -------------------------------------------------------------------


def _arrays(folder: Path) -> None:
    tensors = {"x": torch.ones(3, 2), "y": torch.tensor([1, 2]), "empty": torch.zeros(0)}
    save_arrays(folder / "a.safetensors", tensors, {"note": "text"})


READERS["safetensors"] = Reader(
    _arrays, lambda f: [load_arrays(f / "a.safetensors", verify=v) for v in (False, True)]
)

PATH = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
KINDS = torch.tensor([0, 0, 1, 1, 0, 1])


def _kge() -> embed.KGEmbedding:
    return embed.KGEmbedding(4, 2, 4, train_config=embed.KGETrainConfig(epochs=1))


def _saved(cls: type[Estimator]) -> Reader:
    """Folders of an estimator, which is used as soon as it is loaded."""
    shown = ""

    def write(folder: Path) -> None:
        nonlocal shown
        fitted(cls).save(folder)
        shown = repr(cls.load(folder, **objects_of(cls)))

    def read(folder: Path) -> None:
        estimator = cls.load(folder, **objects_of(cls))
        if repr(estimator) != shown:  # other parameters may cost other time
            return
        for use in ENTRIES[cls].uses.values():
            # As documented: a network of NaN, a matrix of fewer nodes.
            with suppress(ValueError, IndexError, FloatingPointError):
                use(estimator)

    return Reader(
        write,
        read,
        allowed=(ValueError, TypeError),
        names=("beside the folder",),
        mutate=crafted,
        skip=("config.json",),
    )


def _checkpoint(cls: type[Estimator]) -> Reader:
    """What a training leaves in its folder, from which the next one goes on."""

    def train(folder: Path) -> object:
        return ENTRIES[cls].fit(made(cls), directory=folder)

    errors = (ValueError, FloatingPointError)  # the loss of weights that are no numbers
    return Reader(train, train, errors, ("directory", "loss"), crafted, slow=True)


for _cls, _entry in ENTRIES.items():
    if _entry.saved:
        READERS[f"saved {_cls.__name__}"] = _saved(_cls)
    if "directory" in signature(getattr(_cls, "fit", _saved)).parameters:
        READERS[f"checkpoint of {_cls.__name__}"] = _checkpoint(_cls)
READERS["saved GraphCLIP"] = Reader(
    lambda f: toy_model().save_pretrained(f) and None,
    tag.GraphCLIP.from_pretrained,
    mutate=crafted,
    skip=("config.json",),
)


def _pairs_store(folder: Path) -> None:
    toy_pairs().store.save(folder)
    (folder / ".lock").unlink(missing_ok=True)


def _read_store(folder: Path) -> None:
    for verify in (True, False):
        store = graphclip.SubgraphStore.load(folder, verify=verify)
        if len(store):
            store[0]
            store.batch([0])


READERS["store of subgraphs"] = Reader(
    _pairs_store, _read_store, allowed=(ValueError, FileNotFoundError)
)


def _embeddings(folder: Path) -> None:
    tag.TextEncoder(HashEncoder(4).encode, name="toy").encode_to(
        [f"text {i}" for i in range(7)], folder, shard_size=3
    )


def _read_embeddings(folder: Path) -> None:
    store = EmbeddingStore(folder)
    store.verify()
    store.tensor()
    if len(store):
        store[torch.tensor([0])]


READERS["store of embeddings"] = Reader(
    _embeddings, _read_embeddings, allowed=(ValueError, FileNotFoundError)
)


def _tower() -> dict[str, Tensor]:
    tower = {f"graph_model.{k}": v for k, v in toy_model().graph_model.state_dict().items()}
    return {"logit_scale": torch.ones(()), **tower}


READERS["weights of others"] = Reader(
    lambda f: torch.save({"state_dict": _tower()}, f / "a.pt"),
    lambda f: graphclip.load_official_checkpoint(f / "a.pt", heads=2),
)


READERS["weights of others, safetensors"] = Reader(
    lambda f: save_arrays(f / "a.safetensors", _tower()),
    lambda f: graphclip.load_official_checkpoint(f / "a.safetensors", heads=2),
    mutate=crafted,
)
READERS["stored graph"] = Reader(
    lambda f: torch.save({"x": torch.ones(2), "names": ["a"]}, f / "data.pt"),
    lambda f: read_stored(str(f / "data.pt")),
)
READERS["pairs of others"] = Reader(
    texts(pairs__json='[{"id": 0, "graph": [[0, 1], [1, 0]], "summary": "s"}, '
                      '{"id": 2, "graph": [[], []]}]'),
    lambda f: graphclip.read_official_pairs(f / "pairs.json", 4),
    allowed=(ValueError, IndexError),
    names=("entry", "edge_index", "edges", "center"),
)  # fmt: skip

# --- answers --------------------------------------------------------------------------------------

READERS["ranked predictions"] = Reader(
    lambda f: texts(a__csv="0,1\n\n2\n", b__gz=gzip.compress(b"0,1\n\n2\n"))(f),
    lambda f: [
        read_ranked_predictions(p, 3, 3, 2, unique) for p in sorted(f.iterdir())
        for unique in (False, True)
    ],
)  # fmt: skip
COMPLETION = {
    "id": "c",
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "yes", "reasoning_content": "because"},
            "finish_reason": "stop",
            "logprobs": {"content": [{"token": "A", "logprob": -0.1, "top_logprobs": [
                {"token": "A", "logprob": -0.1}, {"token": "B", "logprob": -2.5}]}]},
        }
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1},
}  # fmt: skip
PARTED = {
    "choices": [
        {
            "message": {"content": [{"type": "text", "text": "a"}, {"type": "thinking",
             "thinking": [{"text": "t"}]}, {"type": "refusal", "refusal": "no"}]},
            "finish_reason": {"type": "stop"},
        }
    ],
    "error": None,
}  # fmt: skip
READERS["stored completions"] = Reader(
    lambda f: texts(
        **{
            "0__json": json.dumps(COMPLETION),
            "1__json": json.dumps(PARTED),
            "2__json": json.dumps({"generation": {"content": "text"}}),
        }
    )(f),
    lambda f: read_tape_responses(f, 3, on_missing="empty"),
)
READERS["answers of a server"] = Reader(
    texts(a__json=json.dumps(COMPLETION), b__json=json.dumps(PARTED),
          c__json='{"error": {"message": "m", "code": 3}}'),
    lambda f: [_read_answer(p) for p in sorted(f.iterdir())],
    names=("",),
)  # fmt: skip


def _read_answer(path: Path) -> None:
    with suppress(ErrorAnswer):  # which one of them is
        read_completion(path.read_bytes().decode("utf-8", "replace"))


EXPLAINED = (
    '{"classes": ["a", "b"], "k": 2}\n'
    '{"completion_tokens": 0, "error": "", "explanation": "e", "node": 0, "prompt_tokens": 0, '
    '"ranked": [0, 1], "raw": "r", "status": "ok"}\n'
)


def _read_explanations(folder: Path) -> None:
    table = ExplanationTable.read(folder / "t.jsonl")
    table.counts()
    table.ranked_predictions()
    table.texts(["x"] * len(table))


READERS["table of explanations"] = Reader(texts(t__jsonl=EXPLAINED), _read_explanations)


def _batch(folder: Path) -> None:
    lines = [
        {"custom_id": "k", "response": {"status_code": 200, "body": COMPLETION}, "error": None},
        {"custom_id": "l", "response": None, "error": {"code": "expired"}},
    ]
    (folder / "out.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def _read_batch(folder: Path) -> None:
    from graphlab.tag.llm.batch import read_batch

    read_batch(folder / "out.jsonl", ReplyCache(None))


READERS["batch of answers"] = Reader(_batch, _read_batch)


def _database(make: Callable[[Path], Any], put: Callable[[Any], None]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        cache = make(folder)
        put(cache)
        cache.close()
        for path in folder.iterdir():
            if path.suffix != ".db":
                path.unlink()

    return write


def _closing(make: Callable[[Path], Any], use: Callable[[Any], None]) -> Callable[[Path], None]:
    def read(folder: Path) -> None:
        for path in folder.iterdir():
            if path.suffix != ".db":
                path.unlink()
        cache = make(folder)
        try:
            use(cache)
        finally:
            cache.close()

    return read


def _use_replies(cache: ReplyCache) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        cache.get("key")
    cache.failures()
    len(cache)
    cache.put([("other", "{}", "{}")])


READERS["cache of replies"] = Reader(
    _database(
        lambda f: ReplyCache(f / "replies.db"),
        lambda c: c.put([("key", '{"a": 1}', json.dumps(COMPLETION))]),
    ),
    _closing(lambda f: ReplyCache(f / "replies.db"), _use_replies),
    allowed=(ValueError, OSError),
)


def _use_rows(cache: EmbeddingCache) -> None:
    keys = cache.keys([f"text {i}" for i in range(3)], "settings")
    for row in cache.get(keys).values():
        if row.shape != (4,) or not (row == 1).all():
            raise AssertionError("a damaged row was served")
    cache.put(keys[:1], np.ones((1, 4), np.float32))


READERS["cache of embeddings"] = Reader(
    _database(
        EmbeddingCache,
        lambda c: c.put(
            c.keys([f"text {i}" for i in range(3)], "settings"), np.ones((3, 4), np.float32)
        ),
    ),
    _closing(EmbeddingCache, _use_rows),
    allowed=(ValueError, OSError),
)

# --- experiments ----------------------------------------------------------------------------------

READERS["JSON"] = Reader(
    texts(a__json='{"a": [1, 2.5, null, "x"], "b": {"c": true}}'),
    lambda f: read_json(f / "a.json"),
)


def _run(folder: Path) -> None:
    context = Context(0, torch.device("cpu"), folder)
    context.log(0, loss=1.0)
    context.checkpoint(0, {"model": {"w": torch.ones(3)}}, {"best": 0.1})


READERS["checkpoint of a script"] = Reader(
    _run, lambda f: Context(0, torch.device("cpu"), f).restore()
)
RESULT = (
    Path(__file__).resolve().parents[3] / "experiments" / "results" / "graphclip_zeroshot_cora.json"
)


def _read_results(folder: Path) -> None:
    for recorded in committed(folder):
        recorded.obstacle()
        recorded.arguments(folder, None)


READERS["results of a script"] = Reader(
    texts(graphclip_zeroshot_cora__json=RESULT.read_bytes()),
    _read_results,
    names=("graphclip-zeroshot-cora",),
)

for _name, _reply in REPLIES.items():
    READERS[f"reply: {_name}"] = Reader(
        texts(**{f"r{i}__txt": text for i, text in enumerate(_reply.texts)}),
        lambda f, use=_reply.use: [
            use(p.read_bytes().decode("utf-8", "replace")) for p in sorted(f.iterdir())
        ],
        allowed=(),
    )
