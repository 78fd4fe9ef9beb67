"""The embedded encoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from graphlab.tag import HashingEncoder


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
