"""Records of conversations: every prompt answered, judged, and repaired if need be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from graphlab._progress import Progress
from graphlab.tag.llm._endpoint import advice
from graphlab.tag.llm._engine import Engine, Outcome
from graphlab.tag.llm._messages import Conversation
from graphlab.tag.llm._request import RequestForm
from graphlab.tag.llm._structured import Schema, repair_messages
from graphlab.tag.llm.reply import LLMError, LLMReply

__all__: list[str] = []


@dataclass(frozen=True)
class Dialogue:
    """Exchange about one prompt, which goes on while the answer does not follow the schema.

    Attributes:
        engine (Engine): Source of raw answers.
        form (RequestForm): Form of the bodies of calls.
        schema (Schema, optional): Form that answers must follow.
        repairs (int): Times an answer may be corrected.
        key_variable (str): Environment variable of the key, for the advice in errors.
    """

    engine: Engine
    form: RequestForm
    schema: Schema | None
    repairs: int
    key_variable: str

    async def reply(self, messages: Conversation, name: Hashable) -> LLMReply:
        """The record of one prompt.

        Raises:
            LLMError: If no call can succeed.
        """
        outcomes: list[Outcome] = []
        first = ""
        for repair in range(self.repairs + 1):
            request = self.form.body(messages, self.schema)
            key = self.form.key(request)
            first = first or key
            outcome = await self.engine.fetch(key, request)
            outcomes.append(outcome)
            if outcome.status == "fatal":
                raise LLMError(advice(outcome.error, self.key_variable))
            status, value, error = _judge(outcome, self.schema)
            if status != "invalid" or repair == self.repairs or outcome.completion is None:
                break
            messages = repair_messages(messages, outcome.completion.text, error)
        completions = [o.completion for o in outcomes if o.completion is not None]
        return LLMReply(
            id=name,
            status=status,
            text=completions[-1].text if outcome.completion is not None else "",
            value=value,
            error=error,
            attempts=sum(o.attempts for o in outcomes),
            repairs=len(outcomes) - 1,
            cached=all(o.cached for o in outcomes),
            prompt_tokens=sum(c.prompt_tokens for c in completions),
            completion_tokens=sum(c.completion_tokens for c in completions),
            model=completions[-1].model if completions else None,
            key=first,
        )


def _judge(outcome: Outcome, schema: Schema | None) -> tuple[str, Any, str]:
    """Status, value and error of an answer."""
    completion = outcome.completion
    if completion is None:
        return outcome.status, None, outcome.error
    if completion.refusal is not None or completion.finish_reason == "content_filter":
        return "refused", None, completion.refusal or "the server filtered the answer"
    if completion.finish_reason == "length":
        return "truncated", None, "the answer reached the limit of tokens"
    if not completion.text.strip():
        return "empty", None, "the answer is empty"
    if schema is None:
        return "ok", None, ""
    try:
        return "ok", schema.parse(completion.text), ""
    except ValueError as error:
        return "invalid", None, str(error)


async def reply_to_all(
    reply: Callable[[Conversation, Hashable], Awaitable[LLMReply]],
    conversations: Sequence[Conversation],
    names: Sequence[Hashable],
    concurrency: int,
    progress: bool | None,
) -> list[LLMReply]:
    """Records of all conversations, some at a time; the first error ends the rest."""
    replies: list[LLMReply | None] = [None] * len(names)
    todo = iter(range(len(names)))  # shared: every worker takes the next position
    with Progress(len(names), "ask", unit="prompts", shown=progress) as bar:

        async def work() -> None:
            for position in todo:
                replies[position] = await reply(conversations[position], names[position])
                bar.update()

        workers = [asyncio.ensure_future(work()) for _ in range(min(concurrency, len(names)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
    return [reply for reply in replies if reply is not None]
