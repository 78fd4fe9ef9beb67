"""Numbers of the user."""

from __future__ import annotations

import math
import numbers
from typing import Any

__all__: list[str] = []


def _check_real(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a real number, got {type(value).__name__}")
    try:
        return float(value)
    except OverflowError:  # integers and fractions have any size
        raise ValueError(f"{name} must be a number that a float can hold") from None


def _shown(number: int) -> str:
    """An integer in words where its digits would fill the message, or Python refuses them."""
    return str(number) if number.bit_length() < 256 else f"one of {number.bit_length()} bits"


def check_real(value: Any, name: str) -> float:
    """Require a finite number."""
    number = _check_real(value, name)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value}")
    return number


def check_positive(value: Any, name: str) -> float:
    """Require a finite number above zero."""
    number = _check_real(value, name)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return number


def check_nonnegative(value: Any, name: str) -> float:
    """Require a finite number not below zero."""
    number = _check_real(value, name)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{name} must be non-negative and finite, got {value}")
    return number


def check_fraction(value: Any, name: str) -> float:
    """Require a number in ``[0, 1]``."""
    number = _check_real(value, name)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"{name} must lie in [0, 1], got {value}")
    return number


def check_int(
    value: Any, name: str, *, minimum: int | None = None, maximum: int | None = None
) -> int:
    """Require an integer, optionally within inclusive limits."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an int, got {type(value).__name__}")
    number = int(value)
    if minimum is not None and number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {_shown(number)}")
    if maximum is not None and number > maximum:
        raise ValueError(f"{name} must be at most {maximum}, got {_shown(number)}")
    return number
