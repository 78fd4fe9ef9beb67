"""Devices that there are, that there are not, and that nobody has heard of."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from graphlab._checks import check_device

CPU_ONLY = "(this torch was built for the CPU only)"


@pytest.mark.parametrize("given", ["cpu", "cpu:0", "meta", torch.device("cpu")])
def test_what_is_always_there_passes(given: Any) -> None:
    assert check_device(given) == torch.device(given)


@pytest.mark.parametrize("given", ["nonsense", "cuda:x", "", None, 1.5, object()])
def test_what_names_no_device_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match=r"^where must be a device such as 'cpu' or 'cuda', got"):
        check_device(given, "where")


@pytest.mark.parametrize(
    ("cuda", "hip", "told"), [(None, None, True), ("13.0", None, False), (None, "6.0", False)]
)
def test_a_device_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, cuda: str | None, hip: str | None, told: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.version, "hip", hip)
    with pytest.raises(ValueError, match=r"^device must be .* 'cuda:3' is not available") as caught:
        check_device("cuda:3")
    assert (CPU_ONLY in str(caught.value)) == told
    assert str(caught.value).endswith(": use 'cpu'")


def test_devices_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for name in ("cuda", "cuda:0", "cuda:1"):
        assert check_device(name) == torch.device(name)
    with pytest.raises(ValueError, match="^device must be below cuda:2, got 'cuda:2'$"):
        check_device("cuda:2")


def test_devices_of_backends_that_say_little(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        with pytest.raises(ValueError, match="'fpga:0' is not available") as caught:
            check_device("fpga:0")
        assert CPU_ONLY not in str(caught.value)

    monkeypatch.delattr(torch, "fpga", raising=False)
    refuse()
    monkeypatch.setattr(torch, "fpga", SimpleNamespace(), raising=False)
    refuse()
    monkeypatch.setattr(torch, "fpga", SimpleNamespace(is_available=lambda: True))
    assert check_device("fpga:0") == torch.device("fpga:0")
    with pytest.raises(ValueError, match="below fpga:1, got 'fpga:1'"):
        check_device("fpga:1")
