"""Builds, tests and measures the CUDA kernels on this machine's GPU, in parts of nine minutes.

benchmarks/gpu_full.sh                           all parts, one after the other
benchmarks/gpu_full.sh --out runs/gpu operators  some parts, results and logs in a folder
benchmarks/gpu_full.sh --dry-run                 every part on the CPU, with tiny inputs

A step that fails or takes too long does not keep the next from running; what it said is in its
log, and how it ended in summary.jsonl, as soon as it ends. Every row of a benchmark is written when
it is measured; the rows of all parts are joined in one file, named after the device. The exit
status is 1 if a step failed. The interpreter needs a CUDA build of torch and the packages of the
extra `test`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path

import torch

from benchmarks._harness.parts import write_results
from benchmarks._harness.rows import Row
from benchmarks.gpu.device import file_stem
from benchmarks.gpu.plan import PARTS, Step, parts
from graphlab._console import open_console
from graphlab._io import user_path

ROOT = Path(__file__).resolve().parents[2]
TAIL = 15  # lines of a failed step's log to show
#: Limits are those of a device; a dry run shares its cores with whatever else runs.
DRY_PATIENCE = 10


def parse(arguments: list[str]) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--out", type=user_path, default=ROOT / "runs" / "gpu", help="folder")
    parser.add_argument("--dry-run", action="store_true", help="tiny inputs on the CPU")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}, only {', '.join(PARTS)}")
    return options


def environment(step: Step, *, dry: bool) -> dict[str, str]:
    """Variables of a step: kernels are built in place, for this device, by all cores."""
    values = {**os.environ, "PYTHONUNBUFFERED": "1", **step.environment}
    folders = [str(ROOT), str(ROOT / "cuda_ops"), os.environ.get("PYTHONPATH", "")]
    values["PYTHONPATH"] = os.pathsep.join(filter(None, folders))
    if not dry:
        major, minor = torch.cuda.get_device_capability()
        values.setdefault("GRAPHLAB_CUDA_ARCHS", f"{major}{minor}")
        values.setdefault("MAX_JOBS", str(os.cpu_count() or 2))
    values.setdefault("OMP_NUM_THREADS", "4")
    return values


def run_step(step: Step, log: Path, *, dry: bool) -> tuple[str, float]:
    """How a step ended, in a word, and after how many seconds."""
    if step.tool is not None and not dry and shutil.which(step.tool) is None:
        return f"left out: there is no {step.tool}", 0.0
    command = step.dry if dry and step.dry is not None else step.command
    limit_s = step.limit_s * (DRY_PATIENCE if dry else 1)
    start = time.monotonic()
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=ROOT / step.folder,
            env=environment(step, dry=dry),
            start_new_session=True,
        )
        try:
            status = process.wait(limit_s)
            # Without a device the tests of one are not made: pytest ends with 5 when it has none.
            none_made = dry and status == 5 and "pytest" in command
            ended = "passed" if status == 0 or none_made else f"failed with status {status}"
        except subprocess.TimeoutExpired:
            ended = f"ended after its limit of {limit_s} s"
        finally:
            end_group(process)
    return ended, time.monotonic() - start


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a step and all that it started, also where it has ended itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run_parts(names: list[str], out: Path, *, dry: bool) -> list[str]:
    """Run parts; names of the steps that failed."""
    out.mkdir(parents=True, exist_ok=True)
    planned = parts(str(out.resolve()))
    failed = []
    for part in names:
        print(f"=== {part} ({time.strftime('%H:%M:%S', time.gmtime())})")
        for step in planned[part]:
            log = out / f"{step.name}.log"
            ended, seconds = run_step(step, log, dry=dry)
            row = {"part": part, "step": step.name, "ended": ended, "seconds": round(seconds, 1)}
            with (out / "summary.jsonl").open("a", encoding="utf-8") as summary:
                summary.write(json.dumps(row) + "\n")
            print(f"{step.name}: {ended} ({seconds:.0f} s)")
            if ended.startswith(("failed", "ended")):
                failed.append(step.name)
                said = log.read_text(encoding="utf-8", errors="replace").splitlines()
                print("\n".join(f"    {line}" for line in said[-TAIL:]))
    return failed


def join(out: Path, command: list[str]) -> Path | None:
    """One file, named after the device, of the rows of all files of results; None without any."""
    rows: list[Row] = []
    planned = (step.name for steps in parts(str(out)).values() for step in steps)
    for path in (out / f"{name}.json" for name in planned):
        if path.is_file():
            rows += json.loads(path.read_text(encoding="utf-8"))["rows"]
    devices = [row for row in rows if row["case"] == "device"]
    if not devices:
        return None
    # Every file has the speed of the device, measured in its own run: the first stands for all.
    kept = [row for row in rows if row["case"] not in ("device", "device after")]
    target = out / f"{file_stem(devices[0]['device'])}.json"
    write_results(target, "gpu.full", [devices[0], *kept], command, [0])
    return target


def main(arguments: list[str] | None = None) -> None:
    """Run and report."""
    given = sys.argv[1:] if arguments is None else arguments
    options = parse(given)
    open_console()
    if not options.dry_run:
        if not torch.cuda.is_available():
            sys.exit("gpu_full: torch sees no CUDA device; --dry-run tries the parts without one")
        print(f"gpu_full: {torch.cuda.get_device_name()}, torch {torch.__version__}")
    failed = run_parts(options.parts or list(PARTS), options.out, dry=options.dry_run)
    joined = join(options.out, given)
    print(f"gpu_full: logs are in {options.out}, all rows in {joined or 'no file'}")
    if failed:
        sys.exit(f"gpu_full: failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
