"""Replies that should be JSON."""

from __future__ import annotations

from typing import Literal

import pytest

from graphlab.tag.llm._structured import extract_json
from tests.tag.llm._client import client
from tests.tag.llm._server import script, serving

pydantic = pytest.importorskip("pydantic", reason="needs the extra tag")
pytest.importorskip("openai", reason="needs the extra tag")


class Topic(pydantic.BaseModel):
    label: Literal["cats", "dogs"]
    score: float = 0.0


GOOD = '{"label": "cats", "score": 0.5}'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Sure! Here it is:\n{GOOD}\nDo you need more?",
        f"The set {{x}} is empty. {GOOD}",
        f"{GOOD} {GOOD}",
    ],
)
def test_json_is_found_where_models_put_it(text):
    assert extract_json(text) == {"label": "cats", "score": 0.5}
    with serving(lambda n, b: text) as server, client(server) as c:
        reply = c.complete("x", schema=Topic)
        assert reply.value == Topic(label="cats", score=0.5)
        assert (reply.repairs, server.calls) == (0, 1)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cats", "no JSON object"),
        ('{"label": "birds"}', "label: Input should be 'cats' or 'dogs'"),
        ('{"score": 1}', "label: Field required"),
        ('{"label": "cats", "label": "dogs"}', "repeats one of its keys"),
        ('{"label": "cats", "score": NaN}', "NaN is not allowed"),
        ('{"label": "cats", "score": 1e999}', "out of range"),
        ('{"label": "cats"', "no JSON object"),
        ("{" * 5000, "no JSON object"),
    ],
)
def test_bad_json_is_repaired_once_and_the_model_is_told_why(text, problem):
    with serving(script(text, GOOD)) as server, client(server) as c:
        reply = c.complete("x", schema=Topic)
        assert (reply.status, reply.repairs, reply.attempts) == ("ok", 1, 2)
        asked = server.bodies[1]["messages"]
        assert [m["role"] for m in asked] == ["user", "assistant", "user"]
        assert problem in asked[2]["content"]
        assert reply.prompt_tokens == 20


def test_repair_is_bounded_and_the_failure_recorded(tmp_path):
    path = tmp_path / "cache.db"
    with serving(lambda n, b: "never") as server:
        with client(server, repairs=2, cache=path) as c:
            reply = c.complete("x", schema=Topic)
            assert (reply.status, reply.repairs, reply.value) == ("invalid", 2, None)
            assert "no JSON object" in reply.error and reply.text == "never"
        with client(server, repairs=2, cache=path) as c:  # what was said stays paid
            assert c.complete("x", schema=Topic).status == "invalid"
        assert server.calls == 3
    with serving() as unused, client(unused, repairs=0, cache=path) as c:
        assert c.complete("x", schema=Topic).status == "invalid"
        assert unused.calls == 0


@pytest.mark.parametrize("form", ["json_schema", "json_object", "prompt"])
def test_how_a_schema_is_asked_for(form):
    with serving(lambda n, b: GOOD) as server, client(server, reply_format=form) as c:
        assert c.complete("x", schema=Topic).ok
        body = server.bodies[0]
    asked = body.get("response_format", {}).get("type")
    assert (
        asked == {"json_schema": "json_schema", "json_object": "json_object", "prompt": None}[form]
    )
    assert ("JSON schema" in body["messages"][0]["content"]) is (form != "json_schema")


def test_schema_must_be_a_model(server):
    with client(server) as c, pytest.raises(TypeError, match=r"pydantic\.BaseModel"):
        c.complete("x", schema=dict)
