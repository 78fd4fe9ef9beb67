"""Supervised hypergraph reconstruction: sample candidates, describe them, classify them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from graphlab._checks import check_choice, check_fraction, check_int
from graphlab._deprecation import warn_renamed
from graphlab._estimator import Estimator
from graphlab._graphs.typed import HyperGraphData
from graphlab.hyper._budget import best_budget, score_budgets
from graphlab.hyper._classifiers import check_classifier
from graphlab.hyper._graph import read_graph
from graphlab.hyper._incidence import Hypergraph, read_incidence
from graphlab.hyper._models import from_arrays, to_arrays
from graphlab.hyper._recipe import Recipe
from graphlab.hyper._selection import best_threshold, hit_jaccard, permutation_falls
from graphlab.hyper._sets import Floats, Ints, node_sets, to_tensor
from graphlab.hyper._source import Source
from graphlab.hyper._two_part import TwoPartModel, out_of_fold
from graphlab.hyper.candidates import CandidateSet
from graphlab.hyper.cliques import maximal_cliques
from graphlab.hyper.sampler import CliqueSampler

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["HypergraphReconstructor"]

#: Prefixes of the names under which the arrays of the two classifiers are saved.
_PARTS = ("maximal.", "nested.")


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
        beta_scores_ (dict[int, float]): Cross-validated Jaccard index of every budget that was
            compared; empty where ``beta`` is given.
        columns_ (Tensor, optional): Feature columns that were selected; ``None`` for all.
        models_ (tuple): Fitted classifiers of maximal cliques and of subsets.
        recipe_ (Recipe): Draw and description of candidates.

    Raises:
        TypeError, ValueError: By ``fit``, if a parameter is out of range.

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
        features: Literal["count", "motif", "both"] = "count",
        beta: int | None = None,
        classifier: Any = "mlp",
        threshold: float | None = None,
        seed: int = 0,
        preset: str | None = None,
    ) -> None:
        self.features = features
        self.beta = beta
        self.classifier = classifier
        self.threshold = threshold
        self.seed = seed
        self.preset = preset

    # --- learning ---------------------------------------------------------------------------------

    def fit(
        self,
        hyperedge_index: Hypergraph,
        num_nodes: int | None = None,
        *,
        label_mask: Tensor | None = None,
        max_cliques: int | None = None,
    ) -> Self:
        """Learn from a hypergraph.

        Args:
            hyperedge_index (HyperGraphData or Tensor): The hypergraph, or its incidence
                ``(2, nnz)``; or a list of sets of names, a table of memberships (authors, papers),
                a hypergraph of xgi or hypergraphx, a bipartite networkx graph.
            num_nodes (int, optional): Number of nodes; needed with a tensor.
            label_mask (Tensor, optional): ``(H,)`` bool, the hyperedges that are known; the others
                are neither used nor taken for negatives, as if only the known ones were
                there.
            max_cliques (int, optional): Refuse sources whose projection has more maximal cliques;
                by default those that take too much memory, see :func:`maximal_cliques`.

        Returns:
            Self: This object.

        Raises:
            TypeError, ValueError, IndexError: If a parameter or an argument is malformed, no
                hyperedge is known, or there are too many maximal cliques.
        """
        self._check_parameters()
        hypergraph = read_incidence(hyperedge_index, num_nodes)
        if label_mask is not None:
            hypergraph = hypergraph.masked(label_mask)
        source = Source.of(hypergraph, max_cliques)
        if len(source.edges) == 0:
            raise ValueError("hyperedge_index must hold at least one hyperedge")
        scores: dict[int, float] = {}
        if self.beta is None:
            scores = score_budgets(source, self.features, self.threshold, self.seed)
        beta = best_budget(scores) if self.beta is None else self.beta
        paper = self.preset == "paper"
        sampler = source.fit_sampler(beta, paper, self.seed)
        recipe = Recipe(self.features, paper, sampler, len(source.cliques))
        candidates, x = recipe.apply(source.cliques, source.graph)
        y = source.labels(candidates)
        recipe = recipe.with_selection(x, y)
        if recipe.columns is not None:
            x = x[:, recipe.columns.numpy()]
        cut = candidates.num_maximal
        self._assign(
            recipe,
            TwoPartModel.train(self.classifier, x, y, cut, self.seed),
            self._choose_threshold(x, y, cut, len(source.edges)),
            singletons=bool((source.edges.sizes == 1).any()),
            scores=scores,
        )
        return self

    def _check_parameters(self) -> None:
        check_choice(self.features, "features", ("count", "motif", "both"))
        check_classifier(self.classifier)
        if self.threshold is not None:
            check_fraction(self.threshold, "threshold")
        check_int(self.seed, "seed", minimum=0, maximum=2**32 - 1)
        if self.preset is not None:
            check_choice(self.preset, "preset", ("paper",))
        if self.beta is not None:
            check_int(self.beta, "beta", minimum=1)
        elif self.preset is not None:
            raise ValueError("beta must be given with preset='paper', which has no rule for it")

    def _choose_threshold(self, x: Floats, y: Ints, num_maximal: int, total: int) -> float:
        if self.threshold is not None:
            return self.threshold
        if self.preset == "paper":
            return 0.5
        return best_threshold(out_of_fold(self.classifier, x, y, num_maximal, self.seed), y, total)

    def _assign(
        self,
        recipe: Recipe,
        models: TwoPartModel,
        threshold: float,
        *,
        singletons: bool,
        scores: dict[int, float],
    ) -> None:
        """Set what a fit, or a file, leaves behind."""
        self.recipe_ = recipe
        self.sampler_ = recipe.sampler
        self.beta_ = recipe.sampler.beta
        self.columns_ = recipe.columns
        self.models_ = models
        self.threshold_ = threshold
        self.singletons_ = singletons
        self.beta_scores_ = scores

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
            num_nodes (int, optional): Number of nodes; as for :func:`maximal_cliques`.
            max_cliques (int, optional): Refuse graphs with more maximal cliques; by default those
                that take too much memory, see :func:`maximal_cliques`.
            time_limit (float, optional): Give up the search for them after this many seconds.
            singletons (bool, optional): Whether an isolated node may be a hyperedge; ``False``
                gives it probability 0. By default it may if the source holds a hyperedge of one
                node, and always with ``preset="paper"``.

        Returns:
            tuple[CandidateSet, Tensor]: C candidates and ``(C,)`` float64.

        Raises:
            NotFittedError: If the model is not fitted.
            ValueError: If the graph is malformed or a limit is exceeded.
            TypeError, IndexError: If an argument is malformed.
        """
        self._check_fitted()
        graph = read_graph(edge_index, num_nodes)
        cliques = maximal_cliques(graph, max_cliques=max_cliques, time_limit=time_limit)
        candidates, x = self.recipe_.apply(cliques, graph)
        return candidates, to_tensor(self._probability(candidates, x, singletons))

    def _probability(
        self, candidates: CandidateSet, x: Floats, singletons: bool | None = None
    ) -> Floats:
        probability = self.models_.probability(x, candidates.num_maximal)
        if singletons is None:
            singletons = self.singletons_ or self.recipe_.paper
        return probability if singletons else probability * (candidates.sizes.numpy() > 1)

    def predict(
        self,
        edge_index: Any,
        num_nodes: int | None = None,
        *,
        max_cliques: int | None = None,
        time_limit: float | None = None,
        singletons: bool | None = None,
        node_id: Sequence[Any] | None = None,
    ) -> HyperGraphData:
        """The hypergraph behind a projected graph.

        Args:
            edge_index (Tensor or graph): ``(2, E)`` integers, both directions, no self-loops; or a
                PyG ``Data``, a square torch or scipy sparse matrix, or a networkx graph.
            num_nodes (int, optional): That of ``node_id`` by default, else as for maximal_cliques.
            max_cliques (int, optional): Refuse graphs with more maximal cliques; by default those
                that take too much memory, see :func:`maximal_cliques`.
            time_limit (float, optional): Give up the search for them after this many seconds.
            singletons (bool, optional): See :meth:`predict_proba`.
            node_id (Sequence, optional): Names of the nodes, one each, which the result carries; by
                default the nodes of a networkx graph, or ``node_id`` of a ``Data``.

        Returns:
            HyperGraphData: Distinct hyperedges: maximal ones first, each in lexicographic order,
            with their probability in ``hyperedge_score`` (H,) float64, and ``node_id`` where nodes
            have names (:func:`to_hyperedges` then lists sets of names).

        Raises:
            NotFittedError: If the model is not fitted.
            ValueError: If the graph is malformed or a limit is exceeded.
            TypeError, IndexError: If an argument is malformed.
        """
        self._check_fitted()
        graph = read_graph(edge_index, num_nodes, node_id)
        candidates, probability = self.predict_proba(
            graph, max_cliques=max_cliques, time_limit=time_limit, singletons=singletons
        )
        chosen = (probability > self.threshold_).nonzero().view(-1)
        sets = node_sets(candidates).take(chosen.numpy())
        data = sets.to_family().to_hypergraph(graph.num_nodes, graph.names)
        data.hyperedge_score = probability[chosen]
        return data

    @property
    def source_cliques_(self) -> int:
        """Maximal cliques of the source under their earlier name."""
        self._check_fitted()
        warn_renamed("HypergraphReconstructor.source_cliques_", "recipe_.source_cliques")
        return self.recipe_.source_cliques

    def importance(
        self, hyperedge_index: Hypergraph, num_nodes: int | None = None, *, repeats: int = 3
    ) -> dict[str, float]:
        """Importance of every column: fall of the Jaccard index when it is shuffled.

        Args:
            hyperedge_index (HyperGraphData or Tensor): Truth to reconstruct from its own
                projection.
            num_nodes (int, optional): Number of nodes; needed with a tensor.
            repeats (int): Shuffles per column.

        Returns:
            dict[str, float]: Mean fall by name of the column; about 0 for one that is not used.

        Raises:
            NotFittedError: If the model is not fitted.
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        self._check_fitted()
        repeats = check_int(repeats, "repeats", minimum=1)
        truth = Source.of(read_incidence(hyperedge_index, num_nodes))
        candidates, x = self.recipe_.apply(truth.cliques, truth.graph)
        y = truth.labels(candidates)

        def score(values: Floats) -> float:
            probability = self._probability(candidates, values)
            return hit_jaccard(probability > self.threshold_, y, len(truth.edges))

        falls = permutation_falls(score, x, repeats, self.seed)
        return dict(zip(self.recipe_.names(), falls, strict=True))

    # --- files ------------------------------------------------------------------------------------

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Write the model to a folder, without pickle.

        Args:
            directory (path): Folder, created if missing; an earlier model there is replaced.

        Returns:
            Path: The folder.

        Raises:
            TypeError: If the classifier was not given by name.
            NotFittedError: If the model is not fitted.
        """
        if not isinstance(self.classifier, str):
            raise TypeError("only classifiers given by name can be saved; keep the module yourself")
        return super().save(directory)

    def _config(self) -> dict[str, Any]:
        self._check_fitted()
        # The parameters of the fit are saved: set_params may have changed them since.
        preset = "paper" if self.recipe_.paper else None
        fitted = {"features": self.recipe_.features, "preset": preset, "seed": self.sampler_.seed}
        return super()._config() | fitted

    def _arrays(self) -> dict[str, Tensor]:
        sampler, single = self.sampler_, int(self.singletons_)
        numbers = [self.beta_, self.recipe_.source_cliques, sampler.collected_, single]
        scores = torch.tensor([*self.beta_scores_.items()], dtype=torch.float64, device="cpu")
        arrays = {
            "picks": sampler.picks_,
            "ratio": sampler.ratio_,
            "numbers": torch.tensor(numbers, device="cpu"),
            "threshold": torch.tensor([self.threshold_], dtype=torch.float64, device="cpu"),
            "beta_scores": scores.view(-1, 2),
        }
        if self.columns_ is not None:
            arrays["columns"] = self.columns_
        for name, model in zip(_PARTS, self.models_, strict=True):
            arrays |= to_arrays(model, name)
        return arrays

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        beta, source_cliques, collected, *rest = arrays["numbers"].tolist()
        paper = self.preset == "paper"
        sampler = CliqueSampler(beta, charge_maximal=paper, seed=self.seed)
        sampler._set_picks(arrays["picks"], arrays["ratio"], collected)
        # Folders of earlier versions hold no scores of the budgets.
        scores = arrays.get("beta_scores", torch.zeros(0, 2, device="cpu")).tolist()
        self._assign(
            Recipe(self.features, paper, sampler, source_cliques, arrays.get("columns")),
            TwoPartModel(*(from_arrays(arrays, name) for name in _PARTS)),
            float(arrays["threshold"][0]),
            # Earlier versions saved no such flag, and classified every isolated node.
            singletons=bool(rest[0]) if rest else True,
            scores={int(beta): score for beta, score in scores},
        )
