"""The client on a failing server: nothing lost, nothing paid twice, no secret out."""

from __future__ import annotations

import json
import logging
import os
import random
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from graphlab.tag import LLMClient, LLMError
from graphlab.tag.llm._cache import ReplyCache
from graphlab.tag.llm._limits import parse_retry_after, retry_delay
from tests._data import REPOSITORY
from tests.tag.llm._server import completion, echo, faulty, script, serving

pytest.importorskip("openai", reason="needs the extra tag")


def client(server, **options) -> LLMClient:
    fast = {"backoff": 0.005, "max_backoff": 0.02, "timeout": 5.0}
    return LLMClient("m", base_url=server.url, **(fast | options))


# ruff: noqa: SIM117
# --- one fault, then health -----------------------------------------------------------------------

TRANSIENT = {
    "429": {"status": 429},
    "429 seconds": {"status": 429, "headers": {"Retry-After": "0"}},
    "429 huge": {"status": 429, "headers": {"Retry-After": "86400"}},
    "429 date": {"status": 429, "headers": {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}},
    "429 far date": {"status": 429, "headers": {"Retry-After": "Fri, 31 Dec 2999 23:59:59 GMT"}},
    "429 nonsense": {"status": 429, "headers": {"Retry-After": "soon"}},
    "408": {"status": 408},
    "500": {"status": 500},
    "502 prose": {"status": 502, "body": "<html>Bad Gateway</html>"},
    "503": {"status": 503, "body": ""},
    "529": {"status": 529},
    "reset": {"fault": "reset"},
    "cut": {"fault": "cut"},
    "empty body": {"body": ""},
    "no JSON": {"body": "<html>hello</html>"},
    "half JSON": {"body": '{"choices": ['},
    "deep JSON": {"body": "[" * 100_000},
    "other schema": {"body": {"result": "hi"}},
    "no choices": {"body": {"choices": []}},
    "choices of nothing": {"body": {"choices": [None]}},
    "content of numbers": {"body": completion(3)},
    "negative usage": {"body": completion("x", usage={"prompt_tokens": -5})},
    "not UTF-8": {"body": b'{"choices": "\xff\xfe"}'},
    "null": {"body": "null"},
}


@pytest.mark.parametrize("act", TRANSIENT.values(), ids=TRANSIENT.keys())
def test_a_passing_fault_is_survived(act):
    with serving(script(act)) as server, client(server) as c:
        reply = c.complete("hello")
        assert (reply.status, reply.text, reply.attempts) == ("ok", "echo: hello", 2)
        assert server.calls == 2


@pytest.mark.parametrize(
    "act", [{"delay": 30}, {"fault": "drip"}, {"fault": "hang"}], ids=["stall", "drip", "hang"]
)
def test_a_server_that_takes_for_ever_is_left(act):
    with serving(script(act)) as server, client(server, timeout=0.4) as c:
        reply = c.complete("hello")
        assert (reply.text, reply.attempts) == ("echo: hello", 2)


def test_a_closed_port_is_a_failure_of_the_item():
    with serving() as server:
        url = server.url
    with LLMClient("m", base_url=url, max_attempts=2, backoff=0.0) as c:
        reply = c.complete("hello")
    assert (reply.status, reply.attempts) == ("failed", 2)
    assert "connection failed" in reply.error


def test_a_port_that_nobody_listens_behind():
    # The system completes the connection, and nothing ever answers: half open.
    with socket.create_server(("127.0.0.1", 0), backlog=8) as idle:
        url = f"http://127.0.0.1:{idle.getsockname()[1]}/v1"
        with LLMClient("m", base_url=url, max_attempts=2, backoff=0.0, timeout=0.2) as c:
            reply = c.complete("hello")
    assert (reply.status, reply.attempts) == ("failed", 2)
    assert "no answer in 0.2 seconds" in reply.error


def test_plain_http_where_tls_is_expected():
    with serving() as server:
        url = server.url.replace("http:", "https:")
        with LLMClient("m", base_url=url, max_attempts=2, backoff=0.0, timeout=0.5) as c:
            reply = c.complete("hello")
    assert reply.status == "failed" and reply.error


# --- answers that are final -----------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_request_is_recorded_and_not_repeated(status, tmp_path):
    act = {"status": status, "body": {"error": {"message": "context too long"}}}
    with serving(script("fine", act)) as server:
        with client(server, cache=tmp_path / "c.db", concurrency=1) as c:
            replies = c.complete_many(["a", "b", "c"], ids=["A", "B", "C"])
            assert [r.status for r in replies] == ["ok", "failed", "ok"]
            assert f"HTTP {status}" in replies[1].error and "too long" in replies[1].error
            (failure,) = c.failures()
            assert (failure.key, failure.attempts) == (replies[1].key, 1)
            assert c.complete("b").ok  # asked again, and the record of the failure goes
            assert c.failures() == []
        assert server.calls == 4


@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_what_no_call_can_survive_stops_the_run_with_one_message(status):
    act = {"status": status, "headers": {"Location": "/v1/chat/completions"}}
    with serving(lambda n, b: act if n >= 5 else echo(b)) as server:
        with client(server, concurrency=2) as c:
            with pytest.raises(LLMError, match=f"HTTP {status}"):
                c.complete_many([str(i) for i in range(500)])
            assert server.calls <= 5 + 2
            server.plan = script()
            replies = c.complete_many([str(i) for i in range(5)])
            # What had arrived was kept; two calls were under way, in either order.
            assert sum(r.cached for r in replies) >= 5 - 2


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (completion("half a", finish="length"), "truncated"),
        (completion(""), "empty"),
        (completion(None), "empty"),
        (completion(" \n"), "empty"),
        (completion(None, refusal="I will not"), "refused"),
        (completion("", finish="content_filter"), "refused"),
    ],
)
def test_answers_without_use_are_labelled_and_kept(answer, status, tmp_path):
    with serving(lambda n, b: {"body": answer}) as server:
        with client(server, cache=tmp_path / "c.db") as c:
            reply = c.complete("x")
            again = c.complete("x")
        assert (reply.status, again.status, server.calls) == (status, status, 1)
    assert reply.error and not reply.ok


def test_attempts_are_bounded():
    with serving(lambda n, b: {"status": 500}) as server, client(server, max_attempts=4) as c:
        replies = c.complete_many(["a", "b"])
        assert [(r.status, r.attempts) for r in replies] == [("failed", 4)] * 2
        assert server.calls == 8


# --- when to ask again ----------------------------------------------------------------------------


def test_retry_after_in_every_form():
    assert parse_retry_after("1500", "9") == 1.5
    assert parse_retry_after(None, "3") == 3.0
    assert parse_retry_after(None, "2.5") == 2.5
    later = datetime.now(timezone.utc) + timedelta(seconds=100)
    assert 90 < parse_retry_after(None, format_datetime(later, usegmt=True)) <= 100
    assert parse_retry_after(None, "Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    for text in (None, "", "soon", "-1", "nan", "inf", "Wed, 99 Oct"):
        assert parse_retry_after(None, text) is None


def test_delays_grow_and_are_capped():
    delays = [retry_delay(k, None, 1.0, 10.0, lambda: 1.0) for k in (1, 2, 3, 4, 5, 5000)]
    assert delays == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert retry_delay(3, None, 1.0, 10.0, lambda: 0.0) == 2.0
    assert retry_delay(1, 7.0, 1.0, 10.0, lambda: 0.0) == 7.0
    assert retry_delay(1, 1e9, 1.0, 10.0) == 10.0


def test_retry_after_is_honoured():
    seen = []

    def plan(number, body):
        seen.append(time.monotonic())
        headers = {"Retry-After": "0.3"}
        return {"status": 429, "headers": headers} if number == 0 else "ok"

    with serving(plan) as server, client(server, max_backoff=5.0) as c:
        assert c.complete("x").ok
    assert seen[1] - seen[0] >= 0.3


# --- everything at once ---------------------------------------------------------------------------


@pytest.mark.parametrize("count", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_a_faulty_server_costs_time_and_no_rows(tmp_path, count):
    options = {"concurrency": 32, "timeout": 0.8, "max_attempts": 12}
    prompts = [f"node {i}" for i in range(count)]
    with serving(faulty(0)) as server, client(server, cache=tmp_path / "c.db", **options) as c:
        replies = c.complete_many(prompts)
        assert [r.id for r in replies] == list(range(count))
        assert [r.text for r in replies] == [f"echo: {p}" for p in prompts]
        assert server.peak <= 32
        # Every call is accounted for; on a busy machine an attempt may end before it arrives.
        assert sum(r.attempts for r in replies) >= server.calls
        assert set(server.answered.values()) == {1}
        made = server.calls
        assert all(r.cached for r in c.complete_many(prompts))
        assert server.calls == made


def test_thirty_two_workers_on_one_cache_pay_once_and_lose_nothing(tmp_path):
    prompts = [f"node {i}" for i in range(40)]

    def work(_):
        with client(server, cache=tmp_path / "c.db", concurrency=4) as c:
            return c.complete_many(prompts)

    with serving(lambda n, b: {"delay": 0.01}) as server:
        with ThreadPoolExecutor(32) as pool:
            runs = list(pool.map(work, range(32)))
        assert server.calls == len(prompts)
    assert all([r.text for r in run] == [f"echo: {p}" for p in prompts] for run in runs)


# --- secrets --------------------------------------------------------------------------------------

CANARY = "sk-canary-0123456789abcdef"


def test_the_key_reaches_the_server_and_nothing_else(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.chdir(tmp_path)

    def plan(number, body):
        held = server.headers[-1]["authorization"]
        if number == 1:
            return {"status": 400, "body": {"error": {"message": f"bad key {held}"}}}
        if number >= 3:
            return {"status": 401, "body": {"error": {"message": f"bad key {held}"}}}
        return {"body": completion(f"you sent {held}")}

    with serving(plan) as server:
        with client(server, cache=tmp_path / "c.db", concurrency=1) as c:
            replies = c.complete_many(["a", "b", "c"])
            with pytest.raises(LLMError) as caught:
                c.complete("d")
            c.export_batch(["e"], tmp_path / "batch.jsonl")
            texts = [repr(c), repr(replies), str(caught.value), repr(c.failures()), str(vars(c))]
            files = [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()]
        assert {h["authorization"] for h in server.headers} == {f"Bearer {CANARY}"}
    assert len(files) >= 3  # the write-ahead log is among them
    files += [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()]
    assert replies[0].text == "you sent Bearer ***"
    assert not any(CANARY in text for text in texts)
    assert not any(CANARY.encode() in content for content in files)
    assert CANARY not in caplog.text


# --- kill -9 --------------------------------------------------------------------------------------

JOB = """
import sys
from graphlab.tag import LLMClient
url, cache, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
c = LLMClient("m", base_url=url, cache=cache, concurrency=8, backoff=0.01, timeout=5.0)
replies = c.complete_many([f"node {i}" for i in range(count)])
print(sum(r.ok for r in replies), flush=True)
c.close()
"""


def start(server, path, count) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", JOB, server.url, str(path), str(count)]
    environment = {**os.environ, "no_proxy": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True
    )


def wait_for(server, calls) -> None:
    deadline = time.monotonic() + 60
    while server.calls < calls and time.monotonic() < deadline:
        time.sleep(0.002)


@pytest.mark.slow
@pytest.mark.parametrize("kills", [3, 20])
def test_a_killed_run_resumes_with_the_missing_calls(tmp_path, kills):
    count, path, draw = 150 * kills, tmp_path / "c.db", random.Random(0)
    with serving(lambda n, b: {"delay": 0.02}) as server:
        for kill in range(1, kills + 1):
            process = start(server, path, count)
            wait_for(server, server.calls + draw.randrange(1, 100))
            process.kill()
            process.wait()
            process.stdout.close()
            time.sleep(0.1)  # the server notices
            with LLMClient("m", base_url=server.url, cache=path) as c:
                found = c.estimate([f"node {i}" for i in range(count)])
            committed = found.cached
            # Whatever was answered and not committed was under way: at most eight calls.
            assert server.calls - committed <= 8 * kill
        process = start(server, path, count)
        out, _ = process.communicate(timeout=120)
        assert out.split()[-1] == str(count)
        assert count <= server.calls <= count + 8 * kills
        # No call was made more often than it was interrupted.
        assert sum(times - 1 for times in server.answered.values()) <= 8 * kills
        before = server.calls
        with LLMClient("m", base_url=server.url, cache=path) as c:
            assert all(r.cached for r in c.complete_many([f"node {i}" for i in range(count)]))
        assert server.calls == before


@pytest.mark.slow
def test_two_processes_share_a_cache_and_pay_once(tmp_path):
    count, path = 200, tmp_path / "c.db"
    with serving(lambda n, b: {"delay": 0.02}) as server:
        processes = [start(server, path, count) for _ in range(4)]
        outputs = [p.communicate(timeout=120)[0].split()[-1] for p in processes]
        assert outputs == [str(count)] * 4
        assert server.calls == count


@pytest.mark.slow
def test_an_interrupt_keeps_what_was_answered(tmp_path):
    import signal

    with serving(lambda n, b: {"delay": 0.02}) as server:
        process = start(server, tmp_path / "c.db", 1000)
        wait_for(server, 50)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode != 0
        calls = server.calls
        assert 0 < calls < 1000
        with LLMClient("m", base_url=server.url, cache=tmp_path / "c.db") as c:
            found = c.estimate([f"node {i}" for i in range(1000)])
        assert calls - found.cached <= 8


@pytest.mark.parametrize("round_", range(4))
def test_a_database_is_opened_by_many_at_once(tmp_path, round_):
    start = threading.Barrier(16)

    def opened(_):
        start.wait()
        ReplyCache(tmp_path / "c.db").close()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(opened, range(16)))


def test_a_key_may_come_with_the_end_of_its_line(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", f" {CANARY}\n")
    with serving() as server:
        with client(server, cache=tmp_path / "c.db", max_attempts=1) as c:
            assert c.complete("a").ok
            assert c.failures() == []
        assert server.headers[0]["authorization"] == f"Bearer {CANARY}"


@pytest.mark.parametrize("odd", ["\n", "ü", "\x01", " "])
def test_a_key_that_no_header_carries_is_never_shown(monkeypatch, tmp_path, odd):
    monkeypatch.setenv("OPENAI_API_KEY", CANARY + odd + CANARY)
    with serving() as server:
        with client(server, cache=tmp_path / "c.db", max_attempts=1) as c:
            with pytest.raises(LLMError, match="OPENAI_API_KEY must hold a key") as caught:
                c.complete("a")
            shown = [str(caught.value), repr(c.failures()), str(caught.getrepr())]
            assert not any(CANARY in text for text in shown)
    assert server.calls == 0


# --- text that has no UTF-8 form ------------------------------------------------------------------

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
