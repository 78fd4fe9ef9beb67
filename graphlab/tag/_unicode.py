"""Text that can be written: half a pair of surrogates has no UTF-8 form."""

from __future__ import annotations

import hashlib
import re
from typing import Any

__all__: list[str] = []

_LONE = re.compile("[\ud800-\udfff]")


def encodable(text: str) -> str:
    r"""Text with U+FFFD for every lone surrogate.

    JSON can hold them (an emoji cut in half, ``"\ud83d"``), and file names and broken exports do;
    no request, file or database takes them.
    """
    return _LONE.sub("\ufffd", text)


def sha256(text: str) -> str:
    """Hash in hexadecimal digits, also of a text that cannot be written."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def encodable_values(value: Any) -> Any:
    """The same for all texts of a JSON value, keys included."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, list):
        return [encodable_values(item) for item in value]
    if isinstance(value, dict):
        return {encodable(key): encodable_values(item) for key, item in value.items()}
    return value
