"""Pretraining of the graph tower on pairs of subgraphs and summaries, on one process or many."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from graphlab._checks import check_int, check_nonnegative
from graphlab._distributed import rank
from graphlab._io import user_path
from graphlab._progress import Progress
from graphlab._repr import short_repr
from graphlab._tracking import row_writer
from graphlab._training import Callback
from graphlab.tag.graphclip.model import GraphCLIP
from graphlab.tag.graphclip.pairs import GraphTextPairs
from graphlab.tag.graphclip.pretraining.config import PretrainConfig
from graphlab.tag.graphclip.pretraining.run import PretrainingRun, Row

__all__ = ["PretrainResult", "pretrain"]


@short_repr
@dataclass(frozen=True)
class PretrainResult:
    """Outcome of a pretraining.

    Attributes:
        history (list[dict]): One row per epoch: ``epoch``, ``loss``, ``lr``, ``scale`` and, with
            held-out pairs, ``val_loss``, ``mrr`` and ``r1``; see :func:`retrieval_scores`.
        best_epoch (int): Epoch whose weights the model has now.
        stopped_early (bool): True if patience ended the run.
    """

    history: list[Row] = field(default_factory=list)
    best_epoch: int = -1
    stopped_early: bool = False


def pretrain(
    model: GraphCLIP,
    pairs: GraphTextPairs,
    config: PretrainConfig | None = None,
    *,
    directory: str | os.PathLike[str] | None = None,
    resume: bool = True,
    save_every: float = 300.0,
    prefetch: int = 2,
    callback: Callback | None = None,
    progress: bool | None = None,
    writer: Any = None,
) -> PretrainResult:
    """Align the graph tower with the embeddings of the summaries; the model is changed in place.

    Texts are embedded once, beforehand (the release embeds them three times a step, with dropout
    on). With held-out pairs the model ends with the weights of the best epoch by
    ``config.selection``, which needs no label. Started by ``torchrun`` (``torch.distributed``
    initialised), every process is given the same model and pairs and works on its part of each
    batch; the loss curve is that of one process with the same batch size. Views and perturbations
    depend on (seed, step, subgraph) alone. What the processes need of all pairs (names of texts,
    positional encodings) each makes a part of; with features in an :class:`EmbeddingStore` and
    subgraphs in a folder, a process keeps nothing of the others' pairs in memory.

    Args:
        model (GraphCLIP): On the device to compute on.
        pairs (GraphTextPairs): Training data.
        config (PretrainConfig, optional): Settings.
        directory (path, optional): Where the checkpoint goes, at the end of every epoch and within
            it.
        resume (bool): Continue from a checkpoint found there, within an epoch too, on the CPU bit
            for bit as if never interrupted.
        save_every (float): Seconds between checkpoints within an epoch: the most work that a kill
            costs. 0 writes one after every step.
        prefetch (int): Batches that a thread reads ahead of the step; 0 reads them in between.
            Results do not depend on it.
        callback (callable, optional): Called with the row of every epoch on rank 0; may raise to
            interrupt.
        progress (bool, optional): Whether progress is shown on rank 0; after five seconds when
            missing.
        writer (SummaryWriter or Run, optional): Gets the row of every epoch on rank 0:
            TensorBoard's ``SummaryWriter`` or anything with ``add_scalar``, a run of W&B or
            anything with ``log``.

    Returns:
        PretrainResult: History and the epoch that was kept.

    Raises:
        ValueError: If pairs and model do not fit, there are too few pairs for one batch of two, the
            batch cannot be divided among the processes, all texts are equal, patience lacks
            held-out pairs or a selection, or the checkpoint has other settings or data.
        TypeError: If ``writer`` has neither method.
        FloatingPointError: If the loss stops being finite.

    Complexity: a step costs ``adversarial_steps`` forward and backward passes, or one.
    """
    write = row_writer(writer)
    run = PretrainingRun(
        model,
        pairs,
        config or PretrainConfig(),
        None if directory is None else user_path(directory, "directory"),
        check_nonnegative(save_every, "save_every"),
        check_int(prefetch, "prefetch", minimum=0),
    )
    if resume:
        run.restore()
    shown = progress if rank() == 0 else False
    total, done = run.config.epochs * run.steps, run.epoch * run.steps + run.done
    with Progress(total, "pretrain", unit="steps", done=done, shown=shown) as bar:
        while run.epoch < run.config.epochs and not run.stopped:
            row = run.advance(bar)
            if rank() == 0:
                write(row)
                if callback is not None:
                    callback(row)
    return PretrainResult(*run.finish())
