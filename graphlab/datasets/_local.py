"""Named data sets whose raw files the user has: located, checked and copied, never fetched."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from graphlab._download import data_root, sha256_of
from graphlab._graphs.typed import Data, InMemoryDataset
from graphlab._io import atomic_path, user_path

__all__: list[str] = []


class LocalDataset(InMemoryDataset):
    """Raw files in ``<root>/<name>/raw``, the processed form in ``<root>/<name>/processed``.

    Subclasses say which files they need, where else these may lie, and how to read them.

    Args:
        root (path, optional): Folder of the data sets; ``None`` means ``folder`` in the data root
            of graphlab.
        folder (str): Name of that folder.
        name (str): Name of the set.
        transform (callable, optional): Applied to an item at every access.
        pre_transform (callable, optional): Applied once, before items are stored.
        force_reload (bool): Process again even if stored items exist.
        source (path, optional): Another folder to copy missing raw files from.
    """

    def __init__(
        self,
        root: str | Path | None,
        folder: str,
        name: str,
        transform: Callable[[Any], Any] | None,
        pre_transform: Callable[[Any], Any] | None,
        force_reload: bool,
        source: str | Path | None,
    ) -> None:
        self.name = name
        self._source = None if source is None else user_path(source, "source")
        path = data_root(None) / folder if root is None else data_root(root)
        super().__init__(str(path), transform, pre_transform, log=False, force_reload=force_reload)

    @property
    def raw_dir(self) -> str:
        """Folder of the raw files."""
        return str(Path(self.root) / self.name / "raw")

    @property
    def processed_dir(self) -> str:
        """Folder of what was read from them."""
        return str(Path(self.root) / self.name / "processed")

    @property
    def raw_file_names(self) -> list[str]:
        """Names of the raw files this set needs."""
        return list(self._checksums())

    @property
    def processed_file_names(self) -> list[str]:
        """Name of the stored form."""
        return ["data.pt"]

    def download(self) -> None:
        """Copy the raw files from the folders known, or say what is missing."""
        missing = []
        for name, digest in self._checksums().items():
            target = Path(self.raw_dir) / name
            if target.is_file():
                continue
            source = next((path for path in self._candidates(name) if path.is_file()), None)
            if source is None:
                missing.append(f"  {target}{self._describe(name, digest)}")
                continue
            _verify(source, digest)
            with atomic_path(target) as temporary:
                shutil.copyfile(source, temporary)
        if missing:
            raise FileNotFoundError(self._missing_message(missing))

    def load(self, path: str, data_cls: type[Data] = Data) -> None:
        """Read the stored graph; unlike PyG's own method, never by unrestricted unpickling.

        Args:
            path (str): File to read.
            data_cls (type): Class of the graph.

        Raises:
            ValueError: If the file cannot be read.
        """
        content, self.slices, _ = read_stored(path)
        self.data = data_cls.from_dict(content)

    def _checksums(self) -> dict[str, str | None]:
        """Raw files in the order of reading, with their SHA-256 where it is known."""
        raise NotImplementedError

    def _candidates(self, name: str) -> Iterator[Path]:
        """Paths to copy a raw file from."""
        raise NotImplementedError

    def _describe(self, name: str, digest: str | None) -> str:
        """Note on a file in the message that it is missing."""
        return f"  (sha256 {digest})" if digest else ""

    def _missing_message(self, missing: list[str]) -> str:
        return "\n".join(
            [
                f"{type(self).__name__}({self.name!r}) lacks {len(missing)} raw file(s). Place",
                *missing,
                f"or name the folder that holds them: {self._source_hint()}",
            ]
        )

    def _source_hint(self) -> str:
        """The argument that names a folder of raw files, and what is wrong with what was given."""
        if self._source is None:
            return "source=..."
        is_folder = self._source.is_dir()
        state = "does not hold what is missing" if is_folder else "is no folder"
        return f"source=... ({str(self._source)!r} {state})"

    def _verified(self) -> list[Path]:
        """Paths of the raw files, their contents checked."""
        paths = []
        for name, digest in self._checksums().items():
            path = Path(self.raw_dir) / name
            _verify(path, digest)
            paths.append(path)
        return paths

    def _store(self, data: Data) -> None:
        """Store the only graph of the set in one step."""
        if self.pre_transform is not None:
            data = self.pre_transform(data)
        with atomic_path(self.processed_paths[0]) as temporary:
            self.save([data], str(temporary))


def read_stored(path: str) -> Any:
    """Read what was stored, without unrestricted unpickling."""
    try:
        return torch.load(path, weights_only=True)
    except Exception as error:  # whatever is wrong with the file, the remedy is the same
        raise ValueError(
            f"{path} cannot be read; delete it or pass force_reload=True ({error})"
        ) from error


def _verify(path: Path, digest: str | None) -> None:
    if digest is not None and (actual := sha256_of(path)) != digest:
        raise ValueError(
            f"{path} has another content than expected: its sha256 is {actual}, it must be {digest}"
        )
