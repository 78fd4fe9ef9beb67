"""Batch files."""

from __future__ import annotations

import json

import pytest

from tests.tag.llm._client import client
from tests.tag.llm._server import completion, echo

pytest.importorskip("openai", reason="needs the extra tag")

# ruff: noqa: SIM117


def test_batches_leave_and_come_back(server, tmp_path):
    out, back = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    prompts = ["a", "b", "b", "ü\u2028", "d"]
    with client(server, cache=tmp_path / "cache.db") as c:
        c.complete("a")
        assert c.export_batch(prompts, out) == 3
        lines = [json.loads(line) for line in out.read_bytes().splitlines()]
        assert [line["body"]["messages"][0]["content"] for line in lines] == ["b", "ü\u2028", "d"]
        assert {(line["method"], line["url"]) for line in lines} == {
            ("POST", "/v1/chat/completions")
        }
        answers = [
            {"custom_id": line["custom_id"], "response": {"status_code": 200,
             "body": completion(echo(line["body"]))}, "error": None}
            for line in lines[:2]
        ]  # fmt: skip
        answers.append({"custom_id": lines[2]["custom_id"], "response": None,
                        "error": {"code": "expired"}})  # fmt: skip
        answers.append({**answers[0], "custom_id": "somebody else's"})
        back.write_text("".join(json.dumps(a) + "\n" for a in reversed(answers)))
        brought = c.import_batch(back)
        assert (brought.stored, len(brought.failed), brought.unknown) == (
            2, 1, ("somebody else's",),
        )  # fmt: skip
        replies = c.complete_many(prompts)
        assert [r.text for r in replies] == [f"echo: {p}" for p in prompts]
        assert [r.cached for r in replies] == [True, True, True, True, False]
        assert c.import_batch(back).stored == 0
    assert server.calls == 2


def test_an_error_in_the_place_of_an_answer_is_a_failure(server, tmp_path):
    with client(server, cache=tmp_path / "cache.db") as c:
        c.export_batch(["a"], tmp_path / "in.jsonl")
        key = json.loads((tmp_path / "in.jsonl").read_text())["custom_id"]
        body = {"error": {"message": "overloaded"}}
        line = {"custom_id": key, "response": {"status_code": 200, "body": body}}
        (tmp_path / "out.jsonl").write_text(json.dumps(line))
        assert c.import_batch(tmp_path / "out.jsonl").failed == ((key, "overloaded"),)


def test_paths_may_begin_with_the_home_folder(server, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with client(server, cache="~/answers/cache.db") as c:
        c.complete("b")
        assert c.export_batch(["a"], "~/in.jsonl") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["answers", "in.jsonl"]
    assert (tmp_path / "answers" / "cache.db").exists()


@pytest.mark.parametrize(
    "line", ["[]", "{", '{"custom_id": 3}', '{"custom_id": "k", "response": {"status_code": 200}}']
)
def test_a_strange_batch_file_stores_nothing(server, tmp_path, line):
    path = tmp_path / "out.jsonl"
    path.write_text(line + "\n")
    with client(server, cache=tmp_path / "cache.db") as c:
        with pytest.raises(ValueError, match=r"out\.jsonl, line 1 is not an answer"):
            c.import_batch(path)


def test_batches_need_a_cache_on_disk(server, tmp_path):
    with client(server) as c, pytest.raises(ValueError, match="needs a cache on disk"):
        c.export_batch(["a"], tmp_path / "x.jsonl")
    assert not (tmp_path / "x.jsonl").exists()


def test_empty_lines_are_skipped_and_a_cache_in_memory_knows_no_batch(server, tmp_path):
    line = {"custom_id": "k", "response": {"status_code": 200, "body": completion("x")}}
    (tmp_path / "out.jsonl").write_text(f"\n{json.dumps(line)}\n  \n")
    with client(server) as c:
        brought = c.import_batch(tmp_path / "out.jsonl")
    assert (brought.stored, brought.failed, brought.unknown) == (0, (), ("k",))
