"""Records of conversations: every prompt answered, judged, and repaired if need be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graphlab._progress import Progress
from graphlab.tag.llm._endpoint import advice
from graphlab.tag.llm._engine import Engine, Outcome
from graphlab.tag.llm._messages import Conversation
from graphlab.tag.llm._reply_format import FormatFallback, ReplyFormat
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
        formats (FormatFallback): Ways in which the schema is asked for.
        repairs (int): Times an answer may be corrected.
        key_variable (str): Environment variable of the key, for the advice in errors.
        address (str, optional): Address of the server, likewise.
    """

    engine: Engine
    form: RequestForm
    schema: Schema | None
    formats: FormatFallback
    repairs: int
    key_variable: str
    address: str | None

    async def reply(self, messages: Conversation, name: Hashable) -> LLMReply:
        """The record of one prompt.

        Raises:
            LLMError: If no call can succeed.
        """
        while True:
            way = self._way(messages)
            reply = await self._asked(messages, name, way)
            if reply is not None:
                return reply

    def _way(self, messages: Conversation) -> ReplyFormat:
        """Way in which the question was asked before, else the one in force."""
        for way in self.formats.known():
            key = self.form.key(self.form.body(messages, self.schema, way))
            if self.schema is None or self.engine.holds(key):
                return way
        return self.formats.current

    async def _asked(
        self, messages: Conversation, name: Hashable, way: ReplyFormat
    ) -> LLMReply | None:
        """The record of a question asked in one way; None if the server refuses the way."""
        outcomes: list[Outcome] = []
        first = ""
        for repair in range(self.repairs + 1):
            request = self.form.body(messages, self.schema, way)
            key = self.form.key(request)
            first = first or key
            outcome = await self.engine.fetch(key, request)
            outcomes.append(outcome)
            if outcome.status == "form" and self.formats.refuse(way, outcome.error):
                return None
            if outcome.status in ("fatal", "form"):
                kind, variable = outcome.kind, self.key_variable
                raise LLMError(advice(outcome.error, kind, variable, self.address))
            status, value, error = judge(outcome, self.schema)
            if self.schema is not None and repair == 0 and status in ("ok", "invalid"):
                self.formats.judge(way, status == "ok")
            if status != "invalid" or repair == self.repairs or outcome.completion is None:
                break
            told = self.schema is None or way != "json_schema" or repair > 0
            ask = "" if told or self.schema is None else self.schema.instruction()
            messages = repair_messages(messages, outcome.completion.text, error, ask)
        completions = [o.completion for o in outcomes if o.completion is not None]
        answered = outcome.completion is not None
        return LLMReply(
            id=name,
            status=status,
            text=completions[-1].text if answered else "",
            value=value,
            error=error,
            attempts=sum(o.attempts for o in outcomes),
            repairs=len(outcomes) - 1,
            cached=all(o.cached for o in outcomes),
            prompt_tokens=sum(c.prompt_tokens for c in completions),
            completion_tokens=sum(c.completion_tokens for c in completions),
            model=completions[-1].model if completions else None,
            key=first,
            thoughts=completions[-1].thoughts if answered else "",
            first_tokens=completions[-1].first_tokens if answered else (),
        )


def token_reply(reply: LLMReply) -> LLMReply:
    """Record of a question about probabilities: one token is all that was asked for."""
    if reply.first_tokens:
        return replace(reply, status="ok", error="")
    if reply.status not in ("ok", "truncated", "empty"):
        return reply
    return replace(reply, status="invalid", error="the server tells no log-probabilities")


def judge(outcome: Outcome, schema: Schema | None) -> tuple[str, Any, str]:
    """Status, value and error of an answer."""
    completion = outcome.completion
    if completion is None:
        return outcome.status, None, outcome.error
    ending = completion.ending
    if completion.refusal is not None or ending == "filtered":
        return "refused", None, completion.refusal or "the server filtered the answer"
    silent = not completion.text.strip()
    thought = " while the model was thinking" if silent and completion.thoughts else ""
    if ending == "truncated":
        return "truncated", None, f"the answer reached the limit of tokens{thought}"
    if ending == "unknown":
        reason = completion.finish_reason
        return "unfinished", None, f"the server ended the answer with the reason {reason!r}"
    if silent:
        only = ": there are only thoughts" if completion.thoughts else ""
        return "empty", None, f"the answer is empty{only}"
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
