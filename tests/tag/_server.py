"""A chat server on loopback that misbehaves on command: HTTP/1.1 on asyncio streams, no library."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

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
    return f"echo: {body['messages'][-1]['content']}"


class ChatServer:
    """Serves until closed.

    ``plan(number, body)`` chooses what happens to the call with that number: a text to answer, or
    a dict with any of ``status``, ``headers``, ``body`` (str, bytes, object), ``delay`` (seconds
    before the answer), ``fault`` (``reset``, ``cut``, ``drip``).
    """

    def __init__(self, plan: Callable[[int, dict[str, Any]], Act] | None = None) -> None:
        self.plan = plan or (lambda number, body: echo(body))
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answered: Counter[str] = Counter()
        self.now = self.peak = 0
        self.loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    @property
    def calls(self) -> int:
        return len(self.bodies)

    def close(self) -> None:
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
        body = json.loads(raw) if raw else {}
        self.bodies.append(body)
        self.headers.append(headers)
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
        content = act.get("body", completion(echo(body)))
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


@contextlib.contextmanager
def serving(plan: Callable[[int, dict[str, Any]], Act] | None = None) -> Iterator[ChatServer]:
    server = ChatServer(plan)
    try:
        yield server
    finally:
        server.close()


def script(*acts: Act) -> Callable[[int, dict[str, Any]], Act]:
    """The first calls meet these in order; all later ones are echoed."""
    return lambda number, body: acts[number] if number < len(acts) else echo(body)
