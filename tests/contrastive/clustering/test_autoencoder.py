from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from graphlab.contrastive import SDCNAutoEncoder, pretrain_autoencoder, sparse_features


def features(density: float = 0.05) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(50, 40, generator=generator)
    return x * (torch.rand(50, 40, generator=generator) < density)


def test_layout_and_parameter_count() -> None:
    model = SDCNAutoEncoder(40)
    reconstruction, z = model(features())
    assert reconstruction.shape == (50, 40)
    assert z.shape == (50, 10)
    widths = [40, 500, 500, 2000, 10]
    half = sum(a * b + b for a, b in pairwise(widths))
    back = sum(a * b + a for a, b in pairwise(widths))
    assert sum(p.numel() for p in model.parameters()) == half + back
    assert [type(m).__name__ for m in model.encoder].count("ReLU") == 3


def test_starts_like_torch_but_from_its_own_generator() -> None:
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(3)
    model = SDCNAutoEncoder(40, (30,), 5, generator=generator)
    again = SDCNAutoEncoder(40, (30,), 5, generator=torch.Generator().manual_seed(3))
    for a, b in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    weight = model.encoder[0].weight.detach()
    assert float(weight.abs().max()) <= 40**-0.5
    assert float(weight.std()) == pytest.approx(40**-0.5 / 3**0.5, rel=0.05)
    with torch.random.fork_rng():
        linear = nn.Linear(40, 30)
    assert float(linear.weight.detach().abs().max()) <= 40**-0.5
    assert before.shape == torch.get_rng_state().shape


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sparse_rows_give_the_dense_numbers(dtype: torch.dtype) -> None:
    x = features().to(dtype)
    rows = sparse_features(x)
    assert rows.layout == torch.sparse_csr
    model = SDCNAutoEncoder(40, (30,), 5, generator=torch.Generator().manual_seed(0)).to(dtype)
    results = []
    for inputs in (x, rows, rows):  # twice: the transpose is remembered
        model.zero_grad()
        z = model.encoder(inputs)
        z.square().sum().backward()
        results.append((z.detach(), model.encoder[0].weight.grad.clone()))
    for other in results[1:]:
        torch.testing.assert_close(other, results[0])


def test_pretraining_lowers_the_loss_reproducibly() -> None:
    x, runs = features(0.5), []
    for _ in range(2):
        generator = torch.Generator().manual_seed(0)
        model = SDCNAutoEncoder(40, (30,), 5, generator=generator)
        losses: list[float] = []
        pretrain_autoencoder(
            model,
            x,
            epochs=40,
            batch_size=16,
            generator=generator,
            callback=lambda row: losses.append(row["loss"]),  # noqa: B023
        )
        runs.append(losses)
    assert runs[0] == runs[1]
    assert runs[0][-1] < 0.7 * runs[0][0]


def test_callback_of_two_arguments_is_deprecated() -> None:
    model, epochs = SDCNAutoEncoder(40, (30,), 5), []
    with pytest.warns(FutureWarning, match=r"callback\(epoch, loss\) is callback\(row\) now"):
        pretrain_autoencoder(
            model,
            features(),
            epochs=2,
            callback=lambda epoch, loss: epochs.append(epoch),  # type: ignore[misc, arg-type]
        )
    assert epochs == [0, 1]


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="out_channels must be at least 1"):
        SDCNAutoEncoder(40, (30,), 0)
    model = SDCNAutoEncoder(40, (30,), 5)
    with pytest.raises(ValueError, match="x must have 40 columns"):
        pretrain_autoencoder(model, torch.rand(5, 3))
    with pytest.raises(ValueError, match="lr must be positive"):
        pretrain_autoencoder(model, features(), lr=0)
