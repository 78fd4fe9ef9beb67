"""Training of the classifiers that tell hyperedges from other candidates."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from graphlab._progress import track
from graphlab._random import make_generator, random_order, seeded, spawn_seeds
from graphlab._user_module import copied
from graphlab.hyper._models import Constant, Foreign, Layers, Model, SingleForest, like_parameters
from graphlab.hyper._sets import Floats, Ints
from graphlab.hyper._trees import averaged, boosted

NAMES = ("mlp", "hgb", "rf", "lr")
_BATCH, _EPOCHS = 200, 200


def check_classifier(classifier: Any) -> Any:
    """Require a known name, a torch module or an estimator with ``predict_proba``."""
    if isinstance(classifier, str):
        if classifier not in NAMES:
            raise ValueError(f"classifier must be one of {NAMES}, got {classifier!r}")
    elif isinstance(classifier, type):
        raise TypeError(
            f"classifier must be an object, got the class {classifier.__name__}: write "
            f"{classifier.__name__}()"
        )
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

    # The trees of scikit-learn compare in single precision. So does a SingleForest, which casts
    # the values to it as they do.
    return SingleForest(averaged(RandomForestClassifier(random_state=seed).fit(x, y)))


def _hgb(x: Floats, y: Ints, seed: int) -> Model:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return boosted(HistGradientBoostingClassifier(random_state=seed).fit(x, y))


_BUILDERS = {"mlp": _mlp, "lr": _lr, "rf": _rf, "hgb": _hgb}


@torch.inference_mode(False)
@torch.enable_grad()  # type: ignore[untyped-decorator]
def _train_module(module: nn.Module, x: Floats, y: Ints, seed: int) -> nn.Module:
    """Adam on the logistic loss; the given module stays as it is."""
    model = copied(module, "classifier", "the training").train()
    inputs = like_parameters(model, x)
    labels = torch.from_numpy(y).to(inputs)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    order, noise = spawn_seeds(seed, 2)
    generator = make_generator(order)
    with seeded(noise, inputs.device):  # dropout draws from the global generator alone
        for _ in track(range(_EPOCHS), "fit the classifier", unit="epochs"):
            for batch in random_order(len(labels), generator, "cpu").split(_BATCH):
                logits = model(inputs[batch]).reshape(-1)
                loss = nn.functional.binary_cross_entropy_with_logits(logits, labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return model.eval()
