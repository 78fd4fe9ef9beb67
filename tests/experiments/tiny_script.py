"""A resumable training script that draws from every generator there is, and can die on request.

Run as ``python -m tests.experiments.tiny_script``; used by the resume tests.
"""

from __future__ import annotations

import os
import random
import signal
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from experiments._harness.context import Context
from experiments._harness.runner import main
from graphlab._io import save_arrays


@dataclass(frozen=True)
class Config:
    """A tiny regression.

    Attributes:
        epochs: Number of steps.
        lr: Step size.
        every: Steps between checkpoints.
        flag: The run dies only while this file exists, and removes it.
        die_at: Step after which to die; -1 for never.
        die_by: ``"raise"``, ``"kill"`` or ``"interrupt"``.
    """

    epochs: int = 12
    lr: float = 1e-2
    every: int = 3
    flag: Path = Path("die")
    die_at: int = 7
    die_by: str = "raise"


PRESETS = {"tiny": Config(), "long": Config(epochs=20)}


def run(config: Config, context: Context) -> dict[str, float]:
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 1))
    model.to(context.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr, amsgrad=True)
    start, saved = 0, context.restore()
    if saved is not None:
        model.load_state_dict(saved.tensors["model"])
        optimizer.load_state_dict(saved.tensors["optimizer"])
        start = saved.step + 1
    for epoch in context.progress(range(start, config.epochs), desc="train"):
        noise = torch.randn(16, 4, generator=context.generator)
        x = noise + random.random() + float(np.random.standard_normal())
        loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        context.log(epoch, loss=loss, drawn=float(np.random.random()))
        if epoch % config.every == 0:
            parts = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            context.checkpoint(epoch, parts, {"best": 0.1})
        if epoch == config.die_at and config.flag.exists():
            config.flag.unlink()
            if config.die_by == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise (KeyboardInterrupt if config.die_by == "interrupt" else RuntimeError)(
                "on request"
            )
    save_arrays(context.artifact("model.safetensors"), model.state_dict())
    return {"loss": float(loss.detach())}


if __name__ == "__main__":
    main(run, Config, PRESETS)
