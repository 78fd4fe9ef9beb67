"""Small inputs for the tests of GAugLLM."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.tag.gaugllm import EdgeCandidates
from tests._golden import document
from tests._graphs import planted

NODES = 60


def modifier_case(name: str) -> tuple[dict[str, Any], Tensor, EdgeCandidates, Tensor]:
    """A golden graph, its edges, candidates and votes."""
    case = document("tape", name)
    candidates = EdgeCandidates.from_lists(case["candidates"], case["num_nodes"])
    votes = torch.tensor([vote for node in case["llm_votes"] for vote in node])
    return case, torch.tensor(case["edge_index"]), candidates, votes


def pairs(edge_index: Tensor) -> list[tuple[int, int]]:
    return [tuple(pair) for pair in edge_index.t().tolist()]


def seeded(value: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(value)


def toy_graph() -> Data:
    """Three groups with features and mostly edges inside them."""
    return planted(NODES, draws=700, stray=0.05)
