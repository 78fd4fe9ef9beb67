"""Where the numbers of a phrase stand among those of a document, and files with other numbers."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from graphlab._io import load_arrays, save_arrays
from graphlab.tag import GraphRetriever
from graphlab.tag.retrieval.phrase_index import _contains


def packed(*numbers: int) -> bytes:
    return array("i", numbers).tobytes()


@pytest.mark.parametrize("needle", [(5,), (5, 6), (6, 7), (7,), (5, 6, 7)])
def test_a_phrase_is_found_wherever_it_stands(needle: tuple[int, ...]) -> None:
    assert _contains(packed(5, 6, 7), packed(*needle))


@pytest.mark.parametrize("needle", [(6, 5), (8,), (5, 7), (5, 6, 7, 8)])
def test_other_numbers_are_not_found(needle: tuple[int, ...]) -> None:
    assert not _contains(packed(5, 6, 7), packed(*needle))


def test_bytes_of_two_numbers_are_no_number() -> None:
    inside = packed(1 << 8, 0)[1:5]  # a 1 that begins within the first of them
    assert inside == packed(1) and not _contains(packed(1 << 8, 0), inside)
    assert _contains(packed(1 << 8, 0, 1), inside)  # the search goes on behind it


def lengths(*numbers: int) -> Callable[[dict[str, Tensor]], None]:
    return lambda stored: stored.update({"phrases.length": torch.tensor(numbers)})


def repeated_word(stored: dict[str, Tensor]) -> None:
    words = json.loads(stored["words"].numpy().tobytes())
    text = json.dumps([words[1], *words[1:]]).encode()
    stored["words"] = torch.tensor(list(text), dtype=torch.uint8)


def repeated_phrase(stored: dict[str, Tensor]) -> None:
    flat = stored["phrases.flat"].clone()
    flat[2:4] = flat[:2]
    stored["phrases.flat"] = flat


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lengths(2, 1), "the lists 'phrases' of the index do not fit their lengths"),
        (lengths(5, -1), "the lists 'phrases' of the index do not fit their lengths"),
        (lengths(4, 0), "documents, words and phrases of the index do not fit together"),
        (repeated_word, "documents, words and phrases of the index do not fit together"),
        (repeated_phrase, "documents, words and phrases of the index do not fit together"),
    ],
    ids=["too short", "negative", "empty phrase", "repeated word", "repeated phrase"],
)
def test_files_of_no_index_are_refused(
    change: Callable[[dict[str, Tensor]], None], words: str, tmp_path: Path
) -> None:
    GraphRetriever().index({"a": "we saw a Blue Whale", "b": "the Grey Seal sleeps"}).save(tmp_path)
    path = tmp_path / "arrays.safetensors"
    stored, metadata = load_arrays(path)
    assert stored["phrases.length"].tolist() == [2, 2]
    change(stored)
    save_arrays(path, stored, metadata)
    with pytest.raises(ValueError, match=words):
        GraphRetriever.load(tmp_path)
