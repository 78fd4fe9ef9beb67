"""Sizes and raw files of the SDCN benchmark sets, and their readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__: list[str] = []


@dataclass(frozen=True)
class RawFile:
    """A raw file and its SHA-256 digest; ``None`` where nobody distributes the file."""

    name: str
    sha256: str | None


@dataclass(frozen=True)
class Benchmark:
    """Sizes and files of one set; ``graphs`` maps k (``None`` for a given graph) to a file."""

    num_nodes: int
    num_features: int
    num_classes: int
    features: RawFile
    labels: RawFile
    graphs: Mapping[int | None, RawFile]


BENCHMARKS: dict[str, Benchmark] = {
    "acm": Benchmark(
        3025,
        1870,
        3,
        RawFile("acm_feat.npz", "ce9858f05341ceff2578b7c1416363bbf2df0782096c547f89ad06c23930401c"),
        RawFile(
            "acm_label.txt", "a1637c25de4e946d027f131cc02a2f8cae268ac8488fc12fa22e9b275603ead3"
        ),
        {
            None: RawFile(
                "acm_graph.txt", "54529a64f7b2cd373b3cee450afec900bcf34de3dfb87fe436552efe48b15c87"
            )
        },
    ),
    "dblp": Benchmark(
        4057,
        334,
        4,
        RawFile(
            "dblp_feat.npz", "c8b92bba6480b12a78260391463bafdaa0eb9c92a34e5d498962d476c2df842d"
        ),
        RawFile(
            "dblp_label.txt", "405ebefc815e5885dc962809e01c4a843886da463dc1e4e7aba53ad7c1adcbf4"
        ),
        {
            None: RawFile(
                "dblp_graph.txt", "b6e0dd406dd214c45a905b88f104552825cf440ad1adc47e07fab6ca27816884"
            )
        },
    ),
    "cite": Benchmark(
        3327,
        3703,
        6,
        RawFile(
            "cite_feat.npz", "bdcf766d7f4c534c7d3ac8ab6166d5c949afd9b838d216af9ceab6cb7ec3db60"
        ),
        RawFile(
            "cite_label.txt", "877820efe71f99632dffc43a74503ec84e26ad08c1f6df8bc7ae0ed7554c6cd5"
        ),
        {
            None: RawFile(
                "cite_graph.txt", "29da9311f1b3060f564263ca6f15e98af459b45f13bee0a6979beb4c41ba6494"
            )
        },
    ),
    "usps": Benchmark(
        9298,
        256,
        10,
        RawFile(
            "usps_feat.npz", "94fa659d9662942cc57a97f96e5e05877367cf46fc1bbaebcaae5e5778af0939"
        ),
        RawFile(
            "usps_label.txt", "40e1e201b590cff58953314463591499f72831426073a77483fee648b9c98e91"
        ),
        {
            3: RawFile(
                "usps3_graph.txt",
                "4bd79c7777ac7ce884794713feea3bd61e67d2581a8df218019182132ff77bb0",
            ),
            5: RawFile(
                "usps5_graph.txt",
                "0c62cd6c8f8579d9a98f56281fefd724c0b4ac68b099f8c0aa006236151ef13c",
            ),
            10: RawFile(
                "usps10_graph.txt",
                "db0b1f038f838c1cec153ba48127951a1465f3bf40c7a7a2033ffdc6ca581053",
            ),
        },
    ),
    "hhar": Benchmark(
        10299,
        561,
        6,
        RawFile("hhar_feat.npz", None),
        RawFile(
            "hhar_label.txt", "5a88e22e6aa7fc975dedf551eb32cf394f3181ebaa921567f85e6b09b8a8df67"
        ),
        {
            5: RawFile(
                "hhar5_graph.txt",
                "6f511313e8b7adc9c363bad86b0bb4929cda5632c0bc0fdbcbc2c07fad85f44b",
            )
        },
    ),
    "reut": Benchmark(
        10000,
        2000,
        4,
        RawFile("reut_feat.npz", None),
        RawFile(
            "reut_label.txt", "389bb6aecf89a54552336b3b6fe41477fd16ce06848761d173f8b691a6a92874"
        ),
        {
            3: RawFile(
                "reut3_graph.txt",
                "26838b1aa912991f33d044556dfba880eff5ba52eeafec5944fead2f9ffb33f6",
            )
        },
    ),
}


def read_features(path: Path) -> Tensor:
    """Read a matrix as dense float32: an array ``x``, or the parts of a scipy CSR matrix."""
    try:
        # Opened here, because numpy leaves a file open that turns out not to be an archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            parts = {key: archive[key] for key in archive.files}
    except FileNotFoundError:
        raise
    except Exception as error:  # of numpy, zipfile, zlib or its parser, as the damage has it
        raise ValueError(f"{path} is not a readable .npz archive: {error!s:.400}") from error
    if "x" not in parts and not {"data", "indices", "indptr", "shape"} <= parts.keys():
        raise ValueError(
            f"{path} must hold 'x' or a CSR matrix, got the keys {sorted(parts)!s:.400}"
        )
    try:
        dense = parts["x"] if "x" in parts else _dense(parts)
        return torch.from_numpy(np.ascontiguousarray(dense, dtype=np.float32))
    except (ValueError, TypeError, MemoryError, OverflowError) as error:
        raise ValueError(f"{path} holds no matrix of numbers: {error!s:.400}") from error


def _dense(parts: Mapping[str, Any]) -> NDArray[Any]:
    rows, cols = (int(size) for size in parts["shape"])
    csr = sp.csr_matrix((parts["data"], parts["indices"], parts["indptr"]), (rows, cols))
    # Unless asked, scipy trusts the indices, and would write outside of the result.
    csr.check_format(full_check=True)
    dense: NDArray[Any] = csr.toarray()
    return dense


def read_integers(path: Path, columns: int) -> Tensor:
    """Read a text table of whole numbers as int64, ``(rows, columns)``."""
    try:
        table = np.loadtxt(path, dtype=np.int64, ndmin=2)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{path} must hold integers: {error!s:.400}") from error
    if table.ndim != 2 or table.shape[1] != columns:
        raise ValueError(f"{path} must have {columns} columns, got shape {table.shape}")
    return torch.from_numpy(table)
