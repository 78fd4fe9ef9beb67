"""Two small networks of animals, on which link prediction is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch_geometric.utils import to_undirected

from graphlab._checks import check_choice
from graphlab._graphs.typed import Data
from graphlab.datasets._local import LocalDataset

__all__ = ["AnimalNetwork"]


@dataclass(frozen=True)
class _Network:
    file: str
    sha256: str
    num_nodes: int


_NETWORKS = {
    "vole": _Network(
        "mammalia-voles-rob-trapping.edges",
        "7f19898e717d05ef9960bcccd8b287eda5c02538e76e84f8656446b95affcb27",
        1480,
    ),
    "reptile": _Network(
        "reptilia-tortoise-network-fi.edges",
        "ab22e2f9ce4776bf5ee690702d637979e081f9a30e42fd7b11221d371b44e63c",
        787,
    ),
}


class AnimalNetwork(LocalDataset):
    """Contacts of voles and of desert tortoises.

    ===========  =====  ================  =======  ============================
    name         nodes  undirected edges  records  time stamps
    ===========  =====  ================  =======  ============================
    ``vole``     1,480  3,935             4,569    session of the trapping
    ``reptile``  787    1,197             1,713    year
    ===========  =====  ================  =======  ============================

    Repeated contacts count once; the first time stamp is kept. The vole file also has numbers of
    contacts, which are not read. The files stand at networkrepository.com, which serves archives
    without a fixed content: nothing is fetched. They are expected in ``<root>/<name>/raw``; if
    they are not there, they are copied from ``<root>/<name>`` or ``source``. Otherwise the error
    says which file is missing, its SHA-256 and where it belongs.

    Args:
        root (path, optional): Folder of the data sets, writable; ``None`` means ``animal`` in the
            data root of graphlab (``GRAPHLAB_ROOT``, else ``./data``).
        name (str): ``"vole"`` or ``"reptile"``.
        transform (callable, optional): Applied to the ``Data`` at every access.
        pre_transform (callable, optional): Applied once, before the graph is stored.
        force_reload (bool): Process again even if a stored graph exists.
        source (path, optional): Folder to copy a missing raw file from: ``<source>/<file>`` or
            ``<source>/<Name>/<file>``.

    The single ``Data`` holds ``edge_index`` (2, E) int64 with both directions, sorted, without
    repeats and self-loops, ``edge_time`` (E,) int64 and ``num_nodes``. There are no features.

    Raises:
        ValueError: If ``name`` is unknown, or a file has another SHA-256.
        FileNotFoundError: If the raw file is missing.

    Reference: R. Rossi, N. Ahmed, "The Network Data Repository with Interactive Graph Analytics
        and Visualization", AAAI 2015.
    """

    def __init__(
        self,
        root: str | Path | None,
        name: str,
        transform: Callable[[Data], Any] | None = None,
        pre_transform: Callable[[Data], Any] | None = None,
        force_reload: bool = False,
        *,
        source: str | Path | None = None,
    ) -> None:
        self._network = _NETWORKS[check_choice(name, "name", tuple(_NETWORKS))]
        super().__init__(root, "animal", name, transform, pre_transform, force_reload, source)
        self.load(self.processed_paths[0])

    def process(self) -> None:
        """Read and check the raw file and store the graph in one step."""
        (path,) = self._verified()
        # Four lines of the vole file lack the number of contacts: the time is the last field.
        fields = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
        pairs = torch.tensor([[int(f[0]), int(f[1])] for f in fields], device="cpu").t() - 1
        time = torch.tensor([int(f[-1]) for f in fields], device="cpu")
        keep = pairs[0] != pairs[1]
        edge_index, edge_time = to_undirected(
            pairs[:, keep].contiguous(),
            time[keep],
            num_nodes=self._network.num_nodes,
            reduce="min",
        )
        data = Data(edge_index=edge_index, edge_time=edge_time, num_nodes=self._network.num_nodes)
        self._store(data)

    def _checksums(self) -> dict[str, str | None]:
        return {self._network.file: self._network.sha256}

    def _candidates(self, name: str) -> Iterator[Path]:
        yield Path(self.root) / self.name / name
        if self._source is not None:
            yield self._source / name
            yield self._source / self.name.capitalize() / name

    def _missing_message(self, missing: list[str]) -> str:
        return (
            f"AnimalNetwork({self.name!r}) lacks its raw file. Place\n{missing[0]}\n"
            f"or name its folder: {self._source_hint()}"
        )
