"""The script of link prediction."""

from __future__ import annotations

import random

import torch

from experiments.link_prediction.model import LinkPredictor
from experiments.link_prediction.presets import PRESETS
from experiments.link_prediction.run import load, train_epoch, width
from experiments.link_prediction.split import split_edges


def test_pythons_generator_changes_nothing():
    """Modules draw from it while they are imported, which a run that goes on does later."""
    config = PRESETS["smoke"]
    split = split_edges(load(config), torch.device("cpu"))
    losses = []
    for seed in (0, 1):
        random.seed(seed)
        torch.manual_seed(0)
        model = LinkPredictor(config, "sage", width(split.x), split.num_nodes)
        optimizer = torch.optim.Adam(model.parameters())
        losses.append(train_epoch(config, model, optimizer, split.weights["sage"], split))
    assert losses[0] == losses[1]
