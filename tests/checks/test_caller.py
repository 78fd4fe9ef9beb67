"""A warning stands at the line of the user, however deep in the library it was written."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from graphlab._checks import warn_caller

DEEP = """
def outer(): return inner()
def inner(): warn_caller("careful")
"""


def module(name: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {"warn_caller": warn_caller}
    if name is not None:
        found["__name__"] = name
    exec(compile(DEEP, f"{name}.py", "exec"), found)
    return found


@pytest.mark.parametrize("name", ["graphlab.room.file", "graphlab"])
def test_frames_of_the_library_are_passed_over(name: str) -> None:
    with pytest.warns(UserWarning, match="^careful$") as caught:
        module(name)["outer"]()
    assert [w.filename for w in caught] == [__file__]


@pytest.mark.parametrize("name", ["somebody.else", None])
def test_the_first_frame_outside_is_the_user(name: str | None) -> None:
    with pytest.warns(UserWarning) as caught:
        module(name)["outer"]()
    assert [(w.filename, w.lineno) for w in caught] == [(f"{name}.py", 3)]


def test_the_line_that_calls_it_is_a_user_too() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_caller("here")
    assert [w.filename for w in caught] == [__file__]
