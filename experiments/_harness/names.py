"""Names near a mistyped one, and the names of results."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def near(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Known names that somebody who typed ``name`` may have meant, the nearest first.

    Capitals and ``-`` for ``_`` make no difference, and a part of a name counts as near.

    Args:
        name (str): What was typed.
        known (Iterable[str]): The names there are.
        most (int): Largest number of answers.

    Returns:
        list[str]: Some of ``known``; empty where nothing is like it.
    """
    plain = {_plain(other): other for other in known}
    typed = _plain(name)
    close = difflib.get_close_matches(typed, plain, n=most)
    close += [other for other in plain if typed and (typed in other or other in typed)]
    return [plain[other] for other in dict.fromkeys(close)][:most]


def hint(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'a' or 'b'?"``, or nothing."""
    found = [repr(other) for other in near(name, known)]
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def result_name(config: Any, preset: str, presets: Mapping[str, Any]) -> str:
    """Name of the results of a command: its preset, or the graph where that is another one.

    Numbers of one's own graph under the name of a preset's would be taken for those of that graph.
    Scripts whose presets differ by the graph alone have it as ``graph``; others, whose presets
    differ by more, name a graph of one's own as ``documents``, and keep the preset in the name.

    Args:
        config (Any): Configuration of the command.
        preset (str): Preset that it began with.
        presets (Mapping[str, Any]): Configurations by name.

    Returns:
        str: The preset; where ``graph`` was changed, the preset of that graph, else the name of its
        folder or table; where ``documents`` was, the preset followed by that name.
    """
    documents, usual = (getattr(c, "documents", None) for c in (config, presets[preset]))
    if documents is not None and (usual is None or _folder(documents) != _folder(usual)):
        return f"{preset}_{_folder(documents)}".rstrip("_")
    graph = getattr(config, "graph", None)
    if graph is None or graph == getattr(presets[preset], "graph", None):
        return preset
    known = next((name for name, other in presets.items() if other.graph == graph), None)
    return known or _folder(graph) or preset


def _folder(graph: str) -> str:
    """Name of the folder or table of a graph."""
    path = Path(graph)
    return path.parent.name if path.stem == "nodes" else path.stem
