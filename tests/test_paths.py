"""Every public function that takes a path means the home folder by ``~``, by one function."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from graphlab.datasets import (
    SDCNDataset,
    read_hif,
    read_hyperedge_list,
    read_simplices,
    write_hif,
)
from graphlab.embed import FastRP
from graphlab.tag import LLMClient, SubgraphSampler, TextEncoder, TextGraph
from graphlab.tag.embedding import EmbeddingStore
from graphlab.tag.graphclip import SubgraphStore
from graphlab.tag.tape import read_ranked_predictions, write_ranked_predictions
from tests._graphs import planted
from tests.house._repository import LIBRARY, parse

pytestmark = pytest.mark.skipif(os.name != "posix", reason="HOME names the home folder")

#: What opens, resolves or builds a path, without a look at ``~``.
BARE = {"Path", "open", "fspath", "realpath", "abspath", "loadmat", "load"}


def bare_uses(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Parameters annotated as paths that a function uses as they were given."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef) or node.name == "user_path":
            continue
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        paths = {a.arg for a in arguments if a.annotation and _is_path(ast.unparse(a.annotation))}
        paths -= {
            assign.targets[0].id
            for assign in ast.walk(node)
            if isinstance(assign, ast.Assign)
            and isinstance(assign.targets[0], ast.Name)
            and ast.unparse(assign.value).startswith("user_path(")
        }
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Name):
                called = ast.unparse(call.func).rpartition(".")[2]
                if called in BARE and call.args[0].id in paths:
                    yield f"{node.name}({call.args[0].id})", call.lineno


def _is_path(annotation: str) -> bool:
    return "str" in annotation.lower() and "Path" in annotation


def test_bare_uses_are_found():
    code = "def f(a: str | os.PathLike[str], b: str): return Path(a), Path(b), np.load(a)"
    assert [name for name, _ in bare_uses(ast.parse(code))] == ["f(a)", "f(a)"]


#: The decoder of one format, which is given a path that was expanded before.
INSIDE = {"graphlab/_safetensors.py"}


def test_no_function_uses_a_path_as_it_was_given():
    found = [
        f"{path.relative_to(LIBRARY.parent)}:{line} {name}"
        for path in sorted(LIBRARY.rglob("*.py"))
        if path.relative_to(LIBRARY.parent).as_posix() not in INSIDE
        for name, line in bare_uses(parse(path))
    ]
    assert found == []


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    return home


def fast_rp() -> None:
    model = FastRP(dim=16, seed=0)
    z = model.fit_transform(planted(), out="~/z.npy")
    model.save("~/model")
    assert torch.equal(FastRP.load("~/model").transform(), z)


def hypergraphs(home: Path) -> None:
    (home / "edges.txt").write_text("0 1\n1 2 3\n", encoding="utf-8")
    data = read_hyperedge_list("~/edges.txt")
    write_hif(data, "~/edges.json")
    assert read_hif("~/edges.json").num_nodes == 4
    (home / "s").mkdir()
    (home / "s" / "s-nverts.txt").write_text("2\n", encoding="utf-8")
    (home / "s" / "s-simplices.txt").write_text("0\n1\n", encoding="utf-8")
    assert read_simplices("~/s").num_nodes == 2


def texts(home: Path) -> None:
    encoder = TextEncoder(
        lambda texts: torch.ones(len(texts), 2), name="one", cache_dir="~/cache", normalize=False
    )
    assert encoder.encode(["a"]).shape == (1, 2)
    assert encoder.encode_to(["a"], "~/shards") is not None
    assert len(EmbeddingStore("~/shards")) == 1
    (home / "nodes.csv").write_text("id,text\na,one\nb,two\n", encoding="utf-8")
    (home / "edges.csv").write_text("src,dst\na,b\n", encoding="utf-8")
    assert TextGraph.from_csv("~").num_edges == 2
    assert TextGraph.from_csv("~/nodes.csv", "~/edges.csv").num_edges == 2


def answers() -> None:
    write_ranked_predictions("~/p.csv", torch.tensor([[1, 2]]))
    assert read_ranked_predictions("~/p.csv", 1, 2, 2).tolist() == [[1, 2]]
    LLMClient("m", base_url="http://127.0.0.1:1/v1", cache="~/answers.db").close()


def subgraphs() -> None:
    data = planted()
    SubgraphSampler("khop", num_hops=1).sample(data.edge_index, 60).save("~/store")
    assert len(SubgraphStore.load("~/store")) == 60


def test_home_is_where_everything_goes(home: Path) -> None:
    fast_rp()
    hypergraphs(home)
    texts(home)
    answers()
    subgraphs()
    assert [path.name for path in home.parent.iterdir()] == ["home"]
    expected = {"z.npy", "model", "edges.json", "cache", "shards", "p.csv", "answers.db", "store"}
    assert expected <= {path.name for path in home.iterdir()}


PATHS: dict[str, Callable[[Any], object]] = {
    "path": read_hif,
    "directory": FastRP.load,
    "folder": EmbeddingStore,
    "nodes": TextGraph.from_csv,
    "cache_dir": lambda path: TextEncoder("hashing", cache_dir=path),
    "root": lambda path: SDCNDataset(path, "acm"),
    "source": lambda path: SDCNDataset(None, "acm", source=path),
}


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("path", [b"folder", "", 3])
def test_what_is_no_path_is_refused_by_name(name: str, path: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{name} must"):
        PATHS[name](path)
