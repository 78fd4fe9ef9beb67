"""Files that survive a crash: atomic writes, strict JSON, checked arrays, locks.

Every file is written under a temporary name in its own folder, flushed to the disk and renamed, so
a reader sees the old content or the new content and never a mixture, whatever kills the writer.
Downloads live in :mod:`graphlab._download`, saved estimators in :mod:`graphlab._estimator`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from torch import Tensor

from graphlab._naming_errors import naming_errors
from graphlab._safetensors import decode, encode

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

StrPath = str | os.PathLike[str]

# A process id means something on its own machine only: the tag keeps a sweep on one machine of a
# shared file system from deleting the live temporary files of another.
_HOST = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
_TEMP_NAME = re.compile(rf"\..*\.{_HOST}-(?P<pid>\d+)-[0-9a-f]+\.tmp")
_MAX_STEM = 180  # keeps the temporary name within the usual 255 bytes even for a long file name


# --- paths ----------------------------------------------------------------------------------------


def user_path(path: StrPath, name: str = "path") -> Path:
    """A path as a user wrote it, with ``~`` and ``~user`` expanded.

    Everything public that takes a path goes through here, so that ``"~/data"`` means the same
    everywhere and not a folder called ``~``.

    Args:
        path (str or os.PathLike): The path.
        name (str): Its argument, for errors.

    Returns:
        Path: The expanded path; nothing is looked up or made.

    Raises:
        TypeError: If it is neither a str nor an ``os.PathLike`` of one, such as bytes or None.
        ValueError: If it is empty, holds a null character, or names a user without a home.

    Example:
        >>> user_path("~/graphs").is_absolute()
        True
    """
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str or os.PathLike, got {path!r}")
    if not text or "\0" in text:
        raise ValueError(f"{name} must name a file or folder, got {path!r}")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{name} must name a user who has a home folder, got {path!r}") from error


def check_writable(path: StrPath, name: str = "path", *, folder: bool = False) -> Path:
    """The expanded path, after trying whether it can be written: before hours of work, not after.

    Missing folders are made; an existing file keeps its content.

    Args:
        path (str or os.PathLike): File to be written later, or a folder for files.
        name (str): Its argument, for errors.
        folder (bool): Whether it is a folder.

    Returns:
        Path: The path with ``~`` expanded.

    Raises:
        OSError: If no file can be written there; the message names the argument and the path.
    """
    target = user_path(path, name)
    try:
        parent = target if folder else target.parent
        parent.mkdir(parents=True, exist_ok=True)
        if not folder and target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        probe = parent / f".{_HOST}-{os.getpid()}-{secrets.token_hex(4)}.tmp"
        probe.touch()
        probe.unlink()
    except OSError as error:
        # Where a parent of the path is a file, the operating system says "File exists", which
        # reads as if the target were there already.
        misled = isinstance(error, FileExistsError)
        reason = "a file is in the place of a folder" if misled else error.strerror or str(error)
        raise OSError(f"{name} cannot be written: {reason}: {target}") from error
    return target


# --- atomic files ---------------------------------------------------------------------------------


@contextmanager
def atomic_path(path: StrPath) -> Iterator[Path]:
    """Yield a temporary path that becomes ``path`` when the block ends without an error.

    The block creates and closes the file at the yielded path. Then the file is flushed to the disk,
    renamed over ``path`` in one step, and the folder entry is flushed too. If the block raises, the
    temporary file is removed and ``path`` keeps its old content. A symbolic link is followed, so
    the file it points to is replaced and the link stays. Permissions of an existing file are kept.

    Args:
        path: Destination. Missing parent folders are created.

    Yields:
        Path: A name in the folder of the destination, unique to this process and call.

    Raises:
        OSError: If the folder cannot be written, the disk is full, or the block made no file.

    Example:
        >>> with atomic_path("table.csv") as temporary:
        ...     frame.to_csv(temporary)  # doctest: +SKIP
    """
    target = Path(os.path.realpath(user_path(path)))
    target.parent.mkdir(parents=True, exist_ok=True)
    stem = os.fsencode(target.name)[:_MAX_STEM].decode(errors="ignore")
    token = f"{_HOST}-{os.getpid()}-{secrets.token_hex(4)}"
    temporary = target.with_name(f".{stem}.{token}.tmp")
    try:
        with naming_errors(target):
            yield temporary
            with suppress(FileNotFoundError):
                shutil.copymode(target, temporary)
            _flush(temporary, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
            os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":
        _flush(target.parent, os.O_RDONLY)


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network and FUSE file systems cannot flush a folder; the rename itself is done.
        if not (path.is_dir() and error.errno in (errno.EINVAL, errno.ENOTSUP)):
            raise
    finally:
        os.close(descriptor)


def atomic_write(path: StrPath, data: bytes) -> None:
    """Write ``data`` to ``path`` so that a crash leaves the old file or the new one.

    Args:
        path: Destination. Missing parent folders are created.
        data: Whole content of the file.

    Raises:
        OSError: If the folder cannot be written or the disk is full; ``path`` is unchanged.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def sweep_stale(directory: StrPath) -> list[Path]:
    """Remove the temporary files that killed processes of this machine left in a folder.

    Files of living processes, other machines and programs stay, and all without POSIX process ids.

    Args:
        directory: Folder to clean; one that does not exist counts as clean.

    Returns:
        list[Path]: The removed files, sorted.
    """
    if os.name != "posix":
        return []
    removed = []
    with suppress(FileNotFoundError):
        for path in sorted(user_path(directory, "directory").iterdir()):
            match = _TEMP_NAME.fullmatch(path.name)
            if match and not _is_alive(int(match["pid"])):
                path.unlink(missing_ok=True)
                removed.append(path)
    return removed


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # the process exists and belongs to somebody else
        return True
    return True


@contextmanager
def file_lock(path: StrPath, timeout: float | None = None) -> Iterator[None]:
    """Hold an exclusive lock between the processes and threads that name the same file.

    The kernel releases the lock when its holder dies, so a killed process never blocks the next.
    The lock file stays on disk, empty. The lock is not re-entrant. Where ``fcntl`` is missing
    (Windows) nothing is locked; atomic renames still keep every file whole there.

    Args:
        path: Lock file, created if missing together with its folder.
        timeout: Seconds to wait; ``None`` waits for ever.

    Yields:
        None: While the lock is held.

    Raises:
        TimeoutError: If the lock is not free within ``timeout``.
    """
    path = user_path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if fcntl is not None:
            _acquire(descriptor, path, timeout)
        yield
    finally:
        if fcntl is not None:
            # Closing alone would leave the lock with a forked child that inherited the descriptor.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, timeout: float | None) -> None:
    if timeout is None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{path} is still locked after {timeout} seconds") from None
            time.sleep(0.02)


# --- JSON -----------------------------------------------------------------------------------------


def _dump_json(obj: object, indent: int | None = None) -> str:
    return json.dumps(obj, indent=indent, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _load_json(text: str) -> Any:
    return json.loads(
        text,
        parse_constant=_refuse_constant,
        parse_float=_finite_float,
        object_pairs_hook=_unique_pairs,
    )


def _refuse_constant(token: str) -> NoReturn:
    raise ValueError(f"{token} is not allowed")


def _finite_float(token: str) -> float:
    value = float(token)
    if not math.isfinite(value):
        raise ValueError(f"number {token} is out of range")
    return value


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError(f"an object repeats one of its keys {sorted(result)}")
    return result


def write_json(path: StrPath, obj: object) -> None:
    """Write ``obj`` as indented UTF-8 JSON with sorted keys and a final newline, atomically.

    Equal objects give equal bytes. Tuples come back as lists and integer keys as strings.

    Args:
        path: Destination.
        obj: Dicts, lists, strings, finite numbers, booleans, None.

    Raises:
        ValueError: If ``obj`` holds NaN or an infinity.
        TypeError: If ``obj`` holds something JSON cannot express.
    """
    try:
        data = (_dump_json(obj, indent=2) + "\n").encode()
    except ValueError as error:
        raise ValueError(f"obj cannot be written as JSON to {path}: {error}") from error
    atomic_write(path, data)


def read_json(path: StrPath) -> Any:
    """Read a JSON file strictly: UTF-8, no NaN or infinity, no repeated keys.

    Args:
        path: File to read.

    Returns:
        Any: The decoded value.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the content is not strict JSON; the message names ``path``.
    """
    try:
        return _load_json(user_path(path).read_bytes().decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error


# --- arrays ---------------------------------------------------------------------------------------


def save_arrays(
    path: StrPath, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write named tensors to a safetensors file with a checksum, atomically.

    Any strides, views that share memory, and any device are accepted; each tensor is stored
    contiguous and whole, without gradient. Equal input gives equal bytes (the safetensors writer
    itself orders metadata at random, hence the writer here). Any safetensors reader can open it.

    Args:
        path: Destination.
        tensors: Dense tensors by name, any shape, also empty or 0-d.
        metadata: Strings stored in the header.

    Raises:
        TypeError: If a tensor is sparse, has no data, or has a dtype the format lacks; if a name
            or a metadata entry is not a string.
        ValueError: If a name or a metadata key is reserved.

    Complexity: O(bytes) time (one pass to hash, one to write); copies only tensors that are
    not contiguous or not on the CPU.
    """
    head, blocks = encode(tensors, metadata or {})
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(head)
        for block in blocks:
            file.write(block)


def load_arrays(path: StrPath, *, verify: bool = True) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the tensors and metadata of a safetensors file.

    Args:
        path: File to read.
        verify: Recompute the checksum that :func:`save_arrays` stored. Turn off only for files
            that other programs wrote.

    Returns:
        tuple[dict[str, Tensor], dict[str, str]]: CPU tensors by name, and the metadata.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is truncated, altered or not safetensors; the message names it.
    """
    return decode(user_path(path), verify)


def check_layers(count: Any, arrays: Mapping[str, Tensor]) -> None:
    """Refuse more layers than arrays, before a network of them is built.

    Raises:
        ValueError: If a record asks for layers that its file cannot fill.
    """
    if isinstance(count, int) and count > len(arrays):
        raise ValueError(f"num_layers must be at most {len(arrays)}, the arrays here, got {count}")
