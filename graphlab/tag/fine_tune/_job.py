"""One model for all nodes, or one per fold of the training nodes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab._progress import Progress
from graphlab.tag.fine_tune._fold import Fold, Row
from graphlab.tag.fine_tune._outputs import check_features, output_batches
from graphlab.tag.fine_tune._plan import Plan
from graphlab.tag.fine_tune._tokens import TokenTable
from graphlab.tag.fine_tune.features import TextFeatures, TunedTextEncoder

__all__: list[str] = []


@dataclass(frozen=True)
class Job:
    """Everything that the models of one call share.

    Attributes:
        plan (Plan): Settings.
        identity (dict): Values beside the settings that must be equal for a resume.
        tokenizer (PreTrainedTokenizerBase): Tokenizer of the language model.
        tokens (TokenTable): All texts.
        y (Tensor): Classes of all texts.
        train (ndarray): Nodes to train on.
        val (ndarray): Nodes that select the epoch.
        fold (ndarray): Fold of every node, -1 for none; -1 everywhere where there is one model.
        folder (Path, optional): Folder of the checkpoints.
    """

    plan: Plan
    identity: dict[str, Any]
    tokenizer: Any
    tokens: TokenTable
    y: Tensor
    train: np.ndarray
    val: np.ndarray
    fold: np.ndarray
    folder: Path | None

    def fit_one(self, resume: bool, progress: bool | None) -> TextFeatures:
        """Outputs of one model for all nodes, and the model."""
        run = self._model(0)
        features, logits = _train(run, np.arange(self.fold.size), resume, progress)
        encoder = TunedTextEncoder(run.model, self.tokenizer, self.plan)
        return self._result(features, logits, [(run.history, run.best.epoch)], encoder)

    def cross_fit(self, count: int, resume: bool, progress: bool | None) -> TextFeatures:
        """Held-out outputs of training nodes, mean outputs of all others."""
        rest = np.setdiff1d(np.arange(self.fold.size), self.train)
        totals: list[Tensor] = []
        runs = []
        for number in range(count):
            own = np.flatnonzero(self.fold == number)
            run = self._model(number)  # one model in memory at a time
            outputs = _train(run, np.concatenate([own, rest]), resume, progress)
            totals = totals or [torch.zeros(self.fold.size, part.size(1)) for part in outputs]
            for total, part in zip(totals, outputs, strict=True):
                total[torch.from_numpy(own)] = part[: own.size]
                total[torch.from_numpy(rest)] += part[own.size :] / count
            runs.append((run.history, run.best.epoch))
        return self._result(totals[0], totals[1], runs, None)

    def _model(self, number: int) -> Fold:
        """The model that does not see the labels of its fold."""
        kept = self.train[self.fold[self.train] != number]
        own = None if self.folder is None else self.folder / f"fold-{number}"
        return Fold(number, self.plan, self.identity, self.tokens, self.y, kept, self.val, own)

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
            history=[row for history, _ in runs for row in history],
            selected_epochs=tuple(epoch for _, epoch in runs),
            fold=torch.from_numpy(self.fold),
            encoder=encoder,
        )


def _train(
    run: Fold, index: np.ndarray, resume: bool, progress: bool | None
) -> tuple[Tensor, Tensor]:
    """Features and logits of ``index`` by one model that is trained to its end."""
    if resume:
        run.restore()
    else:
        run.forget()
    total = run.plan.config.epochs * run.steps + output_batches(index.size)
    start = run.epoch * run.steps
    name = f"fine-tune, model {run.number}"
    with Progress(total, name, unit="batches", done=start, shown=progress) as bar:
        while not run.done:
            run.advance(bar)
        return run.finish(index, bar)
