"""What has no order, or would be read as the names of its columns, is refused by name."""

from __future__ import annotations

import re

import pandas as pd
import pytest
import torch

from graphlab.datasets import read_edge_list, to_frame
from graphlab.evaluate import answer_scores, retrieval_scores
from graphlab.tag import GraphRetriever, HashingEncoder, TextEncoder, TextGraph

TEXTS = ["apples and pears", "wheels and cars"]
WRONG = {
    "table": (pd.DataFrame({"id": [1, 2], "text": TEXTS}), "got DataFrame: pass {}['...']"),
    "dict": ({"a": TEXTS[0], "b": TEXTS[1]}, "got dict: pass list({}.values())"),
    "set": (set(TEXTS), "got set, which has no order"),
}
TAKERS = {
    "text": lambda given: TextGraph(text=given),
    "label_names": lambda given: TextGraph(text=TEXTS, y=[0, 1], label_names=given),
    "labels": lambda given: TextGraph(text=TEXTS, y=given),
    "texts": lambda given: TextEncoder("hashing").encode(given),
    "texts to files": lambda given: TextEncoder("hashing").encode_to(given, "never written"),
    "texts to hash": lambda given: HashingEncoder(4).fit(given),
    "texts asked": lambda given: GraphRetriever().index(TEXTS).query_many(given, k=1),
    "predicted": lambda given: answer_scores(given, TEXTS),
    "answers": lambda given: answer_scores(TEXTS, given),
    "gold": lambda given: retrieval_scores([["a"], ["b"]], given),
    "ids of questions": lambda given: retrieval_scores(given, [["a"], ["b"]]),
    "ids": lambda given: to_frame(torch.eye(2), given),
    "nodes": lambda given: read_edge_list([("a", "b")], 0, 1, nodes=given),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("taker", TAKERS)
def test_sets_dicts_and_tables_are_refused_where_order_counts(taker: str, kind: str) -> None:
    given, words = WRONG[kind]
    name = taker.split()[0]
    with pytest.raises(TypeError, match=re.escape(words.format(name))):
        TAKERS[taker](given)


@pytest.mark.parametrize("kind", [list, tuple, pd.Series, pd.Index])
@pytest.mark.parametrize(
    "taker", ["text", "labels", "texts", "texts to hash", "texts asked", "ids"]
)
def test_columns_lists_and_views_are_read(taker: str, kind: type) -> None:
    TAKERS[taker](kind(TEXTS))


def test_texts_may_come_one_by_one() -> None:
    encoder = TextEncoder("hashing")
    assert torch.equal(encoder.encode(text for text in TEXTS), encoder.encode(TEXTS))
