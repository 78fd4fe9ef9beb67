"""Classes of the running Python as a knowledge graph; nothing is downloaded."""

from __future__ import annotations

import builtins
import collections
import collections.abc
import io
import numbers
from types import ModuleType

from graphlab._graphs.typed import Data
from graphlab.datasets.triples import TripleNames, read_triples

__all__ = ["python_classes"]

_MODULES: tuple[ModuleType, ...] = (builtins, collections, collections.abc, io, numbers)


def python_classes() -> tuple[Data, TripleNames]:
    """Read the classes of ``builtins``, ``collections``, ``io`` and ``numbers`` as triples.

    A real knowledge graph of a few hundred entities that every machine has, offline. Relations:
    ``subclass of`` (every superclass, abstract ones too, as ``issubclass`` tells), ``defined in`` a
    module, and ``has method`` of a public or special name. There is a pattern to learn:
    superclasses of superclasses are superclasses (but for abstract ones), and methods go with them.

    Versions of Python differ in classes and methods: name the version beside every result.

    Returns:
        tuple[Data, TripleNames]: As :func:`read_triples`, without splits.

    Example:
        >>> data, names = python_classes()
        >>> names.relations
        ('defined in', 'has method', 'subclass of')
    """
    classes = {
        f"{value.__module__}.{value.__qualname__}": value
        for module in _MODULES
        for name, value in sorted(vars(module).items())
        if isinstance(value, type) and not name.startswith("_")
    }
    triples = []
    for name, value in classes.items():
        triples.append((name, "defined in", value.__module__))
        methods = {f"{m}()" for m, item in vars(value).items() if callable(item)}
        triples += [(name, "has method", method) for method in sorted(methods)]
        triples += [
            (name, "subclass of", other)
            for other, superclass in classes.items()
            if superclass is not value and issubclass(value, superclass)
        ]
    return read_triples(triples)
