"""Tensors are made on a device that the code names, whatever the default device is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import torch
from torch.utils._device import _device_constructors

from tests._data import REPOSITORY
from tests.house._repository import LIBRARY

#: Functions of torch that follow ``torch.set_default_device``.
FACTORIES = {function.__name__ for function in _device_constructors()} & set(dir(torch))


def calls_without_device(source: str) -> Iterator[int]:
    """Lines of factory calls that leave the device open.

    Parameters of modules follow the default device, as those of torch do, unless a generator draws
    them: it has a device of its own.
    """
    tree = ast.parse(source)
    inside = {
        id(part)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("Parameter")
        for part in ast.walk(call)
    }
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        named = {keyword.arg for keyword in call.keywords}
        if ast.unparse(call.func.value) != "torch" or call.func.attr not in FACTORIES:
            continue
        if named & {"device", None} or (id(call) in inside and "generator" not in named):
            continue
        yield call.lineno


def test_factories_name_their_device() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{line}"
        for path in sorted(LIBRARY.rglob("*.py"))
        for line in calls_without_device(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_the_rule_sees_what_it_is_to_see() -> None:
    source = "a = torch.rand(3, generator=g)\nb = torch.ones(2, device=d)\nc = x.new_ones(2)\n"
    source += "p = nn.Parameter(torch.zeros(2))\nq = nn.Parameter(torch.rand(2, generator=g))\n"
    assert list(calls_without_device(source)) == [1, 5]
