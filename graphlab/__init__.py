"""Contrastive, embedding, text-attributed and hypergraph learning on graphs.

The rooms of the library are imported on first use, so that ``import graphlab`` costs nothing:

* :mod:`graphlab.ops`: differentiable operators, in pure torch and as compiled kernels.
* :mod:`graphlab.contrastive`: losses and models of contrastive learning.
* :mod:`graphlab.embed`: embeddings and descriptors of nodes by iterated sparse products.
* :mod:`graphlab.hyper`: hypergraphs, and their reconstruction from projected graphs.
* :mod:`graphlab.evaluate`: probes and scores that never look at a test label to choose.
* :mod:`graphlab.datasets`: data sets that PyG and ogb lack.
* :mod:`graphlab.tag`: text-attributed graphs, text encoders, language models, GraphCLIP.
* :mod:`graphlab.viz`: pictures with matplotlib.
* :mod:`graphlab.info`: what is installed, and which kernels are active and why.

Example:
    >>> import graphlab
    >>> graphlab.__version__ > ""
    True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

__version__ = "0.1.0"

_ROOMS = ("contrastive", "datasets", "embed", "evaluate", "hyper", "info", "ops", "tag", "viz")

__all__ = ["__version__", *_ROOMS]


def __getattr__(name: str) -> ModuleType:
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS})
