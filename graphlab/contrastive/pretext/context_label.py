"""ContextLabel: predict which classes are around a node."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from graphlab._checks import (
    check_choice,
    check_fraction,
    check_int,
    check_matrix,
    check_nonnegative,
    check_same_device,
    check_tensor,
    warn_caller,
)
from graphlab._checks.graph_objects import check_data
from graphlab.contrastive.pretext.context import TwoHop, context_histogram
from graphlab.contrastive.pretext.correction import LabelCorrection, corrected_labels
from graphlab.contrastive.pretext.propagated import check_labels, harmonic_labels, ica_labels

__all__ = ["ContextLabel"]


class ContextLabel(nn.Module):
    r"""Pretext task: the classes around a node, predicted from its hidden state.

    The known labels are spread over the graph; the target of a node without a label is the
    :func:`context_histogram` of the result. The loss is the mean squared error of
    :math:`\mathrm{softmax}(W\, \mathrm{dropout}(h_i) + b)`, added to that of the classification::

        task = ContextLabel(hidden_channels, num_classes).setup(data)
        ...
        h = conv1(x, edge_index).relu()
        loss = cross_entropy(conv2(dropout(h), edge_index)[train], y[train]) + weight * task.loss(h)

    Args:
        in_channels (int): Width D of the hidden states.
        num_classes (int): C.
        labels (str or Tensor): How labels are spread: ``"harmonic"`` (:func:`harmonic_labels`),
            ``"ica"`` (:func:`ica_labels`, which needs ``data.x``), or ``(N,)`` labels that were
            made elsewhere, -1 where unknown.
        hops (int): Radius of the context, 1 or 2.
        two_hop (str): See :func:`context_histogram`.
        dropout (float): Applied to the hidden states.
        correction (LabelCorrection, optional): Settings of :meth:`correct`, after which
            labels corrected by prototypes count beside the first ones.
        correction_weight (float): Weight of the loss on corrected labels.

    Attributes:
        target (Tensor): Float32 ``(N, C)``, after :meth:`setup`.
        mask (Tensor): bool ``(N,)``: nodes without a label that have a target.
        report (dict): Numbers of nodes: ``labelled``, ``spread``, ``without_context``.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Source: Jin et al., "Self-supervised learning on graphs: deep insights and new direction", 2020.
    """

    target: Tensor
    mask: Tensor
    corrected: Tensor
    _edge_index: Tensor | None
    _spread: Tensor | None
    _held: Tensor | None

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        labels: Literal["harmonic", "ica"] | Tensor = "harmonic",
        hops: int = 2,
        two_hop: TwoHop = "pattern",
        dropout: float = 0.5,
        correction: LabelCorrection | None = None,
        correction_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.in_channels = check_int(in_channels, "in_channels", minimum=1)
        self.num_classes = check_int(num_classes, "num_classes", minimum=2)
        if isinstance(labels, str):
            check_choice(labels, "labels", ("harmonic", "ica"))
        else:
            check_tensor(labels, "labels")
        self.labels = labels
        self.hops = check_int(hops, "hops", minimum=1, maximum=2)
        self.two_hop: TwoHop = check_choice(two_hop, "two_hop", ("pattern", "walk"))
        if correction is not None and not isinstance(correction, LabelCorrection):
            raise TypeError(f"correction must be a LabelCorrection, got {correction!r}")
        self.correction = correction
        self.correction_weight = check_nonnegative(correction_weight, "correction_weight")
        self.dropout = nn.Dropout(check_fraction(dropout, "dropout"))
        self.head = nn.Linear(self.in_channels, self.num_classes)
        self.report: dict[str, int] = {}
        for name in ("_edge_index", "_spread", "_held"):
            self.register_buffer(name, None, persistent=False)
        for name in ("target", "corrected"):
            self.register_buffer(
                name, torch.empty(0, self.num_classes, device="cpu"), persistent=False
            )
        self.register_buffer(
            "mask", torch.empty(0, dtype=torch.bool, device="cpu"), persistent=False
        )

    def setup(self, data: Any, *, train_mask: Tensor | None = None) -> ContextLabel:
        """Make the targets of a graph.

        Args:
            data (Data): A graph with ``y``, and ``x`` where ``labels="ica"``.
            train_mask (Tensor, optional): bool ``(N,)``, the labels that may be read;
                ``data.train_mask`` by default. No other label is looked at.

        Returns:
            ContextLabel: Itself.

        Raises:
            TypeError, ValueError: If the graph lacks what is needed, or a class has no labelled
                node.

        Warns:
            UserWarning: If no label is around more than half of the nodes.
        """
        check_data(data)
        known = self._known_labels(data, train_mask)
        spread = self._spread_labels(data, known)
        self._edge_index, self._spread, self._held = data.edge_index, spread, known >= 0
        target = self._histogram(spread)
        found = target.sum(1) > 0
        self.target = target.float().to(self.head.weight.device)
        self.mask = (found & (known < 0)).to(self.head.weight.device)
        self.corrected = self.target.new_empty(0, self.num_classes)
        self.report = {
            "labelled": int((known >= 0).sum()),
            "spread": int(((spread >= 0) & (known < 0)).sum()),
            "without_context": int((~found).sum()),
        }
        if 2 * self.report["without_context"] > known.numel():
            warn_caller(
                f"{self.report['without_context']} of {known.numel()} nodes have no label around "
                "them and no target: label more nodes, or more parts of the graph"
            )
        return self

    def _known_labels(self, data: Any, train_mask: Tensor | None) -> Tensor:
        if getattr(data, "y", None) is None:
            raise ValueError("data must have y: the labels of the training nodes")
        mask = getattr(data, "train_mask", None) if train_mask is None else train_mask
        if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
            raise ValueError("train_mask must be bool (N,): give it, or set data.train_mask")
        if mask.shape != data.y.shape:
            raise ValueError(
                f"train_mask must have shape {tuple(data.y.shape)}, got {tuple(mask.shape)}"
            )
        return check_labels(torch.where(mask, data.y, torch.full_like(data.y, -1)), "y of train")

    def _spread_labels(self, data: Any, known: Tensor) -> Tensor:
        if isinstance(self.labels, Tensor):
            given = check_labels(self.labels)
            if given.shape != known.shape:
                raise ValueError(f"labels must have {known.numel()} entries, got {given.numel()}")
            return torch.where(known >= 0, known, given.to(known.device))
        count = self.num_classes
        if self.labels == "harmonic":
            return harmonic_labels(data.edge_index, known, num_classes=count).label
        return ica_labels(data.x, data.edge_index, known, num_classes=count).label

    def _histogram(self, labels: Tensor) -> Tensor:
        if self._edge_index is None:
            raise RuntimeError("setup(data) must be called first")
        return context_histogram(
            self._edge_index,
            labels,
            num_classes=self.num_classes,
            hops=self.hops,
            two_hop=self.two_hop,
        )

    def correct(self, z: Tensor, *, generator: torch.Generator | None = None) -> ContextLabel:
        """Correct the spread labels by prototypes in an embedding; now and then in a training.

        Args:
            z (Tensor): ``(N, D')`` embeddings of the current model.
            generator (torch.Generator, optional): Draws the candidates.

        Returns:
            ContextLabel: Itself; its loss has a second term from now on.

        Raises:
            RuntimeError: If :meth:`setup` was not called.
            ValueError: If there are no settings of a correction.
        """
        if self.correction is None:
            raise ValueError("correction must be a LabelCorrection where correct is called")
        if self._spread is None or self._held is None:
            raise RuntimeError("setup(data) must be called first")
        found = corrected_labels(
            z.to(self._spread.device), self._spread, settings=self.correction, generator=generator
        )
        labels = torch.where(self._held | (self._spread < 0), self._spread, found)
        self.corrected = self._histogram(labels).float().to(self.head.weight.device)
        return self

    def loss(self, h: Tensor) -> Tensor:
        """Mean squared error on the nodes without a label.

        Args:
            h (Tensor): ``(N, D)`` hidden states, before dropout.

        Returns:
            Tensor: A scalar; zero, with a gradient, where no node has a target.

        Raises:
            RuntimeError: If :meth:`setup` was not called.
            TypeError, ValueError: If the hidden states do not fit.
        """
        if self.mask.numel() == 0:
            raise RuntimeError("setup(data) must be called first")
        h = check_matrix(h, "h", rows=self.mask.numel(), cols=self.in_channels)
        check_same_device(h=h, target=self.target)
        if h.dtype != self.head.weight.dtype and not torch.is_autocast_enabled(h.device.type):
            raise TypeError(
                f"h must have the dtype of the head, {self.head.weight.dtype}, got {h.dtype}: "
                "task.to(h.dtype) converts it"
            )
        share = self.head(self.dropout(h)).softmax(1)
        loss = _masked_error(share, self.target, self.mask)
        if self.corrected.size(0):
            with_target = self.mask & (self.corrected.sum(1) > 0)
            second = _masked_error(share, self.corrected, with_target)
            loss = loss + self.correction_weight * second
        return loss


def _masked_error(found: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error over the rows of a mask; the mask may be empty."""
    error = (found - target.to(found.dtype)).square().mean(1)
    return (error * mask).sum() / mask.sum().clamp(min=1)
