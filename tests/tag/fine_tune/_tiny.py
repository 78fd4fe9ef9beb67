"""A language model small enough for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from graphlab._random import seeded


def tiny_bert(folder: Path, words: Sequence[str]) -> Path:
    """Put a random BERT of two layers and a tokenizer of whole words into a folder."""
    transformers = pytest.importorskip("transformers", reason="needs transformers (extra tag)")
    tokenizers = pytest.importorskip("tokenizers", reason="needs transformers (extra tag)")
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words]
    vocabulary = {word: i for i, word in enumerate(names)}
    inner = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    inner.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]",
        sep_token="[SEP]",
    ).save_pretrained(folder)  # fmt: skip
    with seeded(0, torch.device("cpu")):
        config = transformers.BertConfig(
            vocab_size=len(names), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=64, max_position_embeddings=32,
        )  # fmt: skip
        transformers.BertModel(config).save_pretrained(folder)
    return folder
