"""A chat server on loopback that misbehaves on command: HTTP/1.1 on asyncio streams, no library.

    python -m benchmarks._harness.llm_server --delay 0.05   every answer after 50 ms
    python -m benchmarks._harness.llm_server --faults 0     the faults of :func:`faulty`, seed 0

It prints its address, serves until its standard input ends, and tells at ``/v1/stats`` what it has
seen. Tests run it in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import threading
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable
from typing import Any

__all__ = ["Act", "ChatServer", "completion", "echo", "faulty"]

REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
           429: "Too Many Requests"}  # fmt: skip

Act = str | dict[str, Any]


def completion(text: str | None, **fields: Any) -> dict[str, Any]:
    """A chat completion."""
    message = {"role": "assistant", "content": text, "refusal": fields.pop("refusal", None)}
    usage = fields.pop("usage", {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15})
    choice = {"index": 0, "message": message, "finish_reason": fields.pop("finish", "stop")}
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "served-model",
        "choices": [choice], "usage": usage, **fields,
    }  # fmt: skip


def echo(body: dict[str, Any]) -> str:
    """The answer that a prompt gets by default."""
    return f"echo: {body['messages'][-1]['content']}"


def faulty(seed: int) -> Callable[[int, dict[str, Any]], Act]:
    """10 % 429, 5 % 500, 2 % stalls, 3 % resets, 2 % truncated and 3 % malformed bodies."""
    draw = random.Random(seed)  # noqa: S311

    def plan(number: int, body: dict[str, Any]) -> Act:
        u = draw.random()
        if u < 0.10:
            return {"status": 429, "headers": {"Retry-After": "0.01"} if u < 0.05 else {}}
        if u < 0.15:
            return {"status": 500}
        if u < 0.17:
            return {"delay": 60}
        if u < 0.20:
            return {"fault": "reset"}
        if u < 0.22:
            return {"fault": "cut"}
        if u < 0.25:
            return {"body": "{malformed"}
        return {"delay": draw.uniform(0, 0.01)}

    return plan


class ChatServer:
    """Serves until closed.

    ``plan(number, body)`` chooses what happens to the call with that number: a text to answer, or
    a dict with any of ``status``, ``headers``, ``body`` (str, bytes, object), ``delay`` (seconds
    before the answer), ``fault`` (``reset``, ``drip``, and in the middle of the body ``cut``,
    ``hang``).
    """

    def __init__(self, plan: Callable[[int, dict[str, Any]], Act] | None = None) -> None:
        self.plan = plan or (lambda number, body: echo(body))
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.now = self.peak = 0
        self.loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    @property
    def calls(self) -> int:
        """Calls received."""
        return len(self.bodies)

    def stats(self) -> dict[str, Any]:
        """Calls, most of them at a time, and how often each prompt was asked and answered."""
        return {
            "calls": self.calls,
            "peak": self.peak,
            "asked": dict(self.asked),
            "answered": dict(self.answered),
        }

    def close(self) -> None:
        """Stop serving."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        self.loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.run_until_complete(asyncio.sleep(0.01))  # lets the sockets close
        self.loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._one(reader, writer):
                    pass
            writer.close()
        except asyncio.CancelledError:
            # Not raised on: the streams of some Python versions log a cancelled handler.
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])
        }
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        if head[0].startswith("GET ") and head[0].split()[1].endswith("/stats"):
            return await self._answer({"body": self.stats()}, {}, reader, writer)
        body = json.loads(raw) if raw else {}
        self.bodies.append(body)
        self.headers.append(headers)
        if body:
            self.asked[body["messages"][-1]["content"]] += 1
        self.now += 1
        self.peak = max(self.peak, self.now)
        try:
            return await self._answer(self.plan(self.calls - 1, body), body, reader, writer)
        finally:
            self.now -= 1

    async def _answer(
        self,
        act: Act,
        body: dict[str, Any],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        if isinstance(act, str):
            act = {"body": completion(act)}
        end = self.loop.time() + act.get("delay", 0)
        while (left := end - self.loop.time()) > 0:
            await asyncio.sleep(min(left, 0.02))
            if reader.at_eof():  # the client has given up
                return False
        fault = act.get("fault")
        if fault == "reset":
            writer.transport.abort()
            return False
        content = act["body"] if "body" in act else completion(echo(body))
        if not isinstance(content, (str, bytes)):
            content = json.dumps(content)
        content = content.encode() if isinstance(content, str) else content
        status = act.get("status", 200)
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'X')}"]
        lines += [f"{k}: {v}" for k, v in act.get("headers", {}).items()]
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}", "", ""]
        writer.write("\r\n".join(lines).encode())
        if fault == "cut":
            writer.write(content[: len(content) // 2])
            await writer.drain()
            return False
        if fault == "hang":
            writer.write(content[: len(content) // 2])
            await writer.drain()
            while not reader.at_eof():
                await asyncio.sleep(0.02)
            return False
        if fault == "drip":
            for position in range(len(content)):
                writer.write(content[position : position + 1])
                await writer.drain()
                await asyncio.sleep(0.02)
        else:
            writer.write(content)
            await writer.drain()
        if status == 200 and fault is None and "body" not in act:
            self.answered[body["messages"][-1]["content"]] += 1
        return True


def main() -> None:
    """Serve until standard input ends."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before an answer")
    parser.add_argument("--faults", type=int, default=None, help="seed of the faults; none without")
    options = parser.parse_args()

    def even(number: int, body: dict[str, Any]) -> Act:
        return {"delay": options.delay}

    server = ChatServer(even if options.faults is None else faulty(options.faults))
    print(server.url, flush=True)
    sys.stdin.read()
    server.close()


if __name__ == "__main__":
    main()
