"""A save that is cut before its file appears."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def cut_save(estimator: Any, folder: Path) -> None:
    """Save, and die where the finished file would replace the older one."""

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("graphlab._io.os.replace", die)
        with pytest.raises(KeyboardInterrupt):
            estimator.save(folder)
