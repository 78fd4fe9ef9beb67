"""The record of a saved estimator: one JSON object beside its arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

__all__: list[str] = []


def record_text(record: Mapping[str, Any]) -> str:
    """The record as a file holds it.

    Raises:
        TypeError: If it holds something that JSON cannot express.
        ValueError: If it holds NaN or an infinity.
    """
    options: dict[str, Any] = {"sort_keys": True, "ensure_ascii": False, "allow_nan": False}
    return json.dumps(record, default=_plain, **options)


def _plain(value: Any) -> Any:
    """A number or array of numpy, as searches over parameters give them, as Python has them."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def read_record(text: str, path: Path) -> dict[str, Any]:
    """The record of a file, which anybody may have written.

    Raises:
        ValueError: If it is none, by the name of the file.
    """
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} holds a damaged record: {error}") from error
    fields = {"class", "schema", "version", "params"}
    if not isinstance(record, dict) or not fields.issubset(record):
        raise ValueError(f"{path} holds a record without the fields {sorted(fields)}")
    record.setdefault("facts", {})  # which folders of the first version do not hold
    for name in ("params", "facts"):
        if not isinstance(record[name], dict):
            raise ValueError(f"{path} holds a record whose {name} are no object")
    return record
