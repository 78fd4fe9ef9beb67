"""The examples of docs/tape.md run as they are written."""

from __future__ import annotations

import json
from functools import partial

import pytest

import graphlab.tag
from graphlab.tag import TAPE
from tests.tag.llm._page import run_blocks
from tests.tag.llm._server import serving

pytest.importorskip("openai", reason="needs the extra tag")


def name_a_class(number, body):
    schema = json.dumps(body["response_format"])
    labels = json.loads(schema[schema.index('"enum": ') + 8 : schema.index("]") + 1])
    shown = body["messages"][-1]["content"]
    return json.dumps({"labels": [labels[len(shown) % len(labels)]], "explanation": "It says so."})


def test_examples_of_the_page_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(graphlab.tag, "TAPE", partial(TAPE, epochs=3, hidden_channels=8))
    with serving(name_a_class) as server:
        names = run_blocks("tape.md", 2, server, monkeypatch)
    assert names["table"].counts() == {"ok": names["graph"].num_nodes}
    assert names["model"].predict().shape == (60,)
