"""Every public function that takes a user's network, given networks as people have them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import GCNConv, Linear

from tests._rows import rows
from tests.inputs._network_calls import CALLS, OfFeatures, chain, right
from tests.inputs._public import takers

NAMED = re.compile(r"\b(encoder|decoder|gnn|z|z1|z2|loss|embeddings?|layers?)\b")


def test_every_public_function_of_a_network_is_here() -> None:
    expected = {f"{name}.{given}" for name, all in takers("encoder").items() for given in all}
    assert set(CALLS) == expected


class Spoilt(nn.Module):
    """The right network, whose result is changed."""

    def __init__(self, kind: str, change: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.inner, self.change = right(kind), change

    def forward(self, *given: Any) -> Any:
        return self.change(self.inner(*given))


BROKEN: dict[str, Callable[[Tensor], Any]] = {
    "NaN": lambda z: z * float("nan"),
    "one NaN": lambda z: torch.cat([z[:-1], z[-1:] * float("nan")]),
    "infinity": lambda z: z / 0.0,
    "fewer rows": lambda z: z[:-1],
    "one row": lambda z: z.mean(0, keepdim=True),
    "a vector": lambda z: z.mean(1),
    "three dimensions": lambda z: z.unsqueeze(1),
    "a tuple": lambda z: (z, z),
    "nothing": lambda z: None,
    "an array": lambda z: z.detach().numpy(),
    "whole numbers": lambda z: z.detach().long(),
    "complex numbers": lambda z: z.to(torch.complex64),
    "fewer columns": lambda z: z[:, :-1],
}

#: Here a training may end as a diverged one does, by its loss.
NOT_FINITE = ("NaN", "one NaN", "infinity")

#: What is right although it looks wrong; with the reason.
ALLOWED = {
    ("GBT.__init__.encoder", "fewer columns"): "no width is stated",
    ("SCGC.__init__.encoder", "fewer columns"): "no width is stated",
}


@pytest.mark.parametrize("name", [name for name, (_, kind) in CALLS.items() if kind != "layers"])
def test_network_with_broken_results_is_named(name: str) -> None:
    run, kind = CALLS[name]
    with rows() as table:
        for row, change in BROKEN.items():
            if (name, row) in ALLOWED:
                continue
            errors = (TypeError, ValueError, *((FloatingPointError,) if row in NOT_FINITE else ()))
            with table.row(row), pytest.raises(errors, match=NAMED):
                run(Spoilt(kind, change))


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_network_is_refused(name: str) -> None:
    run, _ = CALLS[name]
    with rows() as table:
        for given in (None, "gcn", GCNConv, 3):
            if given is None and name == "SCGC.__init__.encoder":
                continue  # optional
            with table.row(str(given)), pytest.raises((TypeError, ValueError), match=NAMED):
                run(given)


@pytest.mark.parametrize("name", CALLS)
def test_cached_layers_are_refused(name: str) -> None:
    run, kind = CALLS[name]
    if kind == "features":
        pytest.skip("it is given no graph")
    cached = chain(GCNConv(4, 8, cached=True), GCNConv(8, 5))
    if kind == "decoder":
        cached = GCNConv(5, 4, cached=True)
    with pytest.raises(ValueError, match="cached"):
        run(cached)


@pytest.mark.parametrize("name", CALLS)
def test_lazy_layers_work_or_say_what_to_do(name: str) -> None:
    run, kind = CALLS[name]
    lazy: nn.Module = chain(GCNConv(-1, 8), GCNConv(-1, 5))
    if kind == "features":
        lazy = OfFeatures()
        lazy.linear = Linear(-1, 5)
    elif kind == "decoder":
        lazy = GCNConv(-1, 4)
    try:
        found = run(lazy)
    except ValueError as error:
        assert re.search(r"\b(lazy|sizes)\b", str(error)) and NAMED.search(str(error))
    else:
        assert found.isfinite().all()


@pytest.mark.parametrize("name", CALLS)
def test_network_that_asks_for_more_is_named(name: str) -> None:
    run, kind = CALLS[name]
    if kind in ("layers", "decoder"):
        pytest.skip("its layers are read, or it is given other features")

    class Asking(OfFeatures):
        def forward(self, x: Tensor, edge_index: Tensor, edge_time: Tensor) -> Tensor:  # type: ignore[override]
            return x

    with pytest.raises(TypeError, match="edge_time"):
        run(Asking())
