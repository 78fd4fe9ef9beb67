"""From conversations to records: every prompt answered, judged, and repaired if need be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from graphlab.tag.llm._endpoint import advice
from graphlab.tag.llm._engine import Engine, Outcome
from graphlab.tag.llm._request import RequestForm
from graphlab.tag.llm._structured import Schema, repair_messages
from graphlab.tag.llm.replies import LLMError, LLMReply

__all__: list[str] = []


@dataclass(frozen=True)
class Dialogue:
    """Asks one prompt, and again while the answer does not follow the schema.

    Attributes:
        engine: Gets raw answers.
        form: Makes the bodies of calls.
        schema: What answers must follow, if anything.
        max_repairs: Times an answer may be corrected.
        key_variable: Environment variable of the key, for the advice in errors.
    """

    engine: Engine
    form: RequestForm
    schema: Schema | None
    max_repairs: int
    key_variable: str

    async def reply(self, messages: list[dict[str, str]], name: Hashable) -> LLMReply:
        """The record of one prompt.

        Raises:
            LLMError: If no call can succeed.
        """
        outcomes: list[Outcome] = []
        first = ""
        for repairs in range(self.max_repairs + 1):
            request = self.form.body(messages, self.schema)
            key = self.form.key(request)
            first = first or key
            outcome = await self.engine.fetch(key, request)
            outcomes.append(outcome)
            if outcome.status == "fatal":
                raise LLMError(advice(outcome.error, self.key_variable))
            status, value, error = _judge(outcome, self.schema)
            if status != "invalid" or repairs == self.max_repairs or outcome.completion is None:
                break
            messages = repair_messages(messages, outcome.completion.text, error)
        said = [o.completion for o in outcomes if o.completion is not None]
        return LLMReply(
            id=name,
            status=status,
            text=said[-1].text if outcome.completion is not None else "",
            value=value,
            error=error,
            attempts=sum(o.attempts for o in outcomes),
            repairs=len(outcomes) - 1,
            cached=all(o.cached for o in outcomes),
            prompt_tokens=sum(c.prompt_tokens for c in said),
            completion_tokens=sum(c.completion_tokens for c in said),
            model=said[-1].model if said else None,
            key=first,
        )


def _judge(outcome: Outcome, schema: Schema | None) -> tuple[str, Any, str]:
    """Status, value and error of an answer."""
    said = outcome.completion
    if said is None:
        return outcome.status, None, outcome.error
    if said.refusal is not None or said.finish_reason == "content_filter":
        return "refused", None, said.refusal or "the server filtered the answer"
    if said.finish_reason == "length":
        return "truncated", None, "the answer reached the limit of tokens"
    if not said.text.strip():
        return "empty", None, "the answer is empty"
    if schema is None:
        return "ok", None, ""
    try:
        return "ok", schema.parse(said.text), ""
    except ValueError as error:
        return "invalid", None, str(error)


async def reply_to_all(
    reply: Callable[[list[dict[str, str]], Hashable], Awaitable[LLMReply]],
    conversations: Sequence[list[dict[str, str]]],
    names: Sequence[Hashable],
    concurrency: int,
    progress: bool,
) -> list[LLMReply]:
    """Answer all, some at a time; the first error ends the rest."""
    from tqdm import tqdm

    replies: list[LLMReply | None] = [None] * len(names)
    todo = iter(range(len(names)))  # shared: every worker takes the next position
    with tqdm(total=len(names), disable=not progress, unit="prompt") as bar:

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
