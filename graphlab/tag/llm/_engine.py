"""Raw answers: from the cache, from a call that is under way, or from the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from graphlab.tag.llm._breaker import Breaker
from graphlab.tag.llm._cache import ReplyCache, canonical
from graphlab.tag.llm._claims import Claims
from graphlab.tag.llm._completion import Completion, read_completion
from graphlab.tag.llm._ledger import Ledger
from graphlab.tag.llm._rate_limiter import RateLimiter
from graphlab.tag.llm._transport import CallError, Transport
from graphlab.tag.llm.limits import Limits
from graphlab.tag.llm.retry import Retry

__all__: list[str] = []

_POLL = 0.05  # seconds between looks at an answer that another process is fetching


@dataclass(frozen=True)
class Outcome:
    """One answer, or why there is none."""

    completion: Completion | None
    error: str = ""
    status: str = "ok"  # or "failed", "budget", "fatal", "form"
    attempts: int = 0
    cached: bool = False
    kind: str = ""  # what the error is about: a kind of CallError, or "dead"


class Engine:
    """Source of raw answers that pays at most once for each.

    All of it runs on one event loop, so no state needs a lock.

    Args:
        connect (callable): Makes the transport, at the first call.
        cache (ReplyCache): Store of the answers.
        retry (Retry): Attempts and pauses.
        limits (Limits): Concurrency and rates.
        ledger (Ledger): Money that may be spent.
        cost (callable): Money for (prompt tokens, completion tokens).
        bound (callable): Most tokens (prompt, completion) that a request may use.
    """

    def __init__(
        self,
        connect: Callable[[], Transport],
        cache: ReplyCache,
        retry: Retry,
        limits: Limits,
        ledger: Ledger,
        cost: Callable[[int, int], float],
        bound: Callable[[Mapping[str, Any]], tuple[int, int]],
    ) -> None:
        self._connect = connect
        self._transport: Transport | None = None
        self.cache, self.ledger = cache, ledger
        self._retry = retry
        self._breaker = Breaker(retry.breaker)
        self._cost, self._bound = cost, bound
        self._requests = RateLimiter(limits.requests_per_minute)
        self._tokens = RateLimiter(limits.tokens_per_minute)
        path = cache.path
        self._claims = Claims(None if path is None else path.with_name(path.name + ".claims"))
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._flight: dict[str, asyncio.Task[Outcome]] = {}
        self._pending: list[tuple[str, str, str]] = []
        self._flush: asyncio.Task[None] | None = None
        self._disk = ThreadPoolExecutor(1, "graphlab-llm-cache")

    async def fetch(self, key: str, request: Mapping[str, Any]) -> Outcome:
        """Answer to a request, paid at most once."""
        known = self._lookup(key)
        if known is not None:
            return known
        task = self._flight.get(key)
        if task is None:
            task = asyncio.ensure_future(self._claimed(key, request))
            self._flight[key] = task
            task.add_done_callback(lambda _: self._flight.pop(key, None))
        # A caller that gives up must not take the paid answer away from the others and the cache.
        return await asyncio.shield(task)

    def holds(self, key: str) -> bool:
        """Whether the answer is known, or on its way."""
        return key in self._flight or self.cache.get(key) is not None

    def _lookup(self, key: str) -> Outcome | None:
        raw = self.cache.get(key)
        if raw is None:
            return None
        try:
            return Outcome(read_completion(raw), cached=True)
        except ValueError:  # an error that an earlier version stored as an answer
            return None

    async def _claimed(self, key: str, request: Mapping[str, Any]) -> Outcome:
        while not self._claims.take(key):
            await asyncio.sleep(_POLL)
        try:
            known = self._lookup(key)  # another process may have just paid for it
            if known is not None:
                return known
            async with self._slots:
                return await self._attempts(key, request)
        finally:
            self._claims.release(key)

    async def _attempts(self, key: str, request: Mapping[str, Any]) -> Outcome:
        worst = self._bound(request)
        reserved = self._cost(*worst)
        attempt = 0
        while True:  # until the last attempt, which returns
            attempt += 1
            if not await self.ledger.reserve_or_wait(reserved):
                text = f"the budget of {self.ledger.budget:.6g} is used up"
                return Outcome(None, text, "budget", attempt - 1)
            try:
                completion = await self._send(key, request, reserved, sum(worst))
            except CallError as error:
                last = not error.transient or attempt >= self._retry.attempts
                if self._is_dead(error, last):
                    return await self._give_up(key, request, error, attempt, "dead")
                if last:
                    return await self._give_up(key, request, error, attempt, error.kind)
                delay = self._retry.delay(attempt, error.retry_after)
                if await self._breaker.pause(delay):
                    return await self._give_up(key, request, error, attempt, "dead")
            else:
                self._breaker.succeeded()
                return Outcome(completion, attempts=attempt)

    async def _send(
        self, key: str, request: Mapping[str, Any], reserved: float, tokens: int
    ) -> Completion:
        spent = 0.0
        try:
            await self._requests.wait(1)
            await self._tokens.wait(tokens)
            if self._transport is None:
                self._transport = self._connect()
            spent = reserved  # an answer that gets lost may have been charged
            raw, completion = await self._transport.send(request)
            used = (completion.prompt_tokens, completion.completion_tokens)
            # Where a server reports no usage, an answer costs all that was set aside for it.
            spent = self._cost(*used) if any(used) else reserved
        except CallError as error:
            spent = reserved if error.billed else 0.0
            raise
        finally:
            self.ledger.settle(reserved, spent)
        await self._store(key, canonical(request), raw)
        return completion

    def _is_dead(self, error: CallError, last: bool) -> bool:
        """Whether a failure was the last of so many that no call has a chance."""
        if error.answered:
            self._breaker.answered()
        elif self._breaker.unanswered():
            return True
        if not last or error.kind in ("item", "form"):
            return False
        return self._breaker.failed(lasting=error.kind == "passing")

    async def _give_up(
        self, key: str, request: Mapping[str, Any], error: CallError, attempt: int, kind: str
    ) -> Outcome:
        if kind == "form":  # the question is asked in another form at once
            return Outcome(None, str(error), "form", attempt, kind=kind)
        row = (key, canonical(request), str(error), attempt)
        await self._on_disk(self.cache.put_failures, [row])
        status = "fatal" if error.fatal or kind == "dead" else "failed"
        return Outcome(None, str(error), status, attempt, kind=kind)

    async def _store(self, key: str, request: str, raw: str) -> None:
        """Commit an answer; those that arrive while the disk is busy share the next commit."""
        self._pending.append((key, request, raw))
        while any(row[0] == key for row in self._pending):
            if self._flush is None:
                self._flush = asyncio.ensure_future(self._commit())
                self._flush.add_done_callback(self._flushed)
            await asyncio.shield(self._flush)
            await asyncio.sleep(0)

    def _flushed(self, task: asyncio.Task[None]) -> None:
        self._flush = None

    async def _commit(self) -> None:
        rows = list(self._pending)
        await self._on_disk(self.cache.put, rows)
        del self._pending[: len(rows)]

    async def _on_disk(self, function: Callable[[Any], None], rows: Any) -> None:
        await asyncio.get_running_loop().run_in_executor(self._disk, function, rows)

    async def close(self) -> None:
        """Stop the calls under way and close files and connections."""
        for task in list(self._flight.values()):
            task.cancel()
        await asyncio.gather(*self._flight.values(), return_exceptions=True)
        if self._flush is not None:
            await asyncio.gather(self._flush, return_exceptions=True)
        if self._transport is not None:
            await self._transport.close()
        self._disk.shutdown()
        self._claims.close()
        self.cache.close()
