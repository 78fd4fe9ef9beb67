"""Models that come in a package of their own, under names that begin with ``graphlab/``.

The package holds files and their SHA-256, and imports nothing. Names of this form are never asked
for at the Hub: whoever owned them there could not be told from the package.
"""

from __future__ import annotations

import hashlib
from importlib import import_module
from pathlib import Path
from typing import Any

__all__: list[str] = []

_OWNER = "graphlab/"
_PACKAGE = "graphlab_models"


def packaged(name: str, revision: str | None = None) -> Path | None:
    """The folder of a packaged model, its files checked; None for any other name.

    Args:
        name (str): Name of a model.
        revision (str, optional): Of a model at the Hub; a packaged one has none.

    Raises:
        ImportError: If the package is missing.
        FileNotFoundError: If the package has no such model.
        ValueError: If a file is not the one that was released, or a revision is asked for.
    """
    if not name.startswith(_OWNER):
        return None
    package = _package(name)
    known = [f"{_OWNER}{model}" for model in package.MODELS]
    if name not in known:
        raise FileNotFoundError(
            f"there is no model {name!r} in graphlab-models {package.__version__}, which has "
            f"{', '.join(known)}"
        )
    if revision is not None:
        raise ValueError(
            f"revision must be None for {name!r}, which comes with graphlab-models "
            f"{package.__version__}, got {revision!r}"
        )
    model = name.removeprefix(_OWNER)
    folder: Path = package.folder(model)
    for file, expected in package.MODELS[model].items():
        _check(folder / file, expected)
    return folder


def _package(name: str) -> Any:
    try:
        return import_module(_PACKAGE)
    except ImportError as error:
        raise ImportError(
            f"the model {name!r} lies in the package graphlab-models, which cannot be imported "
            f"({error}); install it with: pip install ./models in a checkout, or "
            "pip install graphlab[models]"
        ) from error


def _check(path: Path, expected: str) -> None:
    if not path.is_file():
        raise ValueError(f"{path} is missing: {_AGAIN}")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise ValueError(f"{path} must have SHA-256 {expected}, got {found}: {_AGAIN}")


_AGAIN = "install it again with pip install --force-reinstall graphlab-models, or ./models"
