"""Classifiers of candidates behind one small interface, most of them kept as plain arrays."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from graphlab._random import make_generator, seeded, spawn_seeds
from graphlab.hyper._sets import Floats, Ints
from graphlab.hyper._trees import Forest, averaged, boosted

NAMES = ("mlp", "hgb", "rf", "lr")
_BATCH, _EPOCHS = 200, 200


class Model(Protocol):
    """A fitted binary classifier."""

    def probability(self, x: Floats) -> Floats:
        """Probability of the second class, ``(rows,)``."""


@dataclass(frozen=True)
class Constant:
    """What is learned from one class alone."""

    value: float

    def probability(self, x: Floats) -> Floats:
        """The class seen in training."""
        return np.full(x.shape[0], self.value)


@dataclass(frozen=True, eq=False)
class Layers:
    """Linear layers with ReLU between them and a logistic unit at the end."""

    weights: list[Floats]
    biases: list[Floats]

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
        if x.shape[0] == 0:  # which estimators of other libraries refuse
            return np.zeros(0)
        if isinstance(self.model, nn.Module):
            with torch.no_grad():
                logits = self.model(_like_parameters(self.model, x)).reshape(-1)
            return torch.sigmoid(logits).double().cpu().numpy()
        return np.asarray(self.model.predict_proba(x), dtype=np.float64)[:, 1]


def check_classifier(classifier: Any) -> Any:
    """Require a known name, a torch module or an estimator with ``predict_proba``."""
    if isinstance(classifier, str):
        if classifier not in NAMES:
            raise ValueError(f"classifier must be one of {NAMES}, got {classifier!r}")
    elif not (isinstance(classifier, nn.Module) or hasattr(classifier, "predict_proba")):
        raise TypeError(
            "classifier must be a name, a torch.nn.Module or have fit and predict_proba, "
            f"got {type(classifier).__name__}"
        )
    return classifier


def fit_classifier(classifier: Any, x: Floats, y: Ints, seed: int) -> Model:
    """Train on rows ``(n, F)`` with labels 0 and 1; a single class is learned as a constant."""
    if y.size == 0 or y.min() == y.max():
        return Constant(float(y[0]) if y.size else 0.0)
    if isinstance(classifier, nn.Module):
        return Foreign(_train_module(classifier, x, y, seed))
    if not isinstance(classifier, str):
        return Foreign(copy.deepcopy(classifier).fit(x, y))
    return _BUILDERS[classifier](x, y, seed)


def _mlp(x: Floats, y: Ints, seed: int) -> Model:
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(random_state=seed, max_iter=2000).fit(x, y)
    return Layers(list(model.coefs_), list(model.intercepts_))


def _lr(x: Floats, y: Ints, seed: int) -> Model:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(random_state=seed, max_iter=1000).fit(x, y)
    return Layers([model.coef_.T], [model.intercept_])


def _rf(x: Floats, y: Ints, seed: int) -> Model:
    from sklearn.ensemble import RandomForestClassifier

    # Trees compare in single precision: so do ours, once values and thresholds are of that kind.
    return _Single(averaged(RandomForestClassifier(random_state=seed).fit(x, y)))


def _hgb(x: Floats, y: Ints, seed: int) -> Model:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return boosted(HistGradientBoostingClassifier(random_state=seed).fit(x, y))


_BUILDERS = {"mlp": _mlp, "lr": _lr, "rf": _rf, "hgb": _hgb}


@dataclass(frozen=True, eq=False)
class _Single:
    """A forest that reads float32."""

    forest: Forest

    def probability(self, x: Floats) -> Floats:
        """Probability of the second class, ``(rows,)``."""
        return self.forest.probability(x.astype(np.float32))


@torch.inference_mode(False)
@torch.enable_grad()  # type: ignore[untyped-decorator]
def _train_module(module: nn.Module, x: Floats, y: Ints, seed: int) -> nn.Module:
    """Adam on the logistic loss; the given module stays as it is."""
    model = copy.deepcopy(module).train()
    inputs = _like_parameters(model, x)
    labels = torch.from_numpy(y).to(inputs)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    order, noise = spawn_seeds(seed, 2)
    generator = make_generator(order)
    with seeded(noise, inputs.device):  # of dropout, which knows no generator
        for _ in range(_EPOCHS):
            for batch in torch.randperm(len(labels), generator=generator).split(_BATCH):
                logits = model(inputs[batch]).reshape(-1)
                loss = nn.functional.binary_cross_entropy_with_logits(logits, labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return model.eval()


def _like_parameters(model: nn.Module, x: Floats) -> Tensor:
    """Rows in the type and on the device of the parameters."""
    first = next(model.parameters(), torch.zeros(()))
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
    elif isinstance(model, (Forest, _Single)):
        forest = model if isinstance(model, Forest) else model.forest
        names = ("root", "feature", "threshold", "left", "right", "value")
        parts = {f"forest.{name}": getattr(forest, name) for name in names}
        parts["forest.start"] = np.array([forest.start, float(forest.average)])
    else:
        raise TypeError("only classifiers given by name can be saved; keep the module yourself")
    return {f"{prefix}{name}": torch.from_numpy(np.array(a)) for name, a in parts.items()}


def from_arrays(arrays: dict[str, Tensor], prefix: str) -> Model:
    """The model that :func:`to_arrays` took apart."""
    parts = {k[len(prefix) :]: v.numpy() for k, v in arrays.items() if k.startswith(prefix)}
    if "constant" in parts:
        return Constant(float(parts["constant"][0]))
    if "w0" in parts:
        depth = len(parts) // 2
        return Layers(
            [parts[f"w{i}"] for i in range(depth)], [parts[f"b{i}"] for i in range(depth)]
        )
    start, average = parts.pop("forest.start")
    forest = Forest(
        **{name.split(".")[1]: array for name, array in parts.items()},
        start=float(start),
        average=bool(average),
    )
    return _Single(forest) if forest.average else forest


def finite(x: Floats) -> Floats:
    """Require features without NaN and infinities."""
    if not math.isfinite(float(x.sum())) and not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(f"features must be finite, but row {row} has {x[row, column]} at {column}")
    return x
