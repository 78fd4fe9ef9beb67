"""Matrix of embeddings that is larger than memory: shards on disk with a manifest."""

from __future__ import annotations

import hashlib
import os
import warnings
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_choice, check_int
from graphlab._feature_rows import check_feature_rows, content_name
from graphlab._io import read_json, user_path
from graphlab.tag.embedding._row_numbers import row_number, row_numbers
from graphlab.tag.embedding._shards import (
    MANIFEST,
    is_manifest,
    is_whole,
    read_note,
    shard_path,
    write_computed,
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

    It stands wherever graphlab takes features: :class:`GraphTextPairs`, the zero-shot classifiers,
    :class:`TAPE`, :class:`GAugLLM`, :func:`~graphlab.evaluate.linear_probe` and
    :class:`GraphRetriever` read its rows by batches.

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
        self.shape = (int(self.manifest["rows"]), int(self.manifest["dim"]))
        self._size = int(self.manifest["shard_size"])
        count = -(-self.shape[0] // self._size)
        there = {path.name for path in self.folder.iterdir()}
        # As many as there are files: a damaged manifest may name any number of rows.
        if count > len(there) or not all(is_whole(self.folder, i) for i in range(count)):
            missing = [i for i in range(min(count, len(there) + 1)) if not is_whole(self.folder, i)]
            raise FileNotFoundError(
                f"{self.folder} lacks {len(missing)} of {count} shards: {missing[:10]}; run the "
                "same encode_to again to make them"
            )
        self._shards = [self._open(i) for i in range(count)]
        self._offsets = [int(getattr(shard, "offset", 0)) for shard in self._shards]
        self._fingerprint: str | None = None

    @staticmethod
    def write(
        folder: str | os.PathLike[str],
        x: Any,
        *,
        shard_size: int = 65_536,
        dtype: Literal["float16", "float32"] = "float16",
    ) -> EmbeddingStore:
        """Write a matrix that is at hand, such as a published one, shard by shard.

        Args:
            folder (path): Folder of the store; a repeated call makes what is missing.
            x (Tensor, ndarray or EmbeddingStore): ``(N, D)``, floating point and finite. An array
                that ``numpy.load(..., mmap_mode="r")`` maps is read by shards.
            shard_size (int): Rows per shard.
            dtype (str): ``"float16"`` or ``"float32"``.

        Returns:
            EmbeddingStore: The rows.

        Raises:
            TypeError, ValueError: If an argument is malformed, the folder holds other rows, or
                numbers do not fit into ``dtype``.
        """
        check_choice(dtype, "dtype", ("float16", "float32"))
        check_int(shard_size, "shard_size", minimum=1)
        if isinstance(x, np.ndarray):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", ".*not writable.*")  # nor is it written to
                x = torch.from_numpy(x)
        rows = check_feature_rows(x, "x")
        path = user_path(folder, "folder")
        write_computed(
            path,
            (int(rows.shape[0]), int(rows.shape[1])),
            {"content": content_name(rows)},
            shard_size,
            dtype,
            (0, 1),
            lambda start, stop: rows[start:stop].detach().cpu().numpy(),
        )
        return EmbeddingStore(path)

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

    def __reduce__(self) -> tuple[Any, ...]:
        # The folder is sent instead of the rows, which may be more than memory holds.
        return _reopened, (str(self.folder.absolute()), self.fingerprint)

    def __deepcopy__(self, memo: Any) -> EmbeddingStore:
        return self

    def __repr__(self) -> str:
        return f"EmbeddingStore({str(self.folder)!r}, shape={self.shape})"

    @property
    def dtype(self) -> torch.dtype:
        """Type of the numbers, ``torch.float16`` or ``torch.float32``."""
        kind: torch.dtype = getattr(torch, self.manifest["dtype"])
        return kind

    @property
    def fingerprint(self) -> str:
        """Name of the content: a hash of the checksums of all shards."""
        if self._fingerprint is None:
            digest = hashlib.sha256(f"{self.dtype} {self.shape}".encode())
            for number in range(len(self._shards)):
                digest.update(read_note(self.folder, number)["sha256"].encode())
            self._fingerprint = digest.hexdigest()
        return self._fingerprint

    def __getitem__(self, index: Any) -> Tensor:
        """Copy of some rows, as the first dimension of a tensor is indexed.

        Args:
            index (int, slice, Tensor, ndarray or list): A row; consecutive ones; ``(M,)`` rows in
                any order, repeats allowed; or a mask ``(N,)``. Negative rows count from the end.

        Returns:
            Tensor: ``(M, dim)``; ``(dim,)`` of a single row.

        Raises:
            TypeError: If the index is none of these.
            ValueError: If it has more dimensions, or a mask has another length.
            IndexError: If a row is out of range.
        """
        single = row_number(index, len(self))
        if single is not None:
            number, row = divmod(single, self._size)
            return torch.from_numpy(np.array(self._shards[number][row]))
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                return self._read(start, max(start, stop))
            index = np.arange(start, stop, step)
        rows = row_numbers(index, len(self))
        result = np.empty((rows.size, self.shape[1]), self.manifest["dtype"])
        shards = rows // self._size
        for number in np.unique(shards):
            inside = shards == number
            result[inside] = self._shards[number][rows[inside] - number * self._size]
        return torch.from_numpy(result)

    def _read(self, start: int, stop: int) -> Tensor:
        """Consecutive rows, read and not mapped: going through all leaves nothing in memory."""
        result = np.empty((stop - start, self.shape[1]), self.manifest["dtype"])
        done = 0
        while start + done < stop:
            number, row = divmod(start + done, self._size)
            count = min(stop - start - done, self._size - row)
            # The place of the rows in the file is that of the mapping and its header.
            offset = self._offsets[number] + row * self.shape[1] * result.itemsize
            values = np.fromfile(
                shard_path(self.folder, number), result.dtype, count * self.shape[1], offset=offset
            )
            result[done : done + count] = values.reshape(count, self.shape[1])
            done += count
        return torch.from_numpy(result)

    def tensor(self) -> Tensor:
        """Read everything into memory.

        Returns:
            Tensor: ``(N, dim)``.
        """
        return self._read(0, len(self))

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


def _reopened(folder: str, fingerprint: str) -> EmbeddingStore:
    store = EmbeddingStore(folder)
    if store.fingerprint != fingerprint:
        raise ValueError(f"{folder} holds other embeddings than when this store was pickled")
    return store
