"""Scores of the network and of the retriever without training, added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphlab.tag.retrieval._ranking import best, standardized
from graphlab.tag.retrieval.documents import DocumentId
from graphlab.tag.retrieval.gfm.reader import Reader, Reading
from graphlab.tag.retrieval.gfm.result import GFMHit

__all__: list[str] = []

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Ranked:
    """Documents that take part in an answer.

    Attributes:
        ids (list): Their ids, sorted.
        places (ndarray): Their positions in the graph, int64 ``(M,)``; -1 for those it lacks.
        weight (float): Weight of the network.
    """

    ids: Sequence[DocumentId]
    places: NDArray[np.int64]
    weight: float

    def hits(
        self,
        reader: Reader,
        base: Scores | None,
        reading: Reading | None,
        k: int,
        explain: bool,
    ) -> list[GFMHit]:
        """Best documents for a question, none where neither side knows anything.

        Args:
            reader (Reader): The network.
            base (ndarray, optional): Scores of the retriever ``(M,)``.
            reading (Reading, optional): What the network says.
            k (int): Documents.
            explain (bool): Also name entities.
        """
        if base is None and reading is None:
            return []
        zero = np.zeros(len(self.ids))
        plain = zero if base is None else standardized(base)
        learned = zero if reading is None else self._of_documents(reading)
        score = plain + self.weight * learned if base is not None else learned
        start = () if reading is None else reader.names(reading)
        found = []
        for place in best(score, min(k, len(score))).tolist():
            own = int(self.places[place])
            via = reader.via(reading, own) if explain and reading is not None and own >= 0 else ()
            values = float(score[place]), float(plain[place]), float(learned[place])
            found.append(GFMHit(self.ids[place], *values, start, via))
        return found

    def _of_documents(self, reading: Reading) -> Scores:
        learned: Scores = np.where(self.places >= 0, reading.documents[self.places], 0.0)
        return learned
