"""Settings of PamC and its relatives per data set, and the published figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Method:
    """One loss: its negatives and hyper-parameters.

    Attributes:
        negatives (str): Form of the negative term: ``meta``, ``meta1``, ``meta2`` or ``exact``.
        alpha (float): Weight of the contrastive loss on embeddings.
        beta (float): Weight of the loss on soft assignments.
        order (int): Hops of the influence graph whose edges are positives.
        tau (float): Factor on cosines (it multiplies).
        lr (float): Learning rate of Adam.
    """

    negatives: Literal["meta", "meta1", "meta2", "exact"] = "meta"
    alpha: float = 1.0
    beta: float = 1.0
    order: int = 1
    tau: float = 0.5
    lr: float = 1e-3


@dataclass(frozen=True)
class Config:
    """Hyper-parameters; the defaults are one recipe for all bags of words.

    Attributes:
        dataset (str): ``digits`` (embedded), ``planted`` (drawn by the seed), or ``acm``, ``dblp``,
            ``cite``, ``usps``.
        root (str): Folder of the data; written when a set is read for the first time.
        source (str, optional): Folder with the raw files, only read; without one they are looked
            for in ``root``.
        k (int, optional): Neighbours of a node where the graph is a kNN graph of features.
        num_nodes (int): Nodes of the planted graph.
        features (str): Kind of the features: ``auto``, ``words`` or ``dense``, which leaves them
            as they are.
        start (str): Where the encoder starts: ``smoothed`` features, an ``autoencoder``, or
            ``auto``: smoothed where the features are words.
        hops (int): Averages over the graph of a smoothed start.
        baseline_hops (tuple[int, ...]): Averages of the rows without training.
        methods (tuple[str, ...]): What is trained: ``pamc``, ``scgc_exact``, ``meta2``.
        protocol (str): Epoch of the unmarked row: ``last``, ``label_free`` or ``paper``.
        tolerance (float): Share of the nodes below which a move does not count for the label-free
            stop.
        patience (int): Epochs in a row without one, and at the start that do not count.
        epochs (int): Epochs of every method.
        pretrain_epochs (int): Epochs of the start that all methods share.
        batch_size (int): Rows per step of the start.
        hidden_channels (tuple[int, ...], optional): Widths of the encoder's hidden layers; 500, and
            500, 500, 2000 for an autoencoder, if missing.
        out_channels (int): Width of the embedding.
        n_init (int): Starts of every k-means.
        checkpoint_every (int): Epochs between checkpoints.
        draw_map (bool): Draw PamC's embedding (t-SNE), which takes seconds.
        pamc (Method): Settings of PamC.
        scgc_exact (Method): Settings of its host with exact negatives.
        meta2 (Method): Settings of its host with the corrected linear-time negatives.
    """

    dataset: str = "digits"
    root: str = "data/sdcn"
    source: str | None = None
    k: int | None = None
    num_nodes: int = 4_000
    features: Literal["auto", "words", "dense"] = "auto"
    start: Literal["auto", "smoothed", "autoencoder"] = "auto"
    hops: int = 2
    baseline_hops: tuple[int, ...] = (2, 16)
    methods: tuple[str, ...] = ("pamc", "scgc_exact", "meta2")
    protocol: str = "label_free"
    tolerance: float = 5e-3
    patience: int = 5
    epochs: int = 60
    pretrain_epochs: int = 30
    batch_size: int = 256
    hidden_channels: tuple[int, ...] | None = None
    out_channels: int = 10
    n_init: int = 20
    checkpoint_every: int = 20
    draw_map: bool = True
    pamc: Method = Method()
    scgc_exact: Method = Method(negatives="exact")
    meta2: Method = Method(negatives="meta2")


def authors(
    dataset: str,
    pamc: tuple[float, float, int, float, float],
    host: tuple[float, float, int, float, float],
    **changes: Any,
) -> Config:
    """Preset with the authors' settings; meta2 estimates the host's loss and shares its own.

    Source: their README (PAMC f33a8b34, SCGC 886ec27a) and the pretraining of SDCN (da6bb007):
    features as they are, an autoencoder, 200 epochs.
    """
    names = ("alpha", "beta", "order", "tau", "lr")
    host_settings: dict[str, Any] = dict(zip(names, host, strict=True))
    released: dict[str, Any] = {
        "features": "dense",
        "start": "autoencoder",
        "protocol": "last",
        "tolerance": 1e-3,
        "epochs": 200,
        "hidden_channels": (500, 500, 2000),
    }
    return Config(
        dataset=dataset,
        pamc=Method("meta", **dict(zip(names, pamc, strict=True))),  # type: ignore[arg-type]
        scgc_exact=Method("exact", **host_settings),
        meta2=Method("meta2", **host_settings),
        **(released | changes),
    )


# The authors' alpha, beta, order, tau and lr of PamC, then of its host.
_USPS = ((2, 2, 4, 0.5, 1e-3), (4, 0.1, 4, 0.25, 1e-3))


PRESETS: dict[str, Config] = {
    # Also images under a kNN graph: the USPS settings, and as many pretraining steps as there.
    "digits": authors("digits", *_USPS, k=3, batch_size=64, pretrain_epochs=38),
    "usps": authors("usps", *_USPS, k=3),
    # The recipe, which is the defaults; 60 epochs bound what the label-free stop may take.
    "acm": Config(dataset="acm"),
    "dblp": Config(dataset="dblp"),
    "cite": Config(dataset="cite"),
    # Drawn documents, a third of which has no link: what a training is for, where it can be seen.
    "planted": Config(dataset="planted", draw_map=False),
    "acm_paper": authors("acm", (0.5, 0.5, 1, 0.5, 1e-3), (1, 0.1, 1, 0.25, 1e-3)),
    "dblp_paper": authors("dblp", (2, 2, 1, 1, 1e-3), (1, 0.1, 1, 0.25, 1e-3)),
    "cite_paper": authors("cite", (2, 2.5, 3, 0.5, 1e-3), (1, 0.1, 1, 0.25, 1e-4)),
    # Baselines alone.
    # Quick: shows that a figure repeats, not how good the methods are.
    "smoke": authors(
        "digits", *_USPS, k=3, batch_size=32, pretrain_epochs=12, epochs=15, n_init=4,
        hidden_channels=(128, 256), draw_map=False,
    ),
}  # fmt: skip


#: Printed by the authors for USPS; best epoch by test labels, each score at its own.
PUBLISHED = {
    "usps": {
        "PamC [best epoch by test labels]": {
            "acc": 0.8420,
            "nmi": 0.8031,
            "ari": 0.7775,
            "f1": 0.7882,
        },
        "SCGC* [best epoch by test labels]": {
            "acc": 0.8489,
            "nmi": 0.8411,
            "ari": 0.7941,
            "f1": 0.8152,
        },
        "k-means on autoencoder": {"acc": 0.7098, "nmi": 0.6748, "ari": 0.5874, "f1": 0.6968},
    }
}


#: Titles of the methods, in the order of the table.
TITLES = {"pamc": "PamC", "scgc_exact": "SCGC*", "meta2": "SCGC + meta2"}
