"""The time that a server asks to wait."""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

__all__: list[str] = []


def parse_retry_after(milliseconds: str | None, value: str | None) -> float | None:
    """Seconds that the headers ``retry-after-ms`` and ``Retry-After`` ask for.

    Args:
        milliseconds (str, optional): Value of ``retry-after-ms``, which wins.
        value (str, optional): Value of ``Retry-After``: seconds or an HTTP date.

    Returns:
        float | None: Seconds, not negative, finite; None if there is nothing usable.
    """
    for text, scale in ((milliseconds, 1e-3), (value, 1.0)):
        try:
            seconds = float(text or "") * scale
        except ValueError:
            continue
        if 0.0 <= seconds < float("inf"):
            return seconds
    try:
        date = parsedate_to_datetime(value or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=timezone.utc)
    return max(0.0, (date - datetime.now(timezone.utc)).total_seconds())
