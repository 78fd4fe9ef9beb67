"""Several processes under ``torchrun``: one of them owns the files, the others wait for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist

# Embedding the texts of a large source may keep the others waiting for hours.
_PATIENCE = timedelta(hours=24)


def is_main() -> bool:
    """True in the process that writes files and prints."""
    return int(os.environ.get("RANK", "0")) == 0


def several() -> bool:
    """True if ``torchrun`` started more than one process."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def join_ranks(device: torch.device) -> None:
    """Initialise ``torch.distributed`` once, where there are several processes."""
    if not several() or dist.is_initialized():
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)


def agree(answer: bool, device: torch.device) -> bool:
    """The answer of the main process, on all; waits for it."""
    if not several():
        return answer
    flag = torch.tensor([int(answer)], device=device)
    dist.broadcast(flag, 0)
    return bool(flag.item())


@contextmanager
def main_first(device: torch.device) -> Iterator[None]:
    """Let the main process go through a block before the others, which then find its files."""
    if not is_main():
        agree(True, device)
    yield
    if is_main():
        agree(True, device)
