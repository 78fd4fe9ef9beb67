"""The client on a healthy server: cache, keys, coalescing, loops, money, schema, batches."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest

from graphlab.tag import CostEstimate, LLMClient, LLMError, Price
from graphlab.tag.llm._limits import Ledger, RateLimiter
from graphlab.tag.llm._structured import extract_json
from tests.tag.llm._server import completion, echo, script, serving

pydantic = pytest.importorskip("pydantic", reason="needs the extra tag")
pytest.importorskip("openai", reason="needs the extra tag")


class Topic(pydantic.BaseModel):
    label: Literal["cats", "dogs"]
    score: float = 0.0


@pytest.fixture
def server():
    with serving() as running:
        yield running


def client(server, **options) -> LLMClient:
    return LLMClient("m", base_url=server.url, **{"backoff": 0.01, "max_backoff": 0.05} | options)


# ruff: noqa: SIM117
# --- one row per prompt, each paid once -----------------------------------------------------------


def test_rows_come_back_in_order_with_their_ids(server):
    with client(server) as c:
        replies = c.complete_many(["b", "a", "b"], ids=["x", "y", "z"])
    assert [(r.id, r.text, r.ok) for r in replies] == [
        ("x", "echo: b", True), ("y", "echo: a", True), ("z", "echo: b", True),
    ]  # fmt: skip
    assert server.calls == 2
    assert (replies[1].prompt_tokens, replies[1].completion_tokens) == (10, 5)
    assert replies[1].model == "served-model"


def test_no_prompts_no_calls(server):
    with client(server) as c:
        assert c.complete_many([]) == []
    assert server.calls == 0


def test_concurrency_is_reached_and_never_passed():
    with serving(lambda n, b: {"delay": 0.02}) as server, client(server, concurrency=5) as c:
        assert all(r.ok for r in c.complete_many([str(i) for i in range(40)]))
        assert server.peak == 5


def test_equal_prompts_under_way_are_one_call():
    with serving(lambda n, b: {"delay": 0.1}) as server, client(server, concurrency=16) as c:
        with ThreadPoolExecutor(8) as pool:
            runs = list(pool.map(lambda _: c.complete_many(["same"] * 10), range(8)))
        assert server.calls == 1
        assert sum(len(run) for run in runs) == 80


def test_two_clients_share_one_call_through_the_cache(tmp_path):
    path = tmp_path / "cache.db"
    prompts = [str(i) for i in range(30)]
    with serving(lambda n, b: {"delay": 0.01}) as server:
        with client(server, cache=path) as one, client(server, cache=path) as two:
            with ThreadPoolExecutor(2) as pool:
                runs = list(pool.map(lambda c: c.complete_many(prompts), (one, two)))
        assert server.calls == 30
    assert all(r.ok for run in runs for r in run)


def test_the_cache_outlives_the_client(server, tmp_path):
    path = tmp_path / "cache.db"
    with client(server, cache=path) as c:
        first = c.complete("hello")
    with client(server, cache=path) as c:
        again = c.complete("hello")
    assert (first.cached, again.cached, again.attempts, server.calls) == (False, True, 0, 1)
    assert again.text == first.text


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.5},
        {"temperature": None},
        {"max_tokens": 7},
        {"seed": 1},
        {"parameters": {"top_p": 0.5}},
        {"version": "2"},
    ],
)
def test_whatever_determines_the_answer_is_in_its_name(server, tmp_path, change):
    path = tmp_path / "cache.db"
    with client(server, cache=path) as c:
        c.complete("hello")
    with client(server, cache=path, **change) as c:
        assert not c.complete("hello").cached
    assert server.calls == 2


def test_another_model_schema_or_prompt_asks_again(server, tmp_path):
    path = tmp_path / "cache.db"
    with client(server, cache=path) as c:
        c.complete("hello")
        c.complete([{"role": "system", "content": "x"}, {"role": "user", "content": "hello"}])
        c.complete("hello", schema=Topic)
    with LLMClient("other", base_url=server.url, cache=path) as c:
        assert not c.complete("hello").cached
    assert server.calls == 5  # the schema's answer was no JSON and was repaired once


def test_nothing_else_is_in_the_name(server, tmp_path, monkeypatch):
    path = tmp_path / "cache.db"
    with client(server, cache=path) as c:
        c.complete("hello")
    monkeypatch.setenv("OPENAI_API_KEY", "another-key-entirely")
    other = {"timeout": 3.0, "max_attempts": 2, "concurrency": 3, "requests_per_minute": 10_000}
    with serving() as elsewhere, client(elsewhere, cache=path, **other) as c:
        assert c.complete("hello").cached
        assert elsewhere.calls == 0


def test_the_request_is_the_one_that_was_named(server):
    with client(server, temperature=0.25, max_tokens=9, parameters={"top_k": 3}) as c:
        c.complete("hello")
    assert server.bodies == [
        {
            "model": "m",
            "messages": [{"role": "user", "content": "hello"}],
            "temperature": 0.25,
            "max_tokens": 9,
            "top_k": 3,
        }
    ]


def test_a_damaged_row_is_noticed_and_asked_for_again(server, tmp_path):
    path = tmp_path / "cache.db"
    with client(server, cache=path) as c:
        c.complete("hello")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE replies SET response = replace(response, 'echo', 'evil')")
    database.close()
    with client(server, cache=path) as c:
        with pytest.warns(RuntimeWarning, match="damaged"):
            assert c.complete("hello").text == "echo: hello"
        assert c.complete("hello").cached
    assert server.calls == 2


@pytest.mark.parametrize("content", [b"not a database at all, " * 50, b"SQLite format 3\0" * 200])
def test_a_file_that_is_no_cache_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "cache.db"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"cache\.db is damaged or no database"):
        LLMClient("m", base_url="http://127.0.0.1:1/v1", cache=path)
    assert path.read_bytes() == content


def test_another_kind_of_database_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "other.db") as database:
        database.execute("CREATE TABLE t (x)")
    database.close()
    with pytest.raises(ValueError, match="another kind or version"):
        LLMClient("m", base_url="http://127.0.0.1:1/v1", cache=tmp_path / "other.db")


def test_forgotten_answers_are_asked_for_again(server, tmp_path):
    with client(server, cache=tmp_path / "cache.db") as c:
        replies = c.complete_many(["a", "b"])
        c.forget(replies[:1])
        assert [r.cached for r in c.complete_many(["a", "b"])] == [False, True]


# --- loops, threads, the end ----------------------------------------------------------------------


def test_sync_calls_work_inside_a_running_loop(server):
    async def cell():
        with client(server) as c:
            return c.complete("in a notebook")

    assert asyncio.run(cell()).text == "echo: in a notebook"


def test_async_calls_do_not_block_their_loop():
    async def main(c):
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.ensure_future(tick())
        replies = await asyncio.gather(c.acomplete("a"), c.acomplete_many(["b", "c"]))
        ticking.cancel()
        return ticks, replies

    with serving(lambda n, b: {"delay": 0.1}) as server, client(server) as c:
        ticks, (one, two) = asyncio.run(main(c))
        assert ticks > 2
        assert [one.text, *(r.text for r in two)] == ["echo: a", "echo: b", "echo: c"]
        assert [r.cached for r in asyncio.run(c.acomplete_many(["a", "d"]))] == [True, False]


def test_cancelled_callers_lose_no_answer_that_was_paid():
    async def main(c):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(c.acomplete_many([str(i) for i in range(100)]), 0.1)

    with serving(lambda n, b: {"delay": 0.2}) as server, client(server, concurrency=4) as c:
        asyncio.run(main(c))
        done = c.complete_many([str(i) for i in range(4)])
        # The four calls under way went on; the other 96 were never made.
        assert (server.calls, all(r.ok for r in done)) == (4, True)


def test_one_failing_prompt_list_does_not_disturb_the_next(server):
    with client(server) as c:
        with pytest.raises(TypeError, match="text or a list of messages"):
            c.complete_many(["fine", 3])
        with pytest.raises(ValueError, match="role and content"):
            c.complete([{"role": "user"}])
        with pytest.raises(ValueError, match=r"\['a'\] repeat"):
            c.complete_many(["x", "y"], ids=["a", "a"])
        with pytest.raises(ValueError, match="ids must have 2 entries, got 1"):
            c.complete_many(["x", "y"], ids=["a"])
        assert c.complete("fine").ok
    assert server.calls == 1


def test_a_dropped_client_ends_its_thread(server):
    import gc

    c = client(server)
    c.complete("x")
    assert any(t.name == "graphlab-llm" for t in threading.enumerate())
    del c
    gc.collect()
    assert not any(t.name == "graphlab-llm" for t in threading.enumerate())


# --- limits and money -----------------------------------------------------------------------------


def test_rate_limiter_spreads_amounts():
    now = [100.0]
    limiter = RateLimiter(60, burst=0.0, clock=lambda: now[0])
    assert [limiter.reserve(1) for _ in range(3)] == [0.0, 1.0, 2.0]
    assert limiter.reserve(10) == 3.0
    assert limiter.reserve(1) == 13.0
    now[0] = 200.0
    assert [limiter.reserve(1), limiter.reserve(1)] == [0.0, 1.0]
    assert RateLimiter(None).reserve(1e9) == 0.0


def test_rate_limiter_allows_a_bounded_burst():
    now = [0.0]
    limiter = RateLimiter(60, burst=2.0, clock=lambda: now[0])
    assert [limiter.reserve(1) for _ in range(4)] == [0.0, 0.0, 0.0, 1.0]
    now[0] = 1000.0
    assert [limiter.reserve(1) for _ in range(4)] == [0.0, 0.0, 0.0, 1.0]


def test_ledger_never_promises_more_than_the_budget():
    ledger = Ledger(1.0)
    assert ledger.reserve(0.6) and not ledger.reserve(0.6)
    ledger.settle(0.6, 0.1)
    assert ledger.reserve(0.6) and not ledger.reserve(0.6)
    assert (ledger.spent, ledger.reserved) == (pytest.approx(0.1), pytest.approx(0.6))


def test_the_budget_is_never_passed():
    usage = {"prompt_tokens": 10, "completion_tokens": 100}
    money = {"price": Price(0.0, 1e4), "max_tokens": 100, "budget": 10.5}  # 1 per call
    with serving(lambda n, b: {"body": completion("x", usage=usage)}) as server:
        with client(server, **money) as c:
            with pytest.warns(RuntimeWarning, match="22 prompts not asked"):
                replies = c.complete_many([str(i) for i in range(32)])
            assert c.spent == pytest.approx(10.0)
        assert server.calls == 10
    assert [r.status for r in replies].count("ok") == 10
    assert {r.status for r in replies} == {"ok", "budget"}
    assert next(r for r in replies if not r.ok).error == "the budget of 10.5 is used up"


def test_lost_answers_count_as_paid():
    money = {"price": Price(0.0, 1e4), "max_tokens": 100, "budget": 3.0, "max_attempts": 9}
    with serving(lambda n, b: {"body": "{"}) as server, client(server, **money) as c:
        with pytest.warns(RuntimeWarning):
            assert c.complete("x").status == "budget"
        assert (server.calls, c.spent) == (3, pytest.approx(3.0))


def test_refusals_to_serve_are_free():
    money = {"price": Price(1.0, 1e4), "max_tokens": 100, "budget": 1.5}
    busy = [{"status": 429}] * 5
    usage = {"prompt_tokens": 10, "completion_tokens": 100}
    with serving(script(*busy, {"body": completion("x", usage=usage)})) as server:
        with client(server, **money) as c:
            assert c.complete("x").ok
            assert c.spent == pytest.approx(1.00001)


@pytest.mark.parametrize("missing", ["price", "max_tokens"])
def test_a_budget_needs_a_highest_cost_per_call(missing):
    options = {"price": Price(1, 1), "max_tokens": 5, "budget": 1.0}
    del options[missing]
    with pytest.raises(ValueError, match="budget needs price and max_tokens"):
        LLMClient("m", **options)


def test_estimate_is_a_dry_run(server):
    options = {"price": Price(1.0, 2.0), "max_tokens": 100, "requests_per_minute": 10}
    with client(server, **options) as c:
        c.complete("a" * 40)
        before = server.calls
        found = c.estimate(["a" * 40, "b" * 40, "b" * 40, "c" * 400])
    assert server.calls == before
    tokens = found.prompt_tokens
    assert 100 <= tokens <= 200
    assert found == CostEstimate(
        4, 1, 2, tokens, 200, pytest.approx((tokens + 400) / 1e6), pytest.approx(0.2)
    )


def test_estimate_without_prices_and_limits(server):
    with client(server) as c:
        found = c.estimate(["abcd"])
    assert (found.cost, found.minutes, found.completion_tokens) == (None, None, None)


# --- replies that should be JSON ------------------------------------------------------------------

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
        with client(server, max_repairs=2, cache=path) as c:
            reply = c.complete("x", schema=Topic)
            assert (reply.status, reply.repairs, reply.value) == ("invalid", 2, None)
            assert "no JSON object" in reply.error and reply.text == "never"
        with client(server, max_repairs=2, cache=path) as c:  # what was said stays paid
            assert c.complete("x", schema=Topic).status == "invalid"
        assert server.calls == 3
    with serving() as unused, client(unused, max_repairs=0, cache=path) as c:
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


# --- batch files ----------------------------------------------------------------------------------


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


# --- arguments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": ""}, "model must be"),
        ({"base_url": "localhost:8000"}, "base_url must be an http"),
        ({"base_url": "http://user:secret@host/v1"}, "no user, password or query"),
        ({"base_url": "http://host/v1?key=secret"}, "no user, password or query"),
        ({"concurrency": 0}, "concurrency"),
        ({"temperature": -1.0}, "temperature"),
        ({"timeout": 0}, "timeout"),
        ({"parameters": {"model": "x"}}, "parameters must not hold"),
        ({"parameters": {"stream": True}}, "parameters must not hold"),
        ({"reply_format": "xml"}, "reply_format"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message) as caught:
        LLMClient(**{"model": "m", **options})
    assert "secret" not in str(caught.value)


def test_openai_itself_needs_a_key():
    with LLMClient("m") as c, pytest.raises(LLMError, match="OPENAI_API_KEY"):
        c.complete("x")


def test_the_address_can_come_from_the_environment(server, monkeypatch):
    monkeypatch.setenv("GRAPHLAB_LLM_BASE_URL", server.url)
    with LLMClient("m") as c:
        assert c.complete("x").ok


def test_one_text_is_no_list_of_prompts(server):
    with client(server) as c:
        with pytest.raises(TypeError, match="prompts must be a list of prompts, got one text"):
            c.complete_many("Hello")
        with pytest.raises(TypeError, match="got one text"):
            c.estimate("Hello")
        with pytest.raises(TypeError, match="content of a message must be text, got NoneType"):
            c.complete([{"role": "user", "content": None}])
    assert server.calls == 0


def test_a_database_in_memory_is_refused(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="cache must be a file, or None"):
        client(server, cache=":memory:")
    assert list(tmp_path.iterdir()) == []
