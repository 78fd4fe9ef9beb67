"""ContextLabel: predict which classes are around a node."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from graphlab._checks import (
    check_choice,
    check_fraction,
    check_int,
    check_nonnegative,
    check_tensor,
    warn_caller,
)
from graphlab.contrastive.pretext.answers import masked_squared_error
from graphlab.contrastive.pretext.context import TwoHop, context_histogram
from graphlab.contrastive.pretext.correction import LabelCorrection, corrected_labels
from graphlab.contrastive.pretext.known_labels import known_labels
from graphlab.contrastive.pretext.propagated import check_labels, harmonic_labels, ica_labels
from graphlab.contrastive.pretext.task import PretextTask

__all__ = ["ContextLabel"]


class ContextLabel(PretextTask):
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
    _edge_index: Tensor
    _spread: Tensor
    _held: Tensor

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
        self.num_classes = check_int(num_classes, "num_classes", minimum=2)
        super().__init__(in_channels, self.num_classes)
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

    def _prepare(
        self, data: Any, train_mask: Tensor | None, generator: torch.Generator
    ) -> dict[str, int]:
        known = known_labels(data, train_mask)
        spread = self._spread_labels(data, known)
        target = self._histogram(data.edge_index, spread)
        found = target.sum(1) > 0
        self._keep("_edge_index", data.edge_index)
        self._keep("_spread", spread)
        self._keep("_held", known >= 0)
        self._keep("target", target.float())
        self._keep("mask", found & (known < 0))
        self._keep("corrected", self.target.new_empty(0, self.num_classes))
        without = int((~found).sum())
        if 2 * without > known.numel():
            warn_caller(
                f"{without} of {known.numel()} nodes have no label around "
                "them and no target: label more nodes, or more parts of the graph"
            )
        return {
            "labelled": int((known >= 0).sum()),
            "spread": int(((spread >= 0) & (known < 0)).sum()),
            "without_context": without,
        }

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

    def _histogram(self, edge_index: Tensor, labels: Tensor) -> Tensor:
        return context_histogram(
            edge_index,
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
        self._require_setup()
        found = corrected_labels(
            z.to(self._spread.device), self._spread, settings=self.correction, generator=generator
        )
        labels = torch.where(self._held | (self._spread < 0), self._spread, found)
        self._keep("corrected", self._histogram(self._edge_index, labels).float())
        return self

    def _compare(self, h: Tensor) -> Tensor:
        share = self.head(self.dropout(h)).softmax(1)
        loss = masked_squared_error(share, self.target, self.mask)
        if self.corrected.size(0):
            with_target = self.mask & (self.corrected.sum(1) > 0)
            second = masked_squared_error(share, self.corrected, with_target)
            loss = loss + self.correction_weight * second
        return loss
