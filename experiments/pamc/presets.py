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
    """Hyper-parameters; the defaults are one common set for all data.

    Attributes:
        dataset (str): ``digits``, which is embedded, or ``acm``, ``dblp``, ``cite``, ``usps``.
        root (str): Folder of the data; written when a set is read for the first time.
        source (str, optional): Folder with the raw files, only read; without one they are looked
            for in ``root``.
        k (int, optional): Neighbours of a node where the graph is a kNN graph of features.
        protocol (str): Epoch of the unmarked row: ``last``, ``label_free`` or ``paper``.
        epochs (int): Epochs of every method.
        pretrain_epochs (int): Epochs of the autoencoder that all methods start from.
        batch_size (int): Rows per step of the autoencoder.
        hidden_channels (tuple[int, ...]): Widths of the encoder's hidden layers; the decoder
            mirrors them.
        out_channels (int): Width of the embedding.
        n_init (int): Starts of every k-means.
        checkpoint_every (int): Epochs between checkpoints.
        pamc (Method): Settings of PamC.
        scgc_exact (Method): Settings of its host with exact negatives.
        meta2 (Method): Settings of its host with the corrected linear-time negatives.
    """

    dataset: str = "digits"
    root: str = "data/sdcn"
    source: str | None = None
    k: int | None = None
    protocol: str = "last"
    epochs: int = 200
    pretrain_epochs: int = 30
    batch_size: int = 256
    hidden_channels: tuple[int, ...] = (500, 500, 2000)
    out_channels: int = 10
    n_init: int = 20
    checkpoint_every: int = 20
    pamc: Method = Method()
    scgc_exact: Method = Method(negatives="exact")
    meta2: Method = Method(negatives="meta2")


def authors(
    dataset: str,
    pamc: tuple[float, float, int, float, float],
    host: tuple[float, float, int, float, float],
    **changes: Any,
) -> Config:
    """Preset with the authors' settings; meta2 estimates the host's loss and shares its own."""
    names = ("alpha", "beta", "order", "tau", "lr")
    host_settings: dict[str, Any] = dict(zip(names, host, strict=True))
    return Config(
        dataset=dataset,
        pamc=Method("meta", **dict(zip(names, pamc, strict=True))),  # type: ignore[arg-type]
        scgc_exact=Method("exact", **host_settings),
        meta2=Method("meta2", **host_settings),
        **changes,
    )


# The authors' alpha, beta, order, tau and lr of PamC, then of its host.
_USPS = ((2, 2, 4, 0.5, 1e-3), (4, 0.1, 4, 0.25, 1e-3))


PRESETS: dict[str, Config] = {
    # Also images under a kNN graph: the USPS settings, and as many pretraining steps as there.
    "digits": authors("digits", *_USPS, k=3, batch_size=64, pretrain_epochs=38),
    "acm": authors("acm", (0.5, 0.5, 1, 0.5, 1e-3), (1, 0.1, 1, 0.25, 1e-3)),
    "dblp": authors("dblp", (2, 2, 1, 1, 1e-3), (1, 0.1, 1, 0.25, 1e-3)),
    "cite": authors("cite", (2, 2.5, 3, 0.5, 1e-3), (1, 0.1, 1, 0.25, 1e-4)),
    "usps": authors("usps", *_USPS, k=3),
    "digits_common": Config(batch_size=64, pretrain_epochs=38),
    "acm_common": Config(dataset="acm"),
    "dblp_common": Config(dataset="dblp"),
    "cite_common": Config(dataset="cite"),
    "usps_common": Config(dataset="usps", k=3),
    # Quick: shows that a figure repeats, not how good the methods are.
    "smoke": authors(
        "digits", *_USPS, k=3, batch_size=32, pretrain_epochs=12, epochs=15, n_init=4,
        hidden_channels=(128, 256),
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


TITLES = {"pamc": "PamC", "scgc_exact": "SCGC*", "meta2": "SCGC + meta2"}
