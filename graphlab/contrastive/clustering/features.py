"""Features as a clustering wants them: bags of words by tf-idf, everything else as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from graphlab._checks import check_choice, check_matrix

__all__ = ["scaled_features"]

#: ``"auto"`` looks at the numbers.
FeatureKind = Literal["auto", "words", "dense"]

#: Bags of words have a few words in a hundred; pixels and embeddings are denser by far.
_WORDS_DENSITY = 0.1


@dataclass(frozen=True)
class FeatureScaling:
    """What was read off the features of a training, to treat those of new nodes alike.

    Attributes:
        idf (Tensor, optional): Weight of every word, ``(F,)``; None leaves features as they are.
    """

    idf: Tensor | None

    @staticmethod
    def of(x: Tensor, kind: str, name: str = "features") -> FeatureScaling:
        """Read the frequencies of words, where there are words."""
        check_choice(kind, name, get_args(FeatureKind))
        if kind == "dense" or (kind == "auto" and not _looks_like_words(x)):
            return FeatureScaling(None)
        if bool((x < 0).any()):
            raise ValueError(
                f"features must be non-negative to be words, got a minimum of {float(x.min())}: "
                "use features='dense'"
            )
        holding = (x > 0).sum(0).clamp(min=1).to(x.dtype)
        return FeatureScaling(torch.log(x.size(0) / holding))

    @staticmethod
    def stored(idf: Tensor) -> FeatureScaling:
        """What was read earlier; an empty tensor stands for none."""
        return FeatureScaling(idf if idf.numel() else None)

    def apply(self, x: Tensor) -> Tensor:
        """Rows of tf-idf of unit root mean square; zero rows stay zero."""
        if self.idf is None:
            return x
        rows = x * self.idf.to(x.device, x.dtype)
        size = rows.square().mean(1, keepdim=True).sqrt()
        return rows / torch.where(size > 0, size, torch.ones_like(size))


def scaled_features(x: Tensor, kind: FeatureKind = "auto") -> Tensor:
    r"""Features as a clustering wants them, by one rule for all data.

    Bags of words become tf-idf, :math:`x_{iw} \log(N / n_w)` with :math:`n_w` the nodes that hold
    word w, and every row is scaled to a root mean square of one. Pixels, embeddings and other dense
    rows stay as they are.

    Args:
        x (Tensor): Features, dense floating point ``(N, F)``, finite.
        kind (str): ``"words"``, ``"dense"``, or ``"auto"``: words are non-negative and less than a
            tenth of them is not zero.

    Returns:
        Tensor: ``(N, F)``; ``x`` itself if it stays as it is.

    Raises:
        TypeError, ValueError: If an argument is malformed, or words are negative.

    Complexity: O(N F).

    Example:
        >>> x = torch.eye(20)
        >>> scaled_features(x).square().mean(1).sqrt().tolist() == [1.0] * 20
        True
    """
    x = check_matrix(x, "x")
    return FeatureScaling.of(x, kind, "kind").apply(x)


def _looks_like_words(x: Tensor) -> bool:
    if x.numel() == 0 or bool((x < 0).any()):
        return False
    return int(x.count_nonzero()) < _WORDS_DENSITY * x.numel()
