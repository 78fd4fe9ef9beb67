"""The command ``graphlab``, which is ``python -m graphlab`` too: information, demo, scripts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from graphlab import __version__
from graphlab._console import command

USAGE = """usage: graphlab COMMAND ...

  graphlab info [--json]       what is installed, and which kernels are active and why
  graphlab demo [--help]       every system once, on data that shows what it is for
  graphlab run                 the scripts and their presets
  graphlab run NAME [...]      one of them: graphlab run pamc --preset digits --seeds 0:3
  graphlab run NAME --help     its options; --list shows its presets
  graphlab --version

demo and run need: pip install graphlab[experiments]
Runs go to the folder runs/ of the current folder (--out), results also to --results FILE.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments (sequence of str, optional): Command line without the program name.

    Returns:
        int: Exit status: that of the command, or 2 where there is none of that name.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words[0] if words else "--help"
    if name in ("-h", "--help", "help"):
        sys.stdout.write(USAGE)
        return 0
    if name == "--version":
        sys.stdout.write(f"graphlab {__version__}\n")
        return 0
    if name == "info":
        status: int = import_module("graphlab.info").main(words[1:])
        return status
    if name not in ("demo", "run"):
        sys.stderr.write(f"graphlab: {name!r} is not a command\n\n{USAGE}")
        return 2
    return _run(words if name == "demo" else words[1:])


def _run(words: list[str]) -> int:
    package = _experiments()
    if package is None:
        sys.stderr.write("graphlab: this installation has no scripts; reinstall graphlab\n")
        return 2
    try:
        if words and words[0] not in ("-h", "--help", "--list"):
            import_module("tyro")
        status: int = import_module(f"{package}._harness.commands").main(words)
    except ImportError as error:
        sys.stderr.write(f"graphlab: {error}: pip install graphlab[experiments]\n")
        return 1
    return status


def _experiments() -> str | None:
    """Package of the scripts: part of an installed graphlab, beside it in a checkout."""
    if find_spec("graphlab.experiments") is not None:
        return "graphlab.experiments"
    root = Path(__file__).resolve().parents[1]
    if not (root / "experiments" / "_harness").is_dir():
        return None
    # At the front, since the working folder may have a package ``experiments`` of its own.
    sys.path.insert(0, str(root))
    return "experiments"


def entry() -> NoReturn:
    """What the installed command calls."""
    command("graphlab.__main__")


if __name__ == "__main__":
    entry()
