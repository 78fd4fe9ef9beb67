"""Embedding of a knowledge graph: one class for all scorers of triples."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab._checks import (
    check_choice,
    check_int,
    check_matrix,
    check_num_nodes,
    check_positive,
    check_real,
)
from graphlab._distributed import rank
from graphlab._estimator import Estimator
from graphlab._io import user_path
from graphlab._progress import Progress
from graphlab._training import Callback
from graphlab._user_module import copied
from graphlab.embed.kge.maps import SCORERS, TIED, ModelName, Scorer, of_user
from graphlab.embed.kge.network import TripleNetwork
from graphlab.embed.kge.ranking_model import RankingModel
from graphlab.embed.kge.train_config import KGETrainConfig, as_json, check_use, from_json
from graphlab.embed.kge.training import TrainingRun
from graphlab.embed.kge.triples import UserMaps

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["KGEmbedding"]


class KGEmbedding(Estimator, RankingModel):
    r"""Embed entities and relations of a knowledge graph, and rank the triples it lacks.

    Every model here is one dot product of a map of head and relation with a map of the tail,

    .. math:: s(h, r, t) = \gamma + \langle Q(h, r), E(t) \rangle ,

    so that losses over all entities, filtered ranks and the best k tails are one tiled product and
    never store the matrix of scores. Names of methods and arguments are those of PyG's
    ``KGEModel``.

    ===============  ========  =========  =========================================================
    model            entity    relation   score
    ===============  ========  =========  =========================================================
    ``"complex"``    2d        2d         real part of the triple product of complex numbers
    ``"distmult"``   d         d          triple product of real numbers
    ``"transe"``     d         d          minus the squared distance of h + r and t
    ``"rotate"``     2d        d          minus the squared distance of h, turned by r, and t
    ``"nfe1"``       2d        2d         minus the squared 2-Wasserstein distance of r(X_h) and X_t
    ``"nfe2"``       3d        2d         the same with one scale on each side of the mean
    ``"nfe3"``       2d        2d         minus the Kullback-Leibler divergence of r(X_h) and X_t
    ``"mean"``       2d        2d         ``nfe1`` without uncertainty: the means alone
    ``"sigma"``      2d        2d         ``nfe1`` with the scales alone
    ===============  ========  =========  =========================================================

    (d = ``hidden_channels``; the numbers of a row.) In NFE an entity is a distribution X and a
    relation an affine map. ``transe`` and ``rotate`` here have *squared* distances: those of their
    papers, a norm and a sum of moduli, are no products. The default is ``"complex"``: in our
    measurements no model with uncertainty beats it on two of three sets, see the docs.

    Head prediction is tail prediction by the reverse relation r + R, which is trained with rows of
    its own (``inverse=True``, "reciprocal relations"); without it, heads are ranked by the map of
    the heads.

    Before a fit there is no ``NotFittedError``: the tables are there, with random rows or those
    that a loop of your own gave them by :meth:`loss`, and answers are those of these rows. So it is
    after a first :meth:`fit` that was interrupted; only a finished fit leaves ``history_``.

    Args:
        num_nodes (int): N, number of entities.
        num_relations (int): R, number of relations without their reverses.
        hidden_channels (int): d.
        model (str or tuple): A name above, or ``(query_map, entity_map)``: functions or modules
            that map rows of heads and relations ``(B, d)``, ``(B, d)`` to ``(B, D)``, and rows of
            tails ``(N, d)`` to ``(N, D)``. They are copied, not saved: give them to :meth:`load`.
        gamma (float): :math:`\gamma`. It shifts every score, and so matters to binary losses alone.
        inverse (bool): Train reverse relations.
        tied (bool): For ``"nfe3"``: the softplus of a relation's scale for the mean as well, which
            makes it the affine map of the paper; the released code takes the raw number there.
        entity_features (Tensor, optional): ``(N, F)``, such as rows of a ``TextEncoder``: a linear
            map of them takes the place of the table, so that entities without any training triple
            have rows, too.
        init_scale (float): Rows begin uniform in plus and minus this; angles anywhere.
        sparse (bool): Sparse gradients of the tables, for ``loss="sampled"`` on millions of
            entities.
        train_config (KGETrainConfig, optional): Loss, optimiser and length of :meth:`fit`; its
            defaults if missing.
        seed (int): Seed of first rows, order and negatives.

    Attributes:
        node_emb (nn.Module): Table of the entities, or the linear map of their features.
        rel_emb (nn.Embedding): Table of the relations; row r + R is the reverse of r.
        history_ (list[dict]): A row per epoch: ``"epoch"``, ``"loss"``, ``"lr"`` and, where it
            validates, ``"mrr"``, ``"hits@1"``, ``"hits@10"`` and ``"ties"``.
        best_epoch_ (int): The epoch whose weights were kept.
        known_ (Tensor): Triples of training and validation ``(3, T)``, by which ranks are filtered.
        train_ (Tensor): Those of training, ``(3, T)``.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: a step O(B N D) time, O((B + N) D) memory.

    Reference: Trouillon et al., "Complex embeddings for simple link prediction", ICML 2016; Yang et
        al., arXiv:1412.6575 (DistMult); Bordes et al., NeurIPS 2013 (TransE); Sun et al., ICLR 2019
        (RotatE); Chang et al., "Knowledge graph embedding by normalizing flows", AAAI 2023,
        arXiv:2409.19977 (NFE); Lacroix et al., ICML 2018 (reverse relations, nuclear 3-norm).

    Example:
        >>> edge_index, edge_type = torch.tensor([[0, 1, 2], [1, 2, 0]]), torch.tensor([0, 0, 1])
        >>> config = KGETrainConfig(epochs=20, lr=0.1)
        >>> model = KGEmbedding(3, 2, 8, train_config=config).fit(edge_index, edge_type)
        >>> score, tail = model.topk(torch.tensor([0]), torch.tensor([0]), k=1)
        >>> tail.tolist()
        [[1]]
    """

    _objects: ClassVar[tuple[str, ...]] = ("model", "entity_features")

    @torch.inference_mode(False)  # what is made here is trained
    def __init__(
        self,
        num_nodes: int,
        num_relations: int,
        hidden_channels: int,
        model: ModelName | UserMaps = "complex",
        *,
        gamma: float = 0.0,
        inverse: bool = True,
        tied: bool = False,
        entity_features: Tensor | None = None,
        init_scale: float = 0.1,
        sparse: bool = False,
        train_config: KGETrainConfig | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.num_nodes = num_nodes
        self.num_relations = num_relations
        self.hidden_channels = hidden_channels
        self.model = model
        self.gamma = gamma
        self.inverse = inverse
        self.tied = tied
        self.entity_features = entity_features
        self.init_scale = init_scale
        self.sparse = sparse
        self.train_config = train_config
        self.seed = seed
        self.network = self._built()
        self._note_parameters()  # the network is saved, fitted or not

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("model", "entity_features"):  # the network holds what is trained and moved
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    def _built(self) -> TripleNetwork:
        """The network as it is before a fit."""
        nodes = check_num_nodes(self.num_nodes, minimum=1)
        relations = check_int(self.num_relations, "num_relations", minimum=1)
        features = self.entity_features
        if features is not None:
            features = check_matrix(features, "entity_features", rows=nodes).detach().float()
            if self.sparse:
                raise ValueError("sparse belongs to a table of entities, not to entity_features")
        scorer, maps = self._scorer()
        return TripleNetwork(
            scorer,
            (nodes, 2 * relations if self.inverse else relations),
            check_int(self.hidden_channels, "hidden_channels", minimum=1),
            gamma=check_real(self.gamma, "gamma"),
            init_scale=check_positive(self.init_scale, "init_scale"),
            features=features,
            maps=maps,
            sparse=bool(self.sparse),
            seed=self.seed,
        )

    def _scorer(self) -> tuple[Scorer, tuple[nn.Module, ...]]:
        given: Any = self.model
        if isinstance(given, tuple) and len(given) == 2 and all(map(callable, given)):
            query, entity = (
                copied(part, "model", "training") if isinstance(part, nn.Module) else part
                for part in given
            )
            modules = tuple(part for part in (query, entity) if isinstance(part, nn.Module))
            return of_user(query, entity), modules
        if not isinstance(self.model, str):
            raise TypeError(
                f"model must be one of {tuple(SCORERS)} or a pair (query_map, entity_map), got "
                f"{type(self.model).__name__}"
            )
        name = check_choice(self.model, "model", tuple(SCORERS))
        if self.tied and name != "nfe3":
            raise ValueError(f"tied belongs to model='nfe3', got model={name!r}")
        return (TIED if self.tied else SCORERS[name]), ()

    def _checked_config(self) -> KGETrainConfig:
        config: Any = KGETrainConfig() if self.train_config is None else self.train_config
        if not isinstance(config, KGETrainConfig):
            raise TypeError(
                f"train_config must be a KGETrainConfig, got {type(config).__name__}: "
                "KGETrainConfig(epochs=..., lr=..., loss=...)"
            )
        return config

    # --- training ---------------------------------------------------------------------------------

    @torch.inference_mode(False)
    @torch.enable_grad()
    def fit(
        self,
        edge_index: Tensor | Data,
        edge_type: Tensor | None = None,
        *,
        valid: Any = None,
        directory: str | os.PathLike[str] | None = None,
        resume: bool = True,
        callback: Callback | None = None,
        progress: bool | None = None,
        distributed: bool = False,
    ) -> Self:
        """Train from the start, and keep the epoch of the best validation.

        Args:
            edge_index (Tensor or Data): Heads and tails of the training triples, ``(2, E)``, or a
                ``Data`` that holds them and ``edge_type``, as :func:`read_triples` returns it.
            edge_type (Tensor, optional): Their relations ``(E,)``, in ``[0, R)``; not beside a
                ``Data``.
            valid (tuple, optional): ``(edge_index, edge_type)`` or a ``Data``: triples whose
                filtered reciprocal rank chooses the epoch. Without it the last one is kept.
            directory (path, optional): Folder of a checkpoint that every epoch replaces. Whatever
                ends the training, Ctrl-C too, the next call goes on from there.
            resume (bool): Continue from a checkpoint found there; of the settings only ``epochs``
                and ``patience`` may differ.
            callback (callable, optional): Called with each row of ``history_``; may raise to
                interrupt.
            progress (bool, optional): Whether progress is shown; after five seconds when missing.
            distributed (bool): Within ``torch.distributed``: every process is given the same
                triples and computes its part of each batch and of the validation. A process
                alone, without a group, trains as ever.

        Returns:
            KGEmbedding: This model. Until the end it stays as it was before: with random rows, if
                a first fit is interrupted.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range, a split
                is empty, or the checkpoint has other settings or data.
            FloatingPointError: If the loss stops being finite.

        Warns:
            UserWarning: If validation triples are training triples, with their number.
        """
        train = self._triples(edge_index, edge_type, "edge_index")
        held = None if valid is None else self._triples_like(valid, "valid", empty=False)
        config = self._checked_config()
        check_use(config, valid=held is not None, sparse=bool(self.sparse))
        if held is not None:
            self._warn_of_overlap(held, train, "valid")
        network = self._built().to(self.rel_emb.weight)
        run = TrainingRun(
            network,
            train,
            held,
            config,
            int(self.num_relations),
            inverse=bool(self.inverse),
            seed=int(self.seed),
            directory=None if directory is None else user_path(directory, "directory"),
            distributed=distributed,
        )
        if resume:
            run.restore()
        self._run(run, callback, progress)
        self.network = network
        self.history_ = run.history
        self.best_epoch_ = run.best.epoch if run.best.weights else run.epoch - 1
        self.train_ = train.cpu()
        self.known_ = self.train_ if held is None else torch.cat([train, held], dim=1).cpu()
        return self

    def _run(self, run: TrainingRun, callback: Callback | None, progress: bool | None) -> None:
        epochs, speaks = run.config.epochs, rank() == 0 or not run.distributed
        total, done = epochs * run.steps, run.epoch * run.steps
        shown = progress if speaks else False
        with Progress(total, "train triples", unit="steps", done=done, shown=shown) as bar:
            while run.epoch < epochs and not run.stopped:
                row = run.advance(bar)
                if callback is not None and speaks:
                    callback(row)
        run.finish()

    # --- files ------------------------------------------------------------------------------------

    def _config(self) -> dict[str, Any]:
        config = super()._config() | {"entity_features": None}  # which is an array
        config["train_config"] = as_json(self.train_config)
        return config | ({"model": self.model} if isinstance(self.model, str) else {})

    def _arrays(self) -> dict[str, Tensor]:
        arrays = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        for name in ("train_", "known_"):
            if hasattr(self, name):
                arrays[name] = getattr(self, name)
        return arrays

    def _facts(self) -> dict[str, Any]:
        return super()._facts() | {k: v for k, v in vars(self).items() if k == "best_epoch_"}

    @classmethod
    def _restore(cls, config: dict[str, Any], arrays: dict[str, Tensor]) -> Self:
        features = arrays.get("network.features")
        plan = from_json(config["train_config"])
        model = cls(**{**config, "entity_features": features, "train_config": plan})
        weights = {k.removeprefix("network."): v for k, v in arrays.items() if "." in k}
        # Assigned, not copied: rows in double precision stay so.
        model.network.load_state_dict(weights, assign=True)
        for name in ("train_", "known_"):
            if name in arrays:
                setattr(model, name, arrays[name])
        return model
