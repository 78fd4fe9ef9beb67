"""Names near a mistyped one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Known names that somebody who typed ``name`` may have meant, the nearest first.

    Capitals and ``-`` for ``_`` make no difference, and a part of a name counts as near.

    Args:
        name (str): What was typed.
        known (Iterable[str]): The names there are.
        most (int): Largest number of answers.

    Returns:
        list[str]: Some of ``known``; empty where nothing is like it.
    """
    plain = {_plain(other): other for other in known}
    typed = _plain(name)
    close = difflib.get_close_matches(typed, plain, n=most)
    close += [other for other in plain if typed and (typed in other or other in typed)]
    return [plain[other] for other in dict.fromkeys(close)][:most]


def hint(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'a' or 'b'?"``, or nothing."""
    found = [repr(other) for other in near(name, known)]
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")
