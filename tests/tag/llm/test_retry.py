"""Pauses between attempts."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from graphlab.tag import Retry
from graphlab.tag.llm._retry_after import parse_retry_after
from tests.tag.llm._client import client
from tests.tag.llm._server import serving

pytest.importorskip("openai", reason="needs the extra tag")


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
    retry = Retry(backoff=1.0, max_backoff=10.0)
    delays = [retry.delay(k, draw=lambda: 1.0) for k in (1, 2, 3, 4, 5, 5000)]
    assert delays == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert retry.delay(3, draw=lambda: 0.0) == 2.0
    assert retry.delay(1, 7.0, lambda: 0.0) == 7.0
    assert retry.delay(1, 1e9) == 10.0


def test_retry_after_is_honoured():
    seen = []

    def plan(number, body):
        seen.append(time.monotonic())
        headers = {"Retry-After": "0.3"}
        return {"status": 429, "headers": headers} if number == 0 else "ok"

    with serving(plan) as server, client(server, max_backoff=5.0) as c:
        assert c.complete("x").ok
    assert seen[1] - seen[0] >= 0.3


def test_a_date_without_a_zone_is_universal_time():
    assert parse_retry_after(None, "Wed, 21 Oct 2015 07:28:00 -0000") == 0.0
    later = datetime.now(timezone.utc) + timedelta(seconds=100)
    assert 90 < parse_retry_after(None, format_datetime(later.replace(tzinfo=None))) <= 100
