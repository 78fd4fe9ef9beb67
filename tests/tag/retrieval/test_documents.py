"""Documents: graphs are refused by name, metadata is what JSON can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch_geometric.data import Data, HeteroData

from graphlab.tag import Document, GraphRetriever, TextGraph


@pytest.mark.parametrize("graph", [TextGraph(text=["a", "b"]), Data(x=torch.ones(2)), HeteroData()])
def test_a_graph_is_no_documents(graph: Any) -> None:
    name = type(graph).__name__
    with pytest.raises(TypeError, match=rf"got a graph of type {name}: pass dict\(zip\(graph"):
        GraphRetriever().index(graph)


METADATA = [{"year": 1903, "tags": ["a"]}, None, {"year": 1911}]


def test_a_table_keeps_its_metadata() -> None:
    frame = pd.DataFrame({"id": range(3), "text": ["one", "two", "three"], "metadata": METADATA})
    for given in (frame, frame.to_dict("records"), frame.itertuples(), frame.assign(title="T")):
        retriever = GraphRetriever().index(given)
        assert [retriever[i].metadata for i in range(3)] == METADATA
    frame["metadata"] = [METADATA[0], float("nan"), pd.NA]
    assert GraphRetriever().index(frame[:2])[1].metadata is None


def test_numbers_of_numpy_become_those_of_python(tmp_path: Path) -> None:
    given = {
        "whole": np.int64(3), "real": np.float32(0.5), "truth": np.bool_(True),
        "list": [np.int8(1), {"inner": np.float64(2.0)}], "none": None, "word": np.str_("w"),
    }  # fmt: skip
    want = {
        "whole": 3, "real": 0.5, "truth": True, "word": "w", "list": [1, {"inner": 2.0}],
        "none": None,
    }  # fmt: skip
    retriever = GraphRetriever().index([Document(0, "text", metadata=given)])
    assert retriever[0].metadata == want
    assert GraphRetriever.load(retriever.save(tmp_path))[0].metadata == want


def nested() -> dict[str, Any]:
    found: dict[str, Any] = {}
    found["self"] = found
    return found


@pytest.mark.parametrize(
    ("metadata", "error", "message"),
    [
        ({"day": pd.Timestamp(0)}, TypeError, r"metadata\['day'\] is Timestamp.* type Timestamp"),
        ({"a": [1, {2}]}, TypeError, r"metadata\['a'\]\[1\] is \{2\} of type set"),
        ({"t": np.datetime64("2020-01-01")}, TypeError, r"metadata\['t'\] is .* datetime64"),
        ({1: "a"}, TypeError, "must have texts as keys, but metadata has 1"),
        ({"a": float("nan")}, ValueError, r"finite numbers, but metadata\['a'\] is nan"),
        ({"a": np.float32("inf")}, ValueError, "finite numbers"),
        (nested(), ValueError, "nests too deeply"),
    ],
)
def test_other_metadata_is_refused_with_its_document(
    metadata: Any, error: type[Exception], message: str
) -> None:
    retriever = GraphRetriever().index({"a": "one"})
    wrong = [Document("b", "two"), Document("c", "three", metadata=metadata)]
    for change in (retriever.add, retriever.update, retriever.index):
        with pytest.raises(error, match=f"metadata of document 'c' .*{message}"):
            change(wrong)
    assert retriever.ids == ["a"]
