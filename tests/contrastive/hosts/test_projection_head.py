"""The head between embeddings and loss."""

from __future__ import annotations

import torch

from graphlab.contrastive import projection_head
from tests._golden import load


def test_head_equals_the_authors() -> None:
    stored = load("pot", "pot_small_relu", torch.float32)
    head = projection_head(4, 4)
    names = {"0.weight": "fc1_w", "0.bias": "fc1_b", "2.weight": "fc2_w", "2.bias": "fc2_b"}
    head.load_state_dict({ours: stored[theirs] for ours, theirs in names.items()})
    torch.testing.assert_close(head(stored["z1"]), stored["h1"])
    torch.testing.assert_close(head(stored["z2"]), stored["h2"])
