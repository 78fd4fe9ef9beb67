"""What a fitted FastRP writes to a folder, and how it is made again from there."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from graphlab._estimator import Estimator
from graphlab.embed.fastrp._fitted import FittedGraph
from graphlab.embed.fastrp._options import Options

if TYPE_CHECKING:
    from typing_extensions import Self

__all__: list[str] = []


class StorableFastRP(Estimator):
    """Parameters and arrays of a fitted FastRP.

    Attributes:
        graph_ (FittedGraph): The graph that was read.
        num_nodes_ (int): Its number of nodes.
    """

    graph_: FittedGraph
    num_nodes_: int

    def _options(self) -> Options:
        return Options.check(self.get_params(deep=False))

    @classmethod
    def _config_keys(cls) -> frozenset[str]:
        return super()._config_keys() - {"preset"}  # which a fitted estimator does not have

    def _config(self) -> dict[str, Any]:
        self._check_fitted()
        # Those of the fit: parameters may have been set since.
        options = self.graph_.options
        config = asdict(options)
        config["num_powers"] = options.num_powers if options.weights is None else None
        config["dtype"] = str(options.dtype).removeprefix("torch.")
        return config

    def _arrays(self) -> dict[str, Tensor]:
        return self.graph_.arrays()

    @classmethod
    def _restore(cls, config: dict[str, Any], arrays: dict[str, Tensor]) -> Self:
        return super()._restore(config | {"dtype": getattr(torch, config["dtype"])}, arrays)

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        self.graph_ = FittedGraph.from_arrays(arrays, self._options())
        self.num_nodes_ = self.graph_.adjacency.num_nodes
