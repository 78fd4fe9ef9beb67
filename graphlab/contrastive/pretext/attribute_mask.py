"""AttributeMask: the features of a node, from its neighbours."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_fraction, check_int, check_matrix
from graphlab._random import random_order
from graphlab.contrastive.pretext.answers import hidden_count, masked_squared_error
from graphlab.contrastive.pretext.task import PretextTask

__all__ = ["AttributeMask"]


class AttributeMask(PretextTask):
    """Pretext task: recover hidden features.

    The features of a share of the nodes are set to zero (:meth:`~PretextTask.perturb`); the head
    predicts their principal components, with the mean squared error as loss.

    Args:
        in_channels (int): Width D of the hidden states.
        rate (float): Share of the nodes whose features are hidden, above 0.
        num_components (int): Principal components of all features to predict, at most
            min(N, number of features).

    Attributes:
        target (Tensor): Components ``(N, num_components)``.
        mask (Tensor): bool ``(N,)``: nodes whose features are hidden.
        report (dict): ``hidden`` nodes.

    Source: Jin et al., "Self-supervised learning on graphs: deep insights and new direction", 2020.
    """

    target: Tensor
    mask: Tensor

    def __init__(self, in_channels: int, *, rate: float = 0.1, num_components: int = 256) -> None:
        self.num_components = check_int(num_components, "num_components", minimum=1)
        super().__init__(in_channels, self.num_components)
        self.rate = check_fraction(rate, "rate")

    def _prepare(
        self, data: Any, train_mask: Tensor | None, generator: torch.Generator
    ) -> dict[str, int]:
        if getattr(data, "x", None) is None:
            raise ValueError("data must have x, the features to hide")
        x = check_matrix(data.x, "data.x")
        if self.num_components > min(x.shape):
            raise ValueError(
                f"num_components must be at most {min(x.shape)}, the smaller side of data.x "
                f"{tuple(x.shape)}, got {self.num_components}"
            )
        count = hidden_count(self.rate, x.size(0), "nodes")
        from sklearn.decomposition import PCA  # slow to import

        # Features that are all alike have no variance to take shares of; the shares are not read.
        with np.errstate(invalid="ignore"):
            components = PCA(self.num_components, random_state=0).fit_transform(
                x.detach().cpu().double().numpy()
            )
        mask = torch.zeros(x.size(0), dtype=torch.bool, device="cpu")
        mask[random_order(x.size(0), generator, "cpu")[:count]] = True
        self._keep("target", torch.from_numpy(components).float())
        self._keep("mask", mask)
        return {"hidden": count}

    def _compare(self, h: Tensor) -> Tensor:
        return masked_squared_error(self.head(h), self.target, self.mask)

    def _hide(self, data: Any) -> Any:
        hidden = copy.copy(data)
        hidden.x = data.x * ~self.mask.to(data.x.device)[:, None]
        return hidden
