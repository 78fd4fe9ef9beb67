"""The embedded encoder."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from graphlab.tag import HashingEncoder
from graphlab.tag._unicode import words


def test_hashing_is_a_fixed_function_of_words():
    encode = HashingEncoder(dim=32)
    a, b, c = encode(["red cat", "red dog", "blue sky"])
    assert np.array_equal(encode(["red cat"])[0], a)
    assert a @ b > a @ c + 0.1
    assert not encode(["", "!?"]).any()
    assert HashingEncoder(dim=32, seed=1).identity != encode.identity


def test_fitted_hashing_finds_topics_and_is_saved(tmp_path):
    topics = ["cat purr mouse", "dog bark bone", "sun moon star"]
    corpus = [f"{topics[i % 3]} {i}" for i in range(60)]
    encode = HashingEncoder(dim=3, num_features=4096, ngrams=1).fit(corpus)
    x = torch.nn.functional.normalize(torch.from_numpy(encode([*topics, "purr", "bark"])))
    assert (x @ x.t())[3:, :3].argmax(1).tolist() == [0, 1]
    encode.save(tmp_path / "e")
    again = HashingEncoder.load(tmp_path / "e")
    assert np.array_equal(again(topics), encode(topics)) and again.identity == encode.identity
    with pytest.raises(ValueError, match="at least two texts"):
        encode.fit(["x"])


def test_hashing_follows_the_contract_of_estimators():
    encode = HashingEncoder(dim=8, num_features=64).fit(["red cat", "blue dog", "red dog"])
    fresh = clone(encode)
    assert repr(fresh) == "HashingEncoder(dim=8, num_features=64)"
    assert not hasattr(fresh, "components_") and encode.components_.shape == (64, 8)
    assert np.array_equal(fresh(["cat"]), HashingEncoder(8, 64)(["cat"]))
    # Parameters count from the next call on, also those that a random matrix was drawn for.
    assert fresh.set_params(dim=4)(["cat"]).shape == (1, 4)
    for change, name in (({"dim": 0}, "dim"), ({"dim": 99}, "num_features")):
        with pytest.raises(ValueError, match=name):
            clone(encode).set_params(**change)(["cat"])
        with pytest.raises(ValueError, match=name):
            clone(encode).set_params(**change).fit(["cat", "dog"])


def test_hashing_works_in_a_pipeline():
    texts, y = ["cat purr", "dog bark", "cat mouse", "dog bone"] * 5, [0, 1, 0, 1] * 5
    model = make_pipeline(HashingEncoder(dim=4), LogisticRegression())
    assert model.fit(texts, y).score(texts, y) == 1.0
    assert model.set_params(hashingencoder__ngrams=1).fit(texts, y).score(texts, y) == 1.0


def test_an_encoder_that_is_not_fitted_is_saved_with_its_parameters(tmp_path):
    encode = HashingEncoder(dim=8, num_features=64, seed=3)
    again = HashingEncoder.load(encode.save(tmp_path / "e"))
    assert repr(again) == repr(encode) and again.identity == encode.identity
    assert np.array_equal(again(["red cat"]), encode(["red cat"]))


ACCENTS = ["\u0141\u00f3d\u017a is large", "a caf\u00e9", "stra\u00dfe", "x\u030cyz"]


def test_one_word_is_one_word_however_it_is_typed():
    encode = HashingEncoder(dim=32)
    for form in ("NFC", "NFD", "NFKD"):
        typed = [unicodedata.normalize(form, text.upper()) for text in ACCENTS]
        assert np.array_equal(encode(typed), encode(ACCENTS))
    one, other = encode(["caf\u00e9", "caf"])
    assert not np.array_equal(one, other)


@given(st.text(st.characters(max_codepoint=127)))
def test_words_of_ascii_are_those_of_scikit_learn(text):
    assert words(text, r"\w") == re.findall(r"(?u)\b\w+\b", text.lower())


def test_an_encoder_of_the_earlier_rule_keeps_it(tmp_path, monkeypatch):
    encode = HashingEncoder(dim=3, num_features=64)
    encode._rule = 1
    monkeypatch.setattr("graphlab.tag.embedding.hashing._RULE", 1)
    encode.fit([*ACCENTS, "plain", "words"])
    arrays = encode._arrays()
    del arrays["rule"]  # which did not know of it
    monkeypatch.undo()
    again = HashingEncoder._restore(encode._config(), arrays)
    assert np.array_equal(again(ACCENTS), encode(ACCENTS))
    assert again.identity == encode.identity and again.identity.startswith("hashing-1-")
    loaded = HashingEncoder.load(again.save(tmp_path / "e"))
    assert loaded.identity == again.identity
    assert loaded.fit(ACCENTS).identity.startswith("hashing-2-")
    with pytest.raises(ValueError, match="rule must be 1 or 2, got 3"):
        HashingEncoder()._set_arrays({"rule": torch.tensor(3)})


def test_no_texts_are_no_rows():
    plain, fitted = HashingEncoder(dim=4), HashingEncoder(dim=4).fit(["a red cat", "a blue dog"])
    assert plain([]).shape == fitted([]).shape == (0, 4)
    assert plain([]).dtype == np.float32
