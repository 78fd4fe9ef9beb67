"""How near the texts of two graphs are, by the rows of an encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_int, check_matrix
from graphlab._feature_rows import check_feature_rows, require_finite
from graphlab.tag._text_encoder import encoded

__all__ = ["centroid_cosine", "maximum_mean_discrepancy"]

_MEDIAN_ROWS = 500


def maximum_mean_discrepancy(first: Tensor, second: Tensor) -> float:
    r"""Distance of two samples as the norm between their mean features of a Gaussian kernel.

    The kernel's width is the median distance of the pooled rows. The squared distance is estimated
    without bias, so equal distributions give values around zero; below zero it is cut to zero.

    Args:
        first (Tensor): ``(N, D)`` floating point, finite, N at least 2.
        second (Tensor): ``(M, D)``, M at least 2.

    Returns:
        float: At least 0; at most about 1.4.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O((N + M)**2 D) time, O((N + M)**2) memory.

    Source: Gretton et al., "A kernel two-sample test", JMLR 2012.

    Example:
        >>> rows = torch.arange(20.0).reshape(10, 2)
        >>> maximum_mean_discrepancy(rows, rows + 100.0) > 0.9
        True
    """
    first, second = _pair(first, second)
    for name, rows in (("first", first), ("second", second)):
        if rows.size(0) < 2:
            raise ValueError(f"{name} must have at least 2 rows, got {rows.size(0)}")
    pooled = torch.cat([_thinned(first), _thinned(second)])
    width = torch.pdist(pooled).median()
    if float(width) == 0:
        width = torch.ones_like(width)

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return torch.exp(-torch.cdist(a, b).square() / (2 * width**2))

    def within(rows: Tensor) -> Tensor:
        count = rows.size(0)
        return (kernel(rows, rows).sum() - count) / (count * (count - 1))

    squared = within(first) + within(second) - 2 * kernel(first, second).mean()
    return float(squared.clamp(min=0).sqrt())


def centroid_cosine(first: Tensor, second: Tensor) -> float:
    """Cosine of the mean rows of two samples.

    Args:
        first (Tensor): ``(N, D)`` floating point, finite.
        second (Tensor): ``(M, D)``.

    Returns:
        float: In [-1, 1]; 0 where a mean is zero.

    Raises:
        TypeError, ValueError: If an argument is malformed.
    """
    first, second = _pair(first, second)
    means = torch.stack([first.mean(0), second.mean(0)])
    return float(torch.cosine_similarity(means[0], means[1], dim=0))


def sampled_rows(graph: Any, encoder: Any, name: str, number: int, seed: int) -> Tensor:
    """Rows of the encoder for the texts of some nodes, or rows of ``x`` without an encoder."""
    number = check_int(number, "num_texts", minimum=2)
    total = int(graph.num_nodes)
    draw = np.random.default_rng(seed)
    nodes = np.sort(draw.choice(total, min(number, total), replace=False))
    if encoder is None:
        rows = check_feature_rows(graph.x, f"x of {name}")[torch.from_numpy(nodes)].float()
        require_finite(rows, f"x of {name}, at the nodes drawn,", 0)
        return rows
    texts = getattr(graph, "text", None)
    if texts is None:
        raise ValueError(f"{name} must have texts where an encoder is given: make it a TextGraph")
    return encoded(encoder, [texts[int(node)] for node in nodes])


def _pair(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    first = check_matrix(first, "first").detach().double()
    return first, check_matrix(second, "second", cols=first.size(1)).detach().double()


def _thinned(rows: Tensor) -> Tensor:
    return rows[:: max(1, rows.size(0) // _MEDIAN_ROWS)]
