"""Few-shot adaptation of a frozen tower by prompts that are added to its input."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from graphlab._checks import check_index, check_int, check_matrix, check_nonnegative, check_positive
from graphlab._random import make_generator
from graphlab.contrastive import supcon_loss
from graphlab.tag.graphclip.model import GraphCLIP
from graphlab.tag.graphclip.positional import random_walk_encoding
from graphlab.tag.graphclip.store import SubgraphStore

__all__ = ["PromptTuner"]


class PromptTuner(nn.Module):
    r"""Learns a few vectors that are added to the node features; both towers stay frozen.

    .. math:: x_i' = x_i + \sum_k \operatorname{softmax}_k(\langle x_i, a_k \rangle)\, p_k

    (GPF-plus; one prompt is GPF), trained on a few labelled subgraphs with

    .. math:: L = \operatorname{CE}(\sigma \langle g(x'), t_c \rangle, y)
        + \lambda \operatorname{SupCon}([g; t_y], y)

    The prompts start at zero, so that training starts at the zero-shot classifier. The authors
    released no code for this step; the definition is ours, after their description.

    Args:
        model (GraphCLIP): The pretrained tower; not changed.
        class_embeddings (Tensor): ``(C, D)``, such as those of a :class:`ZeroShotClassifier`.
        num_prompts (int): k.
        supcon_weight (float): :math:`\lambda`.
        scale (float, optional): :math:`\sigma`; that of the model when missing.
        epochs (int): Steps over all labelled subgraphs.
        lr (float): Of AdamW, falling linearly to zero.
        weight_decay (float): Of AdamW: pulls the prompts back to the zero-shot classifier.
        seed (int): Of the attention vectors a.

    Raises:
        TypeError, ValueError: If an argument is malformed.
    """

    class_embeddings: Tensor

    def __init__(
        self,
        model: GraphCLIP,
        class_embeddings: Tensor,
        *,
        num_prompts: int = 4,
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
        # In a list it is no submodule: its weights are neither trained nor saved here.
        self._held = [model]
        self.register_buffer("class_embeddings", normalize(class_embeddings.detach().float()))
        self.epochs = check_int(epochs, "epochs", minimum=1)
        self.lr = check_positive(lr, "lr")
        self.weight_decay = check_nonnegative(weight_decay, "weight_decay")
        self.supcon_weight = check_nonnegative(supcon_weight, "supcon_weight")
        own = math.exp(float(model.criterion.logit_scale.detach()))
        self.scale = own if scale is None else check_positive(scale, "scale")
        count = check_int(num_prompts, "num_prompts", minimum=1)
        generator = make_generator(seed)
        self.prompts = nn.Parameter(torch.zeros(count, width))
        self.keys = nn.Parameter(torch.randn(count, width, generator=generator))

    @property
    def model(self) -> GraphCLIP:
        """The frozen tower."""
        return self._held[0]

    def forward(self, x: Tensor) -> Tensor:
        """Add the prompts to node features ``(N, D)``."""
        return x + (x @ self.keys.to(x.dtype).t()).softmax(1) @ self.prompts.to(x.dtype)

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
        classes = self.class_embeddings
        y = check_index(y, classes.size(0), "y", length=len(store))
        if y.numel() < 2:
            raise ValueError(f"store must hold at least two labelled subgraphs, got {y.numel()}")
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=self.weight_decay)
        batch = store.batch(torch.arange(len(store)))
        length = self.model.graph_model.walk_length
        pe = random_walk_encoding(batch.edge_index, batch.batch, len(store), length)
        frozen = [p for p in self.model.parameters() if p.requires_grad]
        training = self.model.training
        self.model.eval().requires_grad_(False)
        try:
            features = x.float()
            for epoch in range(self.epochs):
                # The rate falls to zero: with few labels the last steps must be small.
                optimizer.param_groups[0]["lr"] = self.lr * (1 - epoch / self.epochs)
                optimizer.zero_grad()
                graph = normalize(self.model.embed(self(features), batch, pe))
                loss = cross_entropy(self.scale * graph @ classes.t(), y)
                if self.supcon_weight:
                    views = torch.stack([graph, classes[y]], dim=1)
                    loss = loss + self.supcon_weight * supcon_loss(views, y)
                loss.backward()
                optimizer.step()
        finally:
            for weight in frozen:
                weight.requires_grad_()
            self.model.train(training)
        return self

    @torch.no_grad()
    def predict(self, x: Tensor, store: SubgraphStore) -> Tensor:
        """Return the nearest class of every subgraph with the prompts in place, int64 ``(P,)``."""
        embedding = normalize(self.model.encode(self(x.float()), store))
        return (embedding @ self.class_embeddings.t()).argmax(1)
