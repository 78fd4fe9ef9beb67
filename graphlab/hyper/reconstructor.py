"""Supervised hypergraph reconstruction: sample candidates, describe them, classify them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab._checks import check_choice, check_fraction, check_index, check_int
from graphlab._estimator import Estimator
from graphlab.hyper._classifiers import (
    Model,
    check_classifier,
    finite,
    fit_classifier,
    from_arrays,
    to_arrays,
)
from graphlab.hyper._cover import total_cost, with_cover
from graphlab.hyper._graph import Graph, read_graph
from graphlab.hyper._incidence import Hypergraph, Incidence, read_incidence
from graphlab.hyper._selection import best_threshold, hit_jaccard, select_columns
from graphlab.hyper._sets import (
    Floats,
    Ints,
    Rows,
    find,
    rows_of,
    to_tensor,
)
from graphlab.hyper.baselines import greedy_cover
from graphlab.hyper.cliques import CliqueSet, maximal_cliques
from graphlab.hyper.count_features import COUNT_NAMES, count_features, standardize
from graphlab.hyper.motif_features import MOTIF_NAMES, motif_features
from graphlab.hyper.projection import projection
from graphlab.hyper.sampler import CandidateSet, CliqueSampler

__all__ = ["HypergraphReconstructor"]

#: Budgets per source hyperedge that are compared where the user names none.
BETA_GRID = (1, 2, 5, 10, 20, 50)


class HypergraphReconstructor(Estimator):
    r"""Learns from one hypergraph how to get another one back from its projection (SHyRe).

    Candidates are all maximal cliques and those subsets of them that the sampler affords; each is
    described by counts or motifs and classified. Maximal cliques and subsets have a classifier
    each.

    ``preset="paper"`` is the authors' method at the given ``beta``: maximal cliques cost budget,
    the target may draw any number of candidates, motif columns are cut and selected the way their
    code does. The default differs: maximal cliques cost nothing; the target draws at most ``beta``
    subsets per source clique and own clique; the cliques of a greedy edge cover are candidates as
    well, and being one is a column. Without ``beta``, the budget is chosen by cross-validation on
    the source.

    Node ids are never used. If source and target share nodes (halves of one data set do),
    subtracting known hyperedges from a prediction would be easy, and would be cheating.

    An isolated node is a maximal clique, so it is a candidate. A source without hyperedges of one
    node does not teach what to make of it: by default such a model predicts none either
    (``singletons`` of :meth:`predict`); ``preset="paper"`` classifies them like all others.

    Args:
        features (str): ``"count"``, ``"motif"`` or ``"both"``.
        beta (int, optional): Budget of the sampler; ``None`` chooses one on the source.
        classifier (str or object): ``"mlp"`` (100 hidden units), ``"hgb"`` (gradient boosting),
            ``"rf"``, ``"lr"``, a ``torch.nn.Module`` from ``(B, F)`` to ``B`` logits, or an
            estimator with ``fit`` and ``predict_proba``. Modules and estimators are copied.
        threshold (float, optional): Probability above which a candidate is a hyperedge. ``None``
            means 0.5 with ``preset="paper"``, and otherwise the one with the best Jaccard index in
            a cross-validation on the source.
        seed (int): Seed of the classifier and of the folds.
        preset (str, optional): ``"paper"`` or ``None``.

    Attributes:
        sampler_ (CliqueSampler): The fitted sampler.
        beta_ (int): The budget in use.
        threshold_ (float): The threshold in use.
        singletons_ (bool): Whether the source holds a hyperedge of one node.

    Raises:
        TypeError, ValueError: If an argument is out of range.

    Determinism: a function of the hypergraph, the graph and the seed.
    Reference: Wang and Kleinberg, "From Graphs to Hypergraphs: Hypergraph Projection and its
        Reconstruction", ICLR 2024. arXiv:2401.08519

    Example:
        >>> from graphlab.hyper import HypergraphReconstructor, project
        >>> h = torch.tensor([[0, 1, 2, 2, 3], [0, 0, 0, 1, 1]])
        >>> source = HyperGraphData(edge_index=h, num_nodes=4)
        >>> model = HypergraphReconstructor(beta=5, classifier="lr", preset="paper").fit(source)
        >>> model.predict(project(h, 4), 4).num_hyperedges
        2
    """

    def __init__(
        self,
        features: str = "count",
        beta: int | None = None,
        classifier: Any = "mlp",
        threshold: float | None = None,
        seed: int = 0,
        preset: str | None = None,
    ) -> None:
        self.features = check_choice(features, "features", ("count", "motif", "both"))
        self.beta = None if beta is None else check_int(beta, "beta", minimum=1)
        self.classifier = check_classifier(classifier)
        self.threshold = None if threshold is None else check_fraction(threshold, "threshold")
        self.seed = check_int(seed, "seed", minimum=0, maximum=2**32 - 1)
        self.preset = None if preset is None else check_choice(preset, "preset", ("paper",))
        if self.preset is not None and self.beta is None:
            raise ValueError("beta must be given with preset='paper', which has no rule for it")

    # --- learning ---------------------------------------------------------------------------------

    def fit(
        self,
        hyperedge_index: Hypergraph,
        num_nodes: int | None = None,
        *,
        label_mask: Tensor | None = None,
    ) -> HypergraphReconstructor:
        """Learn from a hypergraph.

        Args:
            hyperedge_index (HyperGraphData or Tensor): The hypergraph, or its incidence
                ``(2, nnz)``.
            num_nodes (int, optional): Number of nodes; needed with a tensor.
            label_mask (Tensor, optional): ``(H,)`` bool, the hyperedges that are known; the others
                are neither used nor taken for negatives, as if only the known ones were
                there.

        Returns:
            HypergraphReconstructor: This object.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or no hyperedge is known.
        """
        hypergraph = _masked(read_incidence(hyperedge_index, num_nodes), label_mask)
        edges = hypergraph.distinct()
        if len(edges) == 0:
            raise ValueError("hyperedge_index must hold at least one hyperedge")
        self.singletons_ = bool((edges.sizes == 1).any())
        graph = read_graph(projection(hypergraph)[0], hypergraph.num_nodes)
        cliques = maximal_cliques(graph)
        self.beta_ = self.beta or self._choose_beta(hypergraph, edges, graph, cliques)
        self.sampler_ = self._sampler(self.beta_, edges, cliques, hypergraph.num_nodes)
        self.source_cliques_ = len(cliques)
        self.columns_: Tensor | None = None
        candidates, x = self._prepare(cliques, graph)
        y = (find(rows_of(candidates), edges) >= 0).astype(np.int64)
        if self._selects:
            self.columns_ = select_columns(x, y)
            x = x[:, self.columns_.numpy()]
        self.threshold_ = self._choose_threshold(x, y, candidates.num_maximal, len(edges))
        self.models_ = self._train(self.classifier, x, y, candidates.num_maximal)
        return self

    def _sampler(self, beta: int, edges: Rows, cliques: CliqueSet, num_nodes: int) -> CliqueSampler:
        sampler = CliqueSampler(beta, charge_maximal=self.preset == "paper", seed=self.seed)
        index = torch.from_numpy(np.stack([edges.idx, edges.owner()]))
        return sampler.fit(index, num_nodes, cliques)

    def _choose_threshold(self, x: Floats, y: Ints, cut: int, total: int) -> float:
        if self.threshold is not None:
            return self.threshold
        if self.preset == "paper":
            return 0.5
        return best_threshold(self._out_of_fold(self.classifier, x, y, cut), y, total)

    def _train(self, classifier: Any, x: Floats, y: Ints, cut: int) -> tuple[Model, Model]:
        first = fit_classifier(classifier, x[:cut], y[:cut], self.seed)
        return first, fit_classifier(classifier, x[cut:], y[cut:], self.seed)

    def _out_of_fold(self, classifier: Any, x: Floats, y: Ints, cut: int) -> Floats:
        """Probability of every candidate by a model that was trained on the other half."""
        fold = np.random.default_rng(self.seed).permutation(len(y)) % 2
        out = np.zeros(len(y))
        for part in (0, 1):
            learn, judge = fold != part, fold == part
            models = self._train(classifier, x[learn], y[learn], int(learn[:cut].sum()))
            out[judge] = _apply(models, x[judge], int(judge[:cut].sum()))
        return out

    def _choose_beta(
        self, hypergraph: Incidence, edges: Rows, graph: Graph, cliques: CliqueSet
    ) -> int:
        """The budget with the best cross-validated Jaccard index; gradient boosting judges."""
        everything = self._sampler(2**62, edges, cliques, hypergraph.num_nodes)
        most = max(1, total_cost(everything, cliques))
        scores: dict[int, float] = {}
        for factor in BETA_GRID:
            beta = min(factor * len(edges), most)
            if beta in scores:
                continue
            self.beta_, self.source_cliques_ = beta, len(cliques)
            self.sampler_ = self._sampler(beta, edges, cliques, hypergraph.num_nodes)
            candidates, x = self._prepare(cliques, graph)
            y = (find(rows_of(candidates), edges) >= 0).astype(np.int64)
            chance = self._out_of_fold("hgb", x, y, candidates.num_maximal)
            cut = (
                best_threshold(chance, y, len(edges)) if self.threshold is None else self.threshold
            )
            scores[beta] = hit_jaccard(chance > cut, y, len(edges))
        self.beta_scores_ = scores
        return max(scores, key=lambda beta: (scores[beta], -beta))

    # --- candidates and features ------------------------------------------------------------------

    @property
    def _selects(self) -> bool:
        return self.preset == "paper" and self.features == "motif"

    def _prepare(self, cliques: CliqueSet, graph: Graph) -> tuple[CandidateSet, Floats]:
        """Candidates and their features, standardised by their own mean and deviation."""
        if self.preset == "paper":
            candidates = self.sampler_.sample(cliques)
            return candidates, self._describe(candidates, cliques, graph, [])
        share = max(1.0, len(cliques) / max(1, self.source_cliques_))
        drawn = self.sampler_.sample(cliques, budget=int(share * self.beta_))
        cover = greedy_cover(graph)
        candidates = with_cover(drawn, cover)
        inside = torch.from_numpy(find(rows_of(candidates), cover) >= 0)
        extra = [inside.double().unsqueeze(1)]
        return candidates, self._describe(candidates, cliques, graph, extra)

    def _describe(
        self,
        candidates: CandidateSet,
        cliques: CliqueSet,
        graph: Graph,
        parts: list[Tensor],
    ) -> Floats:
        if self.features != "count":
            parts = [motif_features(candidates, cliques, graph), *parts]
        if self.features != "motif":
            parts = [count_features(candidates, cliques, graph), *parts]
        x: Floats = standardize(torch.cat(parts, dim=1)).numpy()
        return finite(x)

    # --- prediction -------------------------------------------------------------------------------

    def predict_proba(
        self,
        edge_index: Any,
        num_nodes: int | None = None,
        *,
        max_cliques: int | None = None,
        time_limit: float | None = None,
        singletons: bool | None = None,
    ) -> tuple[CandidateSet, Tensor]:
        """Candidates of a graph, and the probability of each to be a hyperedge.

        Args:
            edge_index (Tensor or graph): ``(2, E)`` integers, both directions, no self-loops; or a
                PyG ``Data``, a square torch or scipy sparse matrix, or a networkx graph.
            num_nodes (int, optional): Number of nodes; needed with a tensor.
            max_cliques (int, optional): Refuse graphs with more maximal cliques.
            time_limit (float, optional): Give up the search for them after this many seconds.
            singletons (bool, optional): Whether an isolated node may be a hyperedge; ``False``
                gives it probability 0. By default it may if the source holds a hyperedge of one
                node, and always with ``preset="paper"``.

        Returns:
            tuple[CandidateSet, Tensor]: C candidates and ``(C,)`` float64.

        Raises:
            ValueError: If the model is not fitted, the graph is malformed or a limit is exceeded.
            TypeError, IndexError: If an argument is malformed.
        """
        self._check_fitted()
        graph = read_graph(edge_index, num_nodes)
        cliques = maximal_cliques(graph, max_cliques=max_cliques, time_limit=time_limit)
        candidates, x = self._prepare(cliques, graph)
        if self.columns_ is not None:
            x = x[:, self.columns_.numpy()]
        return candidates, to_tensor(self._probability(candidates, x, singletons))

    def _probability(
        self, candidates: CandidateSet, x: Floats, singletons: bool | None = None
    ) -> Floats:
        chance = _apply(self.models_, x, candidates.num_maximal)
        if singletons is None:
            singletons = self.singletons_ or self.preset == "paper"
        return chance if singletons else chance * (candidates.sizes.numpy() > 1)

    def predict(
        self,
        edge_index: Any,
        num_nodes: int | None = None,
        *,
        max_cliques: int | None = None,
        time_limit: float | None = None,
        singletons: bool | None = None,
    ) -> HyperGraphData:
        """The hypergraph behind a projected graph.

        Args:
            edge_index (Tensor or graph): ``(2, E)`` integers, both directions, no self-loops; or a
                PyG ``Data``, a square torch or scipy sparse matrix, or a networkx graph.
            num_nodes (int, optional): Number of nodes; needed with a tensor.
            max_cliques (int, optional): Refuse graphs with more maximal cliques.
            time_limit (float, optional): Give up the search for them after this many seconds.
            singletons (bool, optional): See :meth:`predict_proba`.

        Returns:
            HyperGraphData: Distinct hyperedges: maximal ones first, each in lexicographic order,
            with their probability in ``hyperedge_score`` (H,) float64.

        Raises:
            ValueError: If the model is not fitted, the graph is malformed or a limit is exceeded.
            TypeError, IndexError: If an argument is malformed.
        """
        self._check_fitted()
        graph = read_graph(edge_index, num_nodes)
        candidates, chance = self.predict_proba(
            graph, max_cliques=max_cliques, time_limit=time_limit, singletons=singletons
        )
        chosen = (chance > self.threshold_).nonzero().view(-1)
        rows = rows_of(candidates).take(chosen.numpy())
        data = CliqueSet(to_tensor(rows.ptr), to_tensor(rows.idx)).to_hypergraph(graph.num_nodes)
        data.hyperedge_score = chance[chosen]
        return data

    def _check_fitted(self) -> None:
        if not hasattr(self, "models_"):
            raise ValueError("HypergraphReconstructor must be fitted before it can predict")

    def importance(
        self, hyperedge_index: Hypergraph, num_nodes: int | None = None, *, repeats: int = 3
    ) -> dict[str, float]:
        """What the columns are worth: fall of the Jaccard index when one is shuffled.

        Args:
            hyperedge_index (HyperGraphData or Tensor): Truth to reconstruct from its own
                projection.
            num_nodes (int, optional): Number of nodes; needed with a tensor.
            repeats (int): Shuffles per column.

        Returns:
            dict[str, float]: Mean fall by name of the column; about 0 for one that is not used.

        Raises:
            ValueError: If the model is not fitted or an argument is malformed.
            TypeError, IndexError: If an argument is malformed.
        """
        self._check_fitted()
        truth = read_incidence(hyperedge_index, num_nodes)
        graph = read_graph(projection(truth)[0], truth.num_nodes)
        cliques = maximal_cliques(graph)
        candidates, x = self._prepare(cliques, graph)
        edges, names = truth.distinct(), self._names()
        if self.columns_ is not None:
            x = x[:, self.columns_.numpy()]
            names = [names[i] for i in self.columns_.tolist()]
        y = (find(rows_of(candidates), edges) >= 0).astype(np.int64)
        generator = np.random.default_rng(self.seed)

        def score(values: Floats) -> float:
            chance = self._probability(candidates, values)
            return hit_jaccard(chance > self.threshold_, y, len(edges))

        best, falls = score(x), {}
        for column, name in enumerate(names):
            scores = []
            for _ in range(check_int(repeats, "repeats", minimum=1)):
                shuffled = x.copy()
                shuffled[:, column] = generator.permutation(x[:, column])
                scores.append(score(shuffled))
            falls[name] = best - float(np.mean(scores))
        return falls

    def _names(self) -> list[str]:
        names = [] if self.features == "motif" else list(COUNT_NAMES)
        names += [] if self.features == "count" else [f"motif {name}" for name in MOTIF_NAMES]
        return names if self.preset == "paper" else [*names, "in cover"]

    # --- files ------------------------------------------------------------------------------------

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Write arrays and JSON to a folder; see :class:`Estimator`.

        Raises:
            TypeError: If the classifier was not given by name.
            ValueError: If the model is not fitted.
        """
        if not isinstance(self.classifier, str):
            raise TypeError("only classifiers given by name can be saved; keep the module yourself")
        return super().save(directory)

    def _config(self) -> dict[str, Any]:
        names = ("features", "beta", "classifier", "threshold", "seed", "preset")
        return {name: getattr(self, name) for name in names}

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        numbers = [
            self.beta_,
            self.source_cliques_,
            self.sampler_.collected_,
            int(self.singletons_),
        ]
        arrays = {
            "picks": self.sampler_.picks_,
            "ratio": self.sampler_.ratio_,
            "numbers": torch.tensor(numbers),
            "threshold": torch.tensor([self.threshold_], dtype=torch.float64),
        }
        if self.columns_ is not None:
            arrays["columns"] = self.columns_
        for name, model in zip(("maximal.", "nested."), self.models_, strict=True):
            arrays |= to_arrays(model, name)
        return arrays

    @classmethod
    def _restore(cls, config: dict[str, Any], arrays: dict[str, Tensor]) -> HypergraphReconstructor:
        model = cls(**config)
        model.beta_, model.source_cliques_, collected, *rest = arrays["numbers"].tolist()
        # Files of earlier versions do not say; those classified every isolated node.
        model.singletons_ = bool(rest[0]) if rest else True
        sampler = CliqueSampler(
            model.beta_, charge_maximal=model.preset == "paper", seed=model.seed
        )
        sampler.picks_, sampler.ratio_ = arrays["picks"], arrays["ratio"]
        sampler.collected_ = collected
        model.sampler_ = sampler
        model.threshold_ = float(arrays["threshold"][0])
        model.columns_ = arrays.get("columns")
        model.models_ = (from_arrays(arrays, "maximal."), from_arrays(arrays, "nested."))
        return model


def _masked(hypergraph: Incidence, label_mask: Tensor | None) -> Incidence:
    if label_mask is None:
        return hypergraph
    count = hypergraph.num_hyperedges
    if not isinstance(label_mask, Tensor) or label_mask.dtype != torch.bool:
        raise TypeError("label_mask must be a bool tensor")
    if label_mask.shape != (count,):
        raise ValueError(f"label_mask must have shape ({count},), got {tuple(label_mask.shape)}")
    known = check_index(label_mask.nonzero().view(-1), count, "label_mask").cpu().numpy()
    return Incidence(hypergraph.rows.take(known), hypergraph.num_nodes)


def _apply(models: tuple[Model, Model], x: Floats, cut: int) -> Floats:
    parts = [
        model.probability(part) for model, part in zip(models, (x[:cut], x[cut:]), strict=True)
    ]
    return np.concatenate(parts)
