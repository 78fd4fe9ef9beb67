"""One HTTP call to a chat endpoint, and the meaning of its failures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from graphlab.tag._optional import optional
from graphlab.tag._unicode import encodable
from graphlab.tag.llm._retry_after import parse_retry_after

__all__: list[str] = []

_TRANSIENT = frozenset({408, 409, 425, 429})  # and everything from 500 on
_FATAL = frozenset({401, 403, 404})  # the next call would fail in the same way
_MAX_MESSAGE = 300  # characters of a server's words worth keeping


class CallError(Exception):
    """A call that brought no answer.

    Args:
        message (str): Description of the failure, without secrets.
        transient (bool): Whether another attempt may succeed.
        fatal (bool): Whether every other call will fail too.
        retry_after (float, optional): Seconds the server asks to wait.
        billed (bool): Whether the server may have produced, and charged for, an answer.
    """

    def __init__(
        self,
        message: str,
        *,
        transient: bool = False,
        fatal: bool = False,
        retry_after: float | None = None,
        billed: bool = False,
    ) -> None:
        super().__init__(message)
        self.transient = transient
        self.fatal = fatal
        self.retry_after = retry_after
        self.billed = billed


@dataclass(frozen=True)
class Completion:
    """Fields of an answer, read from its raw JSON."""

    text: str
    refusal: str | None
    finish_reason: str | None
    prompt_tokens: int
    completion_tokens: int
    model: str | None


def read_completion(raw: str) -> Completion:
    """Completion in the raw JSON of an answer; anything may come from a server.

    Raises:
        ValueError: If it is no JSON, or not a chat completion.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the body is not JSON: {error}") from error
    try:
        choice = body["choices"][0]
        message = choice["message"]
        text = message.get("content") or ""
        refusal = message.get("refusal") or None
        usage = body.get("usage") or {}
        read = int(usage.get("prompt_tokens") or 0)
        written = int(usage.get("completion_tokens") or 0)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"the body is not a chat completion ({type(error).__name__})") from error
    if not isinstance(text, str) or read < 0 or written < 0:
        raise ValueError("the body is not a chat completion (content is no text)")
    return Completion(
        text=encodable(text),
        refusal=None if refusal is None else encodable(str(refusal)),
        finish_reason=choice.get("finish_reason"),
        prompt_tokens=read,
        completion_tokens=written,
        model=body.get("model"),
    )


class Transport:
    """The SDK's client with everything that would hide a failure switched off.

    Args:
        base_url (str, optional): Address of the server; None takes the SDK's default.
        api_key (str): Secret; it stays in the SDK's client and is cut out of every text that
            leaves.
        timeout (float): Seconds for a whole call.
    """

    def __init__(self, base_url: str | None, api_key: str, timeout: float) -> None:
        self._openai = optional("openai", "LLMClient")
        self._timeout = timeout
        self._secret = api_key
        # One retry layer only, ours; and no redirects: they would carry prompts elsewhere.
        self._client = self._openai.AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            timeout=timeout,
            max_retries=0,
            http_client=self._openai.DefaultAsyncHttpxClient(follow_redirects=False),
        )

    async def send(self, request: Mapping[str, Any]) -> tuple[str, Completion]:
        """Make one call.

        Returns:
            tuple[str, Completion]: The raw body and what it says.

        Raises:
            CallError: If there is no answer.
        """
        rest = {k: v for k, v in request.items() if k not in ("model", "messages")}
        call = self._client.chat.completions.with_raw_response.create(
            model=request["model"], messages=request["messages"], extra_body=rest
        )
        try:
            # The SDK's timeout starts anew with every byte; a dripping server would hold us.
            response = await asyncio.wait_for(call, self._timeout)
        except asyncio.TimeoutError:
            raise self._error(f"no answer in {self._timeout} seconds", billed=True) from None
        except self._openai.APIStatusError as error:
            self._raise_status(error)
        except self._openai.APIConnectionError as error:
            cause = error.__cause__ or error
            words = f"connection failed: {type(cause).__name__}: {cause}"
            raise self._error(words, billed=True) from None
        except self._openai.APIError as error:
            raise self._error(f"malformed answer: {error}", billed=True) from None
        return self._read(response.http_response.content)

    def _read(self, content: bytes) -> tuple[str, Completion]:
        try:
            raw = self.redact(content.decode("utf-8"))
            return raw, read_completion(raw)
        except ValueError as error:  # also text that is not UTF-8
            raise self._error(f"malformed answer: {error}", billed=True) from None

    def _raise_status(self, error: Any) -> NoReturn:
        status = int(error.status_code)
        headers = error.response.headers
        message = self.redact(f"HTTP {status}: {error.message}")[:_MAX_MESSAGE]
        raise CallError(
            message,
            transient=status in _TRANSIENT or status >= 500,
            fatal=status in _FATAL or 300 <= status < 400,
            retry_after=parse_retry_after(
                headers.get("retry-after-ms"), headers.get("retry-after")
            ),
        ) from None

    def _error(self, message: str, *, billed: bool) -> CallError:
        return CallError(self.redact(message)[:_MAX_MESSAGE], transient=True, billed=billed)

    def redact(self, text: str) -> str:
        """Cut the secret out of a text: servers echo what they are sent."""
        text = encodable(text)
        return text.replace(self._secret, "***") if len(self._secret) >= 8 else text

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
