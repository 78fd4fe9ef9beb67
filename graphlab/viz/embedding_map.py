"""Embeddings as points in the plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from graphlab._checks import check_choice, check_int
from graphlab.viz._style import COLORS, INK, MARKERS, legend, new_axes
from graphlab.viz._values import Floats, grouped_labels, matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["embedding_map"]

_MAX_LEGEND = 20
NO_LABEL = "no label"


def embedding_map(
    z: Any,
    labels: Any = None,
    method: Literal["pca", "tsne"] | Callable[[Floats], npt.ArrayLike] = "pca",
    seed: int = 0,
    ax: Axes | None = None,
    *,
    max_points: int = 20_000,
) -> Axes:
    """Draw embeddings as points in the plane, coloured by label.

    Args:
        z (Tensor or array): Embeddings, ``(N, D)``, tensor or array, finite.
        labels (Tensor or array, optional): One label per row, ``(N,)``; ``None`` draws all points
            alike. Rows whose label is missing (NaN, None, -1, "" and the like) are drawn in grey,
            below the others. More than 8 labels differ by marker too, and are written over the
            middle of their points; beyond 20, neither this nor the legend is drawn.
        method (str or callable): ``"pca"`` (the two directions of largest variance, with the share
            of variance on the axes), ``"tsne"`` (distances between far groups mean nothing), or a
            function from ``(N, D)`` to ``(N, 2)``, such as ``umap.UMAP().fit_transform``.
        seed (int): Seed of t-SNE and of the choice of points.
        ax (Axes, optional): Axes to draw on; a new figure if ``None``.
        max_points (int): Draw at most this many points, chosen at random.

    Returns:
        Axes: The axes drawn on.

    Raises:
        ValueError: If ``z`` is not 2-D, has fewer than three rows or is not finite, ``labels``
            has another length, or ``method`` is unknown or returns no ``(N, 2)``.
        ImportError: If matplotlib is missing.

    Complexity: PCA O(N D min(N, D)) time; t-SNE O(N log N) per iteration.
    """
    points = matrix(z, "z")
    seed = check_int(seed, "seed", minimum=0)
    names, group_of = ([], None) if labels is None else grouped_labels(labels, len(points))
    chosen = _subsample(points.shape[0], check_int(max_points, "max_points", minimum=3), seed)
    points = points[chosen]
    plane, captions = _project(points, method, seed)
    ax = new_axes(ax, (5.2, 4.4))
    size = float(np.clip(18_000 / len(points), 5, 36))
    number = np.zeros(len(points), dtype=np.int64) if group_of is None else group_of[chosen]
    shown_groups = np.unique(number).tolist()  # those without a label come first, below the others
    for i in shown_groups:
        rows = number == i
        ax.scatter(
            plane[rows, 0],
            plane[rows, 1],
            s=size,
            color=INK if i < 0 else COLORS[i % len(COLORS)],
            marker=MARKERS[max(i, 0) // len(COLORS) % len(MARKERS)],
            label=None if group_of is None else NO_LABEL if i < 0 else names[i],
            alpha=0.35 if i < 0 else 0.8,
            linewidths=0,
            rasterized=True,
        )
    groups = [names[i] for i in shown_groups if i >= 0 and group_of is not None]
    ax.set(xlabel=captions[0], ylabel=captions[1], xticks=[], yticks=[])
    if group_of is not None and len(shown_groups) > 1 and len(groups) <= _MAX_LEGEND:
        shown = legend(ax, loc="center left", bbox_to_anchor=(1.0, 0.5))
        for handle in shown.legend_handles:
            handle.set(sizes=[36], alpha=1.0)
    if len(COLORS) < len(groups) <= _MAX_LEGEND:
        _write_names(ax, plane, number, names)
    return ax


def _write_names(ax: Axes, plane: Floats, number: npt.NDArray[np.int64], names: list[str]) -> None:
    from matplotlib.patheffects import withStroke

    for i in np.unique(number[number >= 0]).tolist():
        x, y = np.median(plane[number == i], axis=0)
        text = ax.text(x, y, names[i], color="white", weight="bold", ha="center", va="center")
        # White in a dark rim stands out from the points and from either page.
        text.set_path_effects([withStroke(linewidth=2.5, foreground="#202020")])


def _subsample(num_points: int, limit: int, seed: int) -> npt.NDArray[np.int64]:
    if num_points <= limit:
        return np.arange(num_points)
    drawn = np.random.default_rng(seed).choice(num_points, limit, replace=False)
    return np.sort(drawn).astype(np.int64)


def _project(
    points: Floats, method: Literal["pca", "tsne"] | Callable[[Floats], npt.ArrayLike], seed: int
) -> tuple[Floats, tuple[str, str]]:
    if callable(method):
        plane = matrix(method(points), "method(z)")
        if plane.shape != (len(points), 2):
            raise ValueError(f"method must return shape ({len(points)}, 2), got {plane.shape}")
        return plane, ("", "")
    known = check_choice(method, "method", ("pca", "tsne"))
    return _pca(points) if known == "pca" else _tsne(points, seed)


def _pca(points: Floats) -> tuple[Floats, tuple[str, str]]:
    centered = points - points.mean(axis=0)
    _, scale, directions = np.linalg.svd(centered, full_matrices=False)
    # The sign of a direction is arbitrary; make its largest entry positive.
    largest = np.abs(directions).argmax(axis=1)
    signs = np.where(directions[np.arange(len(directions)), largest] < 0, -1.0, 1.0)
    plane = np.zeros((len(points), 2))
    kept = min(2, len(directions))
    plane[:, :kept] = centered @ (signs[:kept, None] * directions[:kept]).T
    total = float(np.sum(scale**2))
    shares = [float(s**2) / total if total > 0 else 0.0 for s in [*scale, 0.0][:2]]
    first, second = (
        f"component {i} ({share:.0%} of variance)" for i, share in enumerate(shares, 1)
    )
    return plane, (first, second)


def _tsne(points: Floats, seed: int) -> tuple[Floats, tuple[str, str]]:
    from sklearn.manifold import TSNE

    captions = ("t-SNE 1", "t-SNE 2")
    if not np.ptp(points, axis=0).any():  # a collapsed embedding: its PCA start would be 0 / 0
        return np.zeros((len(points), 2)), captions
    perplexity = min(30.0, (len(points) - 1) / 3)
    # PCA as a start needs two columns; a single one is padded, which changes no distance.
    if points.shape[1] == 1:
        points = np.pad(points, ((0, 0), (0, 1)))
    model = TSNE(perplexity=perplexity, init="pca", random_state=check_int(seed, "seed"))
    return np.asarray(model.fit_transform(points), dtype=np.float64), captions
