"""Matrix of embeddings that is larger than memory: shards on disk with a manifest."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_index
from graphlab._io import read_json, user_path
from graphlab.tag.embedding._shards import (
    MANIFEST,
    is_manifest,
    is_whole,
    read_note,
    shard_path,
)

__all__ = ["EmbeddingStore"]


class EmbeddingStore:
    """Rows of embeddings in a folder, mapped into memory and not read into it.

    The folder holds ``manifest.json`` (what was embedded, by what), ``shard-00000.npy`` and so on
    (equal numbers of consecutive rows, any numpy reads them), and a small file beside each shard
    that appears after it and holds the hash of its texts.

    Args:
        folder (path): Folder that :meth:`TextEncoder.encode_to` wrote.

    Attributes:
        folder (Path): The folder.
        manifest (dict): Settings, number of rows, their width and type.
        shape (tuple): ``(N, dim)``.

    Raises:
        FileNotFoundError: If there is no manifest, or shards are missing; the message lists them.
        ValueError: If a file does not fit the manifest.

    Example:
        >>> store = EmbeddingStore("embeddings")  # doctest: +SKIP
        >>> x = store[torch.tensor([5, 17, 5])]  # doctest: +SKIP
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = user_path(folder, "folder")
        if not (self.folder / MANIFEST).is_file():
            raise FileNotFoundError(f"{self.folder} holds no {MANIFEST}")
        self.manifest = read_json(self.folder / MANIFEST)
        if not is_manifest(self.manifest):
            raise ValueError(f"{self.folder / MANIFEST} is not a manifest of embeddings")
        self.shape = (self.manifest["rows"], self.manifest["dim"])
        self._size = self.manifest["shard_size"]
        count = -(-self.shape[0] // self._size)
        there = {path.name for path in self.folder.iterdir()}
        # As many as there are files: a damaged manifest may name any number of rows.
        if count > len(there) or not all(is_whole(self.folder, i) for i in range(count)):
            missing = [i for i in range(min(count, len(there) + 1)) if not is_whole(self.folder, i)]
            raise FileNotFoundError(
                f"{self.folder} lacks some of {count} shards: {missing[:10]}; run the same "
                "encode_to again to make them"
            )
        self._shards = [self._open(i) for i in range(count)]

    def _open(self, number: int) -> np.ndarray:
        path = shard_path(self.folder, number)
        rows = min(self._size, self.shape[0] - number * self._size)
        try:
            shard: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        except Exception as error:  # of numpy and its parser, as the damage has it
            raise ValueError(f"{path} is damaged: {error!s:.400}") from error
        if shard.shape != (rows, self.shape[1]) or shard.dtype != self.manifest["dtype"]:
            raise ValueError(
                f"{path} must be {(rows, self.shape[1])} {self.manifest['dtype']}, "
                f"it is {shard.shape} {shard.dtype}"
            )
        return shard

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"EmbeddingStore({str(self.folder)!r}, shape={self.shape})"

    def __getitem__(self, index: Tensor) -> Tensor:
        """Copy of some rows.

        Args:
            index (Tensor): ``(M,)`` int64 rows, in any order, repeats allowed.

        Returns:
            Tensor: ``(M, dim)``.
        """
        rows = check_index(index, len(self), "index").cpu().numpy()
        result = np.empty((rows.size, self.shape[1]), self.manifest["dtype"])
        shards = rows // self._size
        for number in np.unique(shards):
            inside = shards == number
            result[inside] = self._shards[number][rows[inside] - number * self._size]
        return torch.from_numpy(result)

    def tensor(self) -> Tensor:
        """Read everything into memory.

        Returns:
            Tensor: ``(N, dim)``.
        """
        if not self._shards:
            return torch.from_numpy(np.empty(self.shape, self.manifest["dtype"]))
        return torch.from_numpy(np.concatenate(self._shards))

    def verify(self) -> None:
        """Compare every shard with the checksum beside it.

        Raises:
            ValueError: If one differs.
        """
        for number, shard in enumerate(self._shards):
            noted = read_note(self.folder, number)
            if noted["sha256"] != hashlib.sha256(np.ascontiguousarray(shard).data).hexdigest():
                raise ValueError(
                    f"{shard_path(self.folder, number)} is damaged: its checksum differs"
                )
