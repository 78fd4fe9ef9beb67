"""What is removed from an index leaves it: phrases at once, the rest when there is enough of it."""

from __future__ import annotations

import random
from collections.abc import Iterable

import numpy as np
import pytest

from graphlab.tag.retrieval._vectors import VectorTable
from graphlab.tag.retrieval.phrase_index import Entry, PhraseIndex

WORDS = [f"w{i}" for i in range(40)]


def words_of(number: int) -> list[str]:
    return random.Random(number).choices(WORDS, k=12)


def names_of(number: int) -> list[list[str]]:
    """Two phrases of the text, of one and two words."""
    words = words_of(number)
    return [words[:1], words[4:6]]


def fill(index: PhraseIndex, numbers: Iterable[int]) -> None:
    index.add((n, index.read(words_of(n), names_of(n), words_of(n)[7:9])) for n in numbers)


def filled(numbers: Iterable[int]) -> PhraseIndex:
    index = PhraseIndex(max_phrase=4)
    fill(index, numbers)
    return index


def restored(index: PhraseIndex) -> PhraseIndex:
    """Another index that was given what this one holds; all of its phrases are proposed."""
    other = PhraseIndex(index.max_phrase)
    phrases = [phrase for phrase in index.keys if phrase is not None]
    assert len(phrases) == len(index.keys)
    other.restore(index.words, phrases, list(index.entries.values()))
    return other


def phrases_of(index: PhraseIndex) -> set[tuple[str, ...]]:
    return {tuple(index.words[token] for token in phrase) for phrase in index.phrases}


def contained(index: PhraseIndex, entry: Entry) -> set[str]:
    """Phrases of a document that are still known."""
    alive = [number for number in entry.contained if index.keys[number] is not None]
    return set(index.text(alive))


def occurrences(index: PhraseIndex) -> int:
    return sum(map(len, index.postings))


@pytest.mark.parametrize("loaded", [False, True])
def test_phrases_go_with_the_last_document_that_proposes_them(loaded: bool) -> None:
    index = filled(range(120))
    if loaded:
        index = restored(index)
    order = list(range(120))
    random.Random(0).shuffle(order)
    for count, number in enumerate(order[:100], 1):
        index.remove(number)
        if count % 20 == 0:
            rest = sorted(order[count:])
            fresh = filled(rest)
            assert phrases_of(index) == phrases_of(fresh)
            for kept in rest:
                entry = index.entries[kept]
                assert contained(index, entry) == contained(fresh, fresh.entries[kept])


def test_occurrences_are_swept_out_once_most_documents_are_gone() -> None:
    index = filled(range(2_300))
    for number in range(1_150):
        index.remove(number)
    assert occurrences(index) == 2_300 * 12  # 1,150 are gone, 1,150 are left: not yet
    index.remove(1_150)
    assert occurrences(index) == 1_149 * 12
    for number in range(1_151, 2_151):
        index.remove(number)
        assert occurrences(index) == 1_149 * 12  # few documents are swept a thousand at a time
    index.remove(2_151)
    assert occurrences(index) == 148 * 12
    assert all(index.keys[p] is not None for e in index.entries.values() for p in e.contained)


def test_a_sweep_leaves_every_document_its_phrases() -> None:
    index = filled(range(1_300))
    for number in range(1_200):
        index.remove(number)
    fresh = filled(range(1_200, 1_300))
    assert occurrences(index) < 1_300 * 12
    for number, entry in index.entries.items():
        assert contained(index, entry) == contained(fresh, fresh.entries[number])
        assert len(entry.contained) < 60


def vectors(count: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def test_rows_take_a_quarter_more_than_they_need_at_most() -> None:
    stored, rows = VectorTable("float32"), vectors(700, 8, 0)
    sizes = set()
    for number, row in enumerate(rows):
        stored.insert([number], row[None])
        sizes.add(stored.num_bytes)
        assert stored.num_bytes <= 1.25 * (number + 1) * 8 * 4
    assert len(sizes) < 40  # copied a few times, not with every row
    assert np.array_equal(stored.take(range(700)), rows)


def test_places_of_removed_rows_are_taken_again() -> None:
    stored, rows = VectorTable("float32"), vectors(300, 8, 0)
    stored.insert(range(100), rows[:100])
    size = stored.num_bytes
    for number in range(200):
        stored.remove(number)
        stored.insert([number + 100], rows[number + 100][None])
        assert stored.num_bytes == size
    assert np.array_equal(stored.take(range(200, 300)), rows[200:])


def test_an_emptied_store_takes_rows_of_another_width() -> None:
    stored = VectorTable("float32")
    stored.insert([0, 1], vectors(2, 8, 0))
    stored.remove(0)
    stored.remove(1)
    assert stored.width is None
    rows = vectors(1, 1, 1)
    stored.insert([2], rows)
    assert stored.width == 1 and np.array_equal(stored.take([2]), rows)
