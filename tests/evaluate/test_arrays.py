"""Probes and metrics take numpy arrays where they take tensors, with the same results."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from graphlab import evaluate
from tests.inputs._argument_calls.evaluate import CALLS as CALLS_OF_ALL
from tests.test_inputs import NODES, PLAIN, features

Call = tuple[Callable[..., Any], dict[str, Any]]

X = features()
SCORES = X @ X.t()
LISTS = torch.tensor([0, 2, 4]), torch.tensor([1, 2, 0, 3])
#: Edges are tensors everywhere in the library.
PAIRS = ("edge_index", "ground_truth", "exclude")

CALLS: dict[str, Callable[[], Call]] = {
    **{name: call for name, call in CALLS_OF_ALL.items() if hasattr(evaluate, name)},
    "filtered_ranks with known": lambda: (
        evaluate.filtered_ranks,
        {"query": X[:2], "entity": X, "truth": torch.tensor([1, 3]), "known": LISTS},
    ),
    "linear_probe with indices": lambda: (
        evaluate.linear_probe,
        {
            **{"z": torch.eye(3).repeat(20, 1), "y": torch.arange(60) % 3},
            "split": {
                name: torch.arange(20 * i, 20 * i + 20)
                for i, name in enumerate(("train", "val", "test"))
            },
        },
    ),
    "top_predictions": lambda: (
        evaluate.top_predictions,
        {"score": SCORES[:3], "k": 2, "nodes": torch.tensor([0, 1, 2]), "exclude": PLAIN},
    ),
    "top_predictions of rows": lambda: (
        evaluate.top_predictions,
        {"score": None, "k": 2, "z": X, "nodes": torch.tensor([2, 4])},
    ),
    "per_node_link_metrics": lambda: (
        evaluate.per_node_link_metrics,
        {"pred": SCORES, "ground_truth": PLAIN, "k": 2},
    ),
    "per_node_link_metrics of rows": lambda: (
        evaluate.per_node_link_metrics,
        {"z": X, "ground_truth": PLAIN, "k": 2, "nodes": torch.arange(NODES)},
    ),
    "link_ranking_metrics": lambda: (
        evaluate.link_ranking_metrics,
        {"pred": SCORES.argsort(1), "ground_truth": PLAIN, "k": 2},
    ),
    "reconstruction_map": lambda: (
        evaluate.reconstruction_map,
        {"z": X, "edge_index": PLAIN, "hops": (1,)},
    ),
}


def arrays(value: Any) -> Any:
    """The same argument with an array for every tensor."""
    if isinstance(value, Tensor):
        return value.numpy()
    if isinstance(value, dict):
        return {name: arrays(one) for name, one in value.items()}
    return tuple(map(arrays, value)) if isinstance(value, tuple) else value


def holds_arrays(value: Any) -> bool:
    parts = value.values() if isinstance(value, Mapping) else value
    found = isinstance(value, np.ndarray)
    return found or (isinstance(value, (dict, tuple)) and any(map(holds_arrays, parts)))


def as_lists(found: Any) -> Any:
    """A result with the numbers of its tensors."""
    if isinstance(found, Tensor):
        return found.tolist()
    if is_dataclass(found):
        return {field.name: as_lists(getattr(found, field.name)) for field in fields(found)}
    if isinstance(found, dict):
        return {name: as_lists(one) for name, one in found.items()}
    return found


@pytest.mark.parametrize(
    "name", [name for name, call in CALLS.items() if holds_arrays(arrays(call()[1]))]
)
def test_arrays_give_what_tensors_give(name: str) -> None:
    function, given = CALLS[name]()
    generators = {k: v for k, v in CALLS[name]()[1].items() if isinstance(v, torch.Generator)}
    other = {k: v if k in PAIRS else arrays(v) for k, v in given.items()} | generators
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of these small examples
        expected, found = function(**given), function(**other)
    assert repr(as_lists(found)) == repr(as_lists(expected))  # NaN has no other equality


def test_every_function_that_takes_tensors_is_here() -> None:
    known = {call()[0] for call in CALLS.values()}
    annotated = {
        name
        for name in evaluate.__all__
        if "Array" in str(getattr(getattr(evaluate, name), "__annotations__", {}))
    }
    assert annotated <= {function.__name__ for function in known}
    tensors_alone = {
        (name, parameter)
        for name in evaluate.__all__
        if name != "Ranks"  # a result
        for parameter, kind in getattr(getattr(evaluate, name), "__annotations__", {}).items()
        if "Tensor" in str(kind) and "Array" not in str(kind) and parameter != "return"
    }
    assert {parameter for _, parameter in tensors_alone} <= {*PAIRS}, tensors_alone
    assert {"linear_probe", "hits_at_k", "correlation_table", "resolve_split"} <= annotated


@pytest.mark.parametrize("dtype", ["O", "U3", "datetime64[s]", "longdouble"])
def test_arrays_without_numbers_of_torch_are_refused(dtype: str) -> None:
    with pytest.raises(TypeError, match="y must hold numbers that torch has, got an array of"):
        evaluate.linear_probe(X, np.zeros(NODES, dtype=dtype))


def test_arrays_that_hide_values_or_hold_none_are_refused() -> None:
    masked = np.ma.masked_array(
        np.zeros(NODES, dtype=np.int64), mask=[True] + [False] * (NODES - 1)
    )
    with pytest.raises(TypeError, match="y must not be a masked array: fill it"):
        evaluate.linear_probe(X, masked)
    with pytest.raises(TypeError, match="y must hold numbers, got an array of"):
        evaluate.linear_probe(X, np.zeros(NODES, dtype="V0"))


def test_wrong_arrays_are_named_like_tensors() -> None:
    with pytest.raises(TypeError, match="y must be an int64 or int32 tensor, got torch.float64"):
        evaluate.linear_probe(X, np.zeros(NODES))
    with pytest.raises(ValueError, match="z must be finite"):
        evaluate.linear_probe(np.full((NODES, 2), np.nan), np.arange(NODES) % 2)
