"""A call scans each of its arguments for NaN once: on a GPU every scan is a wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from graphlab import contrastive as room
from graphlab._checks import tensors
from tests.contrastive._hosts import WIDTH, encoder, graph

X, EDGES, _ = graph()
Z1, Z2 = torch.randn(2, 60, WIDTH, generator=torch.Generator().manual_seed(0)).unbind()
ARGUMENTS = {"X": X, "Z1": Z1, "Z2": Z2}
CLUSTER = torch.arange(60) % 3
STATISTICS = room.PamCLoss().collect(Z1, CLUSTER)


def pot(mode: str) -> Callable[[], Tensor]:
    term = room.POT(encoder(), EDGES, (0.3, 0.2), mode=mode)
    return lambda: term(torch.tensor(1.0), Z1, Z2, X, views=(EDGES, EDGES))


CALLS: dict[str, Callable[[], object]] = {
    **{
        f"PamCLoss {kind}": lambda kind=kind: room.PamCLoss(0.5, kind)(Z1, EDGES, CLUSTER)
        for kind in ("meta", "meta1", "meta2", "exact", "sampled")
    },
    "PamCLoss.share": lambda: room.PamCLoss().share(Z1, EDGES, CLUSTER, STATISTICS),
    "PamCLoss.diagnose": lambda: room.PamCLoss().diagnose(Z1, CLUSTER),
    "InfoNCELoss": lambda: room.InfoNCELoss(0.5)(Z1, Z2),
    "ProGCLLoss": lambda: room.ProGCLLoss(0.5)(Z1, Z2),
    "POT reference": pot("reference"),
    "POT sound": pot("sound"),
}


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Scans per argument."""
    counter: Counter[str] = Counter()
    check = tensors.check_finite

    def counting(x: Tensor, name: str) -> None:
        for argument, value in ARGUMENTS.items():
            counter[argument] += x is value
        check(x, name)

    monkeypatch.setattr(tensors, "check_finite", counting)
    yield counter


@pytest.mark.parametrize("name", CALLS)
def test_every_argument_is_scanned_once(name: str, scanned: Counter[str]) -> None:
    CALLS[name]()
    assert scanned["Z1"] == 1
    assert all(scanned[argument] <= 1 for argument in ARGUMENTS)
