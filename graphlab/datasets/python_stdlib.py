"""The standard library of the running Python as a text-attributed graph; nothing is downloaded."""

from __future__ import annotations

import ast
import importlib
import inspect
import platform
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import torch

from graphlab._graphs.typed import Data, InMemoryDataset
from graphlab.datasets._stdlib_chapters import CHAPTER_OF, CHAPTERS

__all__ = ["PythonStdlib", "python_stdlib"]

_MAX_TEXT = 4000  # characters of a text; the longest docstrings are manuals


def python_stdlib() -> Data:
    """Read the modules of the running Python: their docstrings, imports and chapters.

    A real text-attributed graph of some 250 nodes that every machine has, offline: a node is a
    documented module, its text the docstring (of its functions and classes where the module has
    none), an edge an ``import`` between two modules in either direction, its label the chapter of
    the library reference of Python 3.13 that describes it (a table of graphlab, the same for all
    versions). Sources are parsed and not run; only extension modules, which have no source, are
    imported.

    Versions of Python differ in modules and docstrings: name ``data.python`` beside every result.

    Returns:
        Data: ``edge_index`` (2, E) int64, both directions, sorted, no self-loops; ``import_index``
        (2, I) int64, the same edges with their directions, from the module that imports to what it
        imports; ``y`` (N,) int64; ``num_nodes``; ``text``, ``name`` (lists of N str);
        ``label_names`` (list of str, only chapters that occur); ``python`` (str, version and
        implementation).

    Raises:
        RuntimeError: If this Python has no standard library to read (a frozen application).

    Example:
        >>> data = python_stdlib()
        >>> "json" in data.name
        True
    """
    sources = {name: _source(name) for name in sorted(CHAPTER_OF)}
    trees = {name: _parse(path) for name, path in sources.items() if path is not None}
    texts = {name: _text(name, trees.get(name)) for name in sources}
    names = [name for name, text in texts.items() if text]
    if len(names) < 2:
        raise RuntimeError("this Python has no sources of its standard library")
    position = {name: i for i, name in enumerate(names)}
    pairs = set()
    for name in names:
        if name in trees:
            package = name if _is_package(sources[name]) else name.rpartition(".")[0]
            for target in _imports(trees[name], package, position):
                if target != name:
                    pairs.add((position[name], position[target]))
    chapters = [c for c in CHAPTERS if any(CHAPTER_OF[name] == c for name in names)]
    return Data(
        edge_index=_columns(pairs | {(end, start) for start, end in pairs}),
        import_index=_columns(pairs),
        y=torch.tensor([chapters.index(CHAPTER_OF[name]) for name in names], device="cpu"),
        num_nodes=len(names),
        text=[texts[name] for name in names],
        name=names,
        label_names=chapters,
        python=f"{platform.python_version()} {platform.python_implementation()}",
    )


def _columns(pairs: set[tuple[int, int]]) -> torch.Tensor:
    """Sorted pairs as columns."""
    return torch.tensor(sorted(pairs), dtype=torch.long, device="cpu").view(-1, 2).t().contiguous()


class PythonStdlib(InMemoryDataset):
    """:func:`python_stdlib` as a PyG dataset that lives in memory and touches no disk.

    Args:
        transform (callable, optional): Applied to the ``Data`` at every access.

    Example:
        >>> len(PythonStdlib()[0].label_names) > 20
        True
    """

    def __init__(self, transform: Callable[[Data], Any] | None = None) -> None:
        super().__init__(None, transform)
        # Lists of texts would be nested by collate: the one graph is kept as it is.
        self._graph = python_stdlib()

    @property
    def num_classes(self) -> int:
        """Number of chapters."""
        return len(self._graph.label_names)

    def len(self) -> int:
        """Number of graphs, 1."""
        return 1

    def get(self, idx: int) -> Data:
        """The graph.

        Args:
            idx (int): 0.

        Returns:
            Data: A copy that shares the tensors.

        Raises:
            IndexError: If ``idx`` is not 0.
        """
        if idx != 0:
            raise IndexError(f"idx must be 0, got {idx}")
        graph: Data = self._graph.__copy__()
        return graph


def _source(name: str) -> Path | None:
    """Path of the source of a module, without importing its parents."""
    base = Path(sysconfig.get_path("stdlib")).joinpath(*name.split("."))
    if name == "os.path":
        base = base.parent.parent / ("ntpath" if sys.platform == "win32" else "posixpath")
    for path in (base.with_name(base.name + ".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def _is_package(path: Path | None) -> bool:
    return path is not None and path.name == "__init__.py"


def _parse(path: Path) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old sources hold escapes that are deprecated by now
        return ast.parse(path.read_bytes())


def _text(name: str, tree: ast.Module | None) -> str:
    if tree is None:
        return _limited(_extension_docstring(name))
    own = ast.get_docstring(tree) or ""
    if not own.strip():
        documented = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        parts = [
            ast.get_docstring(node) or ""
            for node in tree.body
            if isinstance(node, documented) and not node.name.startswith("_")
        ]
        own = "\n\n".join(filter(None, parts))
    return _limited(own)


def _extension_docstring(name: str) -> str:
    top = name.partition(".")[0]
    # Not "platstdlib": in a virtual environment that is the environment's own folder.
    stdlib = Path(sysconfig.get_path("stdlib"))
    folders = (stdlib / "lib-dynload", stdlib.parent / "DLLs")
    compiled = top in sys.builtin_module_names or any(
        (folder / f"{top}{suffix}").is_file() for folder in folders for suffix in EXTENSION_SUFFIXES
    )
    if not compiled or top == "__main__":
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # superseded modules say so when imported
            module = importlib.import_module(name)
    except ImportError:
        return ""
    return inspect.getdoc(module) or ""


def _limited(text: str) -> str:
    return text.strip()[:_MAX_TEXT].strip()


def _imports(tree: ast.Module, package: str, known: dict[str, int]) -> Iterator[str]:
    """Documented modules that a source imports anywhere in it."""
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node.module or "", node.level, package)
            named = [f"{base}.{alias.name}".strip(".") for alias in node.names]
        else:
            continue
        for name in named:
            while name and name not in known:
                name = name.rpartition(".")[0]
            if name:
                yield name


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """All statements, without the expressions in them: ten times faster than all nodes."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        yield node
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, block, None)
            if isinstance(inner, list):  # the body of a lambda is one expression
                stack.extend(inner)


def _absolute(module: str, level: int, package: str) -> str:
    if level == 0:
        return module
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - level + 1], module]).strip(".")
