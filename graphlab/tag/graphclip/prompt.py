"""Few-shot adaptation of frozen towers by prompts: vectors added to nodes, and to classes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from graphlab._checks import (
    check_index,
    check_int,
    check_matrix,
    check_nonnegative,
    check_positive,
    check_range,
)
from graphlab._estimator import Estimator
from graphlab._eval_mode import evaluating
from graphlab._feature_rows import FeatureRows, check_feature_rows, require_finite
from graphlab._progress import track
from graphlab._random import make_generator
from graphlab._training import Callback, finite_loss
from graphlab.contrastive import supcon_loss
from graphlab.tag.graphclip.model import GraphCLIP, check_tower
from graphlab.tag.graphclip.positional import random_walk_encoding
from graphlab.tag.graphclip.store import SubgraphStore

if TYPE_CHECKING:
    from typing_extensions import Self

Record = Callable[[str, int, Tensor], None]

__all__ = ["PromptTuner"]


class PromptTuner(Estimator, nn.Module):
    r"""Vectors that are learned and added to node features and to classes; towers stay frozen.

    On the side of the graph (GPF-plus; one prompt is GPF),

    .. math:: x_i' = x_i + \sum_k \operatorname{softmax}_k(\langle x_i, a_k \rangle)\, p_k,

    trained on a few labelled subgraphs with

    .. math:: L = \operatorname{CE}(\sigma \langle g(x'), t_c \rangle, y)
        + \lambda \operatorname{SupCon}([g; t_y], y).

    Then, on the side of the text, with these in place, the one minimum of a convex loss,

    .. math:: \min_q \operatorname{CE}(\sigma \langle g(x'), t_c + q_c \rangle, y)
        + \mu \sum_c \lVert q_c \rVert^2 .

    All prompts start at zero, so that tuning starts at the zero-shot classifier, and :math:`\mu`
    pulls back to it; before a fit, :meth:`predict` is that classifier. The authors released no code
    for this step. The first part is ours, after their description; the second is a linear probe
    that starts at the text, as in CLIP's few-shot literature, and the better of the two on few
    labels (see the results).

    Args:
        model (GraphCLIP): The pretrained tower; not changed. It is not saved: give it to
            :meth:`load` again.
        class_embeddings (Tensor): ``(C, D)``, such as those of a :class:`ZeroShotClassifier`.
        num_prompts (int): k; 0 leaves the nodes alone.
        class_pull (float, optional): :math:`\mu`, above 0; None leaves the classes alone.
        supcon_weight (float): :math:`\lambda`.
        scale (float, optional): :math:`\sigma`; that of the model when missing.
        epochs (int): Steps over all labelled subgraphs, for the prompts of nodes.
        lr (float): Of AdamW, falling linearly to zero.
        weight_decay (float): Of AdamW: pulls the prompts of nodes back to zero.
        seed (int): Of the attention vectors a.

    Attributes:
        history_ (list[dict]): ``part`` (``"nodes"`` or ``"classes"``), ``epoch`` and ``loss`` of
            every step of the prompts of nodes, and of the minimum for the classes.

    Raises:
        TypeError, ValueError: If the model or the class embeddings do not fit together, or the
            model was made in ``torch.inference_mode()``. What only a fit needs is checked there.

    Reference: Fang et al., "Universal prompt tuning for graph neural networks", NeurIPS 2023; Huang
    et al., "LP++: A surprisingly strong linear probe for few-shot CLIP", CVPR 2024.
    """

    _objects: ClassVar[tuple[str, ...]] = ("model", "class_embeddings")
    _read_later: ClassVar[frozenset[str]] = frozenset({"scale"})
    model: GraphCLIP
    class_embeddings: Tensor

    @torch.inference_mode(False)  # what is made here is trained
    def __init__(
        self,
        model: GraphCLIP,
        class_embeddings: Tensor,
        *,
        num_prompts: int = 0,
        class_pull: float | None = 0.1,
        supcon_weight: float = 0.1,
        scale: float | None = None,
        epochs: int = 100,
        lr: float = 1e-3,
        weight_decay: float = 1e-2,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.model = model
        if check_matrix(class_embeddings, "class_embeddings", finite=False).requires_grad:
            class_embeddings = class_embeddings.detach()
        self.register_buffer("class_embeddings", _recorded(class_embeddings))
        self.num_prompts = num_prompts
        self.class_pull = class_pull
        self.supcon_weight = supcon_weight
        self.scale = scale
        self.epochs = epochs
        self.lr = lr
        self.weight_decay = weight_decay
        self.seed = seed
        self._build()

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "model":  # a submodule's weights would be trained and saved here
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    def _build(self) -> None:
        """Make the prompts as they are before a fit."""
        tower = check_tower(self.model).graph_model
        check_matrix(self.class_embeddings, "class_embeddings", cols=tower.out_channels)
        if any(weight.is_inference() for weight in self.model.parameters()):
            raise ValueError(
                "model was made in torch.inference_mode(), so that no gradient passes it: make or "
                "load it outside"
            )
        shape = (check_int(self.num_prompts, "num_prompts", minimum=0), tower.in_channels)
        self.prompts = nn.Parameter(torch.zeros(shape))
        keys = torch.randn(shape, generator=make_generator(self.seed), device="cpu")
        self.keys = nn.Parameter(keys.to(self.prompts.device))
        self.class_prompts = nn.Parameter(torch.zeros_like(self.class_embeddings).float())

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> PromptTuner:
        """Move the tower along (``to``, ``cuda``, ``double``)."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if recurse:
            self.model._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Add the prompts to node features ``(N, D)``.

        Args:
            x (Tensor): Node features, ``(N, D)``.

        Returns:
            Tensor: ``(N, D)``.

        Raises:
            TypeError, ValueError: If ``x`` is no matrix of the width of the prompts.
        """
        x = check_matrix(x, "x", cols=self.prompts.size(1), finite=False)
        if self.prompts.size(0) == 0:
            return x
        # Where the features are, which may be too many for the device of the tower.
        keys, prompts = self.keys.to(x), self.prompts.to(x)
        return x + (x @ keys.t()).softmax(1) @ prompts

    @torch.inference_mode(False)
    @torch.enable_grad()
    def fit(
        self,
        x: FeatureRows,
        store: SubgraphStore,
        y: Tensor,
        *,
        callback: Callback | None = None,
    ) -> Self:
        """Learn the prompts from labelled subgraphs, from the start at every call.

        Args:
            x (Tensor or EmbeddingStore): Node features of the whole graph, ``(N, D)``, of which
                the rows of the labelled subgraphs are read.
            store (SubgraphStore): The labelled subgraphs, a few per class.
            y (Tensor): Their classes, ``(P,)``.
            callback (callable, optional): Called with the rows of ``history_``; may raise to
                interrupt, and the prompts are then as before.

        Returns:
            PromptTuner: This object.

        Raises:
            TypeError, ValueError, IndexError: If a parameter or an argument is malformed.
            FloatingPointError: If the loss stops being finite.
        """
        self._check_parameters()
        y = check_index(y, self.class_embeddings.size(0), "y", length=len(store))
        y = _recorded(y).to(self.class_prompts.device)
        if y.numel() < 2:
            raise ValueError(f"store must hold at least two labelled subgraphs, got {y.numel()}")
        rows = check_feature_rows(x, "x", cols=self.model.graph_model.in_channels)
        history: list[dict[str, Any]] = []

        def record(part: str, epoch: int, loss: Tensor) -> None:
            value = finite_loss(loss, f"epoch {epoch}", of=f"the prompts of {part}")
            history.append({"part": part, "epoch": epoch, "loss": value})
            if callback is not None:
                callback(history[-1])

        with self._kept_on_error():
            self._restart()
            if self.num_prompts:
                with _frozen(self.model):
                    self._fit_nodes(rows, store, y, record)
            if self.class_pull is not None:
                with torch.no_grad():
                    graph = normalize(self.model.encode(_PromptedRows(self, rows), store))
                self._fit_classes(graph, y, self.class_pull, record)
        self.history_ = history
        return self

    @contextmanager
    def _kept_on_error(self) -> Iterator[None]:
        """The prompts of before where a fit does not come to its end; it makes others."""
        before = self.prompts, self.keys, self.class_prompts
        try:
            yield
        except BaseException:
            self.prompts, self.keys, self.class_prompts = before
            raise

    def _check_parameters(self) -> None:
        check_int(self.epochs, "epochs", minimum=1)
        check_positive(self.lr, "lr")
        check_nonnegative(self.weight_decay, "weight_decay")
        check_nonnegative(self.supcon_weight, "supcon_weight")
        for name in ("scale", "class_pull"):
            if getattr(self, name) is not None:
                check_positive(getattr(self, name), name)

    def _restart(self) -> None:
        """Make the prompts anew, of the type and on the device they have."""
        like = self.class_prompts
        self._build()
        # Not Module.to, which takes the tower along.
        for values in (self.prompts, self.keys, self.class_prompts):
            values.data = values.data.to(like)

    def _classes(self) -> Tensor:
        """Unit embeddings of the classes before their prompts."""
        return normalize(self.class_embeddings.float()).to(self.class_prompts)

    def _scale(self) -> float:
        if self.scale is not None:
            return self.scale
        return math.exp(float(self.model.criterion.logit_scale.detach()))

    def _fit_nodes(self, x: FeatureRows, store: SubgraphStore, y: Tensor, record: Record) -> None:
        classes, scale = self._classes(), self._scale()
        prompts = [self.prompts, self.keys]
        optimizer = torch.optim.AdamW(prompts, lr=self.lr, weight_decay=self.weight_decay)
        batch = store.batch(torch.arange(len(store), device="cpu"))
        check_range(batch.node, x.shape[0], "store.node")
        # Their features are few: read once, and no others.
        nodes, place = batch.node.unique(return_inverse=True)
        seen = _recorded(x[nodes]).float()
        require_finite(seen, "x of the labelled subgraphs", 0)
        batch = batch._replace(node=place)
        length = self.model.graph_model.walk_length
        pe = random_walk_encoding(batch.edge_index, batch.batch, len(store), length)
        for epoch in track(range(self.epochs), "prompts", unit="epochs"):
            # The rate falls to zero: with few labels the last steps must be small.
            optimizer.param_groups[0]["lr"] = self.lr * (1 - epoch / self.epochs)
            optimizer.zero_grad()
            graph = normalize(self.model.embed(self(seen), batch, pe))
            loss = cross_entropy(scale * graph @ classes.t(), y)
            if self.supcon_weight:
                views = torch.stack([graph, classes[y]], dim=1)
                loss = loss + self.supcon_weight * supcon_loss(views, y)
            record("nodes", epoch, loss)
            loss.backward()
            optimizer.step()

    def _fit_classes(self, graph: Tensor, y: Tensor, pull: float, record: Record) -> None:
        classes, shift, scale = self._classes(), self.class_prompts, self._scale()
        optimizer = torch.optim.LBFGS([shift], max_iter=200, line_search_fn="strong_wolfe")
        graph = graph.to(shift)

        def objective() -> Tensor:
            logits = scale * graph @ (classes + shift).t()
            loss: Tensor = cross_entropy(logits, y) + pull * shift.square().sum()
            return loss

        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = objective()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        optimizer.step(closure)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            record("classes", 0, objective())

    def predict(self, x: FeatureRows, store: SubgraphStore) -> Tensor:
        """Likeliest class of every subgraph with the prompts in place, int64 ``(P,)``.

        Args:
            x (Tensor or EmbeddingStore): Node features of the whole graph, ``(N, D)``.
            store (SubgraphStore): Subgraphs of the nodes in question.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        return self._scores(x, store).argmax(1)

    def predict_proba(self, x: FeatureRows, store: SubgraphStore) -> Tensor:
        """Probabilities of the classes that the prompts were learned with, ``(P, C)``.

        Args:
            x (Tensor or EmbeddingStore): Node features of the whole graph, ``(N, D)``.
            store (SubgraphStore): Subgraphs of the nodes in question.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        return (self._scale() * self._scores(x, store)).softmax(1)

    @torch.no_grad()
    def _scores(self, x: FeatureRows, store: SubgraphStore) -> Tensor:
        """Products of the subgraphs with the classes and their prompts, ``(P, C)``."""
        rows = check_feature_rows(x, "x", cols=self.model.graph_model.in_channels)
        embedding = normalize(self.model.encode(_PromptedRows(self, rows), store))
        classes = (self._classes() + self.class_prompts).to(embedding)
        return embedding @ classes.t()

    # --- files ------------------------------------------------------------------------------------

    def _config(self) -> dict[str, Any]:
        return super()._config() | {"class_embeddings": None}  # which are an array

    def _arrays(self) -> dict[str, Tensor]:
        return dict(self.state_dict())

    @classmethod
    def _restore(cls, config: dict[str, Any], arrays: dict[str, Tensor]) -> Self:
        tuner = cls(**{**config, "class_embeddings": arrays["class_embeddings"]})
        # Assigned, not copied: prompts in double precision stay so.
        tuner.load_state_dict(arrays, assign=True)
        return tuner


class _PromptedRows:
    """Node features with the prompts added, a batch of rows at a time."""

    dtype = torch.float32

    def __init__(self, tuner: PromptTuner, x: FeatureRows) -> None:
        self.shape = (int(x.shape[0]), int(x.shape[1]))
        self._tuner, self._x = tuner, x

    def __getitem__(self, index: Any, /) -> Tensor:
        rows: Tensor = self._tuner(self._x[index].float())
        return rows


def _recorded(tensor: Tensor) -> Tensor:
    """A tensor that gradients may need; those of ``torch.inference_mode()`` are copied."""
    return tensor.clone() if tensor.is_inference() else tensor


@contextmanager
def _frozen(model: nn.Module) -> Iterator[None]:
    """Evaluation without gradients to the weights; afterwards all is as it was."""
    trained = [p for p in model.parameters() if p.requires_grad]
    model.requires_grad_(False)
    try:
        with evaluating(model):
            yield
    finally:
        for weight in trained:
            weight.requires_grad_()
