"""The scripts: their modules, the names that folders and result files carry, a list of them."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

_EXPERIMENTS = Path(__file__).resolve().parents[1]


def command_module(run: Callable[..., Any]) -> str:
    """Module that ``python -m`` runs for a script: its package where the file is ``run.py``."""
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
        if all(hasattr(module, name) for name in ("PRESETS", "run", "main")):
            scripts[script_name(module.__name__)] = module
    return scripts


def listing() -> str:
    """A paragraph per command: how to call it, what it does, and its presets."""
    commands = {module.__name__: module for module in all_scripts().values()}
    for name in ("demo", "reproduce"):  # commands without presets
        module = import_module(f"experiments.{name}.run")
        commands[module.__name__] = module
    lines = []
    for name, module in commands.items():
        lines.append(f"python -m {name.removesuffix('.run')}")
        lines.append(f"    {(module.__doc__ or '').partition(chr(10))[0]}")
        if hasattr(module, "PRESETS"):
            presets = f"presets: {', '.join(module.PRESETS)}"
            lines += textwrap.wrap(
                presets, 96, initial_indent="    ", subsequent_indent="      ",
                break_on_hyphens=False,
            )  # fmt: skip
    lines.append("--list shows the settings of every preset, --help every option.")
    return "\n".join(lines)
