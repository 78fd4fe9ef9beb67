"""Names that moved go on working and say where they are."""

from __future__ import annotations

import math
import sys
import warnings
from types import ModuleType

import pytest

from graphlab._deprecation import moved_names, row_callback, warn_renamed


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module from which two names moved, one of them to a module that lacks it."""
    module = ModuleType("old_room")
    module.__getattr__ = moved_names("old_room", {"tau": "math", "gone": "math"})  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "old_room", module)
    return module


def test_a_moved_name_works_and_tells_where_it_is(old):
    with pytest.warns(FutureWarning, match=r"old_room\.tau is math\.tau now; the old name goes"):
        assert old.tau is math.tau
    with pytest.warns(FutureWarning):
        from old_room import tau
    assert tau == math.tau


def test_the_warning_points_at_the_caller(old):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert old.tau
    assert [warning.filename for warning in caught] == [__file__]


def test_other_names_are_missing_as_usual(old):
    with pytest.raises(AttributeError, match="module 'old_room' has no attribute 'pi'"):
        old.pi  # noqa: B018
    assert not hasattr(old, "__path__")
    with pytest.warns(FutureWarning), pytest.raises(AttributeError, match="gone"):
        old.gone  # noqa: B018


class Renamed:
    @property
    def before(self) -> int:
        warn_renamed("Renamed.before", "Renamed.after")
        return 1


def outer(**options: int) -> None:
    def inner() -> None:
        warn_renamed("outer(old=)", "outer(new=)", stacklevel=4)

    inner()


@pytest.mark.parametrize("use", [lambda: Renamed().before, lambda: outer(old=1)])
def test_a_renamed_argument_or_attribute_is_told_at_the_line_that_uses_it(use):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        use()
    (warning,) = caught
    assert warning.category is FutureWarning and warning.filename == __file__
    assert warning.lineno == use.__code__.co_firstlineno
    text = r"(Renamed\.before|outer\(old=\)) is .+ now; the old name goes with the next version"
    with pytest.warns(FutureWarning, match=text):
        use()


def test_callbacks_of_rows_stay_and_those_of_earlier_arguments_are_told():
    kept, rows = {}, []
    assert row_callback(rows.append, "callback(epoch)", lambda row: (row["epoch"],)) == rows.append
    take = row_callback(kept.update, "callback(epoch)", lambda row: (row["epoch"],))
    take({"epoch": 3})  # a builtin that may tell no signature
    assert kept == {"epoch": 3}
    with pytest.warns(FutureWarning, match=r"callback\(epoch, loss\) is callback\(row\) now"):
        old = row_callback(
            lambda epoch, loss: rows.append((epoch, loss)),
            "callback(epoch, loss)",
            lambda row: (row["epoch"], row["loss"]),
        )
    old({"epoch": 3, "loss": 0.5})
    assert rows == [(3, 0.5)]
