"""Whether the answers of a model depend on what it is asked about."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from graphlab._repr import short_repr

__all__ = ["AnswerCheck"]

#: Where so large a share of the answers is that about an empty text, they say nothing of the texts.
_SAME = 0.9
_DEVIATIONS = 2.0


@short_repr
@dataclass(frozen=True, repr=False)
class AnswerCheck:
    """Answers about some documents, beside the same questions put differently.

    Attributes:
        count (int): Documents, or candidates, with an answer to every question.
        agreement (float): Share with the same answer when the choices are shown in another order.
        chance (float): Agreement of unrelated answers with the same two distributions.
        empty_agreement (float): Share with the answer that an empty document gets.
        distance (float): Total variation between the distributions of answers in the two orders,
            from 0 (equal) to 1.
        first_place (float): Share that names what is shown first, over both orders.
        common (tuple): Most frequent answer and its share.
        subject (str): What was asked about, for messages.
    """

    count: int
    agreement: float
    chance: float
    empty_agreement: float
    distance: float
    first_place: float
    common: tuple[Hashable, float]
    subject: str = "documents"

    @property
    def informative(self) -> bool:
        """Whether there is a sign that answers depend on the document.

        False where they are those about an empty document, or where two orders of the choices agree
        no more than unrelated answers do (within two standard deviations).
        """
        if not self.count or self.empty_agreement >= _SAME:
            return False
        spread = math.sqrt(self.chance * (1 - self.chance) / self.count)
        return self.agreement > self.chance + _DEVIATIONS * spread

    def __str__(self) -> str:
        answer, share = self.common
        return (
            f"{self.count} {self.subject}: {self.agreement:.0%} of the answers are the same when "
            f"the choices are shown in another order (unrelated answers: {self.chance:.0%}), "
            f"{self.empty_agreement:.0%} are those about an empty text, {self.first_place:.0%} "
            f"name what is shown first, {share:.0%} are {answer!r}; the two distributions differ "
            f"by {self.distance:.2f} of 1"
        )

    def warn(self) -> None:
        """Warn with the figures if the answers are not informative."""
        if not self.informative:
            warnings.warn(
                f"answers do not depend on the texts: {self}", RuntimeWarning, stacklevel=3
            )


def compare_answers(
    first: Sequence[Hashable | None],
    second: Sequence[Hashable | None],
    empty: Sequence[Hashable | None],
    first_shown: Sequence[tuple[Hashable, Hashable]],
    subject: str,
) -> AnswerCheck:
    """Figures from the answers to three questions about each thing; None where there is none.

    Args:
        first (Sequence): Answers.
        second (Sequence): Answers with the choices in another order.
        empty (Sequence): Answers about an empty text, in the first order.
        first_shown (Sequence): What was shown first in the two orders.
        subject (str): What was asked about.
    """
    rows = [
        row
        for row in zip(first, second, empty, first_shown, strict=True)
        if row[0] is not None and row[1] is not None and row[2] is not None
    ]
    count = len(rows)
    if not count:
        return AnswerCheck(0, 0.0, 0.0, 0.0, 0.0, 0.0, (None, 0.0), subject)
    one, two = Counter(row[0] for row in rows), Counter(row[1] for row in rows)
    keys = one.keys() | two.keys()
    answer, most = (one + two).most_common(1)[0]
    return AnswerCheck(
        count=count,
        agreement=sum(a == b for a, b, _, _ in rows) / count,
        chance=sum(one[key] * two[key] for key in keys) / count**2,
        empty_agreement=sum(a == e for a, _, e, _ in rows) / count,
        distance=sum(abs(one[key] - two[key]) for key in keys) / (2 * count),
        first_place=sum((a == x) + (b == y) for a, b, _, (x, y) in rows) / (2 * count),
        common=(answer, most / (2 * count)),
        subject=subject,
    )
