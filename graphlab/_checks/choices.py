"""One of a few words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

__all__: list[str] = []

_Choice = TypeVar("_Choice", bound=str)


def check_choice(value: Any, name: str, choices: Sequence[_Choice]) -> _Choice:
    """Require one of the listed strings."""
    for choice in choices:
        if value == choice:
            return choice
    listing = ", ".join(repr(choice) for choice in choices)
    raise ValueError(f"{name} must be one of {listing}, got {value!r}")
