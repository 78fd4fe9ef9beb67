"""The standard library as a graph: what is in it does not depend on what is imported."""

from __future__ import annotations

import sys

import pytest
import torch
from torch_geometric.utils import coalesce, contains_self_loops, is_undirected

from graphlab.datasets import PythonStdlib, python_stdlib
from graphlab.datasets._stdlib_chapters import CHAPTER_OF, CHAPTERS
from graphlab.datasets.python_stdlib import _source


@pytest.fixture(scope="module")
def data():
    return python_stdlib()


def test_the_table_names_each_module_once():
    listed = [name for names in CHAPTERS.values() for name in names.split()]
    assert len(listed) == len(set(listed)) == len(CHAPTER_OF) > 270
    tops = {name.partition(".")[0] for name in CHAPTER_OF}
    public = {n for n in sys.stdlib_module_names if not n.startswith("_")}
    # Whatever this Python has and no chapter describes: Easter eggs and machinery.
    allowed = {"antigravity", "this", "lib2to3", "nturl2path", "opcode", "pydoc_data", "ntpath",
               "posixpath", "genericpath", "sre_compile", "sre_constants", "sre_parse", "nt",
               "encodings", "turtledemo", "bdb", "sndhdr", "binhex", "asynchat", "pathlib",
               "string", "pyexpat"}  # fmt: skip
    assert public - tops <= allowed


# Not importable names that the reference describes all the same.
DESCRIBED = {"__main__", "test"}
# What some version from 3.10 to 3.14 has and another lacks.
REMOVED = {"aifc", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "crypt", "distutils",
           "imghdr", "imp", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "pipes", "smtpd",
           "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib"}  # fmt: skip
ADDED = {"tomllib", "annotationlib", "compression"}


def test_each_listed_module_is_one_of_the_standard_library():
    tops = {name.partition(".")[0] for name in CHAPTER_OF}
    assert tops - set(sys.stdlib_module_names) <= DESCRIBED | REMOVED | ADDED
    assert tops >= REMOVED | ADDED | DESCRIBED
    later = {"compression.zstd", "concurrent.interpreters", "dbm.sqlite3", "string.templatelib",
             "sys.monitoring", "importlib.resources.abc"}  # fmt: skip
    inner = {name for name in CHAPTER_OF if "." in name and _source(name) is None}
    assert inner <= later


def test_modules_stand_where_the_reference_of_3_13_has_them():
    chapters = {
        "Command-Line Interface Libraries": "argparse optparse getpass fileinput curses "
        "curses.textpad curses.ascii curses.panel cmd",
        "Unix-Specific Services": "shlex posix pwd grp termios tty pty fcntl resource syslog",
        "Concurrent Execution": "threading subprocess sched queue contextvars _thread",
        "Internet Data Handling": "email json mailbox mimetypes base64 binascii quopri",
        "Debugging and Profiling": "bdb faulthandler pdb timeit trace tracemalloc",
        "Superseded Modules": "getopt",
    }
    for chapter, names in chapters.items():
        assert {CHAPTER_OF[name] for name in names.split()} == {chapter}
    assert len(CHAPTERS) == 30 and "Program Frameworks" not in CHAPTERS


def test_graph(data):
    assert data.validate() and is_undirected(data.edge_index)
    assert not contains_self_loops(data.edge_index)
    assert torch.equal(data.edge_index, coalesce(data.edge_index))
    assert 200 < data.num_nodes < 320 and data.num_edges > 1500
    assert len(data.text) == len(data.name) == len(set(data.name)) == data.num_nodes
    assert all(text.strip() and len(text) <= 4000 for text in data.text)
    assert data.y.unique().tolist() == list(range(len(data.label_names)))
    assert data.python.startswith(".".join(map(str, sys.version_info[:2])))


def test_known_modules_texts_and_imports(data):
    at = data.name.index
    chapter = {name: data.label_names[label] for name, label in zip(data.name, data.y, strict=True)}
    assert chapter["json"] == "Internet Data Handling"
    assert chapter["os.path"] == "File and Directory Access"
    assert data.text[at("json")].startswith("JSON (JavaScript Object Notation)")
    assert data.text[at("math")].startswith("This module provides access to the mathematical")
    edges = set(zip(*data.edge_index.tolist(), strict=True))
    for left, right in [("heapq", "queue"), ("urllib.request", "http.client"), ("json", "codecs")]:
        assert (at(left), at(right)) in edges, (left, right)


def test_imports_keep_their_direction(data):
    at = data.name.index
    imports = set(zip(*data.import_index.tolist(), strict=True))
    both = imports | {(end, start) for start, end in imports}
    assert both == set(zip(*data.edge_index.tolist(), strict=True))
    assert (at("json"), at("codecs")) in imports
    assert (at("codecs"), at("json")) not in imports


@pytest.mark.slow
def test_twice_is_the_same(data):
    again = python_stdlib()
    assert torch.equal(again.edge_index, data.edge_index) and again.text == data.text


def test_dataset(data):
    dataset = PythonStdlib(transform=lambda d: d)
    assert len(dataset) == 1 and dataset.num_classes == len(data.label_names)
    assert dataset[0].text == data.text
    with pytest.raises(IndexError, match="idx"):
        dataset.get(1)


def test_a_python_without_sources_is_refused(monkeypatch):
    module = sys.modules[python_stdlib.__module__]
    monkeypatch.setattr(module, "CHAPTER_OF", {"json": "Internet Data Handling"})
    monkeypatch.setattr(module, "_source", lambda name: None)
    with pytest.raises(RuntimeError, match="this Python has no sources of its standard library"):
        python_stdlib()
