"""Untrusted bytes run no code, fill no memory and lead nowhere; secrets stay where they are."""

from __future__ import annotations

import ast
import bz2
import gzip
import io
import lzma
import os
import pickle
import subprocess
import sys
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from graphlab import _text_file, datasets, embed
from graphlab._io import atomic_write
from graphlab._text_file import read_text
from graphlab.datasets._local import read_stored
from graphlab.datasets._sdcn_files import read_features
from graphlab.tag import graphclip
from graphlab.tag.embedding import EmbeddingStore
from tests._data import REPOSITORY
from tests.faults.fuzz.readers import READERS
from tests.tag.llm._server import ChatServer, serving

# --- sources --------------------------------------------------------------------------------------

FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve", "subprocess"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_METHODS = {"system", "popen", "extractall", "unpack_archive", "from_pickle"}
#: Keyword that a call must carry with this value.
REQUIRED = {("torch", "load"): ("weights_only", True), ("np", "load"): ("allow_pickle", False)}


def unsafe(path: Path) -> list[str]:
    """Lines of a file that could run what a file holds."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [(node.module or "").partition(".")[0]]
        found += [f"{path}:{node.lineno} {name}" for name in names if name in FORBIDDEN_MODULES]
        if not isinstance(node, ast.Call):
            continue
        function, place = node.func, f"{path}:{node.lineno}"
        given = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
        if given.get("shell") or given.get("trust_remote_code"):
            found.append(place)
        if isinstance(function, ast.Name) and function.id in FORBIDDEN_CALLS:
            found.append(f"{place} {function.id}")
        if isinstance(function, ast.Attribute):
            owner = getattr(function.value, "id", "")
            if function.attr in FORBIDDEN_METHODS and owner != "re":
                found.append(f"{place} {function.attr}")
            wanted = REQUIRED.get((owner, function.attr))
            if wanted is not None and given.get(wanted[0], "missing") is not wanted[1]:
                found.append(f"{place} {owner}.{function.attr} without {wanted}")
    return found


def test_the_library_loads_nothing_that_runs():
    paths = sorted((REPOSITORY / "graphlab").rglob("*.py"))
    assert len(paths) > 200
    assert [line for path in paths for line in unsafe(path)] == []


@pytest.mark.parametrize(
    "line",
    ["import pickle", "from marshal import loads", "eval('1')", "torch.load(f)", "np.load(f)",
     "torch.load(f, weights_only=False)", "f(shell=True)", "os.system('x')", "a.extractall(p)"],
)  # fmt: skip
def test_what_is_unsafe_is_found(line, tmp_path):
    (tmp_path / "a.py").write_text(line)
    assert len(unsafe(tmp_path / "a.py")) == 1


# --- pickles --------------------------------------------------------------------------------------


class Canary:
    """Makes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> Any:
        return (open, (self.path, "w"))


def npy(value: object) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([value], dtype=object), allow_pickle=True)
    return file.getvalue()


def npz(value: object) -> bytes:
    file = io.BytesIO()
    np.savez(file, x=np.array([value], dtype=object))
    return file.getvalue()


def instead(reader: str, suffix: str, read: Callable[[Path], object]) -> Callable[..., object]:
    """Reads whole files of a reader, all with a suffix replaced."""

    def run(folder: Path, content: bytes) -> object:
        READERS[reader].files(folder)
        for path in folder.glob(f"*{suffix}"):
            path.write_bytes(content)
        return read(folder)

    return run


def single(name: str, read: Callable[[Path], object]) -> Callable[..., object]:
    def run(folder: Path, content: bytes) -> object:
        (folder / name).write_bytes(content)
        return read(folder / name)

    return run


PICKLED = {
    "weights of others": (pickle.dumps, single("a.pt", graphclip.load_official_checkpoint)),
    "stored graph": (pickle.dumps, single("data.pt", lambda p: read_stored(str(p)))),
    "features": (npz, single("a.npz", read_features)),
    "store of embeddings": (npy, instead("store of embeddings", ".npy", EmbeddingStore)),
    "store of subgraphs": (
        npy,
        instead(
            "store of subgraphs",
            ".npy",
            lambda folder: graphclip.SubgraphStore.load(folder, verify=False),
        ),
    ),
    "estimator": (pickle.dumps, instead("saved FastRP", ".safetensors", embed.FastRP.load)),
}


@pytest.mark.parametrize("name", PICKLED)
def test_a_pickle_in_a_file_is_refused_and_not_run(name, tmp_path):
    canary, folder = tmp_path / "canary", tmp_path / "folder"
    folder.mkdir()
    pack, read = PICKLED[name]
    content = pack(Canary(canary))
    with pytest.raises(ValueError, match="(?i)folder"):
        read(folder, content)
    assert not canary.exists()
    pickle.loads(pickle.dumps(Canary(canary))).close()  # it would have been made
    assert canary.exists()


# --- archives -------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_bomb_is_refused_before_it_fills_the_memory(pack, tmp_path, monkeypatch):
    monkeypatch.setattr(_text_file, "_FREE", 1 << 20)
    monkeypatch.setattr(_text_file, "_BLOCK", 1 << 16)
    path = tmp_path / "edges.csv"
    path.write_bytes(pack(b"0" * (12 << 20)))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"edges\.csv unpacks to more than 200 times"):
            read_text(path)
        assert tracemalloc.get_traced_memory()[1] < 11 << 20
    finally:
        tracemalloc.stop()
    # What is small grows as it likes, and so does what grows as tables do.
    path.write_bytes(pack(b"0" * 1000))
    assert read_text(path) == "0" * 1000
    lines = "".join(f"{number} {number * 7919 % 100_003}\n" for number in range(20_000))
    path.write_bytes(pack(lines.encode()))
    assert read_text(path) == lines


def test_members_of_an_archive_are_read_and_lead_nowhere(tmp_path, monkeypatch):
    """A knowledge graph whose archive holds links and paths out of it."""
    from graphlab.datasets import triples

    secret = tmp_path / "secret.txt"
    secret.write_text("a\tb\tc\n")
    archive = tmp_path / "umls" / "raw" / "umls.tar.gz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as file:
        for name, target in (("train.txt", "../../secret.txt"), ("valid.txt", str(secret))):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            file.addfile(link)
        outside = tarfile.TarInfo("../../escaped.txt")
        outside.size = 3
        file.addfile(outside, io.BytesIO(b"out"))
        test = tarfile.TarInfo("test.txt")
        test.size = 6
        file.addfile(test, io.BytesIO(b"a\tb\tc\n"))
    monkeypatch.setitem(triples._KNOWN, "umls", ({"umls.tar.gz": None}, (3, 1, 1, 1, 1)))
    with pytest.raises(ValueError, match=r"umls\.tar\.gz"):
        datasets.TripleDataset(tmp_path, "umls")
    assert not list(tmp_path.rglob("escaped.txt"))


def test_a_folder_of_data_may_be_a_link(tmp_path):
    real = tmp_path / "elsewhere"
    (real / "mine" / "raw").mkdir(parents=True)
    for split in ("train", "valid", "test"):
        (real / "mine" / "raw" / f"{split}.txt").write_text("a\tknows\tb\n")
    link = tmp_path / "link"
    link.symlink_to(real)
    assert len(datasets.TripleDataset(link, "mine")[0].edge_type) == 3
    assert (real / "mine" / "processed" / "data.pt").is_file()
    path = torch.tensor([[0, 1], [1, 0]])
    embed.FastRP(dim=4).fit(path, 2).save(link / "model")
    assert embed.FastRP.load(real / "model").transform().shape == (2, 4)
    # A link to a file stays a link, and the file behind it is replaced.
    (real / "file").write_bytes(b"old")
    (tmp_path / "to_file").symlink_to(real / "file")
    atomic_write(tmp_path / "to_file", b"new")
    assert (tmp_path / "to_file").is_symlink() and (real / "file").read_bytes() == b"new"


# --- secrets --------------------------------------------------------------------------------------

CANARY = "sk-canary-fedcba9876543210"


def filled(schema: dict[str, Any], definitions: dict[str, Any], words: str) -> Any:
    """A value that follows a schema, with some words wherever words may be."""
    if "$ref" in schema:
        return filled(definitions[schema["$ref"].rpartition("/")[2]], definitions, words)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if "anyOf" in schema:
        return filled(schema["anyOf"][0], definitions, words)
    kind = schema.get("type")
    if kind == "object":
        return {k: filled(v, definitions, words) for k, v in schema["properties"].items()}
    if kind == "array":
        return [filled(schema.get("items", {}), definitions, words)]
    return {"string": words, "integer": 1, "number": 0.5, "boolean": True}.get(str(kind))


def talkative(server: list[ChatServer]) -> Callable[[int, dict[str, Any]], Any]:
    """Answers that follow the form and repeat the key; some calls fail, repeating it too."""

    def plan(number: int, body: dict[str, Any]) -> Any:
        import json

        key = server[0].headers[-1].get("authorization", "")
        if number % 7 == 3:
            return {"status": (500, 429)[number % 2], "body": {"error": {"message": key}}}
        form = body.get("response_format", {}).get("json_schema", {}).get("schema")
        words = f"as {key} said about {number}"  # answers that are all the same are refused
        if form is None:
            return words
        return json.dumps(filled(form, form.get("$defs", {}), words))

    return plan


SCRIPTS = {
    "tape": ["--dataset", "texts", "--source", "{documents}", "--llm", "{url}/model",
             "--llm-cache", "{folder}/replies.db", "--ensembles", "TA+P", "--epochs", "2"],
    "gaugllm": ["--dataset", "texts", "--data", "{documents}", "--llm-model", "m", "--llm-url",
                "{url}", "--llm-cache", "{folder}/replies.db", "--num-candidates", "3"],
    "graphclip.pretrain": ["--summaries", "llm", "--llm-model", "m", "--llm-base-url", "{url}",
                           "--cache", "{folder}/cache", "--model", "{folder}/model",
                           "--pairs", "30", "--epochs", "1", "--llm-on-failure", "template"],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_the_key_is_in_no_file_of_a_script(script, tmp_path):
    pytest.importorskip("openai", reason="needs the extra tag")
    documents, folder = tmp_path / "documents", tmp_path / "work"
    documents.mkdir()
    folder.mkdir()
    labels = ("red", "green")
    rows = [f"{i},about {labels[i % 2]} thing {i} of many,{labels[i % 2]}" for i in range(60)]
    (documents / "nodes.csv").write_text("id,text,label\n" + "\n".join(rows) + "\n")
    pairs = [f"{i},{(i + step) % 60}" for i in range(60) for step in (2, 4, 7)]
    (documents / "edges.csv").write_text("source,target\n" + "\n".join(pairs) + "\n")
    holder: list[ChatServer] = []
    with serving(talkative(holder)) as server:
        holder.append(server)
        options = [
            word.format(documents=documents, folder=folder, url=server.url)
            for word in SCRIPTS[script]
        ]
        environment = {
            **os.environ, "OPENAI_API_KEY": CANARY, "no_proxy": "127.0.0.1",
            "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY), "GRAPHLAB_PROGRESS": "1",
        }  # fmt: skip
        report = ["--report", str(folder / "report.html"), "--results", str(folder / "r.json")]
        done = subprocess.run(
            [sys.executable, "-m", f"experiments.{script}", "--preset", "smoke", "--out",
             str(folder / "runs"), "--device", "cpu", *report, *options],
            cwd=folder, env=environment, capture_output=True, timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        assert server.calls >= 10
        assert {h["authorization"] for h in server.headers} == {f"Bearer {CANARY}"}
    contents = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    contents |= {Path("stdout"): done.stdout, Path("stderr"): done.stderr}
    assert any(b"Bearer ***" in content for content in contents.values())  # it was said, and cut
    assert [p for p, content in contents.items() if CANARY.encode() in content] == []
