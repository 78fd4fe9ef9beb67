"""Contrast of two towers, row by row: the loss of CLIP, exact over all processes."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from graphlab._checks import (
    check_choice,
    check_finite,
    check_int,
    check_pair,
    check_positive,
    check_real,
    check_tensor,
    values_visible,
)
from graphlab._distributed import Group, all_gather_rows, rank, world_size
from graphlab._precision import full_precision
from graphlab.contrastive.losses._clip_blocks import guarded_logsumexp, sigmoid_terms
from graphlab.contrastive.losses._reduction import Reduction, check_reduction, reduced
from graphlab.contrastive.losses._row_logsumexp import row_logsumexp
from graphlab.ops import pairwise_logsumexp, unit_rows

__all__ = ["CLIPLoss", "clip_loss"]

_LOSSES = ("infonce", "siglip")


def clip_loss(
    graph_emb: Tensor,
    text_emb: Tensor,
    logit_scale: Tensor,
    *,
    chunk_size: int | None = None,
    loss: Literal["infonce", "siglip"] = "infonce",
    logit_bias: Tensor | None = None,
    text_id: Tensor | None = None,
    group: Group = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Contrast row i of one tower with all rows of the other, in both directions.

    .. math:: L = \frac1{2B} \sum_i \Big[\log \sum_j e^{\sigma \langle g_i, t_j \rangle}
        + \log \sum_j e^{\sigma \langle g_j, t_i \rangle}\Big]
        - \frac1B \sum_i \sigma \langle g_i, t_i \rangle

    with unit rows g, t and :math:`\sigma = e^{\text{logit\_scale}}`. ``loss="siglip"`` is
    :math:`-\frac1B \sum_{ij} \log \operatorname{sigmoid}(\pm(\sigma \langle g_i, t_j \rangle +
    b))`, plus on the diagonal: no normaliser, and better for small batches.

    Over several processes every rank passes its own rows. All rows of all ranks are negatives, and
    the mean over ranks of the gradients is exactly that of one process with the whole batch.

    Args:
        graph_emb (Tensor): ``(B, D)``; rows are normalised here.
        text_emb (Tensor): ``(B, D)``; row i belongs to row i of ``graph_emb``.
        logit_scale (Tensor): Scalar, the logarithm of the scale, as in CLIP.
        chunk_size (int, optional): Rows of logits at a time wherever logits are stored (the guard
            and ``"siglip"``; 1024 when missing). Plain InfoNCE stores none. Values do not depend
            on it.
        loss (str): ``"infonce"`` or ``"siglip"``.
        logit_bias (Tensor, optional): Scalar b of ``"siglip"``; zero when missing.
        text_id (Tensor, optional): Integers ``(B,)``, equal where texts are equal, such as hashes.
            The pair (i, j) with equal texts is no negative: it is left out. Without it equal texts
            repel.
        group (ProcessGroup, optional): Processes that share the batch; the default group if
            missing.
        reduction (str): ``"mean"``, ``"sum"``, or ``"none"`` for the terms of the rows of this
            rank; that of a row of ``"siglip"`` is its sum over all texts.

    Returns:
        Tensor: A scalar, the mean over the rows of this rank, or ``(B,)`` with
        ``reduction="none"``; float32 or float64, whether autocast is on or not.

    Raises:
        TypeError, ValueError: If an argument is malformed, a row is zero, the batch of all ranks
            has fewer than two rows, or ranks bring different numbers of rows (raised on all ranks).

    Complexity: O(B² D / W) time and O(B D) memory on each of W ranks; with equal texts and for
    ``"siglip"`` O(chunk_size B) more.
    Determinism: bitwise for a given device and number of ranks.

    Reference: Radford et al., "Learning transferable visual models from natural language
    supervision", ICML 2021; Zhai et al., "Sigmoid loss for language image pre-training", ICCV 2023.

    Example:
        >>> g = torch.eye(3)
        >>> round(float(clip_loss(g, g, torch.tensor(0.0))), 4)
        0.5514
    """
    check_choice(loss, "loss", _LOSSES)
    check_reduction(reduction)
    chunk_size = 1024 if chunk_size is None else check_int(chunk_size, "chunk_size", minimum=1)
    _check_scalar(logit_scale, "logit_scale")
    if logit_bias is not None:
        _check_scalar(logit_bias, "logit_bias")
    graph, text = _unit_pair(graph_emb, text_emb)
    _check_batch(graph, group)
    if text_id is not None:
        text_id = _check_names(text_id, text.size(0))
    # Learned as a logarithm, the scale stays positive and is changed in proportion.
    scale = logit_scale.to(graph.dtype).exp()
    with full_precision(graph):
        if loss == "siglip":
            bias = graph.new_zeros(()) if logit_bias is None else logit_bias.to(graph.dtype)
            terms = _siglip(graph * scale, text, bias, text_id, chunk_size, group)
        else:
            terms = _info_nce(graph, text, scale, text_id, chunk_size, group)
    return reduced(terms, reduction)


def _siglip(
    scaled: Tensor,
    text: Tensor,
    bias: Tensor,
    text_id: Tensor | None,
    chunk_size: int,
    group: Group,
) -> Tensor:
    """Sigmoid loss of scaled unit rows, ``(B,)``."""
    all_text = all_gather_rows(text, group)
    all_id = None if text_id is None else all_gather_rows(text_id, group)
    offset = rank(group) * text.size(0)
    return sigmoid_terms(scaled, all_text, bias, text_id, all_id, offset, chunk_size)


def _info_nce(
    graph: Tensor,
    text: Tensor,
    scale: Tensor,
    text_id: Tensor | None,
    chunk_size: int,
    group: Group,
) -> Tensor:
    """Both directions of InfoNCE of unit rows, ``(B,)``."""
    scaled = graph * scale
    all_text = all_gather_rows(text, group)
    all_id = None if text_id is None else all_gather_rows(text_id, group)
    offset = rank(group) * text.size(0)
    positive = (scaled * text).sum(1)
    all_graph = all_gather_rows(graph, group)
    if all_id is not None and text_id is not None and _repeats(all_id):
        ids = (text_id, all_id, offset, chunk_size)
        row = guarded_logsumexp(scaled, all_text, *ids)
        column = guarded_logsumexp(text * scale, all_graph, *ids)
    elif world_size(group) == 1:
        row, column = pairwise_logsumexp(scaled, text, columns=True)
    else:
        row = row_logsumexp(scaled, all_text)
        column = row_logsumexp(text * scale, all_graph)
    # The column normalisers of the own texts: each rank has its rows of both directions.
    return 0.5 * (row + column) - positive


def _repeats(text_id: Tensor) -> bool:
    return not values_visible(text_id) or text_id.unique().numel() < text_id.numel()


def _check_scalar(value: Tensor, name: str) -> None:
    if check_tensor(value, name).numel() != 1 or not value.is_floating_point():
        raise ValueError(f"{name} must be a floating-point scalar, got {tuple(value.shape)}")


def _check_names(text_id: Tensor, rows: int) -> Tensor:
    """Integers of any sign, such as hashes, int64."""
    if check_tensor(text_id, "text_id").dtype not in (torch.int64, torch.int32):
        raise TypeError(f"text_id must be int64 or int32, got dtype {text_id.dtype}")
    if text_id.shape != (rows,):
        raise ValueError(f"text_id must have {rows} entries, got shape {tuple(text_id.shape)}")
    return text_id.long()


def _unit_pair(graph_emb: Tensor, text_emb: Tensor) -> tuple[Tensor, Tensor]:
    names = ("graph_emb", "text_emb")
    graph, text = check_pair(graph_emb, text_emb, names, finite=False)
    if values_visible(graph, text):
        # One look at both: the sum of magnitudes is neither zero nor NaN nor infinite.
        size = torch.cat(
            [value.detach().abs().sum(1, dtype=torch.float64) for value in (graph, text)]
        )
        if not bool(((size > 0) & (size < torch.inf)).all()):
            _refuse_rows(graph, text)
    double = torch.float64 in (graph.dtype, text.dtype)
    dtype = torch.float64 if double else torch.float32
    return unit_rows(graph.to(dtype)), unit_rows(text.to(dtype))


def _refuse_rows(graph: Tensor, text: Tensor) -> None:
    for name, value in (("graph_emb", graph), ("text_emb", text)):
        check_finite(value, name)
    for name, value in (("graph_emb", graph), ("text_emb", text)):
        empty = (value.detach() == 0).all(1).nonzero()
        if empty.numel():
            raise ValueError(f"{name} must have no zero rows, but row {int(empty[0])} is zero")


def _check_batch(graph: Tensor, group: Group) -> None:
    rows, ranks = graph.size(0), world_size(group)
    if ranks > 1:
        counts = all_gather_rows(torch.tensor([rows], device=graph.device), group)
        if bool((counts != rows).any()):
            raise ValueError(f"graph_emb must have equally many rows on all ranks, got {counts}")
    if rows * ranks < 2:
        raise ValueError(f"graph_emb must have at least two rows to contrast, got {rows * ranks}")


class CLIPLoss(nn.Module):
    r""":func:`clip_loss` with its learnable scale (and bias).

    Args:
        loss (str): ``"infonce"``, or ``"siglip"`` with a learnable bias.
        init_scale (float, optional): Scale at the start; 1 / 0.07 by default, 10 for ``"siglip"``,
            or ``max_scale`` where that is less.
        init_bias (float): Bias of ``"siglip"`` at the start.
        max_scale (float, optional): The scale never exceeds it; ``None`` leaves it free, as the
            released code of GraphCLIP does.
        chunk_size (int, optional): See :func:`clip_loss`.
        reduction (str): See :func:`clip_loss`.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Shapes:
        - graph_emb, text_emb: ``(B, D)``; text_id: integers ``(B,)``.
        - output: a scalar; ``(B,)`` with ``reduction="none"``.

    Example:
        >>> criterion = CLIPLoss()
        >>> criterion(torch.eye(4), torch.eye(4)).backward()
        >>> round(float(criterion.logit_scale.detach()), 4)
        2.6593
    """

    logit_bias: Tensor | None

    def __init__(
        self,
        loss: Literal["infonce", "siglip"] = "infonce",
        *,
        init_scale: float | None = None,
        init_bias: float = -10.0,
        max_scale: float | None = 100.0,
        chunk_size: int | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        check_choice(loss, "loss", _LOSSES)
        self.loss = loss
        if init_scale is None:
            init_scale = 10.0 if loss == "siglip" else 1 / 0.07
        start = check_positive(init_scale, "init_scale")
        self.max_scale = None if max_scale is None else check_positive(max_scale, "max_scale")
        if self.max_scale is not None:  # above it the scale has no gradient, and would stay
            start = min(start, self.max_scale)
        if chunk_size is not None:
            check_int(chunk_size, "chunk_size", minimum=1)
        self.chunk_size = chunk_size
        self.reduction: Reduction = check_reduction(reduction)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(start)))
        bias = (
            nn.Parameter(torch.tensor(check_real(init_bias, "init_bias")))
            if loss == "siglip"
            else None
        )
        self.register_parameter("logit_bias", bias)

    def forward(
        self,
        graph_emb: Tensor,
        text_emb: Tensor,
        text_id: Tensor | None = None,
        group: Group = None,
    ) -> Tensor:
        """Loss of the rows of this rank.

        Args:
            graph_emb (Tensor): ``(B, D)``, see :func:`clip_loss`.
            text_emb (Tensor): ``(B, D)``.
            text_id (Tensor, optional): Integers ``(B,)``, equal where texts are equal.
            group (ProcessGroup, optional): Processes that share the batch.

        Returns:
            Tensor: A scalar; ``(B,)`` with ``reduction="none"``.
        """
        scale: Tensor = self.logit_scale
        if self.max_scale is not None:
            scale = scale.clamp(max=math.log(self.max_scale))
        return clip_loss(
            graph_emb,
            text_emb,
            scale,
            chunk_size=self.chunk_size,
            loss=self.loss,
            logit_bias=self.logit_bias,
            text_id=text_id,
            group=group,
            reduction=self.reduction,
        )

    @torch.no_grad()
    def clamp_(self) -> None:
        """Bring the scale back below its maximum; call it after a step of the optimizer.

        Above the maximum the scale has no gradient, so without this it would stay there.
        """
        if self.max_scale is not None:
            self.logit_scale.clamp_(max=math.log(self.max_scale))

    def extra_repr(self) -> str:
        """Settings for ``repr``."""
        return f"loss={self.loss!r}, max_scale={self.max_scale}"
