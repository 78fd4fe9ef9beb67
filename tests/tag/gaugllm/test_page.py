"""The examples of docs/gaugllm.md run as they are written."""

from __future__ import annotations

import json
from functools import partial

import pytest

import graphlab.tag
from graphlab.tag import GAugLLM, gaugllm
from tests.tag.gaugllm.test_pipeline import records
from tests.tag.llm._page import run_blocks
from tests.tag.llm._server import serving

pytest.importorskip("openai", reason="needs the extra tag")


def judge(number, body):
    rows = records(body["messages"][-1]["content"])
    if "first" not in rows[0]:
        return "It is about modules."
    votes = [
        {"number": row["candidate"], "answer": len(row["text"]) % 2 == 0, "probability": None}
        for row in rows[1:]
    ]
    return json.dumps({"votes": votes})


def test_examples_of_the_page_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    short = partial(gaugllm.fit_selector, epochs=2)
    monkeypatch.setattr(gaugllm, "fit_selector", short)
    monkeypatch.setattr(graphlab.tag, "GAugLLM", partial(GAugLLM, epochs=3))
    with serving(judge) as server:
        names = run_blocks("gaugllm.md", 2, server, monkeypatch)
    count = names["graph"].num_nodes
    assert names["z"].shape == (count, 256)
    assert names["votes"].counts()["unknown"] == 0
    x, edges = names["content"][:, 0], names["graph"].edge_index
    assert names["model"].embed(x, edges).shape == (count, 128)
