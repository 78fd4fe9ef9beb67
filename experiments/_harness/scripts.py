"""The scripts: their modules, the names that folders and result files carry, a list of them.

The same tree is ``experiments`` in a checkout and ``graphlab.experiments`` once installed.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

_EXPERIMENTS = Path(__file__).resolve().parents[1]

#: Name of the tree: ``experiments`` in a checkout.
PACKAGE = __name__.removesuffix("._harness.scripts")
#: Commands that have no presets.
PLAIN = ("demo", "reproduce")


def command_module(run: Callable[..., Any]) -> str:
    """Module that ``python -m`` runs for a script: its package where the file is ``run.py``."""
    module = run.__module__
    if module == "__main__":
        spec = getattr(sys.modules["__main__"], "__spec__", None)
        module = spec.name if spec is not None else f"{PACKAGE}.{Path(sys.argv[0]).stem}"
    return module.removesuffix(".run")


def script_name(module: str) -> str:
    """The script of a module: ``graphclip_pretrain`` for ``experiments.graphclip.pretrain``."""
    below = module.removeprefix(f"{PACKAGE}.").removeprefix("experiments.")
    if below == module:
        return module.rpartition(".")[2]
    return below.removesuffix(".run").replace(".", "_")


def invocation(module: str) -> str:
    """Command of a script: ``python -m experiments.pamc``, installed ``graphlab run pamc``."""
    module = module.removesuffix(".run")
    if PACKAGE != "experiments" and module.startswith(f"{PACKAGE}."):
        return f"graphlab run {script_name(module)}"
    return f"python -m {module}"


def command_modules() -> dict[str, str]:
    """Module of every command by its name; nothing is imported, which takes seconds."""
    modules = {}
    for path in sorted(_EXPERIMENTS.glob("[a-z]*/[a-z]*.py")):
        if "\ndef main(" in path.read_text(encoding="utf-8"):
            module = f"{PACKAGE}.{path.parent.name}.{path.stem}"
            modules[script_name(module)] = module
    return {name: modules[name] for name in sorted(modules, key=lambda name: name in PLAIN)}


def all_scripts() -> dict[str, ModuleType]:
    """Every script with presets, by its name."""
    return {
        name: import_module(module)
        for name, module in command_modules().items()
        if name not in PLAIN
    }


def listing(folder: str | None = None) -> str:
    """A paragraph per command: how to call it, what it does, and its presets.

    Args:
        folder (str, optional): Folder whose commands are listed; all when missing.

    Returns:
        str: The paragraphs, and what every command understands.
    """
    modules = list(command_modules().values())
    if folder is not None:
        modules = [name for name in modules if name.startswith(f"{PACKAGE}.{folder}.")]
    lines = []
    for module in map(import_module, modules):
        lines.append(invocation(module.__name__))
        lines.append(f"    {(module.__doc__ or '').partition(chr(10))[0]}")
        if hasattr(module, "PRESETS"):
            presets = f"presets: {', '.join(module.PRESETS)}"
            lines += textwrap.wrap(
                presets, 96, initial_indent="    ", subsequent_indent="      ",
                break_on_hyphens=False,
            )  # fmt: skip
    lines.append("--list shows the settings of every preset, --help every option.")
    return "\n".join(lines)
