"""Fixtures, hypothesis profiles and marks shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from hypothesis import settings

from tests._data import test_data_root

if TYPE_CHECKING:
    from graphlab.ops.library import LibraryStatus

# Derandomised: a failure of the fast lane is the change's, never the draw's. The nightly profile
# draws anew every time; it is chosen with `--hypothesis-profile nightly`.
settings.register_profile("fast", max_examples=25, deadline=None, derandomize=True, database=None)
settings.register_profile("nightly", max_examples=200, deadline=None, print_blob=True)
settings.load_profile("fast")

# What a slow machine shows of progress is no output of what is tested; tests of it ask for it.
os.environ["GRAPHLAB_PROGRESS"] = "0"

_DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


def pytest_pycollect_makeitem(name: str, obj: object) -> list[pytest.Item] | None:
    """Keeps the helper that tests import from being collected as a test itself."""
    return [] if obj is test_data_root else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drops what this machine has no device or no kernels for, and skips explicit CUDA tests."""
    from graphlab.ops import library

    cuda, compiled = torch.cuda.is_available(), library.status().compiled
    kept, dropped = [], []
    for item in items:
        callspec = getattr(item, "callspec", None)
        on_cuda = callspec is not None and callspec.params.get("device") == "cuda"
        absent = (on_cuda and not cuda) or (item.get_closest_marker("compiled") and not compiled)
        (dropped if absent else kept).append(item)
        if item.get_closest_marker("gpu") and not on_cuda and not cuda:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def pytest_report_header() -> str:
    """Says in the header of a run which kernels it tests."""
    from graphlab.ops import library

    return f"graphlab kernels: {library.status().reason}"


@pytest.fixture(params=_DEVICES)
def device(request: pytest.FixtureRequest) -> torch.device:
    """Every device of this machine in turn."""
    return torch.device(request.param)


@pytest.fixture(scope="session")
def kernels() -> LibraryStatus:
    """Which kernels are active in this run."""
    from graphlab.ops import library

    return library.status()


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder with the real data sets; the test is skipped where there is none."""
    return test_data_root()


@pytest.fixture(autouse=True)
def _leave_global_state_alone() -> Iterator[None]:
    """Fails a test that leaves another default type or determinism mode behind."""
    before = _global_state()
    yield
    after = _global_state()
    if after != before:
        torch.set_default_dtype(before["default dtype"])
        torch.use_deterministic_algorithms(before["deterministic"])
        pytest.fail(f"global state changed from {before} to {after}")


def _global_state() -> dict[str, Any]:
    return {
        "default dtype": torch.get_default_dtype(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "grad": torch.is_grad_enabled(),
    }
