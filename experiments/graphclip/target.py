"""The graph that a pretrained model is applied to, and the model of a seed."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from graphlab._io import user_path
from graphlab.tag import GraphCLIP, SubgraphSampler, ZeroShotClassifier
from graphlab.tag.graphclip import SubgraphStore, load_official_checkpoint

from .._data.stdlib import with_default_encoder
from .._data.text_sets import EMBEDDED, TextSet, load_text_set
from .._harness.scripts import PACKAGE, invocation
from .encoder import CachedEncoder, node_features
from .presets import PRESETS

Mix = Literal["none", "own", "mean", "own+mean"]


@dataclass(frozen=True)
class TargetConfig:
    """Settings of all scripts that apply pretrained models.

    Attributes:
        graph (str): Folder of the graph, or ``python_stdlib``.
        embeddings (str, optional): Folder with stored embeddings of the nodes.
        encoder (str): Text encoder, that of the pretraining.
        cache (str): Folder of embedded sets of texts.
        model (str): Folder of the pretrained model of a seed, the name of a packaged one
            (``graphlab/tiny``), or a checkpoint of the official release (``.pt``).
        walk_length (int): Steps of a walk.
        restart (float): Probability to return to the root.
    """

    graph: str = "data/text_graphs/cora"
    embeddings: str | None = None
    encoder: str = "all-MiniLM-L6-v2"
    cache: str = "data/text_cache"
    model: str = "runs/graphclip/{seed}"
    walk_length: int = 64
    restart: float = 0.5


def target_presets(config_type: Any, **options: Any) -> dict[str, Any]:
    """One preset per target graph, the embedded one with the tower that was trained on it."""
    names = ("cora", "webkb_cornell", "webkb_texas", "webkb_washington", "webkb_wisconsin")
    embedded = config_type(graph=EMBEDDED, model=PRESETS["stdlib"].model, **options)
    folders = {name: config_type(graph=f"data/text_graphs/{name}", **options) for name in names}
    return folders | {EMBEDDED: with_default_encoder(embedded)}


class Target:
    """A graph, its features, and the model of a seed.

    Attributes:
        set (TextSet): The graph.
        encoder (CachedEncoder): The text encoder.
        x (Tensor): Features of the nodes.
        sampler (SubgraphSampler): Draws their subgraphs.
        model (GraphCLIP): The pretrained model.
    """

    def __init__(self, config: TargetConfig, seed: int) -> None:
        self.encoder = CachedEncoder(config.encoder, Path(config.cache))
        self.model = load_model(config.model, seed)
        self.sampler = SubgraphSampler("rwr", config.walk_length, config.restart, seed=seed)
        self.set, self.x = self.read(config.graph, config.embeddings)

    def read(self, path: str, embeddings: str | None) -> tuple[TextSet, Tensor]:
        """Read a graph and its features."""
        graph = load_text_set(path)
        return graph, node_features(graph, self.encoder, embeddings)

    def labelled(self, graph: TextSet, x: Tensor) -> tuple[SubgraphStore, Tensor]:
        """Subgraphs of the labelled nodes of a graph, and their classes."""
        if not graph.class_names:
            raise ValueError(f"{graph.name} must have classes.json: there is nothing to predict")
        if not bool((graph.y >= 0).any()):
            raise ValueError(f"{graph.name} must have labelled nodes: there is nothing to score")
        return labelled(graph, x, self.sampler.sample(graph.graph.edge_index, x.size(0)))

    def classifier(self, graph: TextSet, mix: Mix = "none") -> ZeroShotClassifier:
        """Zero-shot classifier of the model for a graph."""
        return classifier(self.model, graph, self.encoder, mix)


def load_model(pattern: str, seed: int) -> GraphCLIP:
    """Load the model of a seed; ``{seed}`` in the pattern stands for it.

    Raises:
        FileNotFoundError: If there is none, naming the command that makes it.
        ImportError: If a packaged model is named and its package is missing.
    """
    if pattern.startswith("graphlab/"):
        return GraphCLIP.from_pretrained(pattern)
    folder = user_path(pattern.replace("{seed}", str(seed)), "model")
    if folder.suffix in (".pt", ".pth", ".safetensors"):
        return load_official_checkpoint(folder).eval()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"there is no model in {folder}: make it with {_pretraining(pattern, seed)!r}, or name "
            "the folder of one by --model. Without any data: pretrain with --preset stdlib, then "
            f"give --encoder {PRESETS['stdlib'].encoder} "
            f"--model {shlex.quote(PRESETS['stdlib'].model)} here"
        )
    return GraphCLIP.from_pretrained(folder)


def _pretraining(pattern: str, seed: int) -> str:
    """The command that makes the model of a seed where a pattern looks for it."""
    preset = next((name for name, config in PRESETS.items() if config.model == pattern), None)
    found = [f"--preset {preset}"] if preset else ["--model", shlex.quote(pattern)]
    module = f"{PACKAGE}.graphclip.pretrain"
    return f"{invocation(module)} {' '.join(found)} --seeds {seed}"


def classifier(
    model: GraphCLIP, graph: TextSet, encoder: CachedEncoder, mix: Mix = "none"
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
