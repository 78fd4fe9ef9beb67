"""Features from a language model that was fine-tuned on the labels of the training nodes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_device
from graphlab._io import user_path
from graphlab.tag._moved_arguments import absorb, refuse_unknown
from graphlab.tag._texts import check_texts
from graphlab.tag.fine_tune._inputs import count_classes, deal_folds, digest, masked_nodes
from graphlab.tag.fine_tune._job import Job
from graphlab.tag.fine_tune._model import load_tokenizer
from graphlab.tag.fine_tune._plan import Plan
from graphlab.tag.fine_tune._tokens import TokenTable
from graphlab.tag.fine_tune.config import FineTuneConfig
from graphlab.tag.fine_tune.features import TextFeatures

__all__ = ["fine_tune_text_encoder"]

_MOVED = {field.name: field.name for field in fields(FineTuneConfig)}


def fine_tune_text_encoder(
    texts: Sequence[str],
    y: Tensor,
    train_mask: Tensor,
    val_mask: Tensor,
    config: FineTuneConfig | None = None,
    *,
    num_classes: int | None = None,
    device: str | torch.device | None = None,
    directory: str | os.PathLike[str] | None = None,
    resume: bool = True,
    progress: bool | None = None,
    **deprecated: Any,
) -> TextFeatures:
    """Fine-tune a language model to classify texts, and embed every text with it.

    The step of TAPE that turns texts (or explanations) into features: cross-entropy with label
    smoothing on the training nodes, the pooled last hidden state as feature. Where this differs
    from the authors' code: the epoch with the best validation accuracy is kept (theirs keeps the
    last, as it never evaluates on small sets); warm-up is counted in epochs of the training set and
    not of all nodes on four GPUs; dropouts are set before the model is built, so they have an
    effect (the defaults are the effective ones of theirs: the model's own, and none in the head);
    the seed covers head, order and dropout, and no global generator is changed; bfloat16 replaces
    float16, whose overflows gave features of zeros.

    A model has seen the labels of its training nodes, so their features are more certain than
    those of other nodes, and a classifier on top learns to trust them too much. ``out_of_fold=K``
    trains K models, each without one K-th of the training nodes, and takes the features of those
    from it; all other nodes get the mean over the K models. They start from the same weights, so
    their features share one space as far as fine-tuning leaves it; logits always do.

    Args:
        texts (Sequence[str]): N texts, none empty.
        y (Tensor): ``(N,)`` int64 classes; anything negative where unknown outside the two masks.
        train_mask (Tensor): ``(N,)`` bool, nodes to train on.
        val_mask (Tensor): ``(N,)`` bool, nodes that select the epoch. No other label is read.
        config (FineTuneConfig, optional): Model, adapters, folds, optimiser and seed.
        num_classes (int, optional): Number of classes; by default the largest label plus one.
        device (str or torch.device, optional): Device to compute on; a GPU if there is one.
        directory (path, optional): Folder for checkpoints: each fold and epoch replaces its file in
            one step, and a repeated call goes on after the last one, on the CPU bit for bit.
        resume (bool): Whether to go on from files found there; otherwise they are removed.
        progress (bool, optional): Whether progress is shown; after five seconds when missing.
        **deprecated: Fields of :class:`FineTuneConfig` as arguments of their own; they go with the
            next version.

    Returns:
        TextFeatures: Features and logits of all N texts.

    Raises:
        ImportError: If the extra ``tag`` (for ``lora`` also peft) is missing.
        OSError: If the model cannot be loaded.
        RuntimeError: If the loss or the features become unusable.
        TypeError, ValueError, IndexError: If an argument is malformed, masks are empty or overlap,
            or the folder belongs to other texts, labels or settings.

    Complexity: ``epochs * K`` passes over the training nodes and K over the rest. Tokens take 4
    bytes each; batches for inference hold texts of similar length.

    Reference: He et al., "Harnessing Explanations: LLM-to-LM Interpreter for Enhanced
        Text-Attributed Graph Representation Learning", ICLR 2024. arXiv:2305.19523
    """
    settings = absorb(
        config or FineTuneConfig(), "config", "fine_tune_text_encoder", deprecated, _MOVED
    )
    refuse_unknown("fine_tune_text_encoder", deprecated)
    known = check_texts(texts, "texts")
    train = masked_nodes(train_mask, len(known), "train_mask")
    val = masked_nodes(val_mask, len(known), "val_mask")
    classes = count_classes(y, len(known), train, val, num_classes)
    plan = Plan(settings, classes, _device(device))
    fold = deal_folds(y, train, settings.out_of_fold, settings.seed)
    tokenizer = load_tokenizer(plan.model)
    job = Job(
        plan=plan,
        identity={"data": digest(known, y, train, val), "out_of_fold": settings.out_of_fold},
        tokenizer=tokenizer,
        tokens=TokenTable(known, tokenizer, settings.max_length),
        y=y.cpu(),
        train=train,
        val=val,
        fold=fold,
        folder=None if directory is None else user_path(directory, "directory"),
    )
    if settings.out_of_fold is None:
        return job.fit_one(resume, progress)
    return job.cross_fit(settings.out_of_fold, resume, progress)


def _device(device: str | torch.device | None) -> torch.device:
    """Device with its number, which checkpoints and autocast compare."""
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    result = check_device(device)
    if result.type == "cuda" and result.index is None:
        return torch.device("cuda", torch.cuda.current_device())
    return result
