"""Facts that must stand beside a published number: code version, machine, packages, kernels.

Nothing recorded here identifies a person or a site: no host name, no user name, no absolute path.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from graphlab import info

from .scripts import invocation

_REPOSITORY = Path(__file__).resolve().parents[2]


def git_commit(*, besides: str | None = None) -> str | None:
    """Commit of the working copy, with ``+dirty`` when tracked files differ; None outside git.

    Args:
        besides (str, optional): Folder in which files may differ: that of the results themselves.
    """
    # An installed copy may lie inside somebody else's repository.
    if not (_REPOSITORY / ".git").exists():
        return None
    try:
        commit = _git("rev-parse", "HEAD")
        left_out = [] if besides is None else ["--", ".", f":(exclude){besides}"]
        dirty = _git("status", "--porcelain", "--untracked-files=no", *left_out)
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}+dirty" if dirty else commit


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=_REPOSITORY, capture_output=True, text=True, check=True, timeout=20
    )
    return done.stdout.strip()


def hardware() -> dict[str, Any]:
    """Processor model, usable cores, memory in bytes and the GPUs torch can see."""
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {"cpu": _cpu_model(), "cores": _cores(), "memory_bytes": _memory_bytes(), "gpus": gpus}


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _cores() -> int:
    # A container or taskset may grant fewer cores than the machine has.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def versions() -> dict[str, str | None]:
    """Versions of Python and of the packages that can change a result (None when absent)."""
    known: dict[str, str | None] = info.collect()["versions"]
    return known


def kernels() -> Any:
    """``graphlab.ops.library.status()`` as JSON values; None when it cannot be asked."""
    try:
        from graphlab.ops import library
    except ImportError:
        return None
    return jsonable(library.status())


def threads() -> dict[str, Any]:
    """Thread counts in force: torch intra-op, inter-op and the OpenMP environment variable."""
    return {
        "torch": torch.get_num_threads(),
        "torch_interop": torch.get_num_interop_threads(),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
    }


def environment() -> dict[str, Any]:
    """Hardware, versions, kernels, threads and operating system, ready for JSON."""
    return {
        "hardware": hardware(),
        "versions": versions(),
        "kernels": kernels(),
        "threads": threads(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def peak_rss_bytes() -> int | None:
    """Highest resident memory of this process so far, in bytes; None where it is not recorded."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024


def jsonable(value: Any) -> Any:
    """Turn dataclass values (paths, tuples, sets, dtypes ...) into plain, portable JSON values."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((jsonable(item) for item in value), key=str)
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    return portable(str(value))


def portable(text: str) -> str:
    """Shorten an absolute path: relative to the current folder, or its last part when outside."""
    if not os.path.isabs(text):
        return text
    path = Path(text)
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.name


def command_line(module: str, arguments: Sequence[str]) -> str:
    """The command that repeats a run, free of absolute paths."""
    shown = []
    for argument in arguments:
        option, equals, value = argument.partition("=")
        shown.append(f"{option}={portable(value)}" if equals else portable(argument))
    return shlex.join([*invocation(module).split(), *shown])
