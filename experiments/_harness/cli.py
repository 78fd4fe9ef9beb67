"""The command line of a script, built from its configuration class."""

from __future__ import annotations

import dataclasses
import difflib
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from experiments._harness.trackers import Tracker

C = TypeVar("C")


@dataclass(frozen=True)
class Options:
    """Options of every script.

    Attributes:
        preset (str): Named configuration that the other options override.
        seeds (str): ``3``, ``0,2,5`` or the half-open range ``0:10``.
        out (Path): Folder of the runs.
        report (Path, optional): Write an HTML report to this file.
        results (Path, optional): Write the results JSON to this file as well.
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
        prog=f"python -m {module}",
        description=f"Presets: {', '.join(presets)}.",
    )
    try:
        parse_seeds(parsed.options.seeds)
    except ValueError as error:
        print(f"--seeds: {error}", file=sys.stderr)
        sys.exit(2)
    return parsed


def _preset(presets: Mapping[str, Any], argv: list[str]) -> str:
    # The preset gives the defaults of all other options, so it is looked up before they are read.
    chosen = next(iter(presets))
    for position, argument in enumerate(argv):
        if argument == "--preset" and position + 1 < len(argv):
            chosen = argv[position + 1]
        elif argument.startswith("--preset="):
            chosen = argument.partition("=")[2]
    if chosen not in presets:
        close = difflib.get_close_matches(chosen, presets, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        print(f"--preset {chosen!r} is not one of {', '.join(presets)}{hint}", file=sys.stderr)
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
    options: C = _tyro().cli(kind, args=None if arguments is None else list(arguments))
    return options


def preset_lines(presets: Mapping[str, Any]) -> list[str]:
    """A line per preset: its name and the settings that differ from the class's defaults.

    Args:
        presets (Mapping[str, Any]): Configurations by name.

    Returns:
        list[str]: Names aligned, settings as on the command line; the first preset is the default.
    """
    width = max(map(len, presets), default=0)
    lines = []
    for name, config in presets.items():
        default = _settings(type(config)())
        changed = {k: v for k, v in _settings(config).items() if v != default.get(k)}
        words = " ".join(_words(option, value) for option, value in changed.items())
        lines.append(f"{name:<{width}}  {words or '(the defaults)'}")
    return lines


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
