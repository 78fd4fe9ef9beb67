"""The parameters by which something was fitted, beside those that were set since."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

__all__: list[str] = []

_Fitted = TypeVar("_Fitted")
_KEPT = "_fitted_by"


def remember(estimator: object, names: Iterable[str]) -> None:
    """Keep the parameters of a fit as they are now, whatever is set later."""
    known = [name for name in names if hasattr(estimator, name)]
    vars(estimator)[_KEPT] = {name: getattr(estimator, name) for name in known}


def as_fitted(estimator: _Fitted) -> _Fitted:
    """The same estimator (its attributes are shared) with the parameters of its fit."""
    fitted = object.__new__(type(estimator))
    vars(fitted).update(vars(estimator) | vars(estimator).get(_KEPT, {}))
    return fitted


def changes(
    before: Mapping[str, object],
    now: Mapping[str, object],
    *,
    objects: Collection[str],
    left_out: Collection[str],
) -> list[str]:
    """What a reader is told of the parameters that are others now, one sentence part each.

    Args:
        before (Mapping[str, object]): Parameters by which something was fitted.
        now (Mapping[str, object]): The present ones; names of only one do not count.
        objects (Collection[str]): Names whose values may be at hand or None, unchanged.
        left_out (Collection[str]): Names that may change.

    Returns:
        list[str]: By name; empty if nothing changed.
    """
    return [
        f"{name} was {before[name]!r:.80}, is {now[name]!r:.80}"
        for name in sorted((now.keys() & before.keys()) - set(left_out))
        if _as_text(now[name]) != _as_text(before[name])
        and not (name in objects and None in (now[name], before[name]))
    ]


def _as_text(value: object) -> str:
    """A parameter as it is compared; objects that JSON lacks are equal to themselves alone."""
    return json.dumps(value, default=lambda v: v.tolist() if hasattr(v, "tolist") else id(v))
