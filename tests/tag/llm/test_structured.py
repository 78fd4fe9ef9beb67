"""Replies that should be JSON."""

from __future__ import annotations

from typing import Literal

import pytest

from graphlab.tag.llm._reply_format import FormatFallback
from graphlab.tag.llm._structured import json_values
from tests.tag.llm._client import client
from tests.tag.llm._server import script, serving

# ruff: noqa: SIM117

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
    assert next(json_values(text)) == {"label": "cats", "score": 0.5}
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


# --- which object counts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f'{{"thought": "cats or dogs?"}} {GOOD}',
        f'The schema is {{"type": "object", "properties": {{}}}}.\n{GOOD}',
        f'{{"label": "birds"}}\nNo: {GOOD}',
        f'{GOOD} {{"label": "dogs"}}',
    ],
)
def test_the_first_object_that_fits_counts(text):
    with serving(lambda n, b: text) as server, client(server) as c:
        assert c.complete("x", schema=Topic).value == Topic(label="cats", score=0.5)
        assert server.calls == 1


@pytest.mark.parametrize("form", ["json_schema", "json_object", "prompt"])
@pytest.mark.parametrize("text", [f'{{"items": [{GOOD}]}}', f"[{GOOD}]", f"Here: [{GOOD}]."])
def test_a_list_as_schema_is_read(text, form):
    rooted = pydantic.RootModel[list[Topic]]
    with serving(lambda n, b: text) as server, client(server, reply_format=form) as c:
        topic = Topic(label="cats", score=0.5)
        assert c.complete("x", schema=list[Topic]).value == [topic]
        assert c.complete("y", schema=rooted).value.root == [topic]
        assert server.calls == 2
        asked = [b.get("response_format", {}).get("json_schema") for b in server.bodies]
    if form == "json_schema":  # an object: some servers take nothing else
        assert {one["schema"]["type"] for one in asked} == {"object"}
        assert all(set(one["name"]) <= set("abcdefghijklmnopqrstuvwxyzI_") for one in asked)


@pytest.mark.parametrize("schema", [[Topic], dict, "Topic", Topic(label="cats"), list, int])
def test_other_schemas_are_refused_before_a_call(server, schema):
    with client(server) as c, pytest.raises(TypeError, match="schema must be a subclass"):
        c.complete("x", schema=schema)
    assert server.calls == 0


def test_a_schema_of_a_bare_value_is_refused_before_a_call(server):
    with client(server) as c, pytest.raises(TypeError, match="describes a string"):
        c.complete("x", schema=pydantic.RootModel[str])
    assert server.calls == 0


# --- servers that ignore the form -----------------------------------------------------------------


def obedient(forms):
    """A server whose model follows a schema that it is shown, and constrains in given forms."""

    def plan(number, body):
        form = body.get("response_format", {}).get("type")
        shown = any("JSON schema" in m["content"] for m in body["messages"])
        return GOOD if form in forms or shown else "I like cats."

    return plan


def test_the_schema_is_in_the_request_to_correct_an_answer():
    with serving(obedient(())) as server, client(server) as c:
        reply = c.complete("x", schema=Topic)
        assert (reply.status, reply.repairs) == ("ok", 1)
        assert '"enum": ["cats", "dogs"]' in server.bodies[1]["messages"][-1]["content"]


def test_a_server_that_ignores_the_form_is_asked_in_another_and_it_is_said(tmp_path):
    prompts = [str(i) for i in range(20)]
    with serving(obedient(())) as server:
        with client(server, concurrency=1, cache=tmp_path / "c.db") as c:
            with pytest.warns(RuntimeWarning, match="ignored it in 3 of 3.*with 'json_object'"):
                replies = c.complete_many(prompts, schema=Topic)
            assert c.reply_format == "json_object"
        assert all(r.ok for r in replies)
        assert [r.repairs for r in replies] == [1] * 3 + [0] * 17
        assert server.calls == 3 * 2 + 17
        with client(server, concurrency=8, cache=tmp_path / "c.db") as c:  # a run that goes on
            with pytest.warns(RuntimeWarning, match="ignored it"):
                again = c.complete_many(prompts, schema=Topic)
        assert all(r.cached for r in again)


def test_the_forms_go_down_to_the_prompt_and_stay_there():
    def plan(number, body):
        form = body.get("response_format", {}).get("type")
        return "no" if form else GOOD

    with serving(plan) as server, client(server, concurrency=1, repairs=0) as c:
        with pytest.warns(RuntimeWarning) as said:
            replies = c.complete_many([str(i) for i in range(20)], schema=Topic)
        assert c.reply_format == "prompt"
    assert [r.status for r in replies] == ["invalid"] * 6 + ["ok"] * 14
    assert len(said) == 2
    with serving(lambda n, b: "never") as server, client(server, repairs=0) as c:
        with pytest.warns(RuntimeWarning):
            found = c.complete_many([str(i) for i in range(30)], schema=Topic)
    assert {r.status for r in found} == {"invalid"}


def test_a_few_bad_answers_of_an_obedient_server_change_nothing():
    plan = lambda n, b: "no" if n % 4 == 3 else GOOD  # noqa: E731
    with serving(plan) as server, client(server, repairs=0, concurrency=1) as c:
        replies = c.complete_many([str(i) for i in range(40)], schema=Topic)
        assert c.reply_format == "json_schema"
    assert sum(r.status == "invalid" for r in replies) == 10
    with serving(lambda n, b: "no") as server, client(server, repairs=0, step_down=0) as c:
        c.complete_many([str(i) for i in range(40)], schema=Topic)
        assert c.reply_format == "json_schema"


@pytest.mark.parametrize(
    "message",
    ["This response_format type is unavailable now", "Unexpected fields: {'response_format'}",
     "JSON schema error at #: unrecognized type", "guided_json is not supported"],
)  # fmt: skip
def test_a_server_that_refuses_the_form_is_asked_in_another(message):
    def plan(number, body):
        refused = {"status": 400, "body": {"error": {"message": message}}}
        return refused if "response_format" in body else GOOD

    with serving(plan) as server, client(server, concurrency=1) as c:
        with pytest.warns(RuntimeWarning, match="refused it"):
            replies = c.complete_many([str(i) for i in range(10)], schema=Topic)
        assert all(r.ok and not r.repairs for r in replies)
        assert server.calls == 2 + 10
        assert c.failures() == []


def test_a_system_message_stays_the_only_one():
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "x"}]
    with serving(lambda n, b: GOOD) as server, client(server, reply_format="prompt") as c:
        assert c.complete(messages, schema=Topic).ok
        system, user = server.bodies[0]["messages"]
    assert system["content"].startswith("Be brief.\n\nAnswer with one JSON object")
    assert user == messages[1]


def test_a_way_that_is_refused_to_several_at_once_is_left_once():
    formats = FormatFallback("json_schema", 3)
    assert formats.refuse("json_schema", "no") and formats.refuse("json_schema", "no")
    assert formats.current == "json_object" and len(formats.notices()) == 1
    assert formats.known() == ("json_schema", "json_object", "prompt")
