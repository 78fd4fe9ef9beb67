"""Graphs on which the approximation is compared with the exact value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """Widths and hops to compare.

    Attributes:
        dataset (str): ``vole``, ``reptile``, a name in ``experiments._data.graphs``, or
            ``les_miserables``, which is embedded.
        root (str): Folder of all data sets; written when a set is read for the first time.
        source (str, optional): Folder with the raw files, only read.
        hops (tuple[int, ...]): Numbers of hops.
        dims (tuple[int, ...]): Numbers of random columns.
        limit (bool): Also without noise, which takes as many columns as there are nodes.
    """

    dataset: str = "les_miserables"
    root: str = "data"
    source: str | None = None
    hops: tuple[int, ...] = (1, 2, 3)
    dims: tuple[int, ...] = (16, 64, 256, 1024)
    limit: bool = True


PRESETS: dict[str, Config] = {
    **{name: Config(dataset=name) for name in ("cora", "citeseer", "vole", "reptile")},
    "smoke": Config(hops=(1, 2), dims=(16, 64)),
}
