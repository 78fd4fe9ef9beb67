"""Texts in one file that are read where they are used, and the places they are asked for by."""

from __future__ import annotations

import hashlib
import json
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlab._io import StrPath, atomic_path, user_path

__all__: list[str] = []

FORMAT = "graphlab-texts-1"
_SUFFIX = ".safetensors"
#: Bytes of length and header together: the header is written last, over what was kept free.
_HEAD = 512
_ALIGNED = 8
_READ = 1 << 22  # bytes of texts that an iteration holds at a time
_MOST = 4096  # texts that it holds at a time

Places = NDArray[np.int64]


class StoredTexts(Sequence[str]):
    """A sequence of texts that stay in a file and are read where they are used.

    It stands wherever texts do, as the ``text`` of a :class:`~graphlab.tag.TextGraph` too. Slices,
    and selections by a tensor or a mask, are views of the same file. The file is mapped and not
    read: what memory holds is a number of 8 bytes per text of a selection.

    The file is a safetensors file with the bytes of all texts in UTF-8 (``text``) and where each
    begins (``offset``), so that other programs can read it. No text in it is blank: that was
    refused when it was written.

    Args:
        path (path): File that :meth:`write` or :meth:`save` wrote.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no file of texts, or not whole.

    Complexity: O(1) to open, O(length) per text.

    Example:
        >>> texts = StoredTexts.write(["a cat", "a dog", "a cow"], "texts.safetensors")
        >>> texts[1], list(texts[::2]), len(texts)
        ('a dog', ['a cat', 'a cow'], 3)
    """

    def __init__(self, path: StrPath) -> None:
        self._path = user_path(path).absolute()
        self._bytes, self._offset, self._digest = _open(self._path)
        self._index: Places | None = None

    @classmethod
    def write(cls, texts: Iterable[str], path: StrPath) -> StoredTexts:
        """Write texts one after the other, in memory that does not grow with their length.

        Args:
            texts (Iterable[str]): The texts, none blank; a generator is read once.
            path (path): File to write, in one step; another file of texts is replaced.

        Returns:
            StoredTexts: The texts in the file.

        Raises:
            TypeError: If an entry is no text.
            ValueError: If one is blank, or ``path`` is a file of another kind.
        """
        target = user_path(path)
        refuse_other_file(target)
        with atomic_path(target) as temporary, temporary.open("wb") as file:
            file.write(b" " * _HEAD)
            digest = hashlib.sha256()
            offset, end = array("q", [0]), 0
            for raw in _encoded(texts):
                file.write(raw)
                digest.update(raw)
                end += len(raw)
                offset.append(end)
            file.write(bytes(-end % _ALIGNED))
            places = np.frombuffer(offset, np.int64).astype("<i8")
            file.write(places.tobytes())
            digest.update(places.tobytes())
            file.seek(0)
            file.write(_header(end + -end % _ALIGNED, len(places), digest.hexdigest()))
        return cls(target)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def save(self, path: StrPath) -> StoredTexts:
        """Write these texts, of a selection only those, to a file of their own.

        Args:
            path (path): File to write.

        Returns:
            StoredTexts: The texts in that file.

        Raises:
            ValueError: If ``path`` is a file of another kind.
        """
        return StoredTexts.write(self, path)

    def verify(self) -> None:
        """Compare the whole file with its checksum.

        Raises:
            ValueError: If it differs.
        """
        digest = hashlib.sha256()
        end = int(self._offset[-1])
        for start in range(0, end, _READ):
            digest.update(self._bytes[start : min(start + _READ, end)].data)
        digest.update(np.ascontiguousarray(self._offset).data)
        if digest.hexdigest() != self._digest:
            raise ValueError(f"{self._path} is damaged: its checksum differs")

    def __len__(self) -> int:
        return self._offset.size - 1 if self._index is None else self._index.size

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: Any) -> StoredTexts: ...
    def __getitem__(self, index: Any) -> str | StoredTexts:
        """A text, or a view of some.

        Args:
            index (int, slice, Tensor, array or list): Position; or positions, also as a mask.

        Returns:
            str or StoredTexts: The text, or the selection in the order asked for.

        Raises:
            IndexError: If there is no such text, or a mask has another length.
        """
        places = chosen(index, len(self))
        if isinstance(places, int):
            row = places if self._index is None else int(self._index[places])
            start, stop = self._offset[row : row + 2].tolist()
            return self._bytes[start:stop].tobytes().decode("utf-8", "surrogatepass")
        view = object.__new__(StoredTexts)
        view.__dict__ |= self.__dict__
        view._index = places if self._index is None else self._index[places]
        return view

    def __iter__(self) -> Iterator[str]:
        if self._index is not None:
            yield from (self[i] for i in range(len(self)))
            return
        row = 0
        while row < len(self):
            bounds = self._offset[row : row + _MOST + 1]
            # As many texts at a time as fit, and at least one.
            count = max(1, int(np.searchsorted(bounds, bounds[0] + _READ, "right")) - 1)
            ends = (bounds[: count + 1] - bounds[0]).tolist()
            raw = self._bytes[int(bounds[0]) : int(bounds[count])].tobytes()
            for start, stop in pairwise(ends):
                yield raw[start:stop].decode("utf-8", "surrogatepass")
            row += count

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (str, bytes)) or not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"StoredTexts({str(self._path)!r}, {len(self)} texts)"

    def __reduce__(self) -> tuple[Any, ...]:
        # The path is sent instead of the texts: workers of a loader open the file themselves.
        return _reopened, (str(self._path), self._digest, self._index)

    def __copy__(self) -> StoredTexts:
        return self[:]

    def __deepcopy__(self, memo: Any) -> StoredTexts:
        return self[:]

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> list[str]:
        return concatenated(func, args)


def concatenated(func: Callable[..., Any], args: tuple[Any, ...]) -> list[Any]:
    """What ``torch.cat`` of texts is, the one function of torch that PyG's batches call on them."""
    if func is not torch.cat:
        raise TypeError(f"texts have no torch.{getattr(func, '__name__', func)}")
    return list(chain.from_iterable(args[0]))


@overload
def chosen(index: slice, count: int) -> Places: ...
@overload
def chosen(index: Any, count: int) -> int | Places: ...
def chosen(index: Any, count: int) -> int | Places:
    """A position, or positions, as PyG's transforms and numpy ask for entries.

    Raises:
        IndexError: If a position is outside or no whole number, or a mask has another length.
    """
    if isinstance(index, slice):
        return np.arange(*index.indices(count), dtype=np.int64)
    if isinstance(index, (Tensor, np.ndarray, list)) and (isinstance(index, list) or index.ndim):
        places = torch.as_tensor(index, device="cpu").numpy()
        if places.dtype == bool:
            if places.shape != (count,):
                raise IndexError(f"mask must have shape ({count},), got {places.shape}")
            return np.flatnonzero(places)
        if places.size and places.dtype.kind not in "iu":  # fractions would be cut off
            raise IndexError(f"index must hold whole numbers, got dtype {places.dtype}")
        places = places.astype(np.int64)
        wrong = places[(places < -count) | (places >= count)]
        if wrong.size:
            raise IndexError(f"index must be below {count}, got {wrong[0]}")
        return np.where(places < 0, places + count, places)
    place = index.__index__()
    if not -count <= place < count:
        raise IndexError(f"index must be below {count}, got {place}")
    return int(place) % count


def refuse_other_file(path: Path) -> None:
    """Refuse to replace a file that holds anything but texts.

    Raises:
        ValueError: If it does.
    """
    if path.is_file() and path.stat().st_size:
        try:
            _open(path)
        except ValueError as error:
            raise ValueError(
                f"{path} is there and is no file of texts: it will not be replaced"
            ) from error


def _encoded(texts: Iterable[str]) -> Iterator[bytes]:
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"texts must hold str, but texts[{i}] is {type(text).__name__}")
        if not text.strip():
            raise ValueError(f"texts must not be empty, but texts[{i}] is {text[:20]!r}")
        yield text.encode("utf-8", "surrogatepass")


def _header(size: int, places: int, digest: str) -> bytes:
    described = {
        "__metadata__": {"format": FORMAT, "sha256": digest},
        "text": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]},
        "offset": {
            "dtype": "I64",
            "shape": [places],
            "data_offsets": [size, size + 8 * places],
        },
    }
    text = json.dumps(described, separators=(",", ":")).encode()
    return (_HEAD - 8).to_bytes(8, "little") + text.ljust(_HEAD - 8)


def _open(path: Path) -> tuple[NDArray[np.uint8], Places, str]:
    """Mapped bytes and offsets, and the checksum that is stored."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        size = os.fstat(file.fileno()).st_size
    try:
        if int.from_bytes(head[:8], "little") != _HEAD - 8:
            raise ValueError("another header")
        described = json.loads(head[8:])
        if described["__metadata__"]["format"] != FORMAT:
            raise ValueError("another format")
        length, count = described["text"]["shape"][0], described["offset"]["shape"][0]
        digest = str(described["__metadata__"]["sha256"])
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path} is no file of texts, as StoredTexts.write makes") from error
    if size != _HEAD + length + 8 * count or count < 1:
        raise ValueError(f"{path} is not whole: it must have {_HEAD + length + 8 * count} bytes, "
                         f"it has {size}")  # fmt: skip
    whole = np.memmap(path, np.uint8, "r")
    text = whole[_HEAD : _HEAD + length]
    offset = whole[_HEAD + length :].view("<i8")
    if offset[0] != 0 or not length - _ALIGNED < offset[-1] <= length:
        raise ValueError(f"{path} is damaged: its offsets do not fit its texts")
    return np.asarray(text), np.asarray(offset), digest


def _reopened(path: str, digest: str, index: Places | None) -> StoredTexts:
    texts = StoredTexts(path)
    if texts._digest != digest:
        raise ValueError(f"{path} holds other texts than when this was stored")
    texts._index = index
    return texts
