"""A client for chat models that is fit for a hundred thousand calls."""

from __future__ import annotations

import os
import warnings
from collections.abc import Hashable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from graphlab._checks import check_int
from graphlab._io import user_path
from graphlab.tag._ids import distinct_ids
from graphlab.tag._moved_arguments import absorb, refuse_unknown
from graphlab.tag.llm._cache import Failure, ReplyCache
from graphlab.tag.llm._dialogue import Dialogue, reply_to_all, token_reply
from graphlab.tag.llm._endpoint import KEY_VARIABLE, check_url, connector
from graphlab.tag.llm._engine import Engine
from graphlab.tag.llm._ledger import Ledger
from graphlab.tag.llm._messages import Conversation, Prompt, conversations
from graphlab.tag.llm._reply_format import FormatFallback, ReplyFormat
from graphlab.tag.llm._request import RequestForm, sampling, token_bound, token_form
from graphlab.tag.llm._session import Session
from graphlab.tag.llm._structured import Schema
from graphlab.tag.llm._tokens import estimate_tokens
from graphlab.tag.llm.batch import BatchImport, read_batch, write_batch
from graphlab.tag.llm.cost import CostEstimate, Price
from graphlab.tag.llm.limits import LIMITS_ARGUMENTS, Limits
from graphlab.tag.llm.reply import LLMReply, keys_of
from graphlab.tag.llm.retry import RETRY_ARGUMENTS, Retry

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LLMClient"]


class LLMClient:
    """Ask a chat model many questions, pay once for each answer, and lose none.

    Works with every server that speaks the chat-completions protocol: OpenAI, vLLM, Ollama,
    llama.cpp. The synchronous methods may be called anywhere, also in a notebook whose event loop
    is running; those that begin with ``a`` are coroutines. One client may be used by several
    threads and loops at once. It must not cross a fork.

    An answer is committed to the cache before it is handed out. Its name there is a hash of model,
    messages, all sampling parameters, the form of the reply and ``version``: not of the address,
    the key, or how calls are retried. Equal prompts under way are one call, also between processes
    that share a cache (on Linux). Kill the process and start it again: only missing calls are made.

    The key is read from the environment when the first call is made. It is never stored, logged or
    part of an error, and it is cut out of what a server sends back.

    Args:
        model (str): Name of the model at the server.
        base_url (str, optional): Address that ends in ``/v1``. None takes the environment variable
            ``GRAPHLAB_LLM_BASE_URL``, then ``OPENAI_BASE_URL``, then OpenAI's own.
        cache (path, optional): SQLite file for the answers, on a local file system; None keeps
            them in memory.
        temperature (float, optional): Sampling temperature; None leaves it to the server.
        max_tokens (int, optional): Most tokens of an answer; None leaves it to the server.
        seed (int, optional): Seed for the server; another seed asks again.
        parameters (Mapping, optional): More fields of the request, such as ``{"top_p": 0.9}``.
        version (str): Part of every name in the cache; for what a server does not tell, such as
            a change of its weights.
        retry (Retry): Attempts, time-outs and pauses of a call, and repairs of an answer.
        limits (Limits): Concurrency, calls and tokens per minute, and the budget.
        price (Price, optional): Money per million tokens, for the budget and the estimate.
        reply_format (str): Way in which a schema is asked for: ``"json_schema"`` (the server
            constrains the output), ``"json_object"`` or ``"prompt"`` (the model is told, any
            server). A server that ignores or refuses it is asked in the next weaker way, with a
            warning; see :attr:`reply_format` and :class:`Retry`.
        api_key_variable (str): Environment variable that holds the key. A server other than
            OpenAI's may go without.
        progress (bool, optional): Whether progress is shown; after five seconds when missing.
        **deprecated: Fields of :class:`Retry` and :class:`Limits` as arguments of their own
            (``max_attempts`` for ``attempts``, ``max_repairs`` for ``repairs``); they go with the
            next version.

    Raises:
        TypeError, ValueError: If an argument is malformed, or a budget lacks what it needs.

    Example:
        >>> client = LLMClient("llama3", base_url="http://localhost:11434/v1")
        >>> client.estimate(["Say yes.", "Say no.", "Say yes."]).calls
        2
        >>> client.close()
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        cache: str | os.PathLike[str] | None = None,
        temperature: float | None = 0.0,
        max_tokens: int | None = None,
        seed: int | None = None,
        parameters: Mapping[str, Any] | None = None,
        version: str = "",
        retry: Retry | None = None,
        limits: Limits | None = None,
        price: Price | None = None,
        reply_format: ReplyFormat = "json_schema",
        api_key_variable: str = KEY_VARIABLE,
        progress: bool | None = None,
        **deprecated: Any,
    ) -> None:
        if not isinstance(model, str) or not model:
            raise ValueError(f"model must be the name of a model, got {model!r}")
        for name, value, kind in (("retry", retry, Retry), ("limits", limits, Limits)):
            if value is not None and not isinstance(value, kind):
                raise TypeError(f"{name} must be a {kind.__name__}, got {type(value).__name__}")
        self.retry = absorb(retry or Retry(), "retry", "LLMClient", deprecated, RETRY_ARGUMENTS)
        self.limits = absorb(
            limits or Limits(), "limits", "LLMClient", deprecated, LIMITS_ARGUMENTS
        )
        refuse_unknown("LLMClient", deprecated)
        self.model, self.version = model, str(version)
        self.base_url = check_url(base_url)
        fields = sampling(temperature, max_tokens, seed, parameters or {})
        self._form = RequestForm(model, self.version, fields)
        self._formats = FormatFallback(reply_format, self.retry.step_down)
        self._price = price
        budget = self.limits.budget
        if budget is not None and (price is None or max_tokens is None):
            raise ValueError("budget needs price and max_tokens: else no call has a highest cost")
        self._ledger = Ledger(budget)
        self._key_variable = api_key_variable
        self._progress = progress
        self._cache = ReplyCache(cache)
        # The engine is made of parts of the client. If it held the client itself, a client that
        # nobody else holds would stay alive, and its session with it.
        engine = partial(
            Engine,
            connector(self.base_url, api_key_variable, self.retry.timeout),
            self._cache,
            self.retry,
            self.limits,
            self._ledger,
            (price or Price(0.0, 0.0)).cost,
            token_bound,
        )
        self._session = Session(engine)

    # --- asking -----------------------------------------------------------------------------------

    def complete(self, prompt: Prompt, *, schema: Any = None) -> LLMReply:
        """Ask one question and wait for the answer.

        Args:
            prompt (Prompt): Text, or messages with ``role`` and ``content``.
            schema (type, optional): A pydantic model that the answer must follow, or a list of
                one, such as ``list[Topic]``; see :attr:`LLMReply.value`.

        Returns:
            LLMReply: The record; look at ``status``.

        Raises:
            LLMError: If no call can succeed (dead server; wrong key, address, model or parameter).
            TypeError, ValueError: If the prompt is malformed.
        """
        return self.complete_many([prompt], schema=schema)[0]

    def complete_many(
        self,
        prompts: Iterable[Prompt],
        *,
        ids: Iterable[Hashable] | None = None,
        schema: Any = None,
    ) -> list[LLMReply]:
        """Ask many questions and wait; one record comes back for each, in their order.

        An interrupt (Ctrl-C) stops asking. What has been answered is in the cache, and calls
        under way still get there as long as the client lives.

        Args:
            prompts (Iterable[Prompt]): See :meth:`complete`.
            ids (Iterable[Hashable], optional): Names of the records, distinct; positions by
                default.
            schema (type, optional): See :meth:`complete`.

        Returns:
            list[LLMReply]: As many records as prompts. A warning says if some were not asked
            because the budget was used up.

        Raises:
            LLMError: If no call can succeed.
            TypeError, ValueError: If a prompt is malformed, or ids repeat or miss.
        """
        return self._session.start()[0].run(self._many(*self._prepare(prompts, ids), schema))

    async def acomplete(self, prompt: Prompt, *, schema: Any = None) -> LLMReply:
        """Ask one question; see :meth:`complete`.

        Args:
            prompt (Prompt): See there.
            schema (type, optional): See there.

        Returns:
            LLMReply: The record.
        """
        return (await self.acomplete_many([prompt], schema=schema))[0]

    async def acomplete_many(
        self,
        prompts: Iterable[Prompt],
        *,
        ids: Iterable[Hashable] | None = None,
        schema: Any = None,
    ) -> list[LLMReply]:
        """Ask many questions; see :meth:`complete_many`.

        Args:
            prompts (Iterable[Prompt]): See there.
            ids (Iterable[Hashable], optional): See there.
            schema (type, optional): See there.

        Returns:
            list[LLMReply]: The records.
        """
        runner = self._session.start()[0]
        return await runner.run_async(self._many(*self._prepare(prompts, ids), schema))

    def first_tokens(
        self, prompts: Iterable[Prompt], *, ids: Iterable[Hashable] | None = None, most: int = 20
    ) -> list[LLMReply]:
        """Ask for the probabilities of the first token of every answer, and for nothing else.

        Args:
            prompts (Iterable[Prompt]): See :meth:`complete`.
            ids (Iterable[Hashable], optional): See :meth:`complete_many`.
            most (int): Tokens to tell; many servers allow 20 and no more.

        Returns:
            list[LLMReply]: Records with ``first_tokens``; ``"invalid"`` where the server tells no
            probabilities.

        Raises:
            LLMError: If no call can succeed.
            TypeError, ValueError: If an argument is malformed.
        """
        form = token_form(self._form, check_int(most, "most", minimum=1))
        asked = self._many(*self._prepare(prompts, ids), None, form)
        return [token_reply(reply) for reply in self._session.start()[0].run(asked)]

    def estimate(self, prompts: Iterable[Prompt], *, schema: Any = None) -> CostEstimate:
        """Calls, tokens and money that a run would need, without a call: a dry run.

        Args:
            prompts (Iterable[Prompt]): See :meth:`complete`.
            schema (type, optional): See :meth:`complete`; repairs are not counted.

        Returns:
            CostEstimate: Calls, tokens, money, and the least time.
        """
        checked = conversations(prompts)
        asked = list(self._missing(checked, None if schema is None else Schema(schema)))
        bodies = dict(asked).values()
        sent = sum(estimate_tokens(body["messages"], self.model) for body in bodies)
        most = self._form.parameters.get("max_tokens")
        written = None if most is None else most * len(bodies)
        cost = None
        if self._price is not None and written is not None:
            cost = self._price.cost(sent, written)
        return CostEstimate(
            prompts=len(checked),
            cached=len(checked) - len(asked),
            calls=len(bodies),
            prompt_tokens=sent,
            completion_tokens=written,
            cost=cost,
            minutes=self.limits.least_minutes(len(bodies), sent + (written or 0)),
        )

    # --- batch files ------------------------------------------------------------------------------

    def export_batch(
        self, prompts: Iterable[Prompt], path: str | os.PathLike[str], *, schema: Any = None
    ) -> int:
        """Write the missing calls to a file for a batch service.

        Each call is one line; its ``custom_id`` is its name in the cache. Needs a cache on disk,
        which remembers the requests until :meth:`import_batch` brings their answers.

        Args:
            prompts (Iterable[Prompt]): See :meth:`complete`.
            path (path): JSONL file to write.
            schema (type, optional): See :meth:`complete`.

        Returns:
            int: Calls written.

        Raises:
            ValueError: If the client has no cache on disk.
        """
        path = user_path(path)
        checked = conversations(prompts)
        form = None if schema is None else Schema(schema)
        self._cache.put_exported([])  # refuses a cache in memory before anything is written
        rows = write_batch(path, self._missing(checked, form))
        self._cache.put_exported(rows)
        return len(rows)

    def import_batch(self, path: str | os.PathLike[str]) -> BatchImport:
        """Store the answers of a batch service; :meth:`complete_many` then finds them.

        Args:
            path (path): JSONL file that the service returned.

        Returns:
            BatchImport: Counts and names of answers that are stored, failed, or not this client's.

        Raises:
            ValueError: If a line is not an answer of a batch; nothing is stored then.
        """
        return read_batch(path, self._cache)

    # --- money and failures -----------------------------------------------------------------------

    @property
    def reply_format(self) -> ReplyFormat:
        """Way in which the next schema is asked for."""
        return self._formats.current

    @property
    def spent(self) -> float:
        """Money this object has spent, lost answers at their worst; 0 without a price."""
        return self._ledger.spent

    def failures(self) -> list[Failure]:
        """Calls in the cache whose last run brought no answer: key, error, attempts."""
        return self._cache.failures()

    def forget(self, replies: Iterable[LLMReply]) -> None:
        """Drop answers from the cache, so that they are asked for again.

        Args:
            replies (Iterable[LLMReply]): Records whose first answers are dropped, such as all that
                are truncated.
        """
        self._cache.forget(keys_of(replies))

    def close(self) -> None:
        """Stop the calls under way and close the cache; the client cannot be used after it."""
        if self._session.started:
            self._session.close()
        else:
            self._cache.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"LLMClient({self.model!r}, base_url={self.base_url!r}, cache={self._cache.path!r})"

    # --- inside -----------------------------------------------------------------------------------

    def _prepare(
        self, prompts: Iterable[Prompt], ids: Iterable[Hashable] | None
    ) -> tuple[list[Conversation], list[Hashable]]:
        checked = conversations(prompts)
        return checked, distinct_ids(ids, len(checked))

    def _missing(
        self, checked: Iterable[Conversation], schema: Schema | None
    ) -> Iterable[tuple[str, dict[str, Any]]]:
        """Names and bodies of the calls whose answers are not in the cache."""
        for messages in checked:
            bodies = [self._form.body(messages, schema, way) for way in self._formats.known()]
            keys = [self._form.key(body) for body in bodies]
            if all(self._cache.get(key) is None for key in keys):
                request = self._form.body(messages, schema, self._formats.current)
                yield self._form.key(request), request

    async def _many(
        self,
        checked: list[Conversation],
        names: list[Hashable],
        schema: Any,
        body: RequestForm | None = None,
    ) -> list[LLMReply]:
        form = None if schema is None else Schema(schema)
        engine = self._session.start()[1]
        repairs, where = self.retry.repairs, (self._key_variable, self.base_url)
        dialogue = Dialogue(engine, body or self._form, form, self._formats, repairs, *where)
        replies = await reply_to_all(
            dialogue.reply, checked, names, self.limits.concurrency, self._progress
        )
        for notice in self._formats.notices():
            warnings.warn(notice, RuntimeWarning, stacklevel=2)
        unasked = sum(reply.status == "budget" for reply in replies)
        if unasked:
            limit = f"the budget of {self._ledger.budget:.6g} is used up"
            warnings.warn(f"{limit}: {unasked} prompts not asked", RuntimeWarning, stacklevel=2)
        return replies
