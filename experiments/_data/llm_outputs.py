"""Graphs with stored answers of language models: one folder each, two layouts.

``citeseer_tag`` has tables with texts, ``cora_tape`` arrays without; both have ``gpt_preds.csv``
and ``llm_edge_similarity.csv``.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from graphlab._io import read_json, user_path
from graphlab.tag import check_alignment
from graphlab.tag.gaugllm import EdgeCandidates

FOLDERS = {"citeseer": "citeseer_tag", "cora": "cora_tape"}
_BERT_WIDTH = 768
_TOP = 5  # neighbours a model may choose at most


@dataclass(frozen=True)
class Stored:
    """A graph with stored answers of language models.

    Attributes:
        x (Tensor): Features ``(N, F)``, unit rows.
        y (Tensor): Classes ``(N,)``.
        edge_index (Tensor): Both directions of every edge, sorted, no loops.
        ranked (Tensor): Predicted classes plus one, best first, 0 for none, ``(N, k)``.
        candidates (EdgeCandidates): Judged pairs, deletions and additions.
        similarity (Tensor): A model's similarity of each pair in [0, 1], NaN if unknown.
        texts (list[str], optional): N texts, or None.
        class_names (tuple[str, ...]): Names of the classes, or nothing.
        num_classes (int): C.
        parts (dict[str, Tensor], optional): Split by which the features were tuned, if they were.
    """

    x: Tensor
    y: Tensor
    edge_index: Tensor
    ranked: Tensor
    candidates: EdgeCandidates
    similarity: Tensor
    texts: list[str] | None
    class_names: tuple[str, ...]
    num_classes: int
    parts: dict[str, Tensor] | None


def read_stored(root: str, dataset: str, features: str, seed: int) -> Stored:
    """Read one of the graphs.

    Args:
        root (str): Folder that holds the folders of the graphs.
        dataset (str): ``"citeseer"`` or ``"cora"``.
        features (str): ``"minilm"`` (CiteSeer), ``"bow"`` or ``"deberta"`` (Cora; tuned on the
            labels of 60 % of the nodes, by seed 0 to 3).
        seed (int): Seed of those.

    Raises:
        ValueError: If the names do not fit, or predictions and labels follow different orders.
        FileNotFoundError: If a file is missing.
    """
    known = {"citeseer": ("minilm",), "cora": ("bow", "deberta")}
    if dataset not in known or features not in known[dataset]:
        raise ValueError(f"dataset and features must be among {known}, got {dataset}, {features}")
    folder = user_path(root, "data") / FOLDERS[dataset]
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}: name its parent by --data")
    texts, names, parts = None, (), None
    if dataset == "citeseer":
        y, edges, texts = _tables(folder)
        names = tuple(read_json(folder / "classes.json"))
        x = torch.from_numpy(np.load(folder / "minilm_L64.f16.npy").astype(np.float32))
    else:
        y, edges, x = _arrays(folder)
        if features == "deberta":
            x, parts = _tuned(folder, y.numel(), seed)
    edges = torch.cat([edges, edges.flip(0)], dim=1)
    edges = edges[:, edges[0] != edges[1]].unique(dim=1)
    count = int(y.max()) + 1
    ranked = _predictions(folder / "gpt_preds.csv", y.numel(), count)
    check_alignment(ranked, y, num_classes=count)
    candidates, similarity = _similarities(folder, edges, y.numel())
    return Stored(
        F.normalize(x, dim=1), y, edges, ranked, candidates, similarity, texts, names, count, parts
    )


def _tables(folder: Path) -> tuple[Tensor, Tensor, list[str]]:
    with open(folder / "nodes.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if [int(row["node"]) for row in rows] != list(range(len(rows))):
        raise ValueError(f"{folder / 'nodes.csv'} must list the nodes in order")
    with open(folder / "edges.csv", encoding="utf-8", newline="") as file:
        ends = [(int(row["src"]), int(row["dst"])) for row in csv.DictReader(file)]
    y = torch.tensor([int(row["label"]) for row in rows])
    return y, torch.tensor(ends).t(), [row["text"] for row in rows]


def _arrays(folder: Path) -> tuple[Tensor, Tensor, Tensor]:
    with np.load(folder / "graph.npz", allow_pickle=False) as file:
        bits = np.unpackbits(file["x_packed"], axis=1).astype(np.float32)
        y, edges = file["y"].astype(np.int64), file["edge_index"].astype(np.int64)
    return torch.from_numpy(y), torch.from_numpy(edges), torch.from_numpy(bits)


def _tuned(folder: Path, count: int, seed: int) -> tuple[Tensor, dict[str, Tensor]]:
    """Features of a tuned model, and the split that it was tuned with."""
    path = folder / f"deberta-base-seed{seed}.emb"
    values = np.fromfile(path, dtype=np.float16)
    if values.size != count * _BERT_WIDTH:
        raise ValueError(
            f"{path} must hold {count} rows of {_BERT_WIDTH}, got {values.size} values"
        )
    order = np.arange(count)
    np.random.RandomState(seed).shuffle(order)
    cuts = np.split(order, [int(0.6 * count), int(0.8 * count)])
    parts = {
        name: torch.from_numpy(np.sort(part))
        for name, part in zip(("train", "val", "test"), cuts, strict=True)
    }
    return torch.from_numpy(values.astype(np.float32)).view(count, _BERT_WIDTH), parts


def _predictions(path: Path, count: int, num_classes: int) -> Tensor:
    """Distinct classes plus one in their order, 0 for none."""
    ranked = torch.zeros(count, num_classes, dtype=torch.long)
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))  # keeps empty lines: nodes without a prediction
    if len(rows) != count:
        raise ValueError(f"{path} must have {count} rows, got {len(rows)}")
    for node, row in enumerate(rows):
        classes = list(dict.fromkeys(int(value) for value in row if value.strip()))
        if classes and not 0 <= min(classes) <= max(classes) < num_classes:
            raise ValueError(f"{path}: row {node} must hold classes below {num_classes}: {row}")
        ranked[node, : len(classes)] = torch.tensor(classes, dtype=torch.long) + 1
    return ranked


def _similarities(folder: Path, edges: Tensor, count: int) -> tuple[EdgeCandidates, Tensor]:
    """Judged pairs and their similarity; chosen neighbours count as similarity 1."""
    judged: dict[tuple[int, int], tuple[int, float]] = {}
    with open(folder / "llm_edge_similarity.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            value = max(0.0, float(row["sim_low"]))  # the lowest bin begins below zero
            judged[int(row["src"]), int(row["dst"])] = (1 - int(row["is_edge"]), value)
    path = folder / "llm_neighbor_choice.json"
    for key, chosen in (read_json(path) if path.exists() else {}).items():
        near = edges[1, edges[0] == int(key)].tolist()
        for other in near:
            # A full list says nothing about those that are not on it.
            rest = float("nan") if len(chosen) >= _TOP else 0.0
            judged.setdefault((int(key), other), (0, 1.0 if other in chosen else rest))
    pairs = torch.tensor(list(judged))
    kind = torch.tensor([kind for kind, _ in judged.values()])
    similarity = torch.tensor([value for _, value in judged.values()])
    candidates = EdgeCandidates(pairs[:, 0], pairs[:, 1], kind, count)
    return candidates.check_graph(edges), similarity
