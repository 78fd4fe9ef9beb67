"""The SDCN autoencoder: a deep MLP whose encoder half starts a clustering network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from graphlab._checks import check_int, check_matrix, check_positive
from graphlab._deprecation import row_callback
from graphlab._progress import Progress
from graphlab._random import random_order
from graphlab._tensor_memo import TensorMemo
from graphlab._training import Callback, finite_loss
from graphlab._user_module import check_encoder, check_output
from graphlab.contrastive.sparse_layout import quiet

__all__ = ["SDCNAutoEncoder", "pretrain_autoencoder", "pretrain_encoder"]

#: Loss of some rows, by their numbers.
LossOfRows = Callable[[Tensor], Tensor]


class SDCNAutoEncoder(nn.Module):
    r"""Multi-layer autoencoder F - 500 - 500 - 2000 - D - 2000 - 500 - 500 - F.

    ReLU after every hidden layer; the embedding and the reconstruction are linear. The encoder
    alone is :attr:`encoder`.

    Args:
        in_channels (int): Number of features F.
        hidden_channels (sequence of int): Widths of the encoder's hidden layers.
        out_channels (int): Width D of the embedding.
        generator (torch.Generator, optional): Source of the initial weights (those of
            ``torch.nn.Linear``); torch's global generator if missing.

    Shapes:
        - x: ``(N, F)`` dense, or sparse CSR for the encoder.
        - output: ``(reconstruction (N, F), z (N, D))``.

    Reference: Bo et al., "Structural Deep Clustering Network", WWW 2020, arXiv:2002.01633.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: Sequence[int] = (500, 500, 2000),
        out_channels: int = 10,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        widths = [in_channels, *hidden_channels, out_channels]
        for width in widths:
            check_int(width, "in_channels, hidden_channels and out_channels", minimum=1)
        self.encoder = _mlp(widths)
        self.decoder = _mlp(widths[::-1])
        for module in self.modules():
            if isinstance(module, nn.Linear):
                _initialise(module, generator)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Reconstruction and embedding.

        Args:
            x (Tensor): Features ``(N, F)``.

        Returns:
            tuple: ``(N, F)`` and ``(N, D)``.
        """
        z = self.encoder(check_matrix(x, "x", cols=_features(self), finite=False, csr=True))
        return self.decoder(z), z


class _Linear(nn.Linear):
    """A linear layer that also reads sparse CSR rows."""

    def __init__(
        self, in_features: int, out_features: int, *, device: torch.device | str | None = None
    ) -> None:
        super().__init__(in_features, out_features, device=device)  # as skip_init asks for
        self._memo: TensorMemo[Tensor] = TensorMemo()

    def forward(self, x: Tensor) -> Tensor:
        if x.layout == torch.strided:
            return super().forward(x)
        out: Tensor = _SparseLinear.apply(x, self.weight, self._memo)  # type: ignore[no-untyped-call]
        return out + self.bias


class _SparseLinear(torch.autograd.Function):
    """Sparse rows times a dense matrix, without a gradient to the rows.

    torch's own formula transposes the features anew in every backward pass; here it is done once
    per tensor, since they do not change during a training.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, memo: TensorMemo[Tensor]) -> Tensor:
        ctx.x, ctx.memo = x, memo
        return x @ weight.t()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, None]:
        columns = ctx.memo.get((ctx.x,), lambda: _transposed(ctx.x))
        return None, (columns @ grad.contiguous()).t(), None


def _transposed(x: Tensor) -> Tensor:
    with quiet():
        # CSR of the transpose, so that the product reads it row by row.
        return x.t().to_sparse_csr()


def _mlp(widths: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        # Weights are drawn once, later: a constructor's draw would advance torch's generator.
        layers += [nn.utils.skip_init(_Linear, fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@torch.no_grad()
def _initialise(layer: nn.Linear, generator: torch.Generator | None) -> None:
    """Draw weights as ``torch.nn.Linear`` does, from a generator of the caller."""
    bound = 1 / math.sqrt(layer.in_features)
    layer.weight.uniform_(-bound, bound, generator=generator)
    layer.bias.uniform_(-bound, bound, generator=generator)


def pretrain_autoencoder(
    model: SDCNAutoEncoder,
    x: Tensor,
    *,
    epochs: int = 30,
    lr: float = 1e-3,
    batch_size: int = 256,
    generator: torch.Generator | None = None,
    callback: Callback | None = None,
) -> SDCNAutoEncoder:
    """Train an autoencoder on raw features by the SDCN recipe.

    Adam at a constant rate, shuffled mini-batches, plain mean squared error, last epoch kept.

    Args:
        model (SDCNAutoEncoder): Trained in place.
        x (Tensor): Features, dense floating point ``(N, F)``, on the device of the model.
        epochs (int): Passes over the rows, 0 for none.
        lr (float): Learning rate.
        batch_size (int): Rows per step.
        generator (torch.Generator, optional): CPU generator of the shuffles.
        callback (callable, optional): Called as ``callback(row)`` after every epoch, with its
            number ``"epoch"`` and the mean ``"loss"`` over the rows.

    Returns:
        SDCNAutoEncoder: ``model``.

    Raises:
        TypeError, ValueError: If an argument is malformed.
    """
    if not isinstance(model, SDCNAutoEncoder):
        raise TypeError(f"model must be an SDCNAutoEncoder, got {type(model).__name__}")
    x = check_matrix(x, "x", cols=_features(model))

    def loss(rows: Tensor) -> Tensor:
        batch = x[rows]
        return nn.functional.mse_loss(model(batch)[0], batch)

    _train_by_rows(model, loss, x, epochs, lr, batch_size, generator, callback)
    return model


def pretrain_encoder(
    encoder: nn.Module,
    x: Tensor,
    target: Tensor,
    *,
    epochs: int = 30,
    lr: float = 1e-3,
    batch_size: int = 256,
    generator: torch.Generator | None = None,
    callback: Callback | None = None,
) -> nn.Module:
    """Train an encoder to give a known embedding from the features alone.

    With :func:`smoothed_features` as the target it learns what the graph says about a node, and
    needs no graph for new nodes. Adam at a constant rate, shuffled mini-batches, mean squared
    error, last epoch kept.

    Args:
        encoder (nn.Module): From ``(B, F)`` to ``(B, D)``; trained in place. That of
            :class:`SDCNAutoEncoder` reads sparse rows, any other needs dense ``x``.
        x (Tensor): Features ``(N, F)``, dense or sparse CSR, on the device of the encoder.
        target (Tensor): Embedding ``(N, D)``, floating point, finite.
        epochs (int): Passes over the rows, 0 for none.
        lr (float): Learning rate.
        batch_size (int): Rows per step.
        generator (torch.Generator, optional): CPU generator of the shuffles.
        callback (callable, optional): Called as ``callback(row)`` after every epoch, with its
            number ``"epoch"`` and the mean ``"loss"`` over the rows.

    Returns:
        nn.Module: ``encoder``.

    Raises:
        TypeError, ValueError: If an argument is malformed.
    """
    check_encoder(encoder)
    x = check_matrix(x, "x", csr=True)
    target = check_matrix(target, "target", rows=x.size(0)).detach()

    def loss(rows: Tensor) -> Tensor:
        z = check_output(encoder(_rows(x, rows)), rows.numel(), "encoder(x)", cols=target.size(1))
        return nn.functional.mse_loss(z, target[rows])

    _train_by_rows(encoder, loss, x, epochs, lr, batch_size, generator, callback)
    return encoder


def _train_by_rows(
    model: nn.Module,
    loss: LossOfRows,
    x: Tensor,
    epochs: int,
    lr: float,
    batch_size: int,
    generator: torch.Generator | None,
    callback: Callback | None,
) -> None:
    """Adam over shuffled batches of rows."""
    check_int(epochs, "epochs", minimum=0)
    batch_size = check_int(batch_size, "batch_size", minimum=1)
    if callback is not None:
        callback = row_callback(
            callback, "callback(epoch, loss)", lambda row: (row["epoch"], row["loss"])
        )
    optimizer = torch.optim.Adam(model.parameters(), lr=check_positive(lr, "lr"))
    steps = epochs * -(-x.size(0) // batch_size)
    with Progress(steps, "pretrain encoder", unit="steps") as progress:
        for epoch in range(epochs):
            total = 0.0
            order = random_order(x.size(0), generator, x.device)
            for rows in order.split(batch_size):
                value = loss(rows)
                number = finite_loss(value, f"epoch {epoch} of the pretraining of the encoder")
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                # The last batch may be smaller: the mean is over rows, not over batches.
                total += number * rows.numel()
                progress.update()
            if callback is not None:
                callback({"epoch": epoch, "loss": total / max(1, x.size(0))})


def _rows(x: Tensor, rows: Tensor) -> Tensor:
    """Some rows of a dense or of a sparse matrix."""
    if x.layout == torch.strided:
        return x[rows]
    begin = x.crow_indices()[rows]
    count = x.crow_indices()[rows + 1] - begin
    crow = torch.cat([count.new_zeros(1), count.cumsum(0)])
    place = torch.arange(int(crow[-1]), device=x.device)
    entry = torch.repeat_interleave(begin - crow[:-1], count) + place
    parts = (crow, x.col_indices()[entry], x.values()[entry])
    with quiet():
        return torch.sparse_csr_tensor(
            *parts, size=(rows.numel(), x.size(1)), device=x.device, check_invariants=False
        )


def _features(model: SDCNAutoEncoder) -> int:
    first = model.encoder[0]
    return int(first.in_features) if isinstance(first, nn.Linear) else -1
