"""One step of a pretraining: views, loss, gradients of all processes, update."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._distributed import all_reduce_sum, is_distributed, rank, world_size
from graphlab._random import derive_seed, seeded
from graphlab._training import finite_loss, warmup_cosine
from graphlab.tag.graphclip.model import GraphCLIP
from graphlab.tag.graphclip.pairs import GraphTextPairs
from graphlab.tag.graphclip.pretraining import noise
from graphlab.tag.graphclip.pretraining.adversarial import adversarial_backward, feature_rms
from graphlab.tag.graphclip.pretraining.assembly import TrainingBatch
from graphlab.tag.graphclip.pretraining.augment import augmented
from graphlab.tag.graphclip.pretraining.config import PretrainConfig
from graphlab.tag.graphclip.pretraining.parts import embed_in_parts

_DROPOUT = 3  # stream of random numbers; the split has 1 and the order 2


class TrainingStep:
    """Steps of one training, with its optimizer.

    Args:
        model (GraphCLIP): Changed in place.
        pairs (GraphTextPairs): Training data, for the scale of its features.
        config (PretrainConfig): Settings.

    Attributes:
        optimizer (torch.optim.AdamW): Over the weights that are trained.
    """

    def __init__(self, model: GraphCLIP, pairs: GraphTextPairs, config: PretrainConfig) -> None:
        self.model, self.config = model, config
        relative = config.adversarial_eps
        self._eps = relative * (feature_rms(pairs.x) if relative else 0)
        self._weights = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self._weights, lr=config.lr, weight_decay=config.weight_decay
        )

    def take(self, batch: TrainingBatch, step: int, total: int) -> float:
        """Update the weights on a batch.

        Args:
            batch (TrainingBatch): Pairs of this process.
            step (int): Number of the step in the training.
            total (int): Steps in all.

        Returns:
            float: Loss of the batch, the mean over the processes.

        Raises:
            FloatingPointError: If the loss is not finite; the weights are then as before.
        """
        config = self.config
        self.optimizer.param_groups[0]["lr"] = self.rate(step, total)
        self.optimizer.zero_grad(set_to_none=True)
        seed = derive_seed(config.seed, _DROPOUT, step, rank())
        with seeded(seed, self.model.device):  # of dropout, which knows no generator
            own_loss = self._backward(batch, step)
        value = torch.tensor(own_loss, dtype=torch.float64, device=self.model.device)
        # The sum is that of all processes, so that none is left waiting by the error of another.
        loss = finite_loss(float(all_reduce_sum(value)) / world_size(), f"step {step}")
        self._average_gradients()
        if config.max_grad_norm:
            torch.nn.utils.clip_grad_norm_(self._weights, config.max_grad_norm)
        self.optimizer.step()
        self.model.criterion.clamp_()
        return loss

    def rate(self, step: int, total: int) -> float:
        """Learning rate of a step, of ``total`` in all."""
        if self.config.schedule != "cosine":
            return self.config.lr
        rise = round(self.config.warmup * total)
        return warmup_cosine(step, self.config.lr, rise, total, first=1)

    def _backward(self, own: TrainingBatch, step: int) -> float:
        """Gradients of the loss of this rank's pairs; returns the loss (of the last pass)."""
        config, device = self.config, self.model.device
        batch = own.to(device, self.model.criterion.logit_scale.dtype)
        x, edge_index = augmented(
            batch.x, batch.edge_index, batch.batch, batch.subgraph,
            config.feature_p, config.edge_p, config.seed, step,
        )  # fmt: skip
        rest = (batch.pe, edge_index, batch.batch, batch.root_index)
        text, text_id = batch.text, batch.text_id if config.guard else None
        names, member = batch.subgraph, batch.batch
        del batch

        def closure(features: Tensor) -> Tensor:
            # The loss is outside: cosines over a temperature need all their digits.
            with torch.autocast(device.type, torch.bfloat16, enabled=config.bf16):
                embedding = self._embed(features, *rest)
            value: Tensor = self.model.criterion(embedding, text, text_id)
            return value

        if self._eps == 0:
            loss = closure(x)
            loss.backward()
            return float(loss.detach())
        clean = [x]
        del x
        losses = adversarial_backward(
            closure,
            clean.pop(),  # handed over: during the passes nothing else holds them
            eps=self._eps,
            steps=config.adversarial_steps,
            delta=self._start(names, member, step),
            accumulate_perturbation=config.accumulate_perturbation,
        )
        return losses[-1]

    def _embed(self, x: Tensor, *rest: Tensor) -> Tensor:
        size = self.config.micro_batch
        if not 0 < size < rest[-1].numel():
            embedding: Tensor = self.model(x, *rest)
            return embedding
        pe, edge_index, member, root_index = rest
        tower = self.model.graph_model
        return embed_in_parts(tower, x, pe, edge_index, member, root_index, size)

    def _start(self, names: Tensor, member: Tensor, step: int) -> Tensor:
        """Random perturbation that the ascent starts from."""
        name = noise.names(names, member, torch.bincount(member, minlength=names.numel()))
        width = self.model.graph_model.in_channels
        delta = noise.uniform(name, width, self.config.seed, step, noise.PERTURBATION)
        return delta.to(self.model.criterion.logit_scale.dtype).mul_(self._eps)

    def _average_gradients(self) -> None:
        """One message per step, whatever the number of inner passes."""
        if not is_distributed():
            return
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in self._weights]
        # One long message: many short ones would wait for each other.
        flat = all_reduce_sum(torch.cat([g.flatten() for g in grads])) / world_size()
        parts = flat.split([g.numel() for g in grads])
        for weight, part in zip(self._weights, parts, strict=True):
            weight.grad = part.view_as(weight).clone()
