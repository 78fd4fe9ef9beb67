"""Where the numbers of a phrase stand among those of a document."""

from __future__ import annotations

from array import array

import pytest

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
