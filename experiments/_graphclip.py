"""What the GraphCLIP scripts share: folders of texts, encoders, pairs, models by seed."""

from __future__ import annotations

import csv
import hashlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab import tag
from graphlab._io import atomic_path, read_json
from graphlab.tag import (
    GraphCLIP,
    GraphTextPairs,
    SubgraphSampler,
    SubgraphStore,
    TemplateSummarizer,
    ZeroShotClassifier,
)


@dataclass(frozen=True)
class TextFolder:
    """A graph with texts, read from ``nodes.csv``, ``edges.csv`` and ``classes.json``.

    Attributes:
        name: Name of the folder.
        texts: One per node.
        edge_index: ``(2, E)`` as published.
        y: Classes, ``(N,)``; -1 where unknown.
        class_names: Readable names.
        template: Sentence with ``{c}``.
        join: Between sentence and description.
        descriptions: By class name, or None.
    """

    name: str
    texts: list[str]
    edge_index: Tensor
    y: Tensor
    class_names: list[str]
    template: str = "{c}"
    join: str = ". "
    descriptions: dict[str, str] | None = None


def read_folder(folder: Path, edges: str = "edges.csv") -> TextFolder:
    """Read a folder; ``label_prompts.json`` is optional.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If ids are not 0, 1, 2, ... in order.
    """
    csv.field_size_limit(sys.maxsize)
    with open(folder / "nodes.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if [row["id"] for row in rows] != [str(i) for i in range(len(rows))]:
        raise ValueError(f"{folder / 'nodes.csv'} must have the ids 0, 1, 2, ... in order")
    with open(folder / edges, encoding="utf-8", newline="") as file:
        pairs = [(int(row["src"]), int(row["dst"])) for row in csv.DictReader(file)]
    names = [name.replace("_", " ") for name in read_json(folder / "classes.json")]
    graph = TextFolder(
        folder.name,
        [row["text"].strip() or "(no text)" for row in rows],
        torch.tensor(pairs).reshape(-1, 2).t().contiguous(),
        torch.tensor([int(row.get("label") or -1) for row in rows]),
        names,
    )
    if not (folder / "label_prompts.json").exists():
        return graph
    prompts = read_json(folder / "label_prompts.json")
    return replace(
        graph,
        template=prompts["template"],
        join=prompts.get("join", ". "),
        descriptions={k.replace("_", " "): v for k, v in prompts["descriptions"].items()},
    )


class HashEncoder:
    """Sum of one fixed random vector per word: needs no weights, knows no synonyms."""

    def __init__(self, width: int = 384) -> None:
        self.width = width
        self._words: dict[str, Tensor] = {}

    def encode(self, texts: list[str]) -> Tensor:
        """Embed texts as unit rows."""
        rows = [sum((self._word(w) for w in t.lower().split()), self._word("")) for t in texts]
        return torch.nn.functional.normalize(torch.stack(rows))

    def _word(self, word: str) -> Tensor:
        word = word.strip(".,:;()")
        if word not in self._words:
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:6], "big")
            generator = torch.Generator().manual_seed(seed)
            self._words[word] = torch.randn(self.width, generator=generator)
        return self._words[word]


class CachedEncoder:
    """Keeps embeddings in a folder, one file per set of texts."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self._encoder: Any = None

    def encode(self, texts: list[str]) -> Tensor:
        """Embed texts, or read what was embedded before."""
        digest = hashlib.sha256("\0".join([self.name, *texts]).encode()).hexdigest()[:24]
        path = self.folder / f"{digest}.npy"
        if not path.exists():
            if self._encoder is None:
                self._encoder = _load_encoder(self.name)
            rows = torch.as_tensor(self._encoder.encode(list(texts))).float().cpu()
            with atomic_path(path) as temporary, temporary.open("wb") as file:
                np.save(file, rows.half().numpy(), allow_pickle=False)
        return torch.from_numpy(np.load(path, allow_pickle=False)).float()


def _load_encoder(name: str) -> Any:
    if name == "hash":
        return HashEncoder()
    if hasattr(tag, "TextEncoder"):
        return tag.TextEncoder(name)
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise ImportError(
            "this text encoder needs sentence-transformers: pip install graphlab[tag]"
        ) from error
    return SentenceTransformer(name)


def node_features(graph: TextFolder, encoder: CachedEncoder, stored: str | None) -> Tensor:
    """Embeddings of all node texts; zero rows where a stored file has none.

    Args:
        graph: The graph.
        encoder: Used when nothing is stored.
        stored: Folder with ``<name>.npz`` (array ``emb``) of the same encoder, or None.
    """
    path = None if stored is None else Path(stored) / f"{graph.name}.npz"
    if path is None or not path.exists():
        return encoder.encode(graph.texts)
    with np.load(path, allow_pickle=False) as file:
        rows = torch.from_numpy(file["emb"]).float()
    if rows.size(0) != len(graph.texts):
        raise ValueError(f"{path} must have {len(graph.texts)} rows, got {rows.size(0)}")
    return rows


def make_pairs(
    graph: TextFolder,
    x: Tensor,
    encoder: CachedEncoder,
    sampler: SubgraphSampler,
    count: int,
    seed: int,
) -> GraphTextPairs:
    """At most ``count`` subgraphs of embedded nodes that have a neighbour, with their summaries."""
    known = (x != 0).any(1)
    edges = graph.edge_index[:, known[graph.edge_index].all(0)]
    edges = edges[:, edges[0] != edges[1]]
    nodes = edges.unique()
    order = torch.randperm(nodes.numel(), generator=torch.Generator().manual_seed(seed))
    chosen = nodes[order[:count]].sort().values
    store = sampler.sample(edges, len(graph.texts), chosen)
    summaries = TemplateSummarizer().summarize(graph.texts, store)
    return GraphTextPairs(x, store, encoder.encode(summaries))


def load_model(pattern: str, seed: int) -> GraphCLIP:
    """Load the model of a seed; ``{seed}`` in the pattern stands for it.

    Raises:
        FileNotFoundError: If there is none, naming the command that makes it.
    """
    folder = Path(pattern.replace("{seed}", str(seed)))
    if not folder.is_dir():
        raise FileNotFoundError(
            f"there is no model in {folder}; make it with python -m experiments.graphclip_pretrain"
        )
    return GraphCLIP.from_pretrained(folder)


def classifier(
    model: GraphCLIP, graph: TextFolder, encoder: CachedEncoder, mix: str = "none"
) -> ZeroShotClassifier:
    """Zero-shot classifier with the sentences of a folder."""
    return ZeroShotClassifier(
        model, encoder, graph.class_names, [graph.template], graph.descriptions,
        join=graph.join, mix=mix,
    )  # fmt: skip


def labelled(graph: TextFolder, store: SubgraphStore) -> tuple[SubgraphStore, Tensor]:
    """Subgraphs of the nodes whose class is known, and the classes."""
    index = (graph.y >= 0).nonzero().squeeze(1)
    return store.select(index), graph.y[index]
