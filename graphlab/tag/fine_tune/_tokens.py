"""Tokens of all texts, packed without padding, and batches of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__: list[str] = []

_CHUNK = 4096  # texts per call of the tokenizer


class TokenTable:
    """Token ids of texts one after the other: 4 bytes per token, nothing for padding.

    Args:
        texts (Sequence[str]): Texts.
        tokenizer (PreTrainedTokenizerBase): A tokenizer of transformers.
        max_length (int): Tokens of a text that count, special ones included.
    """

    def __init__(self, texts: Sequence[str], tokenizer: Any, max_length: int) -> None:
        parts: list[np.ndarray] = []
        lengths: list[int] = []
        for start in range(0, len(texts), _CHUNK):
            ids = tokenizer(
                list(texts[start : start + _CHUNK]), truncation=True, max_length=max_length
            )["input_ids"]
            lengths += map(len, ids)
            parts.append(np.fromiter((i for row in ids for i in row), np.int32))
        self.length = np.asarray(lengths, np.int64)
        if not self.length.all():
            row = int((self.length == 0).argmax())
            raise ValueError(f"texts[{row}] has no tokens: {texts[row][:80]!r}")
        self._ids = np.concatenate(parts)
        self._start = np.concatenate([[0], np.cumsum(self.length)])
        pad = tokenizer.pad_token_id
        self._pad = 0 if pad is None else int(pad)  # masked out, so any id will do

    def batch(self, index: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor]:
        """Ids and attention mask of some texts, ``(B, T)`` int64, padded on the right."""
        width = int(self.length[index].max())
        ids = np.full((index.size, width), self._pad, np.int64)
        mask = np.zeros((index.size, width), np.int64)
        for row, i in enumerate(index):
            size = self.length[i]
            ids[row, :size] = self._ids[self._start[i] : self._start[i + 1]]
            mask[row, :size] = 1
        return torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device)

    def by_length(self, index: np.ndarray, size: int) -> Iterator[np.ndarray]:
        """Batches of similar length, the longest first: if memory is short, it is so at once."""
        order = index[np.argsort(-self.length[index], kind="stable")]
        for start in range(0, order.size, size):
            yield order[start : start + size]
