"""Where the scripts are: their modules, and the names that folders and result files carry."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

_EXPERIMENTS = Path(__file__).resolve().parents[1]


def command_module(run: Callable[..., Any]) -> str:
    """What ``python -m`` runs for a script: its package where the file is ``run.py``."""
    module = run.__module__
    if module == "__main__":
        spec = getattr(sys.modules["__main__"], "__spec__", None)
        module = spec.name if spec is not None else f"experiments.{Path(sys.argv[0]).stem}"
    return module.removesuffix(".run")


def script_name(module: str) -> str:
    """The script of a module: ``graphclip_pretrain`` for ``experiments.graphclip.pretrain``."""
    if not module.startswith("experiments."):
        return module.rpartition(".")[2]
    return module.removesuffix(".run").removeprefix("experiments.").replace(".", "_")


def all_scripts() -> dict[str, ModuleType]:
    """Every script with presets, by its name."""
    scripts = {}
    for path in sorted(_EXPERIMENTS.glob("[a-z]*/[a-z]*.py")):
        module = import_module(f"experiments.{path.parent.name}.{path.stem}")
        if hasattr(module, "PRESETS") and hasattr(module, "run"):
            scripts[script_name(module.__name__)] = module
    return scripts
