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

from typing import TYPE_CHECKING

from graphlab._namespace import listing

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "contrastive",
    "datasets",
    "embed",
    "evaluate",
    "hyper",
    "info",
    "ops",
    "tag",
    "viz",
]

if TYPE_CHECKING:  # for checkers and editors, which run nothing
    from graphlab import contrastive, datasets, embed, evaluate, hyper, info, ops, tag, viz
else:

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name in __all__:
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__dir__ = listing(__all__)
