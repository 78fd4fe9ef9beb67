"""Settings of the pretraining of GraphCLIP."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from .._data.stdlib import with_default_encoder


@dataclass(frozen=True)
class Config:
    """Sizes and settings; the defaults train in minutes on two cores.

    Attributes:
        data (str): Folder of the graphs.
        embeddings (str, optional): Folder with stored embeddings of the nodes.
        encoder (str): Text encoder; ``hashing`` is always there.
        cache (str): Folder of embedded sets of texts, and of a language model's answers.
        model (str): Where the model of a seed goes.
        sources (tuple[str, ...]): Graphs to train on; ``name:file.csv`` takes the edges of a file.
        source_edges (str): File of their edges where none is named.
        targets (tuple[str, ...]): Graphs to classify.
        pair_files (tuple[str, ...]): Files with the pairs of the official release, one per source
            (an empty name draws them); subgraphs and summaries are taken from there.
        pairs (int): Most pairs per source.
        pairs_seed (int, optional): Draws the pairs: nodes, walks, and so summaries. With a number
            all seeds share them, and texts are embedded once; the spread over seeds is then that of
            weights, order, held-out pairs and views, not of the pairs. None: the seed of the run.
        summaries (str): ``template`` or ``llm``.
        llm_model (str): Name of the language model.
        llm_base_url (str, optional): Its server; the key is read from the environment.
        llm_max_tokens (int, optional): Most tokens of a summary; None leaves it to the server.
        llm_concurrency (int): Calls under way at a time.
        llm_repairs (int): Times a summary that misses the form may be corrected.
        llm_timeout (float): Seconds for a call.
        llm_on_failure (str): Summary that cannot be had: ``raise``, or ``template`` in its place.
        sampler (str): Subgraphs by ``rwr`` (walks with restart) or ``khop``.
        walk_length (int): Steps of a walk.
        restart (float): Probability to return to the root.
        max_nodes (int, optional): Most nodes of a subgraph; no limit when None.
        subgraph_edges (str, optional): ``traversed`` or ``induced`` edges; None takes the default
            of the sampler.
        channels (int): Width of the tower.
        layers (int): Layers of the tower.
        heads (int): Heads of its attention.
        residual (str): What is added to the tower's output: ``none``, ``mean``, ``root`` or
            ``root+mean``.
        epochs (int): Passes over the pairs.
        batch_size (int): Pairs per step, on all processes together.
        lr (float): Learning rate of AdamW.
        schedule (str): Curve of the learning rate: ``constant`` or ``cosine``.
        weight_decay (float): Weight decay of AdamW.
        adversarial_eps (float): Step of the perturbation in units of the features' root mean
            square; 0 trains without one.
        accumulate_perturbation (bool): Add the steps of the perturbation up, as the released code
            does.
        val_fraction (float): Share of the pairs held out.
        selection (str): Epoch to keep by its held-out pairs: ``loss``, ``mrr``, ``r1``, or
            ``last``.
        patience (int): Epochs without a better one before the end; 0 never stops.
        bf16 (bool): Train in bfloat16.
        protocol (str): How numbers come about.
    """

    data: str = "data/text_graphs"
    embeddings: str | None = None
    encoder: str = "all-MiniLM-L6-v2"
    cache: str = "data/text_cache"
    model: str = "runs/graphclip/{seed}"
    sources: tuple[str, ...] = ("citeseer_m10", "hepth")
    source_edges: str = "edges.csv"
    targets: tuple[str, ...] = ("cora", "webkb_cornell", "webkb_texas")
    pair_files: tuple[str, ...] = ()
    pairs: int = 1200
    pairs_seed: int | None = None
    summaries: str = "template"
    llm_model: str = ""
    llm_base_url: str | None = None
    llm_max_tokens: int | None = 400
    llm_concurrency: int = 8
    llm_repairs: int = 1
    llm_timeout: float = 120.0
    llm_on_failure: Literal["raise", "template"] = "raise"
    sampler: Literal["rwr", "khop"] = "rwr"
    walk_length: int = 64
    restart: float = 0.5
    max_nodes: int | None = None
    subgraph_edges: Literal["traversed", "induced"] | None = None
    channels: int = 128
    layers: int = 3
    heads: int = 8
    residual: Literal["none", "mean", "root", "root+mean"] = "root+mean"
    epochs: int = 16
    batch_size: int = 256
    lr: float = 1e-3
    schedule: str = "cosine"
    weight_decay: float = 1e-5
    adversarial_eps: float = 0.0
    accumulate_perturbation: bool = False
    val_fraction: float = 0.1
    selection: Literal["loss", "mrr", "r1", "last"] = "loss"
    patience: int = 0
    bf16: bool = False
    protocol: str = "weights of the best held-out epoch; no label is used before the score"


# Sizes and settings of the paper; its batch went over several devices.
_PAPER = Config(
    channels=1024, layers=12, residual="none", epochs=30, batch_size=7200, lr=1e-5,
    schedule="constant", adversarial_eps=0.2, pairs=1_000_000, bf16=True, val_fraction=0.01,
)  # fmt: skip


#: Pairs of papers that cite the same third one.
_SHARED_EDGES = "edges_shared_neighbour.csv"

# Ablations and the scaling curve share the pairs of seed 0: their texts are embedded once.
_SHARED = Config(pairs_seed=0)


# The model of the package graphlab-models: no source is a target of any table. The long one takes
# every node as a root and a wider tower, some two days of one core.
_SHIPPED = replace(
    _SHARED, sources=("citeseer_m10", f"citeseer_m10:{_SHARED_EDGES}", "hepth", "wn18rr"),
    pairs=2000, epochs=8,
)  # fmt: skip


_PRESETS: dict[str, Config] = {
    "tiny": Config(),
    "tiny_plain": Config(residual="none", epochs=24),
    "tiny_shared": _SHARED,
    "tiny_flag": replace(_SHARED, adversarial_eps=0.02),
    "tiny_flag_accumulating": replace(
        _SHARED, adversarial_eps=0.02, accumulate_perturbation=True
    ),
    "tiny_khop": replace(_SHARED, sampler="khop", max_nodes=64),
    "tiny_induced": replace(_SHARED, subgraph_edges="induced"),
    "tiny_llm": replace(_SHARED, summaries="llm"),
    "tiny_150": replace(_SHARED, pairs=150, batch_size=128),
    "tiny_300": replace(_SHARED, pairs=300),
    "tiny_600": replace(_SHARED, pairs=600),
    "stdlib": with_default_encoder(Config(
        sources=("python_stdlib",), targets=("python_stdlib",), pairs=400, batch_size=64,
    )),
    # Embedded and quick: shows that a figure repeats, not how good the method is.
    "smoke": Config(
        encoder="hashing", sources=("python_stdlib",), targets=("python_stdlib",),
        pairs=100, batch_size=32, channels=32, layers=1, heads=2, epochs=3, walk_length=16,
    ),
    "base": Config(
        sources=("citeseer_m10", "hepth", "wn18rr"), pairs=20_000, channels=256, layers=6, epochs=30
    ),
    "graphlab_tiny": _SHIPPED,
    "graphlab_tiny_long": replace(
        _SHIPPED, pairs=50_000, channels=256, layers=6, sampler="khop", max_nodes=64, epochs=30
    ),
    "paper": _PAPER,
}  # fmt: skip


def _final(name: str, config: Config) -> Config:
    """A preset with the folder of its models."""
    # Only the first puts its models where the other scripts look for them by default.
    return config if name == "tiny" else replace(config, model=f"runs/graphclip_{name}/{{seed}}")


PRESETS = {name: _final(name, config) for name, config in _PRESETS.items()}
