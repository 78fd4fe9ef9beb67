"""Settings of the link predictors, as their authors have them."""

from __future__ import annotations

from dataclasses import dataclass

K = 10


@dataclass(frozen=True)
class Reweighting:
    """Strength and schedule of the re-weighting for one encoder."""

    alpha: float = 1.0
    warm_up: int = 1
    interval: int = 1
    aug: str = "gcn"


@dataclass(frozen=True)
class Config:
    """Settings of one data set; the defaults are the authors'."""

    dataset: str = "cora"
    root: str = "data"
    source: str | None = None
    protocol: str = "best epoch by validation hits"
    epochs: int = 1000
    batch_size: int = 1152
    hidden_channels: int = 256
    lr: float = 1e-3
    hits_k: int = 100
    normalize: bool = True
    gcn: Reweighting = Reweighting(2.0, 1, 1)
    sage: Reweighting = Reweighting(0.2, 2, 2, "sage")


PRESETS: dict[str, Config] = {
    "cora": Config(),
    "citeseer": Config(
        dataset="citeseer",
        normalize=False,
        gcn=Reweighting(2.0, 1, 5),
        sage=Reweighting(2.0, 1, 1),
    ),
    "vole": Config(
        dataset="vole",
        batch_size=256,
        gcn=Reweighting(1.0, 30, 40),
        sage=Reweighting(0.5, 20, 40),
    ),
    "reptile": Config(
        dataset="reptile",
        batch_size=256,
        gcn=Reweighting(3.0, 20, 50),
        sage=Reweighting(1.0, 1, 1),
    ),
    # Embedded and quick: shows that a figure repeats, not how good the methods are.
    "smoke": Config(
        dataset="les_miserables", epochs=20, batch_size=64, hidden_channels=16, lr=1e-2, hits_k=20
    ),
}


@dataclass(frozen=True)
class Method:
    """An encoder, and the end of the edges that the re-weighting groups by (None: plain)."""

    encoder: str
    group: str | None


METHODS = {
    f"{encoder.upper()}{'' if group is None else f' + TC ({group})'}": Method(encoder, group)
    for encoder in ("gcn", "sage")
    for group in (None, "target", "source")
}
