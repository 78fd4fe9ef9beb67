"""Downloads that are complete, verified and resumable, and the folder they go to."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import secrets
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from graphlab._checks import check_int, check_nonnegative, check_positive
from graphlab._io import file_lock, read_json, sweep_stale, user_path, write_json
from graphlab._naming_errors import naming_errors
from graphlab._progress import Progress

_CHUNK = 1 << 20  # bytes
_TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


class DownloadError(RuntimeError):
    """A file could not be obtained; the message says which file to put where by hand."""


class _Retry(Exception):
    """A failure that another attempt may cure."""


@dataclass(frozen=True)
class _Request:
    url: str
    path: Path
    sha256: str
    size: int | None
    timeout: float

    @property
    def part(self) -> Path:
        return self.path.with_name(f".{self.path.name}.part")

    @property
    def validator(self) -> Path:
        return self.path.with_name(f".{self.path.name}.part.json")


def data_root(root: str | os.PathLike[str] | None = None) -> Path:
    """Folder that holds the data sets.

    Args:
        root: Explicit choice. ``None`` takes the environment variable ``GRAPHLAB_ROOT``, or
            ``data`` in the working directory if that is unset or empty.

    Returns:
        Path: The folder, with ``~`` expanded; not created.
    """
    chosen = os.environ.get("GRAPHLAB_ROOT") or "data" if root is None else root
    return user_path(chosen, "root")


def sha256_of(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file as 64 lower-case hexadecimal digits.

    Args:
        path: File to read, in constant memory.

    Returns:
        str: The digest.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    digest = hashlib.sha256()
    with user_path(path).open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()


def download(
    url: str,
    path: str | os.PathLike[str],
    sha256: str,
    *,
    size: int | None = None,
    resume: bool = True,
    timeout: float = 60.0,
    tries: int = 3,
    backoff: float = 1.0,
) -> Path:
    """Fetch ``url`` into ``path`` unless a file with the right checksum is already there.

    The body goes to a hidden ``.part`` file beside the destination; only a complete body with the
    right checksum is flushed and renamed. An interrupted part is continued later if the server
    gave a strong ETag and confirms that the file is unchanged. Concurrent callers wait for one
    another: one fetches, the others find the file. Certificates are verified.

    Args:
        url: ``https://`` address; ``http://`` is accepted because the checksum decides.
        path: Destination file. Other content there is replaced once the download is verified.
        sha256: Expected digest, 64 hexadecimal digits.
        size: Expected length in bytes, if known: a wrong file is then refused before it is read.
        resume: Whether to continue an interrupted part.
        timeout: Seconds to wait for the connection and for each block of data.
        tries: Attempts in all. Missing files, refusals and wrong content are not tried again.
        backoff: Seconds before the second attempt, doubled each time, plus up to half at random.

    Returns:
        Path: The verified file.

    Raises:
        ValueError: If ``url`` is not http(s) or ``sha256`` is not a digest.
        DownloadError: If the file could not be obtained or its content is wrong.
        OSError: If the disk is full or the folder cannot be written.
    """
    if urlsplit(url).scheme not in ("https", "http") or not urlsplit(url).netloc:
        raise ValueError(f"url must start with https:// or http://, got {url!r}")
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise ValueError(f"sha256 must be 64 hexadecimal digits, got {sha256!r}")
    if size is not None:
        check_int(size, "size", minimum=0)
    check_int(tries, "tries", minimum=1)
    check_nonnegative(backoff, "backoff")
    job = _Request(url, user_path(path), sha256.lower(), size, check_positive(timeout, "timeout"))
    if _is_right(job):
        return job.path
    with file_lock(job.path.with_name(f".{job.path.name}.lock")):
        if not _is_right(job):  # unless somebody fetched it while this process waited
            sweep_stale(job.path.parent)
            if not resume:
                _discard(job)
            _attempt(job, tries, backoff)
    return job.path


def _is_right(job: _Request) -> bool:
    return job.path.is_file() and sha256_of(job.path) == job.sha256


def _attempt(job: _Request, tries: int, backoff: float) -> None:
    for attempt in range(1, tries + 1):
        try:
            _fetch(job)
            _verify(job)
        except _Retry as error:
            if attempt == tries:
                raise _failure(job, f"{error} ({tries} tries)") from error
            # The operating system's randomness: the caller's generators stay untouched.
            jitter = 1 + secrets.randbelow(500) / 1000
            time.sleep(backoff * 2 ** (attempt - 1) * jitter)
        else:
            return


def _fetch(job: _Request) -> None:
    """Bring the part to its full length."""
    etag, length = _continuation(job)
    start = job.part.stat().st_size if etag else 0
    # Whole already: an earlier call was interrupted between the last byte and the checksum.
    if etag and start == length:
        return
    request = urllib.request.Request(job.url, headers={"User-Agent": "graphlab"})  # noqa: S310
    if start:
        request.add_header("Range", f"bytes={start}-")
        request.add_header("If-Range", str(etag))
    with _open(request, job) as response:
        if response.status == 206:
            total = _range_total(response, start)
        else:
            start, total = 0, _length(response)
        if job.size is not None and total not in (None, job.size):
            raise _failure(job, f"the server offers {total} bytes instead of {job.size}")
        if start == 0:
            _start_part(job, response.headers.get("ETag"), total)
        _copy(response, job, start, total)


@contextmanager
def _open(request: urllib.request.Request, job: _Request) -> Iterator[http.client.HTTPResponse]:
    """Open the connection, sorting failures into those worth another attempt and the others."""
    context = ssl.create_default_context()
    try:
        response = urllib.request.urlopen(request, timeout=job.timeout, context=context)  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # the part is as long as the file, or longer: it is not to be trusted
            _discard(job)
            raise _Retry("the server refused to continue the partial file") from error
        message = f"the server answered {error.code} {error.reason}"
        if error.code in _TRANSIENT_STATUS:
            raise _Retry(message) from error
        raise _failure(job, message) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise _failure(job, str(error.reason)) from error
        raise _Retry(str(error.reason)) from error
    except (http.client.HTTPException, OSError) as error:
        raise _Retry(f"{type(error).__name__}: {error}") from error
    with response:
        yield response


def _copy(response: http.client.HTTPResponse, job: _Request, start: int, total: int | None) -> None:
    done = start
    limit = job.size if total is None else total
    whole = None if limit is None else limit >> 20
    name = f"download {job.path.name}"
    progress = Progress(whole, name, unit="MiB", done=start >> 20)
    with job.part.open("ab") as file, progress:
        while True:
            try:
                block = response.read1(_CHUNK)
            except (http.client.HTTPException, OSError) as error:
                raise _Retry(f"the connection broke after {done} bytes ({error})") from error
            if not block:
                break
            with naming_errors(job.part):  # a full disk is not the server's fault
                file.write(block)
            progress.update((done + len(block) >> 20) - (done >> 20))
            done += len(block)
            if limit is not None and done > limit:
                _discard(job)
                raise _failure(job, f"the server sent more than {limit} bytes")
        with naming_errors(job.part):
            file.flush()
            os.fsync(file.fileno())
    if limit is not None and done < limit:
        raise _Retry(f"the connection ended after {done} of {limit} bytes")


def _verify(job: _Request) -> None:
    """Move a part with the right content into place, or drop it."""
    digest = sha256_of(job.part)
    if digest == job.sha256:
        # The record first: a kill between the two steps leaves nothing that stays for ever.
        job.validator.unlink(missing_ok=True)
        os.replace(job.part, job.path)
        return
    resumed = job.validator.is_file() and read_json(job.validator)["resumed"]
    _discard(job)
    message = f"the content has sha256 {digest}"
    if resumed:  # the pieces may not belong together; a fresh body may be right
        raise _Retry(message)
    raise _failure(job, message)


def _start_part(job: _Request, etag: str | None, length: int | None) -> None:
    _discard(job)
    job.part.touch()
    # A weak ETag allows bytes to differ, so it cannot vouch for the rest of a file.
    if etag and not etag.startswith("W/"):
        record = {"url": job.url, "etag": etag, "length": length, "resumed": False}
        write_json(job.validator, record)


def _continuation(job: _Request) -> tuple[str | None, int | None]:
    """ETag and full length of the part on disk, after noting that it is continued."""
    try:
        record = read_json(job.validator)
        etag, length, url = record["etag"], record["length"], record["url"]
        known = url == job.url and job.part.stat().st_size > 0
    except (OSError, ValueError, LookupError, TypeError):
        return None, None
    if not known or not isinstance(etag, str):
        return None, None
    write_json(job.validator, {**record, "resumed": True})
    return etag, length


def _range_total(response: http.client.HTTPResponse, start: int) -> int | None:
    header = response.headers.get("Content-Range", "")
    match = re.fullmatch(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)", header.strip())
    if match is None or int(match[1]) != start:
        raise _Retry(f"the server answered with the wrong range {header!r}")
    return None if match[2] == "*" else int(match[2])


def _length(response: http.client.HTTPResponse) -> int | None:
    header = response.headers.get("Content-Length", "").strip()
    return int(header) if re.fullmatch("[0-9]{1,18}", header) else None


def _discard(job: _Request) -> None:
    job.part.unlink(missing_ok=True)
    job.validator.unlink(missing_ok=True)


def _failure(job: _Request, reason: str) -> DownloadError:
    present = " (the file there now has other content)" if job.path.exists() else ""
    return DownloadError(
        f"could not download {job.url}: {reason}. Fetch the file by other means and put it at "
        f"{job.path.absolute()}{present}; its sha256 must be {job.sha256}."
    )
