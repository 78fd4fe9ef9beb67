"""Scripts by name: ``graphlab run NAME``, and ``python -m experiments NAME`` in a checkout."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from .names import hint
from .scripts import command_modules, listing


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a script, or list them all where no name is given; leaves with the script's status.

    Args:
        arguments (Sequence[str], optional): Name of a script and its options (default: those of
            the command line).

    Returns:
        int: 0, or 2 if there is no such script.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("--list", "-h", "--help"):
        print(listing())
        return 0
    commands = command_modules()
    name = words[0].replace("-", "_").replace(".", "_").removesuffix("_run")
    if name not in commands:
        known = ", ".join(commands)
        print(f"{words[0]!r} is not one of {known}{hint(words[0], commands)}", file=sys.stderr)
        return 2
    sys.argv[1:] = words[1:]  # which the script reads
    status: int = import_module(commands[name]).main()
    return status


def choose(folder: str) -> int:
    """List the scripts of a folder that holds several of equal rank: it has no script of its own.

    Args:
        folder (str): Name of the folder.

    Returns:
        int: 0 where the list was asked for, else 2.
    """
    if {"--list", "-h", "--help"} & set(sys.argv[1:]):
        print(listing(folder))
        return 0
    print(f"{folder} has several scripts, one of which must be named:", file=sys.stderr)
    print(listing(folder), file=sys.stderr)
    return 2
