"""Where the pretrained models of graphlab lie, and which files they are.

The package holds files and describes them; it imports nothing of graphlab and loads nothing.
``GraphCLIP.from_pretrained("graphlab/tiny")`` finds it, and compares the hashes before it reads.
"""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["MODELS", "folder"]

__version__ = "0.1.0"

_HERE = Path(__file__).resolve().parent

#: SHA-256 of every file, by model and file name.
MODELS: dict[str, dict[str, str]] = json.loads((_HERE / "models.json").read_text(encoding="utf-8"))


def folder(name: str) -> Path:
    """The folder of a model.

    Args:
        name (str): One of ``MODELS``.

    Raises:
        KeyError: If there is no such model.
    """
    if name not in MODELS:
        raise KeyError(f"there is no model {name!r}, but {', '.join(MODELS)}")
    return _HERE / name
