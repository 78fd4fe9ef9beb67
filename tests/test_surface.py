"""The public names of every room equal the stored list, so that they change only on purpose.

``python tests/test_surface.py --write`` stores the present names.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from pathlib import Path

import graphlab

STORED = Path(__file__).with_name("surface.json")


def current_surface() -> dict[str, list[str]]:
    modules = [(name, importlib.import_module(name)) for name in ("graphlab", *_rooms())]
    return {name: sorted(module.__all__) for name, module in modules}


def _rooms() -> list[str]:
    """Rooms of the library, and the packages inside them that list public names."""
    rooms = [f"graphlab.{name}" for name in graphlab.__all__ if not name.startswith("_")]
    walked = pkgutil.walk_packages(graphlab.__path__, "graphlab.")
    inner = [m.name for m in walked if m.ispkg and m.name not in rooms]
    return rooms + [m for m in inner if hasattr(importlib.import_module(m), "__all__")]


def test_surface_is_the_stored_one():
    assert current_surface() == json.loads(STORED.read_text(encoding="utf-8"))


def test_public_names_exist():
    for name, names in current_surface().items():
        module = importlib.import_module(name)
        assert [n for n in names if not hasattr(module, n)] == []


def test_public_names_are_documented():
    for name, names in current_surface().items():
        module = importlib.import_module(name)
        objects = {n: getattr(module, n) for n in names}
        bare = [n for n, o in objects.items() if callable(o) and not (o.__doc__ or "").strip()]
        assert bare == [], f"{name} exports undocumented {bare}"


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python tests/test_surface.py --write")
    STORED.write_text(json.dumps(current_surface(), indent=2) + "\n", encoding="utf-8")
