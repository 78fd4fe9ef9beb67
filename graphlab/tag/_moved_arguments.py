"""Keyword arguments that moved into a settings object: they go on working for one version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from graphlab._deprecation import warn_renamed

__all__: list[str] = []

Settings = TypeVar("Settings")


def absorb(
    settings: Settings,
    argument: str,
    function: str,
    keywords: dict[str, Any],
    fields: Mapping[str, str],
) -> Settings:
    """Settings with the values of old keyword arguments, each of which gives a FutureWarning.

    Args:
        settings (dataclass): Settings that were given in the new form.
        argument (str): Name of the argument that holds them.
        function (str): Function or class that was called.
        keywords (dict): Keyword arguments that it does not name; those that moved are taken out.
        fields (Mapping[str, str]): Field of the settings by old keyword.

    Returns:
        dataclass: The settings, or a copy with the fields of the keywords replaced.
    """
    changes: dict[str, Any] = {}
    for old, field in fields.items():
        if old in keywords:
            changes[field] = keywords.pop(old)
            kind = type(settings).__name__
            warn_renamed(
                f"{function}({old}=...)",
                f"{function}({argument}={kind}({field}=...))",
                stacklevel=4,
            )
    return replace(settings, **changes) if changes else settings  # type: ignore[type-var]


def refuse_unknown(function: str, keywords: Mapping[str, Any]) -> None:
    """Refuse keyword arguments that nobody knows, as Python itself does.

    Args:
        function (str): Function or class that was called.
        keywords (Mapping[str, Any]): What is left after :func:`absorb`.

    Raises:
        TypeError: If something is left.
    """
    for name in keywords:
        raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")
