"""A failing server: nothing lost, nothing paid twice."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from graphlab.tag import LLMClient, Retry
from graphlab.tag.llm import LLMError
from tests.tag.llm._client import client
from tests.tag.llm._server import completion, echo, faulty, script, serving

pytest.importorskip("openai", reason="needs the extra tag")

# ruff: noqa: SIM117


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
    with LLMClient("m", base_url=url, retry=Retry(attempts=2, backoff=0.0)) as c:
        reply = c.complete("hello")
    assert (reply.status, reply.attempts) == ("failed", 2)
    assert "connection failed" in reply.error


def test_a_port_that_nobody_listens_behind():
    # The system completes the connection, and nothing ever answers: half open.
    with socket.create_server(("127.0.0.1", 0), backlog=8) as idle:
        url = f"http://127.0.0.1:{idle.getsockname()[1]}/v1"
        with LLMClient("m", base_url=url, retry=Retry(2, timeout=0.2, backoff=0.0)) as c:
            reply = c.complete("hello")
    assert (reply.status, reply.attempts) == ("failed", 2)
    assert "no answer in 0.2 seconds" in reply.error


def test_plain_http_where_tls_is_expected():
    with serving() as server:
        url = server.url.replace("http:", "https:")
        with LLMClient("m", base_url=url, retry=Retry(2, timeout=0.5, backoff=0.0)) as c:
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
    with serving(lambda n, b: {"status": 500}) as server, client(server, attempts=4) as c:
        replies = c.complete_many(["a", "b"])
        assert [(r.status, r.attempts) for r in replies] == [("failed", 4)] * 2
        assert server.calls == 8


# --- everything at once ---------------------------------------------------------------------------


@pytest.mark.parametrize("count", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_a_faulty_server_costs_time_and_no_rows(tmp_path, count):
    options = {"concurrency": 32, "timeout": 0.8, "attempts": 12}
    prompts = [f"node {i}" for i in range(count)]
    with serving(faulty(0)) as server, client(server, cache=tmp_path / "c.db", **options) as c:
        replies = c.complete_many(prompts)
        assert [r.id for r in replies] == list(range(count))
        assert [r.text for r in replies] == [f"echo: {p}" for p in prompts]
        assert server.peak <= 32
        # Every call is accounted for; on a busy machine an attempt may end before it arrives.
        assert sum(r.attempts for r in replies) >= server.calls
        # Nobody pays twice but where the client had waited too long for the first answer.
        for reply, prompt in zip(replies, prompts, strict=True):
            assert 1 <= server.answered[prompt] <= reply.attempts
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
