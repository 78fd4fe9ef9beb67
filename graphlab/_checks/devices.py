"""Devices of the user."""

from __future__ import annotations

from typing import Any

import torch

__all__: list[str] = []


def check_device(value: Any, name: str = "device") -> torch.device:
    """Require a device that torch can compute on here, before any work is done for it."""
    try:
        device = torch.device(value)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"{name} must be a device such as 'cpu' or 'cuda', got {value!r}"
        ) from error
    if device.type in ("cpu", "meta"):
        return device
    backend = getattr(torch, device.type, None)
    available = backend is not None and getattr(backend, "is_available", lambda: False)()
    if not available:
        built = " (this torch was built for the CPU only)" if _cpu_only(device) else ""
        raise ValueError(
            f"{name} must be a device that torch sees, but {str(device)!r} is not available"
            f"{built}: use 'cpu'"
        )
    count = getattr(backend, "device_count", lambda: 1)()
    if device.index is not None and device.index >= count:
        raise ValueError(f"{name} must be below {device.type}:{count}, got {str(device)!r}")
    return device


def _cpu_only(device: torch.device) -> bool:
    return device.type == "cuda" and torch.version.cuda is None and torch.version.hip is None
