"""Where tests find data: golden files inside the tree, real data sets beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
REPOSITORY = TESTS.parent


def find_data_root() -> Path | None:
    """The folder with the real data sets, or None if this machine has none.

    ``GRAPHLAB_TEST_DATA`` names it; without the variable, ``../shared/data`` beside the repository
    is used where it exists. Nothing is ever written there.
    """
    named = os.environ.get("GRAPHLAB_TEST_DATA")
    if named:
        root = Path(named).expanduser().resolve()
        if not root.is_dir():
            raise FileNotFoundError(f"GRAPHLAB_TEST_DATA must name a folder, got {named!r}")
        return root
    beside = REPOSITORY.parent / "shared" / "data"
    return beside if beside.is_dir() else None


def test_data_root(*parts: str) -> Path:
    """The folder with the real data sets, or a path below it; skips the test where it is missing.

    Args:
        *parts: Names below the root, such as ``"sdcn", "acm.txt"``.
    """
    root = find_data_root()
    if root is None:
        pytest.skip("needs real data: set GRAPHLAB_TEST_DATA to the folder that holds it")
    path = root.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs real data: GRAPHLAB_TEST_DATA has no {'/'.join(parts)}")
    return path


def golden(system: str, name: str = "") -> Path:
    """A file of ``tests/golden/<system>``, or the folder itself if ``name`` is empty."""
    path = TESTS / "golden" / system / name
    if not path.exists():
        raise FileNotFoundError(f"there is no golden file tests/golden/{system}/{name}")
    return path
