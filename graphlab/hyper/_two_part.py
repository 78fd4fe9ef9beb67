"""One classifier for maximal cliques and one for their subsets."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graphlab.hyper._classifiers import fit_classifier
from graphlab.hyper._models import Model, probabilities
from graphlab.hyper._sets import Floats, Ints


class TwoPartModel(NamedTuple):
    """Fitted classifiers; of features, the first ``num_maximal`` rows are maximal cliques.

    Attributes:
        maximal (Model): For maximal cliques.
        nested (Model): For subsets of them.
    """

    maximal: Model
    nested: Model

    @classmethod
    def train(
        cls, classifier: Any, x: Floats, y: Ints, num_maximal: int, seed: int
    ) -> TwoPartModel:
        """Train both on their part of the rows."""
        return cls(
            fit_classifier(classifier, x[:num_maximal], y[:num_maximal], seed),
            fit_classifier(classifier, x[num_maximal:], y[num_maximal:], seed),
        )

    def probability(self, x: Floats, num_maximal: int) -> Floats:
        """Probability of every candidate to be a hyperedge."""
        return np.concatenate(
            [
                probabilities(self.maximal, x[:num_maximal]),
                probabilities(self.nested, x[num_maximal:]),
            ]
        )


def out_of_fold(classifier: Any, x: Floats, y: Ints, num_maximal: int, seed: int) -> Floats:
    """Probability of every candidate by a model that was trained on the other half."""
    fold = np.random.default_rng(seed).permutation(len(y)) % 2
    out = np.zeros(len(y))
    for part in (0, 1):
        train, test = fold != part, fold == part
        model = TwoPartModel.train(
            classifier, x[train], y[train], int(train[:num_maximal].sum()), seed
        )
        out[test] = model.probability(x[test], int(test[:num_maximal].sum()))
    return out
