"""GCA: its augmentations."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from graphlab.contrastive import GCA


@pytest.mark.parametrize("rates", [0.3, (0.3,)])
def test_one_rate_for_two_views_is_refused(rates: object) -> None:
    edges = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(ValueError, match="drop_rate must be a pair"):
        GCA(nn.Linear(2, 2), 2, edge_index=edges, num_nodes=2, drop_rate=rates)  # type: ignore[arg-type]
