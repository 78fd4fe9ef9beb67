"""The public names of every room equal the stored list, so that they change only on purpose.

``python tests/house/test_surface.py --write`` stores the present names.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
if __name__ == "__main__":  # a script finds only what lies beside it
    sys.path.insert(0, str(REPOSITORY))

from tests.house._repository import public_modules  # noqa: E402

STORED = Path(__file__).with_name("surface.json")


def current_surface() -> dict[str, list[str]]:
    return {name: sorted(module.__all__) for name, module in public_modules().items()}


def test_surface_is_the_stored_one():
    assert current_surface() == json.loads(STORED.read_text(encoding="utf-8"))


def test_public_names_exist():
    for name, module in public_modules().items():
        assert [n for n in module.__all__ if not hasattr(module, n)] == [], name


def test_public_names_are_documented():
    for name, module in public_modules().items():
        objects = {n: getattr(module, n) for n in module.__all__}
        bare = [n for n, o in objects.items() if callable(o) and not (o.__doc__ or "").strip()]
        assert bare == [], f"{name} exports undocumented {bare}"


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python tests/house/test_surface.py --write")
    STORED.write_text(json.dumps(current_surface(), indent=2) + "\n", encoding="utf-8")
