"""Texts in a file: the same as a list, whatever is asked of them, and never a wrong file."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from graphlab.tag.text_graph import StoredTexts

TEXTS = ["a cat", "zoë and 猫", "line\nbreak", "\ud800 alone", "x" * 5000]


@pytest.fixture
def texts(tmp_path):
    return StoredTexts.write(iter(TEXTS), tmp_path / "texts.safetensors")


def test_a_file_of_texts_is_a_sequence(texts):
    assert len(texts) == 5 and list(texts) == TEXTS and texts == TEXTS and texts != TEXTS[:4]
    assert [texts[i] for i in range(-5, 5)] == TEXTS * 2
    assert TEXTS[1] in texts and "a dog" not in texts and texts.index("line\nbreak") == 2
    assert "5 texts" in repr(texts)
    assert texts != "a cat" and texts != b"a cat" and texts != 5 and texts != set(TEXTS)
    for place in (5, -6):
        with pytest.raises(IndexError, match=f"index must be below 5, got {place}"):
            texts[place]
    texts.verify()


@given(st.lists(st.integers(-5, 4), max_size=12), st.integers(-7, 7), st.integers(-7, 7))
def test_selections_are_those_of_a_list(tmp_path_factory, places, start, stop):
    texts = StoredTexts.write(TEXTS, tmp_path_factory.mktemp("t") / "t")
    expected = [TEXTS[i] for i in places]
    for index in (places, np.array(places, int), torch.tensor(places, dtype=torch.long)):
        assert list(texts[index]) == expected
    assert list(texts[start:stop:2]) == TEXTS[start:stop:2]
    part = texts[places]
    assert list(part[::-1]) == expected[::-1]  # of a selection another


def test_masks_and_copies(texts):
    mask = torch.tensor([True, False, True, False, False])
    part = texts[mask]
    assert list(part) == TEXTS[:3:2] and list(texts[mask.numpy()]) == list(part)
    for same in (copy.copy(part), copy.deepcopy(part), pickle.loads(pickle.dumps(part))):
        assert isinstance(same, StoredTexts) and same == part
    with pytest.raises(IndexError, match=r"mask must have shape \(5,\), got \(2,\)"):
        texts[mask[:2]]


def test_a_selection_is_saved_on_its_own(texts, tmp_path):
    saved = texts[torch.tensor([3, 1])].save(tmp_path / "part")
    assert list(StoredTexts(tmp_path / "part")) == [TEXTS[3], TEXTS[1]] == list(saved)
    assert list(texts[:0].save(tmp_path / "none")) == []


def test_other_programs_read_the_file(texts):
    content = load_file(texts.path)
    start, stop = content["offset"][1:3]
    assert bytes(content["text"][start:stop]).decode() == TEXTS[1]


def test_many_texts_are_read_in_blocks(tmp_path):
    many = [f"text {i} " + "y" * (i % 3000) for i in range(9000)]
    assert list(StoredTexts.write(many, tmp_path / "t")) == many


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (["a", 3], TypeError, r"texts\[1\] is int"),
        (["a", " \n"], ValueError, r"must not be empty, but texts\[1\] is ' \\n'"),
    ],
)
def test_what_is_no_text_is_refused_and_leaves_nothing(given, error, message, tmp_path):
    with pytest.raises(error, match=message):
        StoredTexts.write(given, tmp_path / "t")
    assert list(tmp_path.iterdir()) == []


def test_only_files_of_texts_are_replaced(texts, tmp_path):
    assert list(StoredTexts.write(["other"], texts.path)) == ["other"]
    assert list(texts) == TEXTS  # whoever has the old file open keeps it
    with pytest.raises(ValueError, match="holds other texts"):
        pickle.loads(pickle.dumps(texts))
    mine = tmp_path / "thesis.txt"
    mine.write_text("years of work")
    with pytest.raises(ValueError, match=r"thesis\.txt is there and is no file of texts"):
        StoredTexts.write(TEXTS, mine)
    assert mine.read_text() == "years of work"


def test_damage_is_noticed(texts):
    whole = texts.path.read_bytes()
    texts.path.write_bytes(whole[:-3])
    with pytest.raises(ValueError, match=r"is not whole: it must have \d+ bytes"):
        StoredTexts(texts.path)
    texts.path.write_bytes(whole[:512] + b"b" + whole[513:])
    with pytest.raises(ValueError, match="damaged: its checksum differs"):
        StoredTexts(texts.path).verify()
    texts.path.write_bytes(b"something else")
    with pytest.raises(ValueError, match="is no file of texts"):
        StoredTexts(texts.path)


def test_other_headers_and_offsets_are_noticed(texts):
    whole = texts.path.read_bytes()
    texts.path.write_bytes(whole.replace(b"graphlab", b"something", 1)[: len(whole)])
    with pytest.raises(ValueError, match="is no file of texts"):
        StoredTexts(texts.path)
    texts.path.write_bytes(whole[:-8] + (2**40).to_bytes(8, "little"))
    with pytest.raises(ValueError, match="is damaged: its offsets do not fit its texts"):
        StoredTexts(texts.path)


def test_places_outside_and_other_functions_of_torch_are_refused(texts):
    count = len(texts)
    for wrong in ([0, count], np.array([-count - 1]), torch.tensor([count])):
        with pytest.raises(IndexError, match=f"index must be below {count}, got"):
            texts[wrong]
    with pytest.raises(TypeError, match=r"texts have no torch\.stack"):
        torch.stack(texts)


@pytest.mark.parametrize("index", [torch.tensor([0.9]), np.array([1.0]), [0.5]])
def test_a_fraction_is_no_position(texts, index):
    with pytest.raises(IndexError, match="index must hold whole numbers, got dtype float"):
        texts[index]
