"""Models behind an encoder: a SentenceTransformer, its name, and what cannot be loaded."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from graphlab.tag import TextEncoder


class Sentences(nn.Module):
    """What a SentenceTransformer looks like from outside."""

    def __init__(self, source: str = "", device: str | None = None) -> None:
        super().__init__()
        if source.endswith("broken"):
            raise ValueError("no config.json")
        self.source, self.max_seq_length, self.kinds = source, 512, []
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
    assert model.max_seq_length == 16
    assert len({plain.identity, short.identity, half.identity}) == 3
    assert plain.identity == TextEncoder(Sentences()).identity
    half.encode(["ab"])
    assert coarse.kinds[0][0] == torch.bfloat16


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
