"""Fitted classifiers behind one small interface, most of them kept as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from graphlab.hyper._sets import Floats
from graphlab.hyper._trees import Forest


class Model(Protocol):
    """A fitted binary classifier."""

    def probability(self, x: Floats) -> Floats:
        """Probability of the second class, ``(rows,)``."""


@dataclass(frozen=True)
class Constant:
    """Model of one class alone."""

    value: float

    def probability(self, x: Floats) -> Floats:
        """The class seen in training."""
        return np.full(x.shape[0], self.value)


@dataclass(frozen=True, eq=False)
class Layers:
    """Linear layers with ReLU between them and a logistic unit at the end."""

    weights: list[Floats]
    biases: list[Floats]

    def check(self) -> None:
        """Require layers that fit together.

        Raises:
            ValueError: If the arrays, which a file may hold, do not.
        """
        if not all(np.isfinite(array).all() for array in (*self.weights, *self.biases)):
            raise ValueError("layers must hold finite numbers")
        ends = [*(weight.shape[0] for weight in self.weights if weight.ndim == 2), 1]
        for weight, bias, width in zip(self.weights, self.biases, ends[1:], strict=True):
            if weight.ndim != 2 or weight.shape[1] != width or bias.shape != (width,):
                raise ValueError(
                    f"layers must fit together and end in one number, got weights "
                    f"{[w.shape for w in self.weights]} and biases {[b.shape for b in self.biases]}"
                )

    def probability(self, x: Floats) -> Floats:
        """Probability of the second class, ``(rows,)``."""
        last = len(self.weights) - 1
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = x @ weight + bias
            x = np.maximum(x, 0) if i < last else x
        # Written with tanh, which does not overflow.
        out: Floats = 0.5 * (1 + np.tanh(0.5 * x[:, 0]))
        return out


@dataclass(frozen=True, eq=False)
class Foreign:
    """A user's own estimator or module."""

    model: Any

    def probability(self, x: Floats) -> Floats:
        """Probability of the second class, ``(rows,)``."""
        if x.shape[0] == 0:  # estimators of other libraries refuse to predict for no rows
            return np.zeros(0)
        if isinstance(self.model, nn.Module):
            with torch.no_grad():
                logits = self.model(like_parameters(self.model, x)).reshape(-1)
            return torch.sigmoid(logits).double().cpu().numpy()
        return np.asarray(self.model.predict_proba(x), dtype=np.float64)[:, 1]


@dataclass(frozen=True, eq=False)
class SingleForest:
    """A forest that reads float32."""

    forest: Forest

    def probability(self, x: Floats) -> Floats:
        """Probability of the second class, ``(rows,)``."""
        return self.forest.probability(x.astype(np.float32))


def probabilities(model: Model, x: Floats) -> Floats:
    """Probability of the second class by any model, ``(rows,)``.

    Raises:
        ValueError: If one is missing, NaN or infinite: a comparison would drop it in silence.
    """
    found = model.probability(x)
    if found.shape != x.shape[:1]:
        raise ValueError(f"classifier must give {x.shape[0]} probabilities, got {found.shape}")
    wrong = np.flatnonzero(~np.isfinite(found))
    if wrong.size:
        raise ValueError(
            f"classifier must give finite probabilities, but that of row {wrong[0]} is "
            f"{found[wrong[0]]}"
        )
    return found


def like_parameters(model: nn.Module, x: Floats) -> Tensor:
    """Rows of features in the type and on the device of the parameters of a model."""
    first = next(model.parameters(), torch.zeros((), device="cpu"))
    return torch.from_numpy(x).to(first)


# --- arrays --------------------------------------------------------------------------------------


def to_arrays(model: Model, prefix: str) -> dict[str, Tensor]:
    """The model as named tensors.

    Raises:
        TypeError: If it is a user's own estimator or module.
    """
    parts: dict[str, Any]
    if isinstance(model, Constant):
        parts = {"constant": np.array([model.value])}
    elif isinstance(model, Layers):
        pairs = zip(model.weights, model.biases, strict=True)
        parts = {
            f"{kind}{i}": a
            for i, pair in enumerate(pairs)
            for kind, a in zip("wb", pair, strict=True)
        }
    else:  # a forest, as classifiers of the user's own are not saved
        forest = model.forest if isinstance(model, SingleForest) else cast(Forest, model)
        names = ("root", "feature", "threshold", "left", "right", "value")
        parts = {f"forest.{name}": getattr(forest, name) for name in names}
        parts["forest.start"] = np.array([forest.start, float(forest.average)])
    return {f"{prefix}{name}": torch.from_numpy(np.array(a)) for name, a in parts.items()}


def from_arrays(arrays: dict[str, Tensor], prefix: str) -> Model:
    """The model that :func:`to_arrays` took apart.

    Raises:
        LookupError, TypeError, ValueError: If it did not write these.
    """
    parts = {k[len(prefix) :]: v.numpy() for k, v in arrays.items() if k.startswith(prefix)}
    if "constant" in parts:
        return Constant(float(parts["constant"][0]))
    if "w0" in parts:
        depth = len(parts) // 2
        layers = Layers(
            [parts[f"w{i}"] for i in range(depth)], [parts[f"b{i}"] for i in range(depth)]
        )
        layers.check()
        return layers
    start, average = parts.pop("forest.start")
    forest = Forest(
        **{name.split(".")[1]: array for name, array in parts.items()},
        start=float(start),
        average=bool(average),
    )
    forest.check()
    return SingleForest(forest) if forest.average else forest
