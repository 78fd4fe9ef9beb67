"""What the table of faults leaves out, and why."""

from __future__ import annotations

#: Where the faults of a function are tested by hand: it calls a model, writes, or trains.
BY_HAND: dict[str, str] = {}

#: Functions without an argument that could be wrong.
NOTHING_TO_CHECK: dict[str, str] = {}

#: Results that may be NaN, as their documentation says.
UNDEFINED: tuple[str, ...] = ()

#: Rows that are right although they look wrong: name, argument, kind; ``*`` stands for all.
ALLOWED: dict[tuple[str, str, str], str] = {}


def allowed(name: str, argument: str, kind: str) -> bool:
    """Whether a row is right for a reason."""
    return any(
        (one, other, third) in ALLOWED
        for one in (name, "*")
        for other in (argument, "*")
        for third in (kind, "*")
    )
