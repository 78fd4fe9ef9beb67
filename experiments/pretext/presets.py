"""Settings of the pretext task per data set."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Config:
    """Settings; network and training are those of SelfTask's released scripts.

    Attributes:
        dataset (str): Name in ``experiments._data.graphs``, or ``digits``, which is embedded.
        root (str): Folder of all data sets; written when a set is read for the first time.
        source (str, optional): Folder of the same layout to copy missing raw files from.
        splits (tuple[str, ...]): ``public`` (the published split), ``random`` (as many nodes per
            class, drawn by the seed), ``10 labels`` and ``5 labels`` (per class, drawn).
        sources (tuple[str, ...]): How labels are spread for ContextLabel: ``harmonic``, ``ica``.
        tasks (tuple[str, ...]): Other tasks, keys of ``experiments.pretext.tasks.PLAIN``.
        num_components (int): Principal components that the attribute mask predicts.
        weights (tuple[float, ...]): Weights of the task to choose from on validation nodes.
        correct_every (int): Epochs between two corrections of the labels; 0 corrects none.
        hidden_channels (int): Width of the network.
        dropout (float): Dropout of the hidden layer.
        lr (float): Learning rate of Adam.
        weight_decay (float): Weight decay of Adam.
        epochs (int): Training steps; the one with the best validation accuracy is scored.
    """

    dataset: str = "cora"
    root: str = "data"
    source: str | None = None
    splits: tuple[str, ...] = ("public", "random", "10 labels", "5 labels")
    sources: tuple[str, ...] = ("harmonic", "ica")
    tasks: tuple[str, ...] = ()
    num_components: int = 256
    weights: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0)
    correct_every: int = 0
    hidden_channels: int = 128
    dropout: float = 0.5
    lr: float = 0.01
    weight_decay: float = 5e-4
    epochs: int = 200


_TASKS = Config(
    splits=("public", "5 labels"),
    sources=(),
    tasks=(
        "edge mask",
        "attribute mask",
        "node property",
        "pairwise distance",
        "distance to cluster",
        "distance to labeled",
        "pairwise similarity",
    ),
    # The released weights of these tasks lie between .1 and 100.
    weights=(0.1, 1.0, 10.0, 100.0),
)

PRESETS: dict[str, Config] = {
    "cora": Config(),
    "citeseer": Config(dataset="citeseer"),
    "cora_corrected": Config(correct_every=20),
    "citeseer_corrected": Config(dataset="citeseer", correct_every=20),
    "cora_tasks": _TASKS,
    "citeseer_tasks": replace(_TASKS, dataset="citeseer"),
    # Embedded and quick: shows that a figure repeats, not how good the task is.
    "smoke": Config(
        dataset="digits",
        splits=("5 labels",),
        sources=("harmonic",),
        tasks=("distance to labeled",),
        weights=(1.0, 10.0),
        hidden_channels=32,
        epochs=60,
    ),
}
