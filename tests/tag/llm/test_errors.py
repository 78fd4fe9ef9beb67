"""Errors of servers in all their forms: their words, how often they are met, what they cost."""

from __future__ import annotations

from unittest.mock import AsyncMock

import pytest

from graphlab.tag import Limits, LLMClient, Price, Retry
from graphlab.tag.llm import LLMError
from graphlab.tag.llm._error_body import error_words
from tests.tag.llm._client import client
from tests.tag.llm._server import completion, echo, script, serving

pytest.importorskip("openai", reason="needs the extra tag")

# ruff: noqa: SIM117

MONEY = {"price": Price(1.0, 1e4), "max_tokens": 100, "budget": 1e6}


def error(message, **fields):
    return {"error": {"message": message, **fields}}


PASSING = {
    "200 overloaded": (200, error("overloaded")),
    "200 code 429": (200, error("slow down", code=429)),
    "200 code as text": (200, error("slow down", code="503")),
    "200 text": (200, {"error": "busy"}),
    "200 detail": (200, {"detail": "busy"}),
    "200 old form": (200, {"object": "error", "message": "busy", "code": 50001}),
    "200 in a choice": (200, {"choices": [{"error": {"code": 502, "message": "busy"},
                                           "message": {"content": ""}, "finish_reason": "error"}]}),
    "429 rate": (429, error("Rate limit reached", code="rate_limit_exceeded")),
    "429 quota per minute": (429, error("Quota exceeded for metric requests per minute")),
    "500": (500, error("internal")),
}  # fmt: skip


@pytest.mark.parametrize(("status", "body"), PASSING.values(), ids=PASSING.keys())
def test_passing_errors_are_survived_and_free(status, body):
    act = {"status": status, "body": body}
    with serving(script(act)) as server, client(server, **MONEY) as c:
        reply = c.complete("hello")
        assert (reply.status, reply.text, reply.attempts) == ("ok", "echo: hello", 2)
        assert c.spent == pytest.approx((10 * 1.0 + 5 * 1e4) / 1e6)  # of the answer alone


@pytest.mark.parametrize("reason", ["error", "abort"])
def test_an_answer_that_the_server_broke_off_is_asked_for_again(reason):
    act = {"body": completion("half an", finish=reason)}
    with serving(script(act)) as server, client(server) as c:
        assert c.complete("hello").text == "echo: hello"


WORDS = {
    "message": error("the words"),
    "text": {"error": "the words"},
    "detail": {"detail": "the words"},
    "details": {"detail": [{"loc": ["body", "top_k"], "msg": "the words", "type": "x"}]},
    "beside": {"error": {"message": "Provider returned error", "detail": "the words"}},
    "behind a router": {"error": {"message": "Provider returned error", "code": 400,
                                  "metadata": {"raw": "the words"}}},
    "list": {"errors": [{"code": 7, "message": "the words"}]},
    "no JSON": "the words",
}  # fmt: skip


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("body", WORDS.values(), ids=WORDS.keys())
def test_the_words_of_the_server_reach_the_user(status, body):
    if status == 200 and body == "the words":
        pytest.skip("a body of prose under 200 is a malformed answer")
    with serving(lambda n, b: {"status": status, "body": body}) as server:
        with client(server, attempts=2, breaker=0) as c:
            assert "the words" in c.complete("hello").error


LASTING = {
    "insufficient_quota": (429, error("You exceeded your current quota", code="insufficient_quota"),
                           "nothing left to spend"),
    "402": (402, error("pay"), "nothing left to spend"),
    "balance": (400, error("Your credit balance is too low"), "nothing left to spend"),
    "quota under 200": (200, error("quota", type="insufficient_quota"), "nothing left to spend"),
    "wrong model 404": (404, {"error": "model 'm' not found, try pulling it first"}, "check model"),
    "wrong model 400": (400, error("The model `m` does not exist", code="model_not_found"),
                        "check model"),
    "wrong model 422": (422, {"detail": "Model m is not loaded"}, "check model"),
    "wrong model under 200": (200, {"error": "model 'm' not found"}, "check model"),
    "unsupported": (400, error("Unsupported value: 'temperature' does not support 0",
                               param="temperature", code="unsupported_value"), "temperature=None"),
    "param": (400, error("temperature must be positive", param="temperature"), "temperature=None"),
    "unknown": (400, error("Unrecognized request argument supplied: seed"), "parameters"),
    "transformers": (422, {"detail": "Unexpected fields in the request: {'top_k'}"}, "parameters"),
    "pydantic": (422, {"detail": [{"loc": ["body", "top_k"], "type": "extra_forbidden",
                                   "msg": "Extra inputs are not permitted"}]}, "parameters"),
}  # fmt: skip


@pytest.mark.parametrize(("status", "body", "advice"), LASTING.values(), ids=LASTING.keys())
def test_lasting_errors_are_met_once(status, body, advice):
    with serving(lambda n, b: {"status": status, "body": body}) as server:
        with client(server, concurrency=2, **MONEY) as c:
            with pytest.raises(LLMError, match=advice):
                c.complete_many([str(i) for i in range(50)])
            assert server.calls <= 2
            assert c.spent == 0.0


ITEMS = {
    "context": (400, error("This model's maximum context length is 8 tokens", param="messages",
                           code="context_length_exceeded")),
    "llama.cpp": (400, error("request (9031 tokens) exceeds the available context size",
                             type="exceed_context_size_error")),
    "vLLM": (400, error("'max_tokens' is too large: 100. This model's maximum context length is 8",
                        param="max_tokens")),
    "filter": (400, error("The response was filtered", code="content_filter")),
    "moderation": (403, error("Your chosen model requires moderation, the input was flagged")),
}  # fmt: skip


@pytest.mark.parametrize(("status", "body"), ITEMS.values(), ids=ITEMS.keys())
def test_errors_of_single_prompts_stop_nothing(status, body):
    with serving(lambda n, b: {"status": status, "body": body} if n < 9 else "fine") as server:
        with client(server, concurrency=1, max_tokens=100) as c:
            replies = c.complete_many([str(i) for i in range(10)])
    assert [r.status for r in replies] == ["failed"] * 9 + ["ok"]
    assert all(r.attempts == 1 for r in replies)


# --- max_completion_tokens ------------------------------------------------------------------------


def newer(number, body):
    if "max_tokens" in body:
        message = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead."
        )
        body = error(message, param="max_tokens", code="unsupported_parameter")
        return {"status": 400, "body": body}
    return echo(body)


def test_newer_models_are_given_their_own_name_for_the_limit(tmp_path):
    prompts = [str(i) for i in range(20)]
    with serving(newer) as server:
        with client(server, max_tokens=7, cache=tmp_path / "c.db", concurrency=1) as c:
            assert all(r.ok and r.attempts == 1 for r in c.complete_many(prompts))
        assert server.calls == 21  # learnt once
        assert [b.get("max_completion_tokens") for b in server.bodies] == [None, *[7] * 20]
        with client(server, max_tokens=7, cache=tmp_path / "c.db") as c:  # under the same name
            assert all(r.cached for r in c.complete_many(prompts))


def test_a_limit_under_the_newer_name_bounds_the_cost():
    parameters = {"max_completion_tokens": 100}
    with serving() as server, client(server, parameters=parameters, price=Price(0, 1e4)) as c:
        c.complete("x")
        assert server.bodies[0]["max_completion_tokens"] == 100
    with pytest.raises(ValueError, match="give max_tokens"):
        LLMClient("m", max_tokens=5, parameters=parameters)


# --- dead servers ---------------------------------------------------------------------------------


def test_a_closed_port_is_found_after_a_few_calls(tmp_path):
    with serving() as server:
        url = server.url
    retry = Retry(backoff=0.01, max_backoff=0.05)
    with LLMClient("m", base_url=url, retry=retry, cache=tmp_path / "c.db", **_money()) as c:
        with pytest.raises(LLMError, match=r"connection failed.*is a server running at http") as e:
            c.complete_many([str(i) for i in range(200)])
        assert url in str(e.value)
        assert c.spent == 0.0  # nothing was ever sent
        assert sum(f.attempts for f in c.failures()) < 50


def _money():
    return {"price": Price(1.0, 1.0), "max_tokens": 5}


def test_a_server_that_answers_nothing_but_errors_is_given_up():
    with serving(lambda n, b: {"status": 500}) as server:
        with client(server, attempts=2, concurrency=1) as c:
            with pytest.raises(LLMError, match="HTTP 500"):
                c.complete_many([str(i) for i in range(100)])
        assert server.calls == 5 * 2
        with client(server, attempts=2, breaker=0) as c:
            assert {r.status for r in c.complete_many([str(i) for i in range(9)])} == {"failed"}


def test_refusals_without_a_reason_end_a_run_that_had_no_answer():
    with serving(lambda n, b: {"status": 400, "body": error("no")}) as server:
        with client(server, concurrency=1) as c:
            with pytest.raises(LLMError, match="HTTP 400: no"):
                c.complete_many([str(i) for i in range(100)])
        assert server.calls == 5
    plan = lambda n, b: "fine" if n == 0 else {"status": 400, "body": error("no")}  # noqa: E731
    with serving(plan) as server, client(server, concurrency=1) as c:
        found = [r.status for r in c.complete_many([str(i) for i in range(20)])]
    assert found == ["ok"] + ["failed"] * 19


def test_a_client_goes_on_when_the_server_is_started_after_all():
    plan = lambda n, b: {"status": 500} if n < 10 else "up"  # noqa: E731
    with serving(plan) as server, client(server, attempts=2, concurrency=1) as c:
        with pytest.raises(LLMError):
            c.complete_many([str(i) for i in range(100)])
        assert all(r.ok for r in c.complete_many([str(i) for i in range(100)]))


def test_a_missing_key_books_nothing(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with LLMClient("m", limits=Limits(budget=1.0), **_money()) as c:
        with pytest.raises(LLMError, match="OPENAI_API_KEY"):
            c.complete("x")
        assert c.spent == 0.0


# --- ends of answers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("stop", "ok"), ("eos", "ok"), ("STOP", "ok"), ("end_turn", "ok"), (None, "ok"),
        ({"type": "stop"}, "ok"), ("length", "truncated"), ("max_tokens", "truncated"),
        ("model_length", "truncated"), ("content_filter", "refused"), ("SAFETY", "refused"),
        ("tool_calls", "unfinished"), ("timeout", "unfinished"), ("something new", "unfinished"),
    ],
)  # fmt: skip
def test_how_an_answer_ended(reason, status):
    with serving(lambda n, b: {"body": completion("words", finish=reason)}) as server:
        with client(server) as c:
            reply = c.complete("x")
    assert reply.status == status
    assert reply.ok or reply.error


def test_answers_of_another_form_are_malformed():
    no_text = completion("x")
    no_text["choices"][0]["message"]["content"] = [{"type": "text", "text": 3}]
    no_number = completion("x")
    listed = [{"token": "x", "logprob": float("nan")}]
    no_number["choices"][0]["logprobs"] = {"content": listed}
    for body, kind in ((no_text, "TypeError"), (no_number, "ValueError")):
        with serving(lambda n, b, body=body: {"body": body}) as server:
            with client(server, attempts=1) as c:
                reply = c.complete("hello")
        assert reply.status == "failed"
        assert reply.error == f"malformed answer: the body is not a chat completion ({kind})"


def test_errors_within_errors_are_read_to_some_depth():
    body = "the words"
    for depth in range(8):
        assert error_words(body) == ("the words" if depth <= 4 else "")
        body = {"error": body}


def test_an_error_of_the_sdk_of_another_kind_is_a_failure_of_the_item(server, monkeypatch):
    openai = pytest.importorskip("openai")
    create = AsyncMock(side_effect=openai.APIError("odd", None, body={}))
    monkeypatch.setattr(openai.resources.chat.completions.AsyncCompletions, "create", create)
    with client(server, attempts=2) as c:
        reply = c.complete("hello")
    assert (reply.status, reply.attempts) == ("failed", 2)
    assert reply.error == "malformed answer: odd"
