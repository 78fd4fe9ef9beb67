"""Cache of replies: the names of answers, other files, damaged rows."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Literal

import pytest

from graphlab.tag import LLMClient
from graphlab.tag.llm._cache import ReplyCache
from tests.tag.llm._client import client
from tests.tag.llm._server import serving

pydantic = pytest.importorskip("pydantic", reason="needs the extra tag")
pytest.importorskip("openai", reason="needs the extra tag")


class Topic(pydantic.BaseModel):
    label: Literal["cats", "dogs"]
    score: float = 0.0


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
    other = {"timeout": 3.0, "attempts": 2, "concurrency": 3, "requests_per_minute": 10_000}
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


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(OSError, match=f"{tmp_path} cannot be opened"):
        LLMClient("m", base_url="http://127.0.0.1:1/v1", cache=tmp_path)


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


@pytest.mark.parametrize("round_", range(4))
def test_a_database_is_opened_by_many_at_once(tmp_path, round_):
    start = threading.Barrier(16)

    def opened(_):
        start.wait()
        ReplyCache(tmp_path / "c.db").close()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(opened, range(16)))


def test_the_switch_to_write_ahead_mode_waits_for_others(tmp_path, monkeypatch):
    """SQLite reports a lock at once there, whatever its timeout."""
    refused = []

    class Busy(sqlite3.Connection):
        def execute(self, sql, *arguments):
            if "journal_mode" in sql and len(refused) < 3:
                refused.append(sql)
                raise sqlite3.OperationalError("database is locked")
            return super().execute(sql, *arguments)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Busy))
    ReplyCache(tmp_path / "c.db").close()
    assert len(refused) == 3
    assert (tmp_path / "c.db").is_file()


def test_an_error_in_the_place_of_an_answer_is_asked_for_again(server, tmp_path):
    path = tmp_path / "cache.db"
    with client(server, cache=path) as c:
        key = c.complete("hello").key
    cache = ReplyCache(path)
    cache.put([(key, "{}", '{"error": {"message": "overloaded"}}')])
    cache.close()
    with client(server, cache=path) as c:
        reply = c.complete("hello")
    assert (reply.text, reply.cached, server.calls) == ("echo: hello", False, 2)


def test_replies_are_counted_in_memory_and_on_disk(tmp_path):
    for path in (None, tmp_path / "c.db"):
        cache = ReplyCache(path)
        assert len(cache) == 0
        cache.put([("a", "{}", "one"), ("b", "{}", "two"), ("a", "{}", "three")])
        assert (len(cache), cache.get("a"), cache.get("c")) == (2, "three", None)
        cache.close()
