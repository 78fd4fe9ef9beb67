"""Models behind an encoder: a SentenceTransformer, its name, and what cannot be loaded."""

from __future__ import annotations

import copy
import pickle
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from sklearn.base import clone
from torch import Tensor, nn

from graphlab.tag import GraphRetriever, TextEncoder


class Sentences(nn.Module):
    """What a SentenceTransformer looks like from outside."""

    def __init__(self, source: str = "", device: str | None = None) -> None:
        super().__init__()
        if source.endswith("broken"):
            raise ValueError("no config.json")
        self.source, self.max_seq_length = source, 512
        self.kinds: list[Any] = []
        self.lengths: list[int] = []
        self.weight = nn.Parameter(torch.tensor([[1.0, 2.0]]))

    @property
    def device(self) -> torch.device:
        return self.weight.device

    def encode(self, texts: list[str], **options: Any) -> Tensor:
        assert options == {
            "batch_size": len(texts),
            "convert_to_numpy": False,
            "convert_to_tensor": True,
            "show_progress_bar": False,
        }
        sizes = torch.tensor([[float(len(text))] for text in texts])
        out = sizes @ self.weight
        self.kinds.append((out.dtype, self.training))
        self.lengths.append(self.max_seq_length)
        return out + torch.tensor([0.0, 1.0])


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("sentence_transformers")
    module.SentenceTransformer = Sentences  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    return module


def test_a_model_gives_its_own_rows_in_the_mode_of_evaluation() -> None:
    model = Sentences()
    encoder = TextEncoder(model, normalize=False, device="cpu")
    assert encoder.encode(["ab", "abc"]).tolist() == [[2.0, 5.0], [3.0, 7.0]]
    assert model.kinds == [(torch.float32, False)]


def test_a_shorter_length_and_half_precision_are_another_encoder() -> None:
    plain = TextEncoder(Sentences())
    short = TextEncoder(model := Sentences(), max_seq_length=16)
    half = TextEncoder(coarse := Sentences(), half=True)
    short.encode(["ab"])
    assert model.lengths == [16] and model.max_seq_length == 512  # the model is the caller's
    assert len({plain.identity, short.identity, half.identity}) == 3
    assert plain.identity == TextEncoder(Sentences()).identity
    half.encode(["ab"])
    assert coarse.kinds[0][0] == torch.bfloat16


def test_encoders_that_share_a_model_keep_their_own_lengths(tmp_path: Path) -> None:
    model = Sentences()
    short = TextEncoder(model, max_seq_length=4, cache_dir=tmp_path)
    TextEncoder(model, max_seq_length=100).encode(["ab"])
    short.encode(["abc"])
    assert model.lengths == [100, 4]
    assert "-length-4" in str(short.identity)


def test_a_model_that_is_trained_on_is_another_encoder(tmp_path: Path) -> None:
    model = Sentences()
    encoder = TextEncoder(model, cache_dir=tmp_path, normalize=False)
    before, name = encoder.encode(["abcd"]), encoder.identity
    with torch.no_grad():
        model.weight += 1
    assert encoder.encode(["abcd"]).tolist() != before.tolist()
    assert encoder.identity != name == TextEncoder(Sentences()).identity


def test_an_encoder_survives_pickle_and_copies(tmp_path: Path) -> None:
    encoder = TextEncoder(Sentences(), max_seq_length=8, cache_dir=tmp_path)
    rows = encoder.encode(["ab", "abc"])
    for again in (pickle.loads(pickle.dumps(encoder)), copy.deepcopy(encoder)):
        assert again.identity == encoder.identity
        assert torch.equal(again.encode(["ab", "abc"]), rows)
        assert again.encode(["new"]).shape == (1, 2)
    cloned = clone(GraphRetriever(encoder))  # as searches over parameters do
    assert torch.equal(cloned.encoder.encode(["ab", "abc"]), rows)


def test_weights_make_the_identity() -> None:
    other = Sentences()
    with torch.no_grad():
        other.weight += 1
    assert TextEncoder(other).identity != TextEncoder(Sentences()).identity


def test_a_folder_is_loaded_by_the_library(library: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    encoder = TextEncoder(str(tmp_path / "model"), normalize=False)
    assert encoder.encode(["abcd"]).tolist() == [[4.0, 9.0]]


def test_what_cannot_be_loaded_says_where_it_was_looked_for(
    library: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    with pytest.raises(OSError, match=r"the directory .*broken.*no config.json\nGive the path"):
        TextEncoder(str(tmp_path / "broken"))


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="device"):
        TextEncoder(Sentences(), device="cuda:99")


def test_the_words_of_a_tokenizer_are_part_of_the_identity() -> None:
    def model(vocabulary: dict[str, int]) -> Sentences:
        inner = SimpleNamespace(get_vocab=lambda: vocabulary)
        sentences = Sentences()
        sentences.tokenizer = SimpleNamespace(backend_tokenizer=inner)
        return sentences

    one, same, other = ({"a": 0, "b": 1}, {"b": 1, "a": 0}, {"a": 1, "b": 0})
    identity = TextEncoder(model(one)).identity
    assert identity == TextEncoder(model(same)).identity
    assert identity not in (TextEncoder(model(other)).identity, TextEncoder(Sentences()).identity)
