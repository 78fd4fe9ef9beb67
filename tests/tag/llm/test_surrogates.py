"""Text that has no UTF-8 form."""

from __future__ import annotations

import json

import pytest

from tests.tag.llm._client import client
from tests.tag.llm._server import completion, script, serving

pytest.importorskip("openai", reason="needs the extra tag")

# ruff: noqa: SIM117


HALF = "\ud83d"  # the first half of an emoji


def test_half_a_character_in_a_prompt_stops_nothing(tmp_path):
    with serving() as server:
        with client(server, cache=tmp_path / "c.db") as c:
            first, second = c.complete_many(["fine", f"cut {HALF}"])
            assert (first.text, second.text) == ("echo: fine", "echo: cut \ufffd")
            assert c.complete(f"cut {HALF}").cached
            assert c.export_batch([f"more {HALF}"], tmp_path / "b.jsonl") == 1


def test_half_a_character_in_an_answer_stops_nothing(tmp_path):
    pydantic = pytest.importorskip("pydantic")
    schema = pydantic.create_model("Said", said=(str, ...))
    acts = [
        {"body": json.dumps(completion(f"no JSON {HALF}"))},  # goes back to the model
        {"body": json.dumps(completion(json.dumps({"said": f"cut {HALF}"})))},
        {"status": 400, "body": json.dumps({"error": {"message": f"odd {HALF}"}})},
    ]
    with serving(script(*acts)) as server:
        with client(server, cache=tmp_path / "c.db") as c:
            reply = c.complete("a", schema=schema)
            assert (reply.status, reply.repairs, reply.value.said) == ("ok", 1, "cut \ufffd")
            assert "odd \ufffd" in c.complete("b").error


def test_half_a_character_in_a_batch_is_stored(tmp_path):
    with serving() as server:
        with client(server, cache=tmp_path / "c.db") as c:
            c.export_batch(["a"], tmp_path / "b.jsonl")
            key = json.loads((tmp_path / "b.jsonl").read_text())["custom_id"]
            response = {"status_code": 200, "body": completion(f"cut {HALF}")}
            line = json.dumps({"custom_id": key, "response": response})
            (tmp_path / "out.jsonl").write_text(line + "\n")
            assert c.import_batch(tmp_path / "out.jsonl").stored == 1
            assert c.complete("a").text == "cut \ufffd"
