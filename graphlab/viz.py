"""Pictures of embeddings, training runs and measurements.

Every function draws on the given axes, or on a new figure, and returns the axes; none shows or
saves anything, and global matplotlib settings stay as they are. New figures are transparent with
grey text and lines, so that a saved picture reads on a light and on a dark page. Colours are those
of Okabe and Ito, which people with the common colour vision deficiencies can tell apart; curves
and groups also differ in line style, marker or hatching.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from graphlab._checks import check_choice, check_int

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bars", "embedding_map", "scaling_curves", "training_curves"]

# Okabe-Ito without black (lost on a dark page) and with yellow last (faint on a white one).
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#8C8C8C", "#F0E442")
_MARKERS = ("o", "^", "s", "D", "v", "P")
_DASHES = ("-", "--", "-.", ":")
_HATCHES = ("", "///", "...", "xxx")
_INK = "#7A7A7A"  # as far from white as from near-black: contrast above 4 on both
_MAX_LEGEND = 20

_Floats = npt.NDArray[np.float64]


def embedding_map(
    z: Any,
    labels: Any = None,
    method: str = "pca",
    seed: int = 0,
    ax: Axes | None = None,
    *,
    max_points: int = 20_000,
) -> Axes:
    """Draw embeddings as points in the plane, coloured by label.

    Args:
        z: Embeddings, ``(N, D)``, tensor or array, finite.
        labels: One label per row, ``(N,)``; ``None`` draws all points alike. More than 8 labels
            are told apart by marker too, and written over the middle of their points; beyond 20,
            neither this nor the legend is drawn.
        method: ``"pca"`` (the two directions of largest variance, with the share of variance on
            the axes) or ``"tsne"`` (distances between far groups mean nothing).
        seed: Seed of t-SNE and of the choice of points.
        ax: Axes to draw on; a new figure if ``None``.
        max_points: Draw at most this many points, chosen at random.

    Returns:
        Axes: The axes drawn on.

    Raises:
        ValueError: If ``z`` is not 2-D, has fewer than three rows or is not finite, or ``labels``
            has another length.
        ImportError: If matplotlib is missing.

    Complexity: PCA O(N D min(N, D)) time; t-SNE O(N log N) per iteration.
    """
    points = _matrix(z, "z")
    names = None if labels is None else _label_array(labels, points.shape[0])
    check_choice(method, "method", ("pca", "tsne"))
    chosen = _subsample(points.shape[0], check_int(max_points, "max_points", minimum=3), seed)
    points = points[chosen]
    plane, captions = _pca(points) if method == "pca" else _tsne(points, seed)
    ax = _axes(ax, (5.2, 4.4))
    size = float(np.clip(18_000 / len(points), 5, 36))
    groups: list[Any] = [None] if names is None else list(np.unique(names[chosen]))
    for i, group in enumerate(groups):
        rows = slice(None) if names is None else names[chosen] == group
        ax.scatter(
            plane[rows, 0],
            plane[rows, 1],
            s=size,
            color=_COLORS[i % len(_COLORS)],
            marker=_MARKERS[i // len(_COLORS) % len(_MARKERS)],
            label=None if group is None else str(group),
            alpha=0.8,
            linewidths=0,
            rasterized=True,
        )
    ax.set(xlabel=captions[0], ylabel=captions[1], xticks=[], yticks=[])
    if 1 < len(groups) <= _MAX_LEGEND:
        legend = _legend(ax, loc="center left", bbox_to_anchor=(1.0, 0.5))
        for handle in legend.legend_handles:
            handle.set(sizes=[36], alpha=1.0)
    if len(_COLORS) < len(groups) <= _MAX_LEGEND and names is not None:
        _write_names(ax, plane, names[chosen])
    return ax


def training_curves(
    history: Mapping[str, Sequence[float]], ax: Axes | None = None, xlabel: str = "epoch"
) -> Axes:
    """Draw one curve per entry, against its position.

    Args:
        history: Name of a quantity to its values, one per step; NaN leaves a gap. Lengths may
            differ.
        ax: Axes to draw on; a new figure if ``None``.
        xlabel: What a step is.

    Returns:
        Axes: The axes drawn on.

    Raises:
        ValueError: If ``history`` or one of its entries is empty, or an entry is not 1-D.
        ImportError: If matplotlib is missing.
    """
    curves = {name: _vector(values, f"history[{name!r}]") for name, values in history.items()}
    if not curves:
        raise ValueError("history must hold at least one curve, got none")
    ax = _axes(ax, (5.2, 3.4))
    for i, (name, values) in enumerate(curves.items()):
        marker = "o" if values.size == 1 else None
        ax.plot(np.arange(values.size), values, label=name, marker=marker, **_line_style(i))
    ax.set_xlabel(xlabel)
    ax.locator_params(axis="x", integer=True)
    _grid(ax)
    _legend(ax)
    return ax


def scaling_curves(
    x: Sequence[float],
    series: Mapping[str, Sequence[float]],
    ax: Axes | None = None,
    xlabel: str = "nodes",
    ylabel: str = "seconds",
) -> Axes:
    """Draw cost against size on logarithmic axes, with the slope of each curve in the legend.

    The slope is that of the least-squares line through the logarithms: 1 is linear, 2 quadratic.

    Args:
        x: Sizes, positive.
        series: Name to costs, positive, one per size; NaN marks a size that was not measured.
        ax: Axes to draw on; a new figure if ``None``.
        xlabel: What the size counts.
        ylabel: What the cost is, with its unit.

    Returns:
        Axes: The axes drawn on.

    Raises:
        ValueError: If a value is not positive, a series has another length than ``x``, or there
            is none.
        ImportError: If matplotlib is missing.
    """
    sizes = _positive(_vector(x, "x"), "x")
    if not series:
        raise ValueError("series must hold at least one curve, got none")
    curves = {}
    for name, values in series.items():
        costs = _positive(_vector(values, f"series[{name!r}]"), f"series[{name!r}]")
        if costs.size != sizes.size:
            raise ValueError(f"series[{name!r}] must have {sizes.size} values, got {costs.size}")
        curves[name] = costs
    ax = _axes(ax, (5.2, 3.8))
    for i, (name, costs) in enumerate(curves.items()):
        ax.loglog(
            sizes,
            costs,
            label=name + _slope_text(sizes, costs),
            marker=_MARKERS[i % len(_MARKERS)],
            markersize=5,
            **_line_style(i),
        )
    ax.set(xlabel=xlabel, ylabel=ylabel)
    _grid(ax)
    _legend(ax)
    return ax


def bars(
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    errors: Mapping[str, Sequence[float]] | None = None,
    ax: Axes | None = None,
    *,
    ylabel: str = "",
    value_format: str | None = None,
) -> Axes:
    """Draw groups of bars side by side: one group per label, one bar per series.

    Args:
        labels: Names of the groups.
        series: Name to heights, one per group; NaN leaves a place empty.
        errors: Name to half-lengths of the error bars (same names as ``series``, any may be
            absent), for example one standard deviation.
        ax: Axes to draw on; a new figure if ``None``.
        ylabel: What the height is, with its unit.
        value_format: Write each height above its bar in this format, for example ``".3f"``.

    Returns:
        Axes: The axes drawn on.

    Raises:
        ValueError: If a length differs from that of ``labels``, there is nothing to draw, or
            ``errors`` has an unknown name or a negative value.
        ImportError: If matplotlib is missing.
    """
    heights = _bar_values(series, len(labels), "series")
    spreads = _bar_values(errors, len(labels), "errors") if errors else {}
    if not heights or not len(labels):
        raise ValueError("labels and series must hold at least one entry each, got none")
    for name, spread in spreads.items():
        if name not in heights:
            raise ValueError(f"errors[{name!r}] has no series of that name")
        if np.any(spread < 0):
            raise ValueError(f"errors[{name!r}] must be non-negative, got {spread.min()}")
    count = len(labels) * len(heights)
    ax = _axes(ax, (float(np.clip(1.6 + 0.5 * count, 4.0, 12.0)), 3.6))
    width = 0.8 / len(heights)
    for i, (name, height) in enumerate(heights.items()):
        place = np.arange(len(labels)) + (i - (len(heights) - 1) / 2) * width
        hatch = _HATCHES[i // len(_COLORS) % len(_HATCHES)]
        drawn = ax.bar(
            place, height, 0.92 * width, label=name, color=_COLORS[i % len(_COLORS)], hatch=hatch
        )
        spread = spreads.get(name, np.zeros(len(labels)))
        if name in spreads:
            ax.errorbar(place, height, spread, fmt="none", ecolor=_INK, elinewidth=1.5, capsize=3)
        if value_format is not None:
            tops = [format(value, value_format) if math.isfinite(value) else "" for value in height]
            _write_above(ax, drawn, tops, height + np.nan_to_num(spread))
    ax.set_xticks(np.arange(len(labels)), labels)
    ax.set_ylabel(ylabel)
    ax.margins(y=0.08)
    _grid(ax, axis="y")
    if len(heights) > 1:
        _legend(ax, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the given axes, or new transparent ones with grey text."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("graphlab.viz needs matplotlib: pip install 'graphlab[viz]'") from error
    if ax is not None:
        return ax
    figure, ax = pyplot.subplots(figsize=size, layout="constrained")
    figure.patch.set_alpha(0.0)
    ax.patch.set_alpha(0.0)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(_INK)
    ax.tick_params(which="both", colors=_INK)
    for text in (ax.xaxis.label, ax.yaxis.label, ax.title):
        text.set_color(_INK)
    return ax


def _grid(ax: Axes, axis: str = "both") -> None:
    ax.grid(True, axis=axis, color=_INK, alpha=0.25, linewidth=0.6)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def _legend(ax: Axes, **place: Any) -> Any:
    # The colour of the axis label is right on our own figures and on the caller's alike.
    color = ax.xaxis.label.get_color()
    return ax.legend(frameon=False, labelcolor=color, fontsize="small", **place)


def _line_style(i: int) -> dict[str, Any]:
    return {
        "color": _COLORS[i % len(_COLORS)],
        "linestyle": _DASHES[(i + i // len(_COLORS)) % len(_DASHES)],
        "linewidth": 1.6,
    }


def _write_names(ax: Axes, plane: _Floats, names: npt.NDArray[Any]) -> None:
    from matplotlib.patheffects import withStroke

    for name in np.unique(names):
        x, y = np.median(plane[names == name], axis=0)
        text = ax.text(x, y, str(name), color="white", weight="bold", ha="center", va="center")
        # White in a dark rim stands out from the points and from either page.
        text.set_path_effects([withStroke(linewidth=2.5, foreground="#202020")])


def _write_above(ax: Axes, drawn: Any, tops: Sequence[str], ends: _Floats) -> None:
    color = ax.yaxis.label.get_color()
    for bar, text, end in zip(drawn, tops, ends, strict=True):
        if text:
            ax.annotate(
                text,
                (bar.get_x() + bar.get_width() / 2, end),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize="x-small",
                color=color,
            )


def _slope_text(sizes: _Floats, costs: _Floats) -> str:
    known = np.isfinite(costs)
    if np.unique(sizes[known]).size < 2:
        return ""
    slope = np.polyfit(np.log(sizes[known]), np.log(costs[known]), 1)[0]
    return f" (slope {slope:.2f})"


def _subsample(num_points: int, limit: int, seed: int) -> npt.NDArray[np.int64]:
    if num_points <= limit:
        return np.arange(num_points)
    drawn = np.random.default_rng(seed).choice(num_points, limit, replace=False)
    return np.sort(drawn).astype(np.int64)


def _pca(points: _Floats) -> tuple[_Floats, tuple[str, str]]:
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


def _tsne(points: _Floats, seed: int) -> tuple[_Floats, tuple[str, str]]:
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


def _array(values: Any) -> npt.NDArray[Any]:
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        # numpy knows no bfloat16.
        return np.asarray((values.double() if values.is_floating_point() else values).numpy())
    return np.asarray(values)


def _numbers(values: Any, name: str) -> _Floats:
    try:
        return _array(values).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must hold numbers ({error})") from error


def _matrix(values: Any, name: str) -> _Floats:
    matrix = _numbers(values, name)
    if matrix.ndim != 2 or matrix.shape[0] < 3 or matrix.shape[1] < 1:
        raise ValueError(f"{name} must be 2-D with at least 3 rows, got shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} must be finite, got NaN or inf")
    return matrix


def _vector(values: Any, name: str) -> _Floats:
    vector = _numbers(values, name)
    if vector.ndim != 1 or vector.size == 0:
        raise ValueError(f"{name} must be 1-D and not empty, got shape {vector.shape}")
    return vector


def _positive(values: _Floats, name: str) -> _Floats:
    if np.any(values <= 0) or np.any(np.isinf(values)):
        raise ValueError(f"{name} must be positive and finite for logarithmic axes, got {values}")
    return values


def _bar_values(
    series: Mapping[str, Sequence[float]], length: int, argument: str
) -> dict[str, _Floats]:
    values = {}
    for name, heights in series.items():
        values[name] = _vector(heights, f"{argument}[{name!r}]")
        if values[name].size != length:
            raise ValueError(
                f"{argument}[{name!r}] must have {length} values, one per label, "
                f"got {values[name].size}"
            )
    return values


def _label_array(labels: Any, length: int) -> npt.NDArray[Any]:
    names = _array(labels)
    if names.shape != (length,):
        raise ValueError(f"labels must have shape ({length},), one per row, got {names.shape}")
    return names
