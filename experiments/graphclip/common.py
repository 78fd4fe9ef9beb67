"""What the GraphCLIP scripts share: embeddings, pairs, models by seed, the graph to be judged."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from experiments._data.text_sets import EMBEDDED, TextSet, load_text_set
from graphlab._io import atomic_path, file_lock
from graphlab.tag import (
    GraphCLIP,
    GraphTextPairs,
    LLMClient,
    LLMSummarizer,
    SubgraphSampler,
    SubgraphStore,
    TemplateSummarizer,
    TextEncoder,
    ZeroShotClassifier,
)


class CachedEncoder:
    """A :class:`TextEncoder` that keeps whole sets of texts, one file each.

    The encoder is loaded when something is missing, and not before: with all sets at hand neither
    its package nor its weights are needed, nor the time to load them. A set under way is kept row
    by row, and goes on where it was after a kill, with the same batches and so the same numbers.
    ``"hashing"`` keeps nothing.

    Args:
        name: See :class:`TextEncoder`.
        folder: Of the files.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self._encoder: TextEncoder | None = None

    def encode(self, texts: list[str]) -> Tensor:
        """Embed texts, or read what was embedded before."""
        if self.name == "hashing":
            return self._compute(texts)
        digest = hashlib.sha256(
            "\0".join([self.name, *texts]).encode("utf-8", "surrogatepass")
        ).hexdigest()[:24]
        path = self.folder / f"{digest}.npy"
        if not path.exists():
            self._make(texts, path)
        return torch.from_numpy(np.load(path, allow_pickle=False)).float()

    def _make(self, texts: list[str], path: Path) -> None:
        rows = path.with_suffix(".rows")
        with file_lock(path.with_name(f".{path.stem}.lock")):
            if path.exists():  # another process was faster
                return
            # A folder for each set: rows of another would change the batches, and last digits.
            cached = TextEncoder(self._compute, normalize=False, cache_dir=rows, name=self.name)
            found = cached.encode(texts)
            with atomic_path(path) as temporary, temporary.open("wb") as file:
                np.save(file, found.half().numpy(), allow_pickle=False)
            shutil.rmtree(rows, ignore_errors=True)

    def _compute(self, texts: list[str]) -> Tensor:
        if self._encoder is None:
            self._encoder = TextEncoder(self.name)
        return self._encoder.encode(texts)


def node_features(graph: TextSet, encoder: CachedEncoder, stored: str | None) -> Tensor:
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


@dataclass(frozen=True)
class Summaries:
    """Who writes the summaries.

    Attributes:
        by: ``"template"`` or ``"llm"``.
        model: Name of the language model.
        base_url: Its server; see :class:`LLMClient`.
        cache: Folder of the answers.
    """

    by: str = "template"
    model: str = ""
    base_url: str | None = None
    cache: str = "data/text_cache"

    def write(self, texts: list[str], store: SubgraphStore) -> list[str]:
        """One summary per subgraph.

        Raises:
            ValueError: If ``by`` is unknown, or a language model has no name.
        """
        if self.by == "template":
            return TemplateSummarizer().summarize(texts, store)
        if self.by != "llm" or not self.model:
            raise ValueError(
                f"summaries must be 'template', or 'llm' with llm_model, got {self.by!r} "
                f"with {self.model!r}"
            )
        cache = Path(self.cache) / "llm_summaries.db"
        with LLMClient(self.model, base_url=self.base_url, cache=cache) as client:
            return LLMSummarizer(client).summarize(texts, store)


def make_pairs(
    graph: TextSet,
    x: Tensor,
    encoder: CachedEncoder,
    sampler: SubgraphSampler,
    summaries: Summaries,
    count: int,
    seed: int,
) -> GraphTextPairs:
    """At most ``count`` subgraphs of embedded nodes that have a neighbour, with their summaries."""
    known = (x != 0).any(1)
    edges = graph.graph.edge_index
    edges = edges[:, known[edges].all(0) & (edges[0] != edges[1])]
    nodes = edges.unique()
    order = torch.randperm(nodes.numel(), generator=torch.Generator().manual_seed(seed))
    chosen = nodes[order[:count]].sort().values
    store = sampler.sample(edges, x.size(0), chosen)
    return GraphTextPairs(x, store, encoder.encode(summaries.write(graph.texts, store)))


def load_model(pattern: str, seed: int) -> GraphCLIP:
    """Load the model of a seed; ``{seed}`` in the pattern stands for it.

    Raises:
        FileNotFoundError: If there is none, naming the command that makes it.
    """
    folder = Path(pattern.replace("{seed}", str(seed)))
    if not folder.is_dir():
        raise FileNotFoundError(
            f"there is no model in {folder}; make it with python -m experiments.graphclip.pretrain"
        )
    return GraphCLIP.from_pretrained(folder)


def classifier(
    model: GraphCLIP, graph: TextSet, encoder: CachedEncoder, mix: str = "none"
) -> ZeroShotClassifier:
    """Zero-shot classifier with the sentences of a graph."""
    return ZeroShotClassifier(
        model, encoder, graph.class_names, [graph.template], graph.descriptions,
        join=graph.join, mix=mix,
    )  # fmt: skip


def labelled(graph: TextSet, x: Tensor, store: SubgraphStore) -> tuple[SubgraphStore, Tensor]:
    """Subgraphs of the embedded nodes whose class is known, and the classes."""
    index = ((graph.y >= 0) & (x != 0).any(1)).nonzero().squeeze(1)
    return store.select(index), graph.y[index]


# --- the graph to be judged -----------------------------------------------------------------------


@dataclass(frozen=True)
class TargetConfig:
    """What all scripts that apply pretrained models ask for.

    Attributes:
        graph: Folder of the graph, or ``python_stdlib``.
        embeddings: Folder with stored embeddings of the nodes.
        encoder: Text encoder, that of the pretraining.
        cache: Folder of embedded sets of texts.
        model: Folder of the pretrained model of a seed.
        walk_length: Steps of a walk.
        restart: Probability to return to the root.
    """

    graph: str = "data/text_graphs/cora"
    embeddings: str | None = None
    encoder: str = "all-MiniLM-L6-v2"
    cache: str = "data/text_cache"
    model: str = "runs/graphclip/{seed}"
    walk_length: int = 64
    restart: float = 0.5


def target_presets(config_type: Any, **options: Any) -> dict[str, Any]:
    """One preset per target graph, the embedded one among them."""
    names = ("cora", "webkb_cornell", "webkb_texas", "webkb_washington", "webkb_wisconsin")
    folders = {name: f"data/text_graphs/{name}" for name in names}
    return {k: config_type(graph=v, **options) for k, v in (folders | {EMBEDDED: EMBEDDED}).items()}


class Target:
    """A graph, its features, and the model of a seed.

    Attributes:
        set: The graph.
        encoder: The text encoder.
        x: Features of the nodes.
        sampler: Draws their subgraphs.
        model: The pretrained model.
    """

    def __init__(self, config: TargetConfig, seed: int) -> None:
        self.encoder = CachedEncoder(config.encoder, Path(config.cache))
        self.model = load_model(config.model, seed)
        self.sampler = SubgraphSampler("rwr", config.walk_length, config.restart, seed=seed)
        self.set, self.x = self.read(config.graph, config.embeddings)

    def read(self, place: str, embeddings: str | None) -> tuple[TextSet, Tensor]:
        """Read a graph and its features."""
        graph = load_text_set(place)
        return graph, node_features(graph, self.encoder, embeddings)

    def labelled(self, graph: TextSet, x: Tensor) -> tuple[SubgraphStore, Tensor]:
        """Subgraphs of the labelled nodes of a graph, and their classes."""
        if not graph.class_names:
            raise ValueError(f"{graph.name} must have classes.json: there is nothing to predict")
        if not bool((graph.y >= 0).any()):
            raise ValueError(f"{graph.name} must have labelled nodes: there is nothing to score")
        return labelled(graph, x, self.sampler.sample(graph.graph.edge_index, x.size(0)))

    def classifier(self, graph: TextSet, mix: str = "none") -> ZeroShotClassifier:
        """Zero-shot classifier of the model for a graph."""
        return classifier(self.model, graph, self.encoder, mix)
