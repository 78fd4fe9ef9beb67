"""Multiplicity-aware reconstruction of weighted projections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_choice, check_fraction, check_int, check_matrix, check_positive
from graphlab._estimator import Estimator
from graphlab._graphs.typed import HyperGraphData
from graphlab._progress import Progress
from graphlab.hyper._classifiers import NAMES, fit_classifier
from graphlab.hyper._incidence import Hypergraph, Incidence, read_incidence
from graphlab.hyper._models import Model, from_arrays, probabilities, to_arrays
from graphlab.hyper._sets import Floats, NodeSets, find, from_lists
from graphlab.hyper._weights import Weights, read_weights
from graphlab.hyper.projection import projection

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Marioh"]

Clique = tuple[int, ...]


class Marioh(Estimator):
    r"""Takes hyperedges out of a weighted projection one by one, the most certain ones first.

    The weight of an edge counts the hyperedges that hold it, and every hyperedge that is taken
    lowers it by one.

    1. *Filter.* A hyperedge of three or more nodes on u and v counts towards
       :math:`\min(w_{uz}, w_{vz})` of a common neighbour z, so at least
       :math:`w_{uv} - \sum_z \min(w_{uz}, w_{vz})` hyperedges are just {u, v}: they are taken
       first.
    2. *Search.* Maximal cliques are scored by a classifier on weights; those above a threshold are
       taken in the order of their scores while all their edges are left. Then the best subset of
       the least likely cliques may be taken. The threshold falls from round to round until no edge
       is left.

    Written from the published statements of the method; no code of the authors was seen.

    Args:
        mode (str): ``"reduced"``: repeated hyperedges count once, in the source and in the result;
            ``"preserved"``: multiplicities are learned and returned.
        threshold (float): Score that the first round asks for.
        decay (float): Part of ``threshold`` that every round subtracts, in (0, 1].
        subset_fraction (float): Part of the least likely cliques whose subsets are searched.
        classifier (str): As for :class:`HypergraphReconstructor`, a name.
        seed (int): Seed of the classifier and of the negative subsets.

    Attributes:
        model_ (Model): The fitted classifier.
        mean_ (ndarray): Means of its features in training, ``(17,)``.
        deviation_ (ndarray): Their deviations, ``(17,)``.

    Raises:
        TypeError, ValueError: By ``fit``, if a parameter is out of range.

    Reference: Lee et al., "MARIOH: Multiplicity-Aware Hypergraph Reconstruction", ICDE 2025.
        arXiv:2504.00522

    Example:
        >>> from graphlab.hyper import Marioh, project
        >>> h = torch.tensor([[0, 1, 2, 0, 1, 2, 3], [0, 0, 0, 1, 1, 2, 2]])
        >>> source = HyperGraphData(edge_index=h, num_nodes=4)
        >>> edges, weight = project(source, weighted=True)
        >>> Marioh(classifier="lr").fit(source).predict(edges, 4, weight).num_hyperedges
        3
    """

    _read_later: ClassVar[frozenset[str]] = frozenset(
        {"mode", "threshold", "decay", "subset_fraction"}
    )

    def __init__(
        self,
        mode: Literal["reduced", "preserved"] = "reduced",
        threshold: float = 0.9,
        decay: float = 0.05,
        subset_fraction: float = 0.2,
        classifier: Literal["mlp", "hgb", "rf", "lr"] = "mlp",
        seed: int = 0,
    ) -> None:
        self.mode = mode
        self.threshold = threshold
        self.decay = decay
        self.subset_fraction = subset_fraction
        self.classifier = classifier
        self.seed = seed

    def _check_parameters(self) -> None:
        check_choice(self.mode, "mode", ("reduced", "preserved"))
        check_fraction(self.threshold, "threshold")
        check_positive(check_fraction(self.decay, "decay"), "decay")
        check_fraction(self.subset_fraction, "subset_fraction")
        check_choice(self.classifier, "classifier", NAMES)
        check_int(self.seed, "seed", minimum=0, maximum=2**32 - 1)

    def fit(self, hyperedge_index: Hypergraph, num_nodes: int | None = None) -> Self:
        """Learn to tell hyperedges from other cliques.

        Positives are the hyperedges of two nodes and more; negatives the maximal cliques that are
        none, and as many random subsets of maximal cliques.

        Args:
            hyperedge_index (HyperGraphData or Tensor): The hypergraph, or its incidence.
            num_nodes (int, optional): Number of nodes; needed with a tensor.

        Returns:
            Self: This object.

        Raises:
            ValueError: If no hyperedge has two nodes, or a parameter is out of range.
            TypeError, IndexError: If an argument is malformed.
        """
        self._check_parameters()
        hypergraph = read_incidence(hyperedge_index, num_nodes)
        edges = hypergraph.distinct()
        edges = edges.take(np.flatnonzero(edges.sizes > 1))
        if len(edges) == 0:
            raise ValueError("hyperedge_index must hold a hyperedge with two nodes or more")
        known = edges if self.mode == "reduced" else hypergraph.hyperedges
        weights = Weights.of(*projection(Incidence(known, hypergraph.num_nodes)))
        cliques = weights.maximal_cliques(hypergraph.num_nodes)
        wrong = [cliques[i] for i in np.flatnonzero(find(from_lists(cliques), edges) < 0)]
        wrong += self._subsets(cliques, edges, len(edges))
        samples = [*_tuples(edges), *wrong]
        x = weights.features(samples, set(cliques))
        y = np.zeros(len(samples), dtype=np.int64)
        y[: len(edges)] = 1
        # The addition keeps constant columns from a division by zero.
        self.mean_, self.deviation_ = x.mean(axis=0), x.std(axis=0) + 1e-8
        self.model_: Model = fit_classifier(self.classifier, self._scaled(x), y, self.seed)
        return self

    def _subsets(self, cliques: list[Clique], edges: NodeSets, count: int) -> list[Clique]:
        """Random subsets of maximal cliques that are no hyperedges."""
        large = [clique for clique in cliques if len(clique) > 2]
        if not large:
            return []
        generator = np.random.default_rng(self.seed)
        drawn = set()
        for at in generator.integers(len(large), size=count):
            size = int(generator.integers(2, len(large[at])))
            drawn.add(tuple(sorted(generator.choice(large[at], size, replace=False).tolist())))
        listed = sorted(drawn)
        return [listed[i] for i in np.flatnonzero(find(from_lists(listed), edges) < 0)]

    def _scaled(self, x: Floats) -> Floats:
        out: Floats = (x - self.mean_) / self.deviation_
        return out

    def predict(
        self,
        edge_index: Any,
        num_nodes: int | None = None,
        edge_weight: Tensor | None = None,
        *,
        node_id: Sequence[Any] | None = None,
    ) -> HyperGraphData:
        """The hypergraph behind a weighted projection.

        Args:
            edge_index (Tensor or graph): ``(2, E)`` integers, both directions, no self-loops; or a
                PyG ``Data``, a square torch or scipy sparse matrix, or a networkx graph.
            num_nodes (int, optional): That of ``node_id`` by default, else as for maximal_cliques.
            edge_weight (Tensor, optional): ``(E,)`` positive whole numbers, equal in both
                directions, added where an edge is repeated; needed with a tensor.
            node_id (Sequence, optional): Names of the nodes, one each, which the result carries; by
                default the nodes of a networkx graph, or ``node_id`` of a ``Data``.

        Returns:
            HyperGraphData: Hyperedges in lexicographic order, repeated in ``"preserved"`` mode.
            Their projection has the edges of the graph; in ``"preserved"`` mode also their weights.

        Raises:
            NotFittedError: If the model is not fitted.
            ValueError: If weights are missing or malformed, or the classifier gives NaN.
            TypeError, IndexError: If an argument is malformed.
        """
        self._check_fitted()
        weights, graph = read_weights(edge_index, num_nodes, edge_weight, node_id)
        taken: list[Clique] = []
        for u, v, least in weights.certain_pairs():
            taken += [(u, v)] * least
            weights.take((u, v), least)
        threshold = self.threshold
        with Progress(None, "MARIOH", unit="rounds") as progress:
            while weights.left:
                self._round(weights, graph.num_nodes, threshold, taken)
                # The loop ends: at a threshold of 0 every maximal clique takes its edges away.
                threshold = max(0.0, threshold - self.decay * self.threshold)
                progress.update()
        if self.mode == "reduced":
            taken = list(dict.fromkeys(taken))
        family = from_lists(sorted(taken)).to_family()
        return family.to_hypergraph(graph.num_nodes, graph.names)

    def _round(
        self, weights: Weights, num_nodes: int, threshold: float, taken: list[Clique]
    ) -> None:
        """Take likely cliques, then likely subsets of unlikely ones."""
        cliques = weights.maximal_cliques(num_nodes)
        order, score = self._ranked(weights, cliques, set(cliques))
        for i in order:
            if score[i] >= threshold and weights.has(cliques[i]):
                weights.take(cliques[i])
                taken.append(cliques[i])
        unlikely = [cliques[i] for i in order[::-1] if score[i] < threshold and len(cliques[i]) > 2]
        unlikely = unlikely[: int(np.ceil(self.subset_fraction * len(unlikely)))]
        parts = sorted({part for clique in unlikely for part in _one_less(clique)})
        parts = [part for part in parts if weights.has(part)]
        if parts:
            order, score = self._ranked(weights, parts, set())
            for i in order:
                if score[i] >= threshold and weights.has(parts[i]):
                    weights.take(parts[i])
                    taken.append(parts[i])

    def _ranked(
        self, weights: Weights, cliques: list[Clique], maximal: set[Clique]
    ) -> tuple[list[int], Floats]:
        score = probabilities(self.model_, self._scaled(weights.features(cliques, maximal)))
        return np.lexsort((np.arange(len(cliques)), -score)).tolist(), score

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        scale = torch.from_numpy(np.stack([self.mean_, self.deviation_]))
        return {"scale": scale, **to_arrays(self.model_, "model.")}

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        scale = check_matrix(arrays["scale"], "scale", rows=2)
        if not bool((scale[1] > 0).all()):
            raise ValueError("scale must hold positive deviations")
        self.mean_, self.deviation_ = scale.numpy()
        self.model_ = from_arrays(arrays, "model.")


def _one_less(clique: Clique) -> list[Clique]:
    return [(*clique[:i], *clique[i + 1 :]) for i in range(len(clique))]


def _tuples(sets: NodeSets) -> list[Clique]:
    return [tuple(part.tolist()) for part in np.split(sets.idx, sets.ptr[1:-1])]
