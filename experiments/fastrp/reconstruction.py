"""What a FastRP embedding stores of its graph: which nodes are one, two and three hops away.

For every sampled node all others are ranked by the cosine of their rows; the score is the mean
average precision of the nodes at each distance, with equal scores in expectation. Beside it stand a
random order and the best approximation of the adjacency by as many columns, whose products of rows
are its entries. The task scores the graph that the embedding was made from: it measures memory, not
prediction.

    python -m experiments.fastrp.reconstruction --preset blogcatalog --seeds 0:5
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import numpy as np
import scipy.sparse as sp
import torch
from scipy.sparse.linalg import eigsh
from torch import Tensor

from graphlab.embed import FastRP
from graphlab.evaluate import reconstruction_map

from .._harness import runner
from .._harness.context import Context
from . import run as scripts
from .presets import Config as Classification
from .presets import Weights


@dataclass(frozen=True)
class Config:
    """Settings of a run.

    Attributes:
        dataset (str): As for the classification.
        root (str): Folder of the data; written when a set is read for the first time.
        source (str, optional): Folder with the raw files, only read.
        dims (tuple[int, ...]): Widths of the embedding.
        beta (float): Degree exponent.
        weights (Weights): Weights of the four powers.
        hops (tuple[int, ...]): Distances.
        num_samples (int): Nodes that are ranked for.
        peer (bool): Whether the eigenvectors of the adjacency stand beside.
    """

    dataset: str = "blogcatalog"
    root: str = "data/multilabel"
    source: str | None = None
    dims: tuple[int, ...] = (128, 512)
    beta: float = -0.64
    weights: Weights = (1.0, 1.0, 1.0, 1.0)
    hops: tuple[int, ...] = (1, 2, 3)
    num_samples: int = 1_000
    peer: bool = True


PRESETS: dict[str, Config] = {
    "blogcatalog": Config(),
    "wikipedia": Config(dataset="wikipedia"),
    # Embedded and quick: shows that a figure repeats.
    "smoke": Config(dataset="digits", dims=(16, 64), num_samples=300),
}


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Embed, rank and score."""
    data = scripts.load(
        Classification(dataset=config.dataset, root=config.root, source=config.source)
    ).to(context.device)
    rows: dict[str, dict[str, float]] = {}
    for dim in context.progress(config.dims, desc="widths"):
        model = FastRP(dim=dim, beta=config.beta, weights=config.weights, seed=context.seed)
        rows |= scores(config, context, data, f"FastRP, {dim}", model.fit_transform(data))
        if config.peer:
            z = eigenvectors(data, dim, context.seed)
            rows |= scores(config, context, data, f"eigenvectors, {dim}", z, "dot")
    return rows


def scores(
    config: Config,
    context: Context,
    data: Any,
    name: str,
    z: Tensor,
    score: Literal["cosine", "dot"] = "cosine",
) -> dict[str, dict[str, float]]:
    """One row per distance, and the random order once."""
    found = reconstruction_map(
        z,
        data.edge_index,
        hops=config.hops,
        score=score,
        num_samples=min(config.num_samples, data.num_nodes),
        seed=context.seed,
    )
    rows = {}
    for hop, result in found.items():
        precision = {f"P@{k}": value for k, value in result.precision_at_k.items()}
        rows[f"{name}, {hop} hops"] = {"map": result.map, **precision}
        rows[f"random order, {hop} hops"] = {"map": result.random}
    return rows


def eigenvectors(data: Any, dim: int, seed: int) -> Tensor:
    """Eigenvectors of the adjacency's largest eigenvalues, times the roots of the positive ones.

    Products of their rows are the nearest positive semidefinite matrix of that rank: of all rows of
    this width those that are fitted to the edges themselves.
    """
    count = int(data.num_nodes)
    row, col = data.edge_index.cpu().numpy()
    matrix = sp.csr_matrix((np.ones(row.size), (row, col)), shape=(count, count))
    start = np.random.default_rng(seed).standard_normal(count)
    value, vector = eigsh(matrix, k=min(dim, count - 1), which="LA", v0=start)
    rows = np.ascontiguousarray(vector * np.sqrt(np.maximum(value, 0)))
    return torch.from_numpy(rows).to(data.edge_index.device)


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS)


if __name__ == "__main__":
    main()
