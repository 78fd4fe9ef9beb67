"""Batch files: calls that leave as JSONL and answers that come back as JSONL."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphlab._io import atomic_path, user_path
from graphlab._repr import short_repr
from graphlab.tag._unicode import encodable
from graphlab.tag.llm._cache import ReplyCache, canonical
from graphlab.tag.llm._completion import ErrorAnswer, read_completion

__all__ = ["BatchImport"]

_ENDPOINT = "/v1/chat/completions"


@short_repr
@dataclass(frozen=True)
class BatchImport:
    """Contents of a file of answers.

    Attributes:
        stored (int): Answers now in the cache.
        failed (tuple): Calls (key, error) that the server did not answer; they stay to be asked.
        unknown (tuple): Names that were never exported from this cache; their answers are not
            stored.
    """

    stored: int
    failed: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]


def write_batch(
    path: str | os.PathLike[str], requests: Iterable[tuple[str, Mapping[str, Any]]]
) -> list[tuple[str, str]]:
    """Write distinct requests; their (key, canonical request) pairs are to be remembered."""
    rows: dict[str, str] = {}
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8") as file,
    ):
        for key, request in requests:
            if key not in rows:
                rows[key] = canonical(request)
                line = {"custom_id": key, "method": "POST", "url": _ENDPOINT, "body": request}
                file.write(json.dumps(line, ensure_ascii=True, allow_nan=False) + "\n")
    return list(rows.items())


def read_batch(path: str | os.PathLike[str], cache: ReplyCache) -> BatchImport:
    """Store the answers of a file in one transaction.

    Raises:
        ValueError: If a line is not an answer of a batch; nothing is stored then.
    """
    rows: dict[str, tuple[str, str, str]] = {}
    failed, unknown = [], []
    for number, line in _lines(user_path(path)):
        key, raw, error = _read_line(line, f"{path}, line {number}")
        request = cache.exported(key)
        if request is None:
            if cache.get(key) is None:  # otherwise the file was imported before
                unknown.append(key)
        elif raw is None:
            failed.append((key, error))
        else:
            rows[key] = (key, request, raw)
    cache.put(list(rows.values()))
    return BatchImport(len(rows), tuple(failed), tuple(unknown))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line


def _read_line(line: bytes, position: str) -> tuple[str, str | None, str]:
    try:
        entry = json.loads(line.decode("utf-8"))
        key, response = entry["custom_id"], entry.get("response")
        if not isinstance(key, str):
            raise TypeError("custom_id is no text")
        key = encodable(key)
        if response is None or int(response["status_code"]) != 200:
            return key, None, canonical(entry.get("error") or response)[:300]
        raw = encodable(canonical(response["body"]))
        read_completion(raw)
    except ErrorAnswer as error:
        return key, None, str(error)[:300]
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
        OverflowError,
    ) as error:
        raise ValueError(f"{position} is not an answer of a batch: {error}") from error
    return key, raw, ""
