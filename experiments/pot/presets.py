"""Hyper-parameters of POT's hosts, as its authors' configuration files have them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

POT_METHODS = ("reference", "interval", "budget", "budget_crown")


@dataclass(frozen=True)
class Config:
    """Settings of one data set and host; the defaults are GRACE's on Cora.

    Attributes:
        dataset (str): Name in ``experiments._data.graphs``, or ``karate``, which is embedded.
        host (str): ``grace``, ``gca``, ``progcl`` or ``costa``.
        root (str): Folder of all data sets; written when a set is read for the first time.
        source (str, optional): Folder of the same layout to copy missing raw files from.
        protocol (str): ``honest``, or ``paper`` for the rows of the released code beside them.
        methods (tuple[str, ...]): Forms of POT to train with; ``none`` is the host alone.
        kappas (tuple[float, ...]): Weights of POT to choose from on validation nodes.
        host_rates (tuple[float, ...]): Factors on the learning rate that the host alone may choose
            from on validation nodes; as many as kappas make the search equal.
        both_splits (bool): Beside the public split also score a random 10/10/80 split per seed.
        certificates (bool): Rows of every run instead of the chosen ones, with the shares of
            certified nodes by bound, budget and degree.
        curve (tuple[int, ...]): Epochs behind which rank, cosine, uniformity, alignment and
            accuracies of the embedding are measured and kept in the row, to see a collapse.
        num_anchors (int, optional): Anchors drawn per step, for GRACE and GCA; all when None.
        budget (str): Drops per node that the sound bounds allow: ``expected``, ``quantile``,
            ``all``.
        pot_batch (int, optional): Nodes whose bound is computed per step; all of them when None.
        epochs (int): Training steps, one per epoch.
        lr (float): Learning rate of Adam.
        weight_decay (float): Weight decay of Adam.
        out_channels (int): Width of the embedding; the hidden layer has twice as many.
        proj_channels (int): Width of the projection head.
        activation (str): ``relu`` or ``prelu``.
        drop_edge (tuple[float, float]): Share of edges dropped in each view.
        temperature (float): Divides similarities.
        start_epoch (int): Epoch at which ProGCL begins to weight negatives.
        normalize (bool): Divide features by the sum of their row.
        unit_length (bool): Then multiply all of them by one number, so that rows have a root mean
            square length of one. Rows of some hundred words are so short after the division that
            the biases of the projection head outweigh the embeddings: all nodes look alike to the
            loss, which starts on its plateau log(2 N - 1).
    """

    dataset: str = "cora"
    host: str = "grace"
    root: str = "data"
    source: str | None = None
    protocol: str = "honest"
    methods: tuple[str, ...] = ("none", *POT_METHODS)
    kappas: tuple[float, ...] = (0.1, 0.4)
    host_rates: tuple[float, ...] = (1.0,)
    both_splits: bool = False
    certificates: bool = False
    curve: tuple[int, ...] = ()
    num_anchors: int | None = None
    budget: Literal["expected", "quantile", "all"] = "expected"
    pot_batch: int | None = None
    epochs: int = 200
    lr: float = 5e-4
    weight_decay: float = 1e-5
    out_channels: int = 128
    proj_channels: int = 128
    activation: str = "relu"
    drop_edge: tuple[float, float] = (0.4, 0.3)
    temperature: float = 0.7
    start_epoch: int = 400
    normalize: bool = True
    unit_length: bool = False


def _preset(
    host: str,
    dataset: str,
    lr: float,
    out: int,
    proj: int,
    act: str,
    drop: tuple[float, float],
    tau: float,
    epochs: int,
) -> Config:
    # Crown keeps a value per two-path and channel: only where that fits (the citation graphs).
    sparse = dataset in ("cora", "citeseer", "pubmed")
    return Config(
        dataset=dataset,
        host=host,
        methods=("none", *(POT_METHODS if sparse else POT_METHODS[:-1])),
        epochs=epochs,
        lr=lr,
        weight_decay=0.0 if host == "costa" else 1e-5,
        out_channels=out,
        proj_channels=proj,
        activation=act,
        drop_edge=drop,
        temperature=tau,
        normalize=dataset != "wikics",
    )


# From the configuration files in the repository of POT's authors, one per host, in the order of the
# arguments of _preset after the host.
_ROWS: dict[str, list[tuple[object, ...]]] = {
    "grace": [
        ("cora", 5e-4, 128, 128, "relu", (0.4, 0.3), 0.7, 200),
        ("citeseer", 1e-3, 256, 256, "prelu", (0.3, 0.1), 0.9, 200),
        ("pubmed", 1e-3, 256, 256, "relu", (0.4, 0.1), 0.7, 2500),
        ("blogcatalog_attr", 1e-3, 256, 256, "relu", (0.4, 0.3), 0.7, 1000),
        ("flickr_attr", 1e-3, 256, 256, "relu", (0.4, 0.1), 0.4, 1000),
        ("computers", 1e-2, 128, 128, "relu", (0.6, 0.4), 0.2, 2500),
        ("photo", 5e-4, 256, 64, "relu", (0.3, 0.5), 0.2, 1000),
        ("wikics", 1e-2, 256, 256, "prelu", (0.2, 0.3), 0.4, 1500),
    ],
    "gca": [
        ("cora", 5e-4, 128, 128, "relu", (0.3, 0.1), 0.9, 700),
        ("citeseer", 1e-3, 256, 256, "prelu", (0.2, 0.2), 0.9, 1000),
        ("pubmed", 1e-2, 256, 256, "relu", (0.4, 0.1), 0.3, 3000),
        ("blogcatalog_attr", 1e-3, 256, 256, "prelu", (0.3, 0.1), 0.5, 2000),
        ("flickr_attr", 1e-3, 256, 256, "prelu", (0.3, 0.1), 0.5, 2000),
        ("computers", 1e-2, 128, 128, "prelu", (0.6, 0.3), 0.2, 2000),
        ("photo", 5e-4, 256, 64, "relu", (0.3, 0.5), 0.3, 2000),
        ("wikics", 1e-2, 256, 256, "prelu", (0.2, 0.3), 0.4, 3000),
    ],
    "progcl": [
        ("cora", 5e-4, 128, 128, "relu", (0.3, 0.1), 0.6, 700),
        ("citeseer", 1e-2, 256, 256, "prelu", (0.4, 0.3), 0.4, 1000),
        ("pubmed", 1e-3, 256, 256, "prelu", (0.4, 0.1), 0.5, 2000),
        ("blogcatalog_attr", 1e-3, 256, 256, "prelu", (0.4, 0.2), 0.4, 1000),
        ("flickr_attr", 1e-3, 256, 256, "prelu", (0.4, 0.1), 0.6, 2000),
        ("computers", 1e-2, 128, 128, "prelu", (0.6, 0.3), 0.3, 3000),
        ("photo", 1e-2, 128, 128, "prelu", (0.6, 0.3), 0.2, 2500),
        ("wikics", 1e-2, 256, 256, "prelu", (0.2, 0.3), 0.4, 3000),
    ],
    "costa": [
        ("cora", 1e-3, 256, 256, "relu", (0.2, 0.4), 0.4, 700),
        ("citeseer", 1e-3, 256, 256, "relu", (0.3, 0.1), 0.4, 1500),
        ("pubmed", 1e-3, 256, 256, "relu", (0.4, 0.1), 0.4, 2000),
        ("blogcatalog_attr", 1e-3, 256, 256, "relu", (0.4, 0.2), 0.4, 2500),
        ("flickr_attr", 1e-3, 256, 256, "relu", (0.4, 0.1), 0.4, 2500),
        ("computers", 1e-3, 128, 128, "relu", (0.6, 0.3), 0.4, 4000),
        ("photo", 1e-3, 256, 64, "relu", (0.3, 0.5), 0.4, 4000),
        ("wikics", 1e-3, 256, 256, "relu", (0.2, 0.3), 0.4, 3000),
    ],
}

#: ``cora`` is GRACE on Cora, ``cora_gca`` is GCA on it, and so on.
PRESETS: dict[str, Config] = {
    f"{row[0]}" if host == "grace" else f"{row[0]}_{host}": _preset(host, *row)  # type: ignore[arg-type]
    for host, rows in _ROWS.items()
    for row in rows
}
#: Does the published score help its host: two settings to choose from on either side.
PRESETS |= {
    f"{name}_paired": replace(
        PRESETS[name], methods=("none", "reference"), host_rates=(1.0, 2.0), both_splits=True
    )
    for name in ("cora", "citeseer")
}
#: Graphs on which the authors' division by hundreds of words a node starts on a plateau.
PRESETS |= {
    f"{name}_unit": replace(
        PRESETS[name],
        methods=("none", "reference"),
        unit_length=True,
        num_anchors=1024,
        curve=(10, 20, 40, 100, 200, 400, 700, 1000),
    )
    for name in ("photo", "blogcatalog_attr")
}
#: What is certified, for either kappa: the page on certificates.
PRESETS["cora_certificates"] = replace(PRESETS["cora"], certificates=True)
#: Embedded and quick: shows that a figure repeats, not how good the methods are.
PRESETS["smoke"] = Config(
    dataset="karate", kappas=(0.4,), epochs=25, lr=1e-2, out_channels=16, proj_channels=16
)
