"""Linear probe: how much of the labels a logistic regression reads off frozen embeddings."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphlab._checks import Array, check_choice, check_int, check_list, check_positive
from graphlab._feature_rows import FeatureRows, require_finite
from graphlab._progress import track
from graphlab._repr import short_repr
from graphlab.evaluate._border import warn_at_border
from graphlab.evaluate._given import Labels, check_embeddings, from_labels
from graphlab.evaluate.splits import random_split, resolve_split

if TYPE_CHECKING:
    from torch_geometric.data import Data

__all__ = ["ProbeResult", "linear_probe"]

_CANDIDATES = tuple(4.0**power for power in range(-5, 10))
_MOST_CLASSES = 1_000_000  # larger labels are ids, and not numbers of classes
#: What ``normalize="auto"`` chooses from; the first wins a tie.
_CHOICES = ("l2", "standard")
_Floats = npt.NDArray[np.float64]
_Labels = npt.NDArray[np.int64]


@short_repr
@dataclass(frozen=True)
class ProbeResult:
    """Outcome of :func:`linear_probe`.

    Attributes:
        accuracy (float): Share of the test nodes that are right, in [0, 1].
        macro_f1 (float): F1 on the test nodes, averaged over the classes seen there or predicted
            there.
        c (float): Inverse regularisation strength chosen on the validation nodes.
        val_accuracy (float): Accuracy on the validation nodes at ``c``, before any refit.
        val_scores (dict[float, float]): Validation accuracy of every candidate, ascending in the
            candidate.
        normalize (str): How the rows were scaled, ``"l2"``, ``"standard"`` or ``"none"``.
    """

    accuracy: float
    macro_f1: float
    c: float
    val_accuracy: float
    val_scores: dict[float, float]
    normalize: str


def linear_probe(
    z: FeatureRows | Array,
    y: Labels,
    split: Mapping[str, Array] | Data | None = None,
    *,
    seed: int = 0,
    candidates: Sequence[float] = _CANDIDATES,
    normalize: Literal["l2", "standard", "none", "auto"] = "l2",
    refit: Literal["train", "train+val"] = "train",
    max_iter: int = 2000,
    column: int | None = None,
) -> ProbeResult:
    """Fit logistic regression on frozen embeddings and report it once on the test nodes.

    The regularisation is chosen on the validation nodes only (ties go to the stronger one). Test
    labels are read after the last fit, for the two test numbers and nothing else. Many published
    probes instead search with the test labels, or cross-validate over a pool that holds them.

    Args:
        z (Tensor, ndarray or EmbeddingStore): Embeddings, ``(N, D)``, floating point, finite, D at
            least 1. Detached; never written to. The rows of the split are read, and no others of a
            store.
        y (Tensor, ndarray or list of int): Class of each node, ``(N,)``, int64 or int32. Negative
            values mark nodes without a label; the split must leave them out.
        split (dict or Data, optional): Masks or indices of the three parts, or a PyG ``Data`` with
            masks, see :func:`resolve_split`. Without it, 10 % train, 10 % validation and 80 % test
            are drawn from ``seed``.
        seed (int): Seed of that draw.
        candidates (sequence of float): Values of C to try, each positive; by default 15 from 4^-5
            to 4^9. Rows that are all alike, as collapsed embeddings are, need the large ones. A
            warning says where the best one is the outermost.
        normalize (str): ``"l2"`` scales every row to unit length (zero rows stay zero),
            ``"standard"`` removes mean and scale of each column as seen on the train rows,
            ``"none"`` does nothing, ``"auto"`` takes whichever of the first two is better on the
            validation nodes.
        refit (str): ``"train"`` reports the classifier fitted on train; ``"train+val"`` refits it
            at the chosen C on both.
        max_iter (int): Limit on the solver's iterations; scikit-learn warns when the reported fit
            reaches it.
        column (int, optional): Which split to take where masks are ``(N, S)``.

    Returns:
        ProbeResult: Test accuracy and macro-F1, the chosen C, the validation scores.

    Raises:
        ValueError: If shapes disagree, parts overlap or are empty, a label in the split is
            negative, train holds fewer than two classes, or an option is unknown.
        TypeError: If ``z`` or ``y`` has the wrong type.
        IndexError: If a split index is out of range.

    Complexity: O(I N D K) time for I solver iterations over all candidates, K classes.
    Determinism: bitwise for a given split and number of BLAS threads.

    Example:
        >>> z = torch.eye(3).repeat(20, 1)
        >>> linear_probe(z, z.argmax(dim=1), seed=0).accuracy
        1.0
    """
    z = check_embeddings(z)
    count = int(z.shape[0])
    check_choice(normalize, "normalize", ("l2", "standard", "none", "auto"))
    check_choice(refit, "refit", ("train", "train+val"))
    max_iter = check_int(max_iter, "max_iter", minimum=1)
    grid = _check_candidates(candidates)
    check_int(seed, "seed")
    if split is None:
        split = random_split(count, 0.1, 0.1, seed=seed)
    index = resolve_split(split, count, column=column)
    labels = _check_labels(
        from_labels(y, "y"), count, {part: i.numpy() for part, i in index.items()}
    )
    # Nodes outside of the split are no part of what follows: their rows are not even read.
    used, place = torch.cat(list(index.values())).unique(return_inverse=True)
    z, labels = z[used], labels[used.numpy()]
    require_finite(z, "z", 0)
    places = place.split([i.numel() for i in index.values()])
    parts = {part: rows.numpy() for part, rows in zip(index, places, strict=True)}
    tried = {
        how: _validation_scores(_normalized(z, how, parts["train"]), labels, parts, grid, max_iter)
        for how in (_CHOICES if normalize == "auto" else (normalize,))
    }
    # The candidates ascend, so the first maximum is that of the strongest regularisation.
    how = max(tried, key=lambda name: max(tried[name].values()))
    scores = tried[how]
    best = max(scores, key=scores.__getitem__)
    if scores[best] > _majority(labels, parts):
        # A lead of one validation node is chance: the warning needs a lead of more than that.
        warn_at_border("C", best, scores, margin=1.5 / parts["val"].size)
    rows = _normalized(z, how, parts["train"])
    pool = parts["train"] if refit == "train" else np.union1d(parts["train"], parts["val"])
    predicted = (
        _classifier(best, max_iter).fit(rows[pool], labels[pool]).predict(rows[parts["test"]])
    )
    accuracy, macro_f1 = _test_scores(labels[parts["test"]], predicted)
    return ProbeResult(accuracy, macro_f1, best, scores[best], scores, how)


def _check_candidates(candidates: Sequence[float]) -> list[float]:
    given = check_list(candidates, "candidates", "numbers")
    grid = sorted({check_positive(c, f"candidates[{i}]") for i, c in enumerate(given)})
    if not grid:
        raise ValueError("candidates must hold at least one value of C, got none")
    return grid


def _check_labels(y: Tensor, num_nodes: int, parts: Mapping[str, Any]) -> _Labels:
    if not isinstance(y, Tensor) or y.dtype not in (torch.int64, torch.int32):
        given = y.dtype if isinstance(y, Tensor) else type(y).__name__
        raise TypeError(f"y must be an int64 or int32 tensor, got {given}")
    if y.shape != (num_nodes,):
        raise ValueError(
            f"y must have shape ({num_nodes},), one per row of z, got {tuple(y.shape)}"
            + (" (y.view(-1)?)" if y.numel() == num_nodes else "")
        )
    labels = y.detach().cpu().numpy().astype(np.int64)
    if labels.max(initial=0) >= _MOST_CLASSES:
        raise ValueError(
            f"y must hold numbers of classes from 0, got {labels.max()}: number them by "
            "y.unique(return_inverse=True)"
        )
    for part, index in parts.items():
        if labels[index].min() < 0:
            node = int(index[labels[index] < 0][0])
            raise ValueError(
                f"y[{node}] = {labels[node]} is not a class, but {part} holds that node: keep "
                f"nodes with labels, {part} = {part}[y[{part}] >= 0]"
            )
    if np.unique(labels[parts["train"]]).size < 2:
        raise ValueError("the train part of split must hold at least two classes, got one")
    return labels


def _normalized(z: Tensor, how: str, train: _Labels) -> _Floats:
    rows: _Floats = z.detach().cpu().double().numpy()
    if how == "l2":
        norm = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.where(norm > 0, norm, 1.0))
    if how == "standard":
        scale = rows[train].std(axis=0)
        # Rounding may give a column of equal values a deviation above zero; it is left unscaled.
        varied = (rows[train] != rows[train[0]]).any(axis=0) & (scale > 0)
        return np.asarray((rows - rows[train].mean(axis=0)) / np.where(varied, scale, 1.0))
    return rows


def _classifier(c: float, max_iter: int, *, warm_start: bool = False) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, max_iter=max_iter, warm_start=warm_start)


def _validation_scores(
    rows: _Floats, labels: _Labels, parts: Mapping[str, Any], grid: list[float], max_iter: int
) -> dict[float, float]:
    """Validation accuracy of each candidate, fitted on train."""
    from sklearn.exceptions import ConvergenceWarning

    train, val = parts["train"], parts["val"]
    # Along ascending C the last solution is a good start for the next: several times faster.
    model = _classifier(grid[0], max_iter, warm_start=True)
    scores = {}
    for c in track(grid, "linear probe", unit="settings"):
        with warnings.catch_warnings():
            # A candidate may stop early; the reported fit is another one, whose warning is shown.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.set_params(C=c).fit(rows[train], labels[train])
        scores[c] = float(np.mean(model.predict(rows[val]) == labels[val]))
    return scores


def _majority(labels: _Labels, parts: Mapping[str, Any]) -> float:
    """Validation accuracy of the constant that the strongest regularisation ends at."""
    most = np.bincount(labels[parts["train"]]).argmax()
    return float(np.mean(labels[parts["val"]] == most))


def _test_scores(truth: _Labels, predicted: _Labels) -> tuple[float, float]:
    from sklearn.metrics import f1_score

    macro_f1 = f1_score(truth, predicted, average="macro", zero_division=0)
    return float(np.mean(truth == predicted)), float(macro_f1)
