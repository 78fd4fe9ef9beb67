"""Public names that moved: they go on working for one version and say where they are."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__: list[str] = []


def moved_names(module: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module whose names moved to others.

    Args:
        module (str): Name of the module.
        names (Mapping[str, str]): Module where each name is now; ``"module:name"`` where it has
            another name there.

    Returns:
        Callable: Gives the object with a FutureWarning, or raises AttributeError.
    """

    def __getattr__(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        target, _, renamed = names[name].partition(":")
        renamed = renamed or name
        warnings.warn(
            f"{module}.{name} is {target}.{renamed} now; the old name goes with the next version",
            FutureWarning,
            stacklevel=2,
        )
        return getattr(import_module(target), renamed)

    return __getattr__


def warn_renamed(old: str, new: str, *, stacklevel: int = 3) -> None:
    """Warn that an argument, attribute or method has another name.

    Args:
        old (str): The name that was used.
        new (str): What to use.
        stacklevel (int): As for :func:`warnings.warn`; 3 is the caller of the caller.
    """
    warnings.warn(
        f"{old} is {new} now; the old name goes with the next version",
        FutureWarning,
        stacklevel=stacklevel,
    )


def row_callback(
    callback: Callable[..., None], old: str, arguments: Callable[[dict[str, Any]], tuple[Any, ...]]
) -> Callable[[dict[str, Any]], None]:
    """A callback that takes rows; one of an earlier signature is wrapped, with a warning.

    Args:
        callback (callable): What the caller of a ``fit`` gave.
        old (str): The earlier signature, such as ``"callback(epoch, loss)"``.
        arguments (callable): The earlier arguments, from a row.

    Returns:
        Callable: Called as ``callback(row)``.
    """
    try:
        inspect.signature(callback).bind({})
    except TypeError:
        warn_renamed(old, "callback(row)", stacklevel=4)
        return lambda row: callback(*arguments(row))
    except ValueError:  # a builtin that tells no signature
        pass
    return callback
