"""What somebody might give in the place of an argument, by the kind of what belongs there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor


def wrong(value: Any) -> Iterator[tuple[str, Any]]:
    """Rows of the table of faults for an argument whose value would be right."""
    if isinstance(value, (bool, torch.Generator)):
        return  # whatever is true; and another generator draws other numbers
    yield "an object", object()
    if isinstance(value, Tensor):
        yield from _tensors(value)
    elif isinstance(value, (int, float)):
        yield "a text", "1"
        yield "NaN", float("nan")
        yield "infinite", float("inf")
        yield "two numbers", torch.ones(2)
        if isinstance(value, int):
            yield "half", value + 0.5
            yield "far below zero", -value - 100
    elif isinstance(value, str):
        yield "a number", 3
        yield "None", None
    elif isinstance(value, (list, tuple)):
        yield "a number", 3
        yield "None", None
        if value and isinstance(value[0], str):
            yield "one text", "ab"
            yield "numbers", [1] * len(value)
        else:
            yield "NaN", [float("nan")] * len(value)
    elif isinstance(value, dict):
        yield "a number", 3
        yield "a list", [1]
    else:
        yield "None", None
        yield "a text", "ab"


def _tensors(value: Tensor) -> Iterator[tuple[str, Any]]:
    yield "a text", "x"
    if value.dtype == torch.bool:
        return
    yield "complex", value.to(torch.complex64)
    if value.is_floating_point():
        spoilt = value.clone()
        spoilt.view(-1)[0] = float("nan")
        yield "NaN", spoilt
        yield "infinite", torch.full_like(value, float("inf"))
    else:
        yield "floating point", value.double() + 0.5
        yield "negative", value - 100
        yield "too large", value.long() + 2**40
