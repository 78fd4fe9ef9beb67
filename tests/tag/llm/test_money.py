"""Rates, the budget, and the estimate of a run."""

from __future__ import annotations

import asyncio

import pytest

from graphlab.tag import Limits, LLMClient, Price
from graphlab.tag.llm import CostEstimate
from graphlab.tag.llm._ledger import Ledger
from graphlab.tag.llm._rate_limiter import RateLimiter
from tests.tag.llm._client import client
from tests.tag.llm._server import completion, script, serving

pytest.importorskip("openai", reason="needs the extra tag")

# ruff: noqa: SIM117


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


@pytest.mark.parametrize("concurrency", [1, 8])
def test_what_is_asked_within_a_budget_does_not_hang_on_what_is_under_way(concurrency):
    usage = {"prompt_tokens": 10, "completion_tokens": 10}
    # At worst 1 per call and in truth 0.1: the last call begins with 1 of 2 left.
    money = {"price": Price(0.0, 1e4), "max_tokens": 100, "budget": 2.0, "concurrency": concurrency}
    with serving(lambda n, b: {"body": completion("x", usage=usage)}) as server:
        with client(server, **money) as c:
            with pytest.warns(RuntimeWarning, match="21 prompts not asked"):
                replies = c.complete_many([str(i) for i in range(32)])
            assert c.spent == pytest.approx(1.1)
        assert server.calls == 11
    assert [r.status for r in replies].count("ok") == 11


def test_waiting_callers_of_a_ledger_go_on_in_their_order():
    async def scenario() -> list[tuple[str, bool]]:
        ledger, order = Ledger(1.0), []

        async def ask(name: str, amount: float) -> None:
            order.append((name, await ledger.reserve_or_wait(amount)))

        assert ledger.reserve(0.9)
        asked = (("a", 0.6), ("b", 0.6), ("c", 0.2))
        waiting = [asyncio.ensure_future(ask(name, amount)) for name, amount in asked]
        await asyncio.sleep(0)
        assert order == []
        waiting[0].cancel()
        ledger.settle(0.9, 0.3)
        await asyncio.sleep(0.01)
        assert order == [("b", True)]  # with b under way there is no room for c
        ledger.settle(0.6, 0.6)
        await asyncio.gather(*waiting[1:])
        return order

    assert asyncio.run(scenario()) == [("b", True), ("c", False)]


def test_lost_answers_count_as_paid():
    money = {"price": Price(0.0, 1e4), "max_tokens": 100, "budget": 3.0, "attempts": 9}
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
    options = {"price": Price(1, 1), "max_tokens": 5, "limits": Limits(budget=1.0)}
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


def test_callers_wait_until_it_is_their_turn(monkeypatch):
    waited = []

    async def note(delay):
        waited.append(delay)

    monkeypatch.setattr(asyncio, "sleep", note)
    limiter = RateLimiter(60, burst=0.0, clock=lambda: 100.0)
    for amount in (2, 1, 1):
        asyncio.run(limiter.wait(amount))
    assert waited == [2.0, 3.0]
