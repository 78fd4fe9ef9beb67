"""The training of an encoder together with its centres, which can stop and go on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from graphlab._checks import check_finite, check_index
from graphlab._eval_mode import evaluating
from graphlab._feature_rows import tensors_name
from graphlab._io import sweep_stale
from graphlab._training_checkpoint import (
    CHECKPOINT,
    load_checkpoint,
    rows_of,
    save_checkpoint,
    taking_up,
)
from graphlab.contrastive.clustering.network import ClusteringNetwork
from graphlab.ops import CSRGraph

__all__: list[str] = []

Row = dict[str, Any]

_SAVE_EVERY = 5.0  # seconds: an epoch of a small graph is shorter than the writing of a file


class Refinement:
    """One training and how far it is.

    Args:
        network (ClusteringNetwork): Trained in place.
        x (Tensor): Features ``(N, F)``.
        graph (CSRGraph): The positives.
        labels (Tensor): Clusters ``(N,)`` before the first epoch.
        lr (float): Step size.
        settings (Mapping): Names all that decides over the result, for the checkpoint.
        directory (Path, optional): Folder of the checkpoint.

    Attributes:
        history (list[dict]): The row of every epoch that is done.
        z (Tensor): Embeddings of the last one, ``(N, D)``.
    """

    z: Tensor

    def __init__(
        self,
        network: ClusteringNetwork,
        x: Tensor,
        graph: CSRGraph,
        labels: Tensor,
        *,
        lr: float,
        settings: Mapping[str, Any],
        directory: Path | None,
    ) -> None:
        self.network, self.labels = network, labels
        self.history: list[Row] = []
        self._x, self._graph = x, graph
        self._settings, self._directory = settings, directory
        self._optimizer = torch.optim.Adam(network.parameters(), lr=lr)
        self._saved = time.monotonic()

    def advance(self) -> Row:
        """Train one epoch; returns its row."""
        z, q = self.network(self._x)
        loss = self.network.loss(z, q, self._graph)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        # Labels of the forward pass: those after the step would cost another one.
        new = q.detach().argmax(1)
        changed = float((new != self.labels).double().mean())
        self.labels, self.z = new, z.detach()
        row = {"epoch": len(self.history), "loss": float(loss.detach()), "changed": changed}
        self.history.append(row)
        if time.monotonic() - self._saved >= _SAVE_EVERY:
            self.save()
        return row

    def ends(self, epochs: int, patience: int, tolerance: float) -> bool:
        """Whether all epochs are done, or the clusters have not moved for a while.

        The first epochs still warm up.
        """
        recent = [float(row["changed"]) for row in self.history[-patience:]]
        still = len(self.history) >= 2 * patience and max(recent) < tolerance
        return still or len(self.history) >= epochs

    def clusters(self) -> Tensor:
        """Clusters of all nodes by the network as it is, ``(N,)``."""
        return self.network.assign(self._x)

    def save(self) -> None:
        """Write the checkpoint, if there is a folder for it."""
        if self._directory is None:
            return
        sweep_stale(self._directory)
        state = {"labels": self.labels}
        if self.network.contrast.generator is not None:
            state["generator"] = self.network.contrast.generator.get_state()
        record = {"settings": self._settings, "history": self.history}
        path = self._directory / CHECKPOINT
        save_checkpoint(path, self.network.state_dict(), self._optimizer, state, record)
        self._saved = time.monotonic()

    def restore(self) -> None:
        """Go on from the checkpoint.

        Raises:
            ValueError: If it is damaged, or of other data or settings.
        """
        path = self._directory / CHECKPOINT  # type: ignore[operator]
        weights, state, record = load_checkpoint(path, self._optimizer, self._settings)
        with taking_up(path):
            self.network.load_state_dict(weights)
            self.history = rows_of(record, "epoch", "loss", "changed")
            count, nodes = self.network.centers.size(0), self.labels.numel()
            labels = check_index(state["labels"], count, "labels", length=nodes)
            self.labels = labels.to(self.labels.device)
            if self.network.contrast.generator is not None:
                self.network.contrast.generator.set_state(state["generator"])
            # Weights that ruin the first step are the file's: by what they give, and where their
            # squares are too large, by the gradients of distances.
            for name, weight in self.network.named_parameters():
                check_finite(weight.detach().square(), f"the square of {name}")
            with evaluating(self.network):
                self.clusters()


def has_checkpoint(directory: Path | None) -> bool:
    """Whether a training in this folder can go on."""
    return directory is not None and (directory / CHECKPOINT).exists()


def settings_of(
    parameters: Mapping[str, Any], encoder: nn.Module, x: Tensor, graph: CSRGraph
) -> dict[str, Any]:
    """What decides over the result: parameters, shapes, and a hash of features and positives."""
    data = tensors_name(x, graph.rowptr, graph.col, graph.weight)
    # The others say when the training ends, and where it is computed.
    free = ("encoder", "epochs", "patience", "tolerance", "device")
    given = {name: value for name, value in parameters.items() if name not in free}
    shapes = {name: list(value.shape) for name, value in encoder.named_parameters()}
    return given | {"shapes": shapes, "data": data}
