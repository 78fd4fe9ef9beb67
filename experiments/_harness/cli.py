"""The command line of a script, built from its configuration class."""

from __future__ import annotations

import dataclasses
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from .names import hint
from .scripts import invocation
from .trackers import Tracker

C = TypeVar("C")


@dataclass(frozen=True)
class Options:
    """Options of every script.

    Attributes:
        preset (str): Named configuration that the other options override.
        seeds (str): ``3``, ``0,2,5`` or the half-open range ``0:10``.
        out (Path): Folder of the runs, in the current folder by default.
        report (Path, optional): Write an HTML report to this file.
        results (Path, optional): Write the results JSON to this file as well; it always lies in
            the folder of the run.
        tracker (str): Where curves go besides ``metrics.jsonl``: ``none``, ``tensorboard`` or
            ``wandb`` (offline with ``WANDB_MODE=offline``).
        tensorboard (bool): The same as ``--tracker tensorboard``.
        device (str): Where to compute; ``auto`` takes the GPU when there is one.
        resume (bool): Skip finished seeds and continue an interrupted one.
        list (bool): Print the presets and stop.
    """

    preset: str
    seeds: str = "0"
    out: Path = Path("runs")
    report: Path | None = None
    results: Path | None = None
    tracker: Tracker = "none"
    tensorboard: bool = False
    device: Literal["auto", "cpu", "cuda"] = "auto"
    resume: bool = True
    list: bool = False


@dataclass(frozen=True)
class Command(Generic[C]):
    """A parsed command line: the configuration and the options of the runner."""

    config: C
    options: Options


def parse_command(
    module: str, config_type: type[C], presets: Mapping[str, C], argv: list[str]
) -> Command[C]:
    """Read the command line; leaves the process with a message when an option is unknown.

    Args:
        module (str): Module shown in the usage line.
        config_type (type[C]): The configuration class; every field is an option.
        presets (Mapping[str, C]): Configurations by name; the first is the default.
        argv (list[str]): Arguments without the program.

    Returns:
        Command[C]: The preset with the given overrides, and the options.

    Raises:
        ImportError: If tyro is missing.
        ValueError: If a field of the configuration has the name of an option.
    """
    tyro = _tyro()
    clash = {f.name for f in dataclasses.fields(Options)} & set(config_type.__annotations__)
    if clash:
        raise ValueError(f"{config_type.__name__} has fields of the runner: {sorted(clash)}")
    preset = _preset(presets, argv)
    # Both parts lose their prefix, parts of the configuration keep theirs: --lr, --optimizer.lr.
    flat = tyro.conf.arg(name="")
    fields = [("config", Annotated[config_type, flat]), ("options", Annotated[Options, flat])]
    kind: Any = dataclasses.make_dataclass("Arguments", fields)
    parsed: Command[C] = tyro.cli(
        kind,
        args=argv,
        default=kind(presets[preset], Options(preset)),
        prog=invocation(module),
        description=f"Presets: {', '.join(presets)}.",
    )
    try:
        parse_seeds(parsed.options.seeds)
    except ValueError as error:
        print(f"--seeds: {error}", file=sys.stderr)
        sys.exit(2)
    return dataclasses.replace(
        parsed, config=expand_home(parsed.config), options=expand_home(parsed.options)
    )


def expand_home(config: C) -> C:
    """A copy of options with ``~`` expanded in every path, which a shell does not do for ``--a=~``.

    Args:
        config (C): A dataclass; nested ones and tuples are gone through.

    Returns:
        C: The copy. Only words that begin with ``~`` differ; no option but a path does.
    """
    changes = {f.name: _expanded(getattr(config, f.name)) for f in dataclasses.fields(config)}  # type: ignore[arg-type]
    expanded: C = dataclasses.replace(config, **changes)  # type: ignore[type-var]
    return expanded


def _expanded(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return expand_home(value)
    if isinstance(value, tuple):
        return tuple(map(_expanded, value))
    if isinstance(value, str):
        return os.path.expanduser(value)
    return Path(os.path.expanduser(value)) if isinstance(value, Path) else value


def _preset(presets: Mapping[str, Any], argv: list[str]) -> str:
    # The preset gives the defaults of all other options, so it is looked up before they are read.
    chosen = next(iter(presets))
    for position, argument in enumerate(argv):
        if argument == "--preset" and position + 1 < len(argv):
            chosen = argv[position + 1]
        elif argument.startswith("--preset="):
            chosen = argument.partition("=")[2]
    if chosen not in presets:
        known = ", ".join(presets)
        print(f"--preset {chosen!r} is not one of {known}{hint(chosen, presets)}", file=sys.stderr)
        sys.exit(2)
    return chosen


def parse_seeds(text: str) -> list[int]:
    """Read ``"3"``, ``"0,2,5"`` or ``"0:10"`` (the end is excluded).

    Raises:
        ValueError: If the text has another form, or names no seed or a negative one.
    """
    try:
        first, colon, last = text.partition(":")
        seeds = list(range(int(first or 0), int(last))) if colon else [*map(int, text.split(","))]
    except ValueError:
        seeds = []
    if not seeds or min(seeds) < 0:
        raise ValueError(f"seeds must look like 3, 0,2,5 or 0:10, got {text!r}")
    return list(dict.fromkeys(seeds))


def parse_options(kind: type[C], arguments: Sequence[str] | None) -> C:
    """Read the options of a command without presets.

    Args:
        kind (type[C]): Their dataclass; its docstring is the help.
        arguments (Sequence[str], optional): What was given; ``None`` takes the command line.

    Returns:
        C: The options.

    Raises:
        ImportError: If tyro is missing.
    """
    words = None if arguments is None else list(arguments)
    options: C = _tyro().cli(kind, args=words, prog=invocation(kind.__module__))
    return expand_home(options)


def preset_lines(presets: Mapping[str, Any]) -> list[str]:
    """A line per preset: its name and the settings that differ from the class's defaults.

    Args:
        presets (Mapping[str, Any]): Configurations by name.

    Returns:
        list[str]: Names aligned, settings as on the command line; the first preset is the default.
    """
    width = max(map(len, presets), default=0)
    return [
        f"{name:<{width}}  {changes(config, type(config)()) or '(the defaults)'}"
        for name, config in presets.items()
    ]


def changes(config: Any, default: Any) -> str:
    """The options by which a configuration differs from another of its class.

    Args:
        config (Any): A dataclass.
        default (Any): What it is compared with.

    Returns:
        str: Options as on the command line, nothing where the two are equal.
    """
    before = _settings(default)
    changed = {k: v for k, v in _settings(config).items() if v != before.get(k)}
    return " ".join(_words(option, value) for option, value in changed.items())


def preset_table(presets: Mapping[str, Any], width: int | None = None) -> str:
    """The presets as a table of two columns that fits the terminal.

    Args:
        presets (Mapping[str, Any]): Configurations by name.
        width (int, optional): Columns of the terminal (default: what it has).

    Returns:
        str: A header and the lines of :func:`preset_lines`, broken between options.
    """
    room = width or shutil.get_terminal_size((100, 24)).columns
    lines = preset_lines(presets)
    start = max([len("preset"), *map(len, presets)]) + 2
    table = [f"{'preset':<{start}}settings that differ from the defaults of the options"]
    for name, line in zip(presets, lines, strict=True):
        options = line[len(name) :].strip().replace(" --", "\n--").split("\n")
        row = f"{name:<{start}}"
        for option in options:
            if row.strip() and len(row) > start and len(row) + len(option) > room:
                table.append(row.rstrip())
                row = " " * start
            row += option + "  "
        table.append(row.rstrip())
    return "\n".join([*table, f"Without --preset, {next(iter(presets))} is taken."])


def _settings(config: Any, prefix: str = "") -> dict[str, Any]:
    """Options by name; those of a nested configuration carry its name: ``pamc.lr``."""
    settings: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value, name = getattr(config, field.name), prefix + field.name.replace("_", "-")
        nested = dataclasses.is_dataclass(value)
        settings |= _settings(value, f"{name}.") if nested else {name: value}
    return settings


def _words(option: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"--{option}" if value else f"--no-{option}"
    values = value if isinstance(value, tuple | list) else [value]
    return " ".join([f"--{option}", *(shlex.quote(str(v)) for v in values)])


def _tyro() -> Any:
    try:
        import tyro
    except ImportError as error:
        raise ImportError(
            "the command line needs tyro: pip install graphlab[experiments]"
        ) from error
    return tyro
