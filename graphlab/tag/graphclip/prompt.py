"""Few-shot adaptation of frozen towers by prompts: vectors added to nodes, and to classes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from graphlab._checks import check_index, check_int, check_matrix, check_nonnegative, check_positive
from graphlab._eval_mode import evaluating
from graphlab._random import make_generator
from graphlab.contrastive import supcon_loss
from graphlab.tag.graphclip.model import GraphCLIP
from graphlab.tag.graphclip.positional import random_walk_encoding
from graphlab.tag.graphclip.store import SubgraphStore

__all__ = ["PromptTuner"]


class PromptTuner(nn.Module):
    r"""Learns vectors that are added to the node features and to the classes; towers stay frozen.

    On the side of the graph (GPF-plus; one prompt is GPF),

    .. math:: x_i' = x_i + \sum_k \operatorname{softmax}_k(\langle x_i, a_k \rangle)\, p_k,

    trained on a few labelled subgraphs with

    .. math:: L = \operatorname{CE}(\sigma \langle g(x'), t_c \rangle, y)
        + \lambda \operatorname{SupCon}([g; t_y], y).

    Then, on the side of the text, with these in place, the one minimum of a convex loss,

    .. math:: \min_q \operatorname{CE}(\sigma \langle g(x'), t_c + q_c \rangle, y)
        + \mu \sum_c \lVert q_c \rVert^2 .

    All prompts start at zero, so that tuning starts at the zero-shot classifier, and :math:`\mu`
    pulls back to it. The authors released no code for this step. The first part is ours, after
    their description; the second is a linear probe that starts at the text, as in CLIP's few-shot
    literature, and the better of the two on few labels (see the results).

    Args:
        model (GraphCLIP): The pretrained tower; not changed.
        class_embeddings (Tensor): ``(C, D)``, such as those of a :class:`ZeroShotClassifier`.
        num_prompts (int): k; 0 leaves the nodes alone.
        class_pull (float, optional): :math:`\mu`, above 0; None leaves the classes alone.
        supcon_weight (float): :math:`\lambda`.
        scale (float, optional): :math:`\sigma`; that of the model when missing.
        epochs (int): Steps over all labelled subgraphs, for the prompts of nodes.
        lr (float): Of AdamW, falling linearly to zero.
        weight_decay (float): Of AdamW: pulls the prompts of nodes back to zero.
        seed (int): Of the attention vectors a.

    Raises:
        TypeError, ValueError: If an argument is malformed, or the model was made in
            ``torch.inference_mode()``.

    Reference: Fang et al., "Universal prompt tuning for graph neural networks", NeurIPS 2023; Huang
    et al., "LP++: A surprisingly strong linear probe for few-shot CLIP", CVPR 2024.
    """

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
        width = model.graph_model.in_channels
        check_matrix(class_embeddings, "class_embeddings", cols=model.graph_model.out_channels)
        if any(weight.is_inference() for weight in model.parameters()):
            raise ValueError(
                "model was made in torch.inference_mode(), so that no gradient passes it: make or "
                "load it outside"
            )
        # In a list it is no submodule: its weights are neither trained nor saved here.
        self._held = [model]
        named = normalize(_recorded(class_embeddings.detach()).float())
        self.register_buffer("class_embeddings", named)
        self.epochs = check_int(epochs, "epochs", minimum=1)
        self.lr = check_positive(lr, "lr")
        self.weight_decay = check_nonnegative(weight_decay, "weight_decay")
        self.supcon_weight = check_nonnegative(supcon_weight, "supcon_weight")
        own = math.exp(float(model.criterion.logit_scale.detach()))
        self.scale = own if scale is None else check_positive(scale, "scale")
        count = check_int(num_prompts, "num_prompts", minimum=0)
        self.class_pull = None if class_pull is None else check_positive(class_pull, "class_pull")
        generator = make_generator(seed)
        self.prompts = nn.Parameter(torch.zeros(count, width))
        self.keys = nn.Parameter(torch.randn(count, width, generator=generator))
        self.class_prompts = nn.Parameter(torch.zeros_like(self.class_embeddings))

    @property
    def model(self) -> GraphCLIP:
        """The frozen tower."""
        return self._held[0]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> PromptTuner:
        """Where this module goes (``to``, ``cuda``, ``double``), the tower goes."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if recurse:
            self.model._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Add the prompts to node features ``(N, D)``."""
        if self.prompts.size(0) == 0:
            return x
        # Where the features are, which may be too many for the device of the tower.
        keys, prompts = self.keys.to(x), self.prompts.to(x)
        return x + (x @ keys.t()).softmax(1) @ prompts

    @torch.inference_mode(False)
    @torch.enable_grad()
    def fit(self, x: Tensor, store: SubgraphStore, y: Tensor) -> PromptTuner:
        """Learn the prompts from labelled subgraphs.

        Args:
            x (Tensor): Node features of the whole graph, ``(N, D)``.
            store (SubgraphStore): The labelled subgraphs, a few per class.
            y (Tensor): Their classes, ``(P,)``.

        Returns:
            PromptTuner: This object.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        y = check_index(y, self.class_embeddings.size(0), "y", length=len(store))
        y = _recorded(y).to(self.class_embeddings.device)
        if y.numel() < 2:
            raise ValueError(f"store must hold at least two labelled subgraphs, got {y.numel()}")
        x = _recorded(check_matrix(x, "x", cols=self.model.graph_model.in_channels)).float()
        if self.prompts.size(0):
            with _frozen(self.model):
                self._fit_nodes(x, store, y)
        if self.class_pull is not None:
            with torch.no_grad():
                graph = normalize(self.model.encode(self(x), store))
            self._fit_classes(graph, y, self.class_pull)
        return self

    def _fit_nodes(self, x: Tensor, store: SubgraphStore, y: Tensor) -> None:
        classes = self.class_embeddings
        prompts = [self.prompts, self.keys]
        optimizer = torch.optim.AdamW(prompts, lr=self.lr, weight_decay=self.weight_decay)
        batch = store.batch(torch.arange(len(store)))
        length = self.model.graph_model.walk_length
        pe = random_walk_encoding(batch.edge_index, batch.batch, len(store), length)
        for epoch in range(self.epochs):
            # The rate falls to zero: with few labels the last steps must be small.
            optimizer.param_groups[0]["lr"] = self.lr * (1 - epoch / self.epochs)
            optimizer.zero_grad()
            graph = normalize(self.model.embed(self(x), batch, pe))
            loss = cross_entropy(self.scale * graph @ classes.t(), y)
            if self.supcon_weight:
                views = torch.stack([graph, classes[y]], dim=1)
                loss = loss + self.supcon_weight * supcon_loss(views, y)
            loss.backward()
            optimizer.step()

    def _fit_classes(self, graph: Tensor, y: Tensor, pull: float) -> None:
        shift = self.class_prompts
        optimizer = torch.optim.LBFGS([shift], max_iter=200, line_search_fn="strong_wolfe")
        graph = graph.to(shift)

        def closure() -> Tensor:
            optimizer.zero_grad()
            logits = self.scale * graph @ (self.class_embeddings + shift).t()
            loss: Tensor = cross_entropy(logits, y) + pull * shift.square().sum()
            loss.backward()
            return loss

        optimizer.step(closure)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def predict(self, x: Tensor, store: SubgraphStore) -> Tensor:
        """Return the likeliest class of every subgraph with the prompts in place, ``(P,)``."""
        embedding = normalize(self.model.encode(self(x.float()), store))
        classes = (self.class_embeddings + self.class_prompts).to(embedding)
        return (embedding @ classes.t()).argmax(1)


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
