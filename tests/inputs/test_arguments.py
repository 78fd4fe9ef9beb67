"""One table of faults: every public function, and what is wrong about each of its arguments.

A row is a fault of one kind of argument; the error names the argument, and nothing is computed from
what is none. Graphs, pairs, networks, encoders, paths and tables have tables of their own beside
this one, the operators and the losses theirs in their rooms; what calls a language model or holds
more than an argument can say has tests by hand, which are named here.
"""

from __future__ import annotations

import inspect
import re
import warnings
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor

from tests._data import REPOSITORY
from tests._rows import rows
from tests.contrastive.test_wrong_arguments import CALLS as OF_LOSSES
from tests.inputs import _elsewhere
from tests.inputs._argument_calls import asking, evaluate, learned, texts
from tests.inputs._public import every_function, pairs, takers
from tests.inputs._wrong import wrong

CALLS = evaluate.CALLS | learned.CALLS | texts.CALLS | asking.CALLS
ERRORS = (TypeError, ValueError, IndexError, NotImplementedError)


def of_losses() -> set[str]:
    """Functions of the table of hosts and losses, by the name that the class gives them."""
    found = set()
    for function, _ in OF_LOSSES.values():
        if isinstance(function, type):
            found.add(function.__init__.__qualname__)
        else:
            found.add(function.__qualname__)
        if hasattr(function, "forward"):
            found.add(function.forward.__qualname__)
    return found


def test_every_public_function_has_its_faults_tested() -> None:
    kinds = ("graph", "encoder", "text encoder", "path", "table")
    known = {name for kind in kinds for name in takers(kind)}
    known |= {argument.rpartition(".")[0] for argument in pairs()}
    known |= of_losses()
    lists = (CALLS, _elsewhere.BY_HAND, _elsewhere.NOTHING_TO_CHECK)
    listed = {name for names in lists for name in names}
    assert len(listed) == sum(map(len, lists))  # each in one of them
    public = {
        function.__qualname__
        for function in every_function()
        if not function.__module__.startswith("graphlab.ops")  # tests/ops/test_wrong_arguments.py
        and takes_anything(function)
    }
    assert sorted(public - known - listed) == []
    assert sorted(listed - public) == []  # a name that is gone


def takes_anything(function: Any) -> bool:
    return bool(set(inspect.signature(inspect.unwrap(function)).parameters) - {"self", "cls"})


@pytest.mark.parametrize("path", sorted(set(_elsewhere.BY_HAND.values())))
def test_files_of_tests_by_hand_speak_of_their_functions(path: str) -> None:
    text = (REPOSITORY / "tests" / path).read_text(encoding="utf-8")
    assert "pytest.raises" in text
    names = [name for name, file in _elsewhere.BY_HAND.items() if file == path]
    missing = [n for n in names if not re.search(rf"\b{_spoken(n)}\b", text)]
    assert missing == []


def _spoken(name: str) -> str:
    """How a test writes a name: that of the method, or of the class of a constructor."""
    owner, _, method = name.rpartition(".")
    return owner if method in ("__init__", "__call__") else method


def numbers(found: Any) -> list[Tensor]:
    """Tensors and arrays of floating point numbers in a result."""
    if isinstance(found, (list, tuple)):
        return [tensor for one in found for tensor in numbers(one)]
    if isinstance(found, dict):
        return numbers(list(found.values()))
    if isinstance(found, (Tensor, numpy.ndarray, float)):
        tensor = torch.as_tensor(found)
        return [tensor] if tensor.is_floating_point() else []
    return []


@pytest.mark.parametrize("name", CALLS)
def test_the_call_itself_works(name: str) -> None:
    function, arguments = CALLS[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = function(**arguments)
    if name not in _elsewhere.UNDEFINED:
        assert all(bool(tensor.isfinite().all()) for tensor in numbers(found))


@pytest.mark.parametrize("name", CALLS)
def test_what_is_wrong_is_named(name: str) -> None:
    _, names = CALLS[name]()
    with rows() as table, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for argument in names:
            for kind, bad in wrong(names[argument]):
                if _elsewhere.allowed(name, argument, kind):
                    continue
                function, arguments = CALLS[name]()
                row = table.row(f"{argument}, {kind}")
                with row, pytest.raises(ERRORS, match=rf"\b{argument}\b"):
                    function(**arguments | {argument: bad})


def test_a_reason_is_about_a_row() -> None:
    for name, argument, kind in _elsewhere.ALLOWED:
        arguments = {} if name == "*" else CALLS[name]()[1]
        assert (
            name == "*"
            or argument == "*"
            or kind == "*"
            or kind in dict(wrong(arguments[argument]))
        ), (name, argument, kind)
