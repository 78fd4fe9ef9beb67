"""The page on training loops does what it says."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader

from tests._data import REPOSITORY

TEXT = (REPOSITORY / "docs" / "training_loops.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
LIGHTNING = [block for block in BLOCKS if "import lightning" in block]


def run(blocks: list[str]) -> dict[str, Any]:
    """Names that the blocks leave, one after the other."""
    names: dict[str, Any] = {"torch": torch}
    for block in blocks:
        exec(compile(block, "docs/training_loops.md", "exec"), names)
    return names


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_examples_run() -> None:
    plain = [block for block in BLOCKS if block not in LIGHTNING]
    assert (len(plain), len(LIGHTNING)) == (5, 3)
    torch._dynamo.reset()
    names = run(plain)
    torch._dynamo.reset()
    assert names["total"] == pytest.approx(float(names["whole"].detach()), rel=1e-4)
    assert names["terms"].shape == (6,)


@pytest.mark.parametrize("name", ["Clusterer", "Contrast", "Alignment"])
def test_lightning_modules_train(name: str, tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning", reason="lightning is no dependency")
    names = run(LIGHTNING)
    ring = torch.stack([torch.arange(24), (torch.arange(24) + 1) % 24])
    edges = torch.cat([ring, ring.flip(0)], dim=1)
    generator = torch.Generator().manual_seed(0)
    x, text = torch.randn(24, 8, generator=generator), torch.randn(24, 6, generator=generator)
    if name == "Clusterer":
        model = names[name](8, 4)
        loader: Any = DataLoader([Data(x=x, edge_index=edges)])
    elif name == "Contrast":
        from torch_geometric.nn import GCN

        model = names[name](GCN(8, 16, 2, 4), 4)
        loader = DataLoader([Data(x=x, edge_index=edges)])
    else:
        model = names[name](x, edges, text)
        loader = torch.utils.data.DataLoader(torch.arange(24), batch_size=12)
    before = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        default_root_dir=tmp_path,
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
        logger=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of lightning about itself
        trainer.fit(model, loader)
    moved = [n for n, p in model.named_parameters() if n in before and not p.equal(before[n])]
    assert len(moved) > len(before) / 2
