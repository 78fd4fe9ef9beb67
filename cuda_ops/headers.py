"""Headers of other versions of torch, and a quick compilation of every source against them.

A build uses the stable interface of the lowest torch alone, which the headers of a later one do not
guarantee: a name that came with 2.13 compiles there whatever version is aimed at. So every source
goes through both front ends once per version, and through no optimiser: some seconds a file.

Only what the stable interface is made of is kept, under ``build/headers/VERSION``. It is taken from
the wheel for macOS, the smallest there is (80 MB, one for Linux has ten times as much): these
headers are the same on every system.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

#: The torch of common GPU machines, between the lowest and the one of constraints.txt.
MIDDLE = "2.11.0"
PARTS = ("torch/csrc/stable/", "torch/headeronly/", "torch/csrc/inductor/aoti_torch/")
PREFIX = "torch/include/"
TIMEOUT_S = 600


def lowest(target: str) -> str:
    """The version that ``0x020a000000000000`` stands for, ``"2.10.0"``."""
    number = int(target, 16)
    return f"{number >> 56}.{number >> 48 & 0xFF}.{number >> 40 & 0xFF}"


def download(version: str, folder: Path) -> str | None:
    """Fetch the wheel of a version into ``folder``; why not, where that fails."""
    platforms = [f"--platform=macosx_{least}_0_arm64" for least in (11, 14)]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q"]
    command += ["--no-deps", "--only-binary=:all:", "--python-version=3.12", *platforms]
    try:
        done = subprocess.run(
            [*command, "-d", str(folder), f"torch=={version}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {TIMEOUT_S} s"
    if done.returncode == 0:
        return None
    said = [line for line in done.stdout.splitlines() if line.startswith("ERROR")]
    return said[-1].removeprefix("ERROR: ") if said else f"pip ended with {done.returncode}"


def unpack(wheel: Path, folder: Path) -> None:
    """Take the headers of the stable interface out of a wheel.

    Raises:
        ValueError: If it has none.
    """
    with zipfile.ZipFile(wheel) as archive:
        wanted = tuple(PREFIX + part for part in PARTS)
        names = [n for n in archive.namelist() if n.startswith(wanted) and not n.endswith("/")]
        if not names:
            raise ValueError(f"{wheel.name} holds no header of the stable interface")
        for name in names:
            target = folder / name.removeprefix(PREFIX)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(name))


def fetch(
    version: str, cache: Path, get: Callable[[str, Path], str | None] = download
) -> tuple[Path | None, str]:
    """Folder with the headers of a version, or None and why they cannot be had."""
    folder = cache / version
    if folder.is_dir():
        return folder, ""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        why = get(version, Path(scratch))
        if why is not None:
            return None, why
        (wheel,) = Path(scratch).glob("*.whl")
        fresh = Path(scratch) / "headers"
        unpack(wheel, fresh)
        fresh.replace(folder)  # whole or not at all
    return folder, ""


def newest_change(root: Path) -> float:
    """When a header of ours or this file was last changed."""
    shared = [Path(__file__), *(root / "csrc").rglob("*.h"), *(root / "csrc").rglob("*.cuh")]
    return max(path.stat().st_mtime for path in shared)


def compile_all(
    root: Path, headers: Path, sources: Sequence[str], command: Callable[[str, Path], list[str]]
) -> None:
    """Compile sources that have changed since they last compiled with these headers.

    Args:
        root (Path): Folder of the sources.
        headers (Path): As :func:`fetch` gave it.
        sources (Sequence[str]): Relative to ``root``.
        command (Callable): ``(source, headers)`` to the compiler's command line.

    Raises:
        SystemExit: If one does not compile, with the compiler's words.
    """
    shared = newest_change(root)

    def one(source: str) -> str | None:
        stamp = headers / "compiled" / source
        newest = max(shared, (root / source).stat().st_mtime)
        if stamp.is_file() and stamp.stat().st_mtime > newest:
            return None
        done = subprocess.run(
            command(source, headers), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode != 0:
            return f"{source} does not compile against torch {headers.name}\n{done.stdout}"
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()
        return None

    with ThreadPoolExecutor(int(os.environ.get("MAX_JOBS", "2"))) as pool:
        wrong = [text for text in pool.map(one, sources) if text is not None]
    if wrong:
        raise SystemExit("check-cuda: " + "\ncheck-cuda: ".join(wrong))


def host_compiler() -> list[str] | None:
    """The C++ compiler, None where there is none."""
    words = os.environ.get("CXX", "c++").split()
    return words if words and shutil.which(words[0]) else None
