"""One HTTP call to a chat endpoint, and the meaning of its failures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from graphlab.tag._optional import optional
from graphlab.tag._unicode import encodable
from graphlab.tag.llm._completion import Completion, ErrorAnswer, read_completion
from graphlab.tag.llm._error_body import Kind, error_kind, error_words, inner_status
from graphlab.tag.llm._request import RENAMED
from graphlab.tag.llm._retry_after import parse_retry_after

__all__: list[str] = []

_MAX_MESSAGE = 500  # characters of a server's words worth keeping
_NEVER_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol"})


class CallError(Exception):
    """A call that brought no answer.

    Args:
        message (str): Description of the failure, without secrets.
        kind (str): What it is about; see :data:`graphlab.tag.llm._error_body.Kind`.
        retry_after (float, optional): Seconds the server asks to wait.
        billed (bool): Whether the server may have produced, and charged for, an answer.
        answered (bool): Whether there is a server: it answered, be it with an error.
    """

    def __init__(
        self,
        message: str,
        kind: Kind = "passing",
        *,
        retry_after: float | None = None,
        billed: bool = False,
        answered: bool = True,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after = retry_after
        self.billed = billed
        self.answered = answered

    @property
    def transient(self) -> bool:
        """Whether another attempt may succeed."""
        return self.kind == "passing"

    @property
    def fatal(self) -> bool:
        """Whether every other call will fail too."""
        return self.kind not in ("passing", "item", "form", "unclear")


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
        self._renames_tokens = False
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
        while True:
            renamed = self._renames_tokens
            try:
                return self._read(await self._call(request), request)
            except self._openai.APIStatusError as error:
                failure, adapted = self._status_error(error, request, renamed)
            if not adapted:
                raise failure

    async def _call(self, request: Mapping[str, Any]) -> bytes:
        rest = {k: v for k, v in request.items() if k not in ("model", "messages")}
        if self._renames_tokens and "max_tokens" in rest:
            rest[RENAMED] = rest.pop("max_tokens")
        call = self._client.chat.completions.with_raw_response.create(
            model=request["model"], messages=request["messages"], extra_body=rest
        )
        try:
            # The SDK's timeout starts anew with every byte; a dripping server would hold us.
            response = await asyncio.wait_for(call, self._timeout)
        except asyncio.TimeoutError:
            words = f"no answer in {self._timeout} seconds"
            raise self._error(words, billed=True, answered=False) from None
        except self._openai.APIStatusError:
            raise
        except self._openai.APIConnectionError as error:
            cause = error.__cause__ or error
            words = f"connection failed: {type(cause).__name__}: {cause}"
            sent = type(cause).__name__ not in _NEVER_SENT
            raise self._error(words, billed=sent, answered=False) from None
        except self._openai.APIError as error:
            raise self._error(f"malformed answer: {error}", billed=True) from None
        content: bytes = response.http_response.content
        return content

    def _read(self, content: bytes, request: Mapping[str, Any]) -> tuple[str, Completion]:
        try:
            raw = self.redact(content.decode("utf-8"))
            return raw, read_completion(raw)
        except ErrorAnswer as error:
            status = inner_status(error.body) or 200
            words = self.redact(f"HTTP 200 with an error: {error}")[:_MAX_MESSAGE]
            kind = error_kind(status, error.body, request)
            raise CallError(words, kind, billed=error.billed) from None
        except ValueError as error:  # also text that is not UTF-8
            raise self._error(f"malformed answer: {error}", billed=True) from None

    def _status_error(
        self, error: Any, request: Mapping[str, Any], renamed: bool
    ) -> tuple[CallError, bool]:
        """The failure, and whether the call can be made again at once in another form."""
        status, headers = int(error.status_code), error.response.headers
        try:
            text = error.response.text
            body = json.loads(text)
        except (ValueError, RecursionError):
            body = text
        words = self.redact(error_words(body) or str(error.message))
        if RENAMED in words and "max_tokens" in request and status in (400, 422) and not renamed:
            self._renames_tokens = True
            return CallError(words), True
        after = parse_retry_after(headers.get("retry-after-ms"), headers.get("retry-after"))
        kind = error_kind(status, body, request)
        return CallError(f"HTTP {status}: {words}"[:_MAX_MESSAGE], kind, retry_after=after), False

    def _error(self, message: str, *, billed: bool, answered: bool = True) -> CallError:
        words = self.redact(message)[:_MAX_MESSAGE]
        return CallError(words, billed=billed, answered=answered)

    def redact(self, text: str) -> str:
        """Cut the secret out of a text: servers echo what they are sent."""
        text = encodable(text)
        return text.replace(self._secret, "***") if len(self._secret) >= 8 else text

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
