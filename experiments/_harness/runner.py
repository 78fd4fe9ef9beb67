"""The runner every script hands itself to: command line, seeds, run folder, resume, table, files.

A script is a frozen dataclass ``Config`` (its defaults are the paper's), ``PRESETS``, a function
``run(config, context)`` that returns ``{metric: value}`` or ``{row label: {metric: value}}``, and::

    if __name__ == "__main__":
        main(run, Config, PRESETS)

Each seed owns ``<out>/<script>/<preset>/<hash of the config>/seed<k>/`` with ``config.json``,
``metrics.jsonl``, ``checkpoint.safetensors``, ``artifacts/`` and, once finished, ``result.json``.
Repeating a command skips finished seeds and resumes the interrupted one. Under ``torchrun`` the
first process owns the files and the others wait for it; a failing seed then ends the command.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import shutil
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import torch

from graphlab._console import INTERRUPTED, open_console
from graphlab._io import file_lock, read_json, sweep_stale, user_path, write_json

from .cli import changes, parse_command, parse_seeds, preset_table
from .context import ARTIFACTS, CHECKPOINT, METRICS, Context
from .environment import command_line, git_commit, jsonable, peak_rss_bytes
from .names import result_name
from .outputs import check_targets, write_outputs
from .ranks import agree, is_main, join_ranks, several
from .results import Published, Results, Rows, SeedResult
from .scripts import command_module, script_name
from .state import seed_everything
from .trackers import Tracker, tracking

C = TypeVar("C")
Run = Callable[[Any, Context], Mapping[str, Any]]
_RESULT = "result.json"
_ERROR = "error.txt"


@dataclass(frozen=True)
class _Job:
    """What all seeds of a command share; see :func:`execute`."""

    run: Run
    config: Any
    script: str
    device: str
    resume: bool
    tracker: Tracker


def main(
    run: Run,
    config_type: type[C],
    presets: Mapping[str, C],
    published: Published | None = None,
    not_run: Mapping[str, str] | None = None,
    arguments: Sequence[str] | None = None,
) -> NoReturn:
    """Run a script from its command line and exit: 0, 1 when a seed failed, 130 when interrupted.

    Args:
        run (Run): ``run(config, context)`` returning metrics, or metrics by row label.
        config_type (type[C]): The frozen dataclass.
        presets (Mapping[str, C]): Configurations by name; the first is the default.
        published (Published, optional): Published numbers to show beside ours.
        not_run (Mapping[str, str], optional): What the script leaves out, and why; repeated in the
            results and the report.
        arguments (Sequence[str], optional): Command line without the program (default:
            ``sys.argv[1:]``).
    """
    open_console()
    argv = list(sys.argv[1:] if arguments is None else arguments)
    module = command_module(run)
    command = parse_command(module, config_type, presets, argv)
    options = command.options
    if options.list:
        print(preset_table(presets))
        sys.exit(0)
    check_targets(options)
    try:
        results = execute(
            run,
            command.config,
            seeds=parse_seeds(options.seeds),
            preset=result_name(command.config, options.preset, presets),
            script=script_name(module),
            published=published,
            out=options.out,
            device=options.device,
            resume=options.resume,
            tracker="tensorboard" if options.tensorboard else options.tracker,
        )
    except KeyboardInterrupt:
        print("interrupted; the same command continues", file=sys.stderr)
        sys.exit(INTERRUPTED)
    results.command = command_line(module, argv)
    results.changes = changes(command.config, presets[options.preset])
    results.not_run.update(not_run or {})
    others = [name for name in presets if name != options.preset]
    if others:
        results.not_run["presets " + ", ".join(others)] = "not part of this command"
    write_outputs(results, options)
    sys.exit(1 if results.errors else 0)


def execute(
    run: Run,
    config: Any,
    *,
    seeds: Iterable[int] = (0,),
    preset: str = "custom",
    script: str | None = None,
    published: Published | None = None,
    out: str | Path = "runs",
    device: str = "auto",
    resume: bool = True,
    tracker: Tracker = "none",
) -> Results:
    """Run one configuration over seeds; a failing seed is recorded and the others still run.

    Args:
        run (Run): ``run(config, context)``.
        config (Any): A dataclass instance.
        seeds (Iterable[int]): Non-negative seeds.
        preset (str): Name for the folder and the table.
        script (str, optional): Name for the folder and the table (default: the module of ``run``).
        published (Published, optional): Published numbers; those of ``preset`` are kept.
        out (str | Path): Folder of the runs.
        device (str): ``"auto"``, ``"cpu"`` or ``"cuda"``.
        resume (bool): Skip finished seeds and continue an interrupted one.
        tracker (str): Where curves go besides ``metrics.jsonl``; see
            :func:`experiments._harness.trackers.tracking`.

    Returns:
        Results: The results, also written to ``results.json`` above the seeds' folders.
    """
    fields = dataclasses.asdict(config)
    script = script or script_name(command_module(run))
    digest = hashlib.sha256(json.dumps(fields, sort_keys=True, default=str).encode()).hexdigest()
    folder = user_path(out, "out") / script / preset / digest[:10]
    results = Results(script, preset, jsonable(fields), fields.get("protocol"))
    numbers = (published or {}).get(preset, {})
    results.published = {label: dict(metrics) for label, metrics in numbers.items()}
    job = _Job(run, config, script, device, resume, tracker)
    join_ranks(_device(device) if several() else torch.device("cpu"))
    for seed in seeds:
        directory = folder / f"seed{seed}"
        directory.mkdir(parents=True, exist_ok=True)
        # Two processes given the same command share the work instead of mixing their files.
        with file_lock(directory / "lock") if is_main() else nullcontext():
            try:
                results.finished.append(_seed(job, seed, directory))
            except Exception as error:
                if several():  # the others wait for messages that will not come
                    raise
                (directory / _ERROR).write_text(traceback.format_exc(), encoding="utf-8")
                results.errors[seed] = f"{type(error).__name__}: {error}"
                print(f"seed {seed} failed: {results.errors[seed]}", file=sys.stderr)
    if is_main():
        sweep_stale(folder)
        results.file = folder / "results.json"
        results.write(results.file)
    return results


def _seed(job: _Job, seed: int, directory: Path) -> SeedResult:
    if not job.resume and is_main():
        _clear(directory)
    device = _device(job.device)
    if agree((directory / _RESULT).exists(), device):
        saved = read_json(directory / _RESULT)
        return SeedResult(seed, _in_order(saved), saved["cost"], directory)
    if is_main():
        fields = jsonable(dataclasses.asdict(job.config))
        write_json(directory / "config.json", {"seed": seed, **fields})
    seed_everything(seed)
    settings = {"seed": seed, **jsonable(dataclasses.asdict(job.config))}
    name = "/".join([job.script, *directory.parts[-3:]])
    with tracking(job.tracker if is_main() else "none", directory, name, settings) as writer:
        context = Context(seed, device, directory, writer=writer, main=is_main())
        rows = _rows(job.run(job.config, context), job.script)
    cost = {
        "seconds": context.seconds(),
        "peak_rss_bytes": peak_rss_bytes(),
        "peak_gpu_bytes": torch.cuda.max_memory_allocated() if device.type == "cuda" else None,
        "device": device.type,
        "commit": git_commit(),
    }
    if is_main():
        order = [[label, list(metrics)] for label, metrics in rows.items()]
        write_json(directory / _RESULT, {"rows": rows, "order": order, "cost": cost})
        (directory / _ERROR).unlink(missing_ok=True)
    return SeedResult(seed, rows, cost, directory)


def _in_order(saved: Mapping[str, Any]) -> Rows:
    """Rows of a finished seed as the script returned them: keys in files are sorted."""
    rows: Rows = saved["rows"]
    order = saved.get("order", [[label, list(metrics)] for label, metrics in rows.items()])
    return {label: {metric: rows[label][metric] for metric in metrics} for label, metrics in order}


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is 'cuda' but torch sees no GPU")
    return torch.device(name)


def _clear(directory: Path) -> None:
    for name in (CHECKPOINT, METRICS, _RESULT, _ERROR, "config.json"):
        (directory / name).unlink(missing_ok=True)
    shutil.rmtree(directory / ARTIFACTS, ignore_errors=True)


def _rows(returned: Mapping[str, Any], label: str) -> Rows:
    nested = any(isinstance(value, Mapping) for value in returned.values())
    rows = {
        row: {metric: float(value) for metric, value in metrics.items()}
        for row, metrics in (returned if nested else {label: returned}).items()
    }
    for row, metrics in rows.items():
        for metric, value in metrics.items():
            if not math.isfinite(value):
                raise ValueError(f"run returned {metric} = {value} for {row}")
    return rows
