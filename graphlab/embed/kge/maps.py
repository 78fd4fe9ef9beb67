r"""Scorers of triples as two maps whose dot product is the score.

A score is :math:`\langle Q(h, r), E(t) \rangle` for a map of head and relation and a map of the
tail, each with a term of its own, :math:`b_q(h, r)` and :math:`b_e(t)`, that becomes a column. So
losses over all entities and ranks are products of two tall matrices, whatever the model is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from graphlab._user_module import check_output

__all__: list[str] = []

ModelName: TypeAlias = Literal[
    "complex", "distmult", "transe", "rotate", "nfe1", "nfe2", "nfe3", "mean", "sigma"
]
#: A matrix, and a term for each of its rows if there is one.
Mapped: TypeAlias = tuple[Tensor, "Tensor | None"]

_MEAN_ABS = math.sqrt(2 / math.pi)  # of a standard normal variable
#: Standard deviations below this would divide by nothing.
LEAST_SCALE = 1e-6


@dataclass(frozen=True)
class Scorer:
    """Two maps and the rows they read.

    Attributes:
        query (Callable): Rows of heads and of relations, ``(B, entity_width d)`` and
            ``(B, relation_width d)``, to q ``(B, D)`` and its term ``(B,)``.
        entity (Callable): Rows of tails to e ``(N, D)`` and its term ``(N,)``.
        entity_width (int): Numbers of an entity per hidden channel.
        relation_width (int): Numbers of a relation per hidden channel.
        terms (bool): Whether both maps have a term.
        log_scale (Callable, optional): Rows of entities to the log determinant of their scales.
        angle (bool): Whether relations are angles.
        paired (bool): Whether the halves of a row are parts of complex numbers.
        by_row (bool): Whether an entity's side depends on its own row alone.
        name (str): Name of the model.
    """

    query: Callable[[Tensor, Tensor], Mapped]
    entity: Callable[[Tensor], Mapped]
    entity_width: int = 2
    relation_width: int = 2
    terms: bool = True
    log_scale: Callable[[Tensor], Tensor] | None = None
    angle: bool = False
    paired: bool = False
    by_row: bool = True
    name: str = "user"


def with_columns(mapped: Mapped, columns: Sequence[tuple[bool, float]]) -> Tensor:
    """A side of the product with the columns of both terms.

    Args:
        mapped (tuple): The side and its own term.
        columns (sequence): For each column whether it is the side's own term, and what is added to
            it; the column of the other side's term is 1 here.
    """
    side, term = mapped
    parts = [side]
    for own, shift in columns:
        if own:
            value = side.new_zeros(side.size(0)) if term is None else term
            parts.append((value + shift).unsqueeze(1))
        else:
            parts.append(side.new_ones(side.size(0), 1))
    return torch.cat(parts, dim=1) if len(parts) > 1 else side


# --- squared distances ----------------------------------------------------------------------------


def _distance_query(point: Tensor) -> Mapped:
    return 2 * point, -point.square().sum(1)


def _distance_entity(point: Tensor) -> Mapped:
    return point, -point.square().sum(1)


def _affine(head: Tensor, relation: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and relation scale of ``r_s X + r_m`` for the mean of a head."""
    shift, scale = relation.chunk(2, dim=1)
    return scale * head + shift, scale


def _nfe1_query(head: Tensor, relation: Tensor) -> Mapped:
    mean, spread = head.chunk(2, dim=1)
    mean, scale = _affine(mean, relation)
    return _distance_query(torch.cat([mean, (scale * spread).abs()], dim=1))


def _nfe1_entity(tail: Tensor) -> Mapped:
    mean, spread = tail.chunk(2, dim=1)
    return _distance_entity(torch.cat([mean, spread.abs()], dim=1))


def _mean_query(head: Tensor, relation: Tensor) -> Mapped:
    return _distance_query(_affine(head.chunk(2, dim=1)[0], relation)[0])


def _mean_entity(tail: Tensor) -> Mapped:
    return _distance_entity(tail.chunk(2, dim=1)[0])


def _sigma_query(head: Tensor, relation: Tensor) -> Mapped:
    return _distance_query((relation.chunk(2, dim=1)[1] * head.chunk(2, dim=1)[1]).abs())


def _sigma_entity(tail: Tensor) -> Mapped:
    return _distance_entity(tail.chunk(2, dim=1)[1].abs())


def _transe_query(head: Tensor, relation: Tensor) -> Mapped:
    return _distance_query(head + relation)


def _turned(head: Tensor, relation: Tensor) -> Tensor:
    real, imaginary = head.chunk(2, dim=1)
    cos, sin = relation.cos(), relation.sin()
    return torch.cat([cos * real - sin * imaginary, sin * real + cos * imaginary], dim=1)


def _rotate_query(head: Tensor, relation: Tensor) -> Mapped:
    return _distance_query(_turned(head, relation))


# --- normal distributions with two scales, and a divergence ---------------------------------------


def _nfe2_query(head: Tensor, relation: Tensor) -> Mapped:
    mean, below, above = head.chunk(3, dim=1)
    mean, scale = _affine(mean, relation)
    below, above = (scale * below).abs(), (scale * above).abs()
    skew, c = above - below, _MEAN_ABS
    q = torch.cat([2 * mean + c * skew, below - c * mean, above + c * mean], dim=1)
    squares = mean.square() + (below.square() + above.square()) / 2
    return q, -(squares + c * mean * skew).sum(1)


def _nfe2_entity(tail: Tensor) -> Mapped:
    mean, below, above = tail.chunk(3, dim=1)
    below, above = below.abs(), above.abs()
    squares = mean.square() + (below.square() + above.square()) / 2
    term = (_MEAN_ABS * mean * (below - above) - squares).sum(1)
    return torch.cat([mean, below, above], dim=1), term


def softplus(x: Tensor) -> Tensor:
    """Logarithm of 1 + exp(x) without torch's switch to x at 20."""
    return torch.logaddexp(x, x.new_zeros(()))


def _nfe3_query(head: Tensor, relation: Tensor, *, tied: bool = False) -> Mapped:
    mean, spread = head.chunk(2, dim=1)
    shift, raw = relation.chunk(2, dim=1)
    positive = softplus(raw)
    mean = (positive if tied else raw) * mean + shift
    scale = positive * softplus(spread)
    q = torch.cat([-(scale.square() + mean.square()) / 2, mean], dim=1)
    return q, scale.log().sum(1) + mean.size(1) / 2


def _nfe3_tied_query(head: Tensor, relation: Tensor) -> Mapped:
    return _nfe3_query(head, relation, tied=True)


def _nfe3_entity(tail: Tensor) -> Mapped:
    mean, spread = tail.chunk(2, dim=1)
    scale = softplus(spread).clamp_min(LEAST_SCALE)
    precision = scale.square().reciprocal()
    term = -(scale.log() + mean.square() * precision / 2).sum(1)
    return torch.cat([precision, mean * precision], dim=1), term


# --- products -------------------------------------------------------------------------------------


def _distmult_query(head: Tensor, relation: Tensor) -> Mapped:
    return head * relation, None


def _complex_query(head: Tensor, relation: Tensor) -> Mapped:
    a, b = head.chunk(2, dim=1)
    c, d = relation.chunk(2, dim=1)
    return torch.cat([a * c - b * d, a * d + b * c], dim=1), None


def _as_it_is(tail: Tensor) -> Mapped:
    return tail, None


# --- log determinants -----------------------------------------------------------------------------


def _nfe1_log_scale(rows: Tensor) -> Tensor:
    return rows.chunk(2, dim=1)[1].abs().log().sum(1)


def _nfe2_log_scale(rows: Tensor) -> Tensor:
    _, below, above = rows.chunk(3, dim=1)
    return ((below.abs() + above.abs()) / 2).log().sum(1)


def _nfe3_log_scale(rows: Tensor) -> Tensor:
    return softplus(rows.chunk(2, dim=1)[1]).clamp_min(LEAST_SCALE).log().sum(1)


_SCORERS: dict[str, Scorer] = {
    "complex": Scorer(_complex_query, _as_it_is, terms=False, paired=True),
    "distmult": Scorer(_distmult_query, _as_it_is, 1, 1, terms=False),
    "transe": Scorer(_transe_query, _distance_entity, 1, 1),
    "rotate": Scorer(_rotate_query, _distance_entity, 2, 1, angle=True, paired=True),
    "nfe1": Scorer(_nfe1_query, _nfe1_entity, log_scale=_nfe1_log_scale),
    "nfe2": Scorer(_nfe2_query, _nfe2_entity, 3, 2, log_scale=_nfe2_log_scale),
    "nfe3": Scorer(_nfe3_query, _nfe3_entity, log_scale=_nfe3_log_scale),
    "mean": Scorer(_mean_query, _mean_entity),
    "sigma": Scorer(_sigma_query, _sigma_entity, log_scale=_nfe1_log_scale),
}
SCORERS = {name: replace(scorer, name=name) for name, scorer in _SCORERS.items()}
#: ``nfe3`` with one positive scale for mean and deviation, which makes it an affine map.
TIED = Scorer(_nfe3_tied_query, _nfe3_entity, log_scale=_nfe3_log_scale, name="nfe3 tied")


@dataclass(frozen=True)
class UserMap:
    """A map of the user; an object, so that copies of its model hold copies of its weights.

    Attributes:
        function (Callable): The map.
        call (str): The call as the user would write it, for errors.
    """

    function: Callable[..., Tensor]
    call: str

    def __call__(self, *rows: Tensor) -> Mapped:
        return check_output(self.function(*rows), rows[0].size(0), self.call), None


def of_user(
    query: Callable[[Tensor, Tensor], Tensor], entity: Callable[[Tensor], Tensor]
) -> Scorer:
    """Two maps of the user, from rows of the hidden width to matrices."""
    maps = UserMap(query, "query_map(head, relation)"), UserMap(entity, "entity_map(tail)")
    return Scorer(*maps, 1, 1, terms=False, by_row=False)
