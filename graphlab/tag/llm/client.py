"""A client for chat models that is fit for a hundred thousand calls."""

from __future__ import annotations

import os
import threading
import warnings
import weakref
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphlab._checks import check_int, check_nonnegative, check_positive
from graphlab.tag.llm._batch import BatchImport, read_batch, write_batch
from graphlab.tag.llm._cache import Failure, ReplyCache
from graphlab.tag.llm._dialogue import Dialogue, reply_to_all
from graphlab.tag.llm._endpoint import KEY_VARIABLE, check_url, connector
from graphlab.tag.llm._engine import Engine, Policy
from graphlab.tag.llm._limits import Ledger
from graphlab.tag.llm._loop import LoopThread
from graphlab.tag.llm._request import RequestForm, sampling, token_bound
from graphlab.tag.llm._structured import Schema, check_messages
from graphlab.tag.llm._tokens import estimate_tokens
from graphlab.tag.llm.replies import CostEstimate, LLMReply, Price

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LLMClient"]

Prompt = str | Sequence[Mapping[str, str]]


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
        model: Name of the model at the server.
        base_url: Address that ends in ``/v1``. ``None`` takes the environment variable
            ``GRAPHLAB_LLM_BASE_URL``, then ``OPENAI_BASE_URL``, then OpenAI's own.
        cache: SQLite file for the answers, on a local file system; ``None`` keeps them in memory.
        concurrency: Most calls under way at a time.
        temperature: Sampling temperature; ``None`` leaves it to the server.
        max_tokens: Most tokens of an answer; ``None`` leaves it to the server.
        seed: Seed for the server; another seed asks again.
        parameters: More fields of the request, such as ``{"top_p": 0.9}``.
        version: Becomes part of every name in the cache; for what a server does not tell, such as
            a change of its weights.
        requests_per_minute: Limit on calls, attempts included.
        tokens_per_minute: Limit on tokens, counted at their worst.
        timeout: Seconds for a whole call.
        max_attempts: Attempts per call. Only these are made: the SDK's own retries are off.
        backoff: Seconds before the second attempt, doubled each time, drawn from the upper half.
        max_backoff: Longest wait, also for a server that asks for more in ``Retry-After``.
        price: Money per million tokens, for the budget and the estimate.
        budget: Most money this object may spend. Every call is counted at its worst before it is
            made (a token per byte of the prompt, ``max_tokens`` of answer), and answers that got
            lost on the way are counted as paid; so the limit holds, and the last part of it may
            stay unused. Needs ``price`` and ``max_tokens``.
        reply_format: How a schema is asked for: ``"json_schema"`` (the server constrains the
            output), ``"json_object"`` or ``"prompt"`` (the model is told, any server).
        max_repairs: Times the model may correct an answer that does not follow the schema.
        api_key_variable: Environment variable that holds the key. A server other than OpenAI's
            may go without.
        progress: Whether a bar is shown.

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
        concurrency: int = 8,
        temperature: float | None = 0.0,
        max_tokens: int | None = None,
        seed: int | None = None,
        parameters: Mapping[str, Any] | None = None,
        version: str = "",
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        timeout: float = 120.0,
        max_attempts: int = 8,
        backoff: float = 0.5,
        max_backoff: float = 60.0,
        price: Price | None = None,
        budget: float | None = None,
        reply_format: str = "json_schema",
        max_repairs: int = 1,
        api_key_variable: str = KEY_VARIABLE,
        progress: bool = False,
    ) -> None:
        if not isinstance(model, str) or not model:
            raise ValueError(f"model must be the name of a model, got {model!r}")
        self.model, self.version = model, str(version)
        self.base_url = check_url(base_url)
        fields = sampling(temperature, max_tokens, seed, parameters or {})
        self._form = RequestForm(model, self.version, fields, reply_format)
        self._policy = Policy(
            concurrency=check_int(concurrency, "concurrency", minimum=1),
            requests_per_minute=_limit(requests_per_minute, "requests_per_minute"),
            tokens_per_minute=_limit(tokens_per_minute, "tokens_per_minute"),
            max_attempts=check_int(max_attempts, "max_attempts", minimum=1),
            backoff=check_nonnegative(backoff, "backoff"),
            max_backoff=check_nonnegative(max_backoff, "max_backoff"),
        )
        self._timeout = check_positive(timeout, "timeout")
        self._price = price
        if budget is not None and (price is None or max_tokens is None):
            raise ValueError("budget needs price and max_tokens: else no call has a highest cost")
        self._ledger = Ledger(None if budget is None else check_nonnegative(budget, "budget"))
        self._max_repairs = check_int(max_repairs, "max_repairs", minimum=0)
        self._key_variable = api_key_variable
        self._progress = bool(progress)
        self._cache = ReplyCache(cache)
        self._owner = os.getpid()
        self._starting = threading.Lock()  # threads may make their first calls together
        self._runner: tuple[LoopThread, Engine] | None = None
        self._finalizer: weakref.finalize[..., Any] | None = None

    # --- asking -----------------------------------------------------------------------------------

    def complete(self, prompt: Prompt, *, schema: Any = None) -> LLMReply:
        """Ask one question and wait for the answer.

        Args:
            prompt: Text, or messages with ``role`` and ``content``.
            schema: A pydantic model that the answer must follow; see :attr:`LLMReply.value`.

        Returns:
            LLMReply: The record; look at ``status``.

        Raises:
            LLMError: If no call can succeed (wrong key, address or model).
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
            prompts: See :meth:`complete`.
            ids: Names of the records, distinct; positions by default.
            schema: See :meth:`complete`.

        Returns:
            list[LLMReply]: As many records as prompts. A warning says if some were not asked
            because the budget was used up.

        Raises:
            LLMError: If no call can succeed.
            TypeError, ValueError: If a prompt is malformed, or ids repeat or miss.
        """
        return self._start()[0].run(self._many(*self._prepare(prompts, ids), schema))

    async def acomplete(self, prompt: Prompt, *, schema: Any = None) -> LLMReply:
        """Ask one question; see :meth:`complete`.

        Args:
            prompt: See there.
            schema: See there.

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
            prompts: See there.
            ids: See there.
            schema: See there.

        Returns:
            list[LLMReply]: The records.
        """
        runner = self._start()[0]
        return await runner.run_async(self._many(*self._prepare(prompts, ids), schema))

    def estimate(self, prompts: Iterable[Prompt], *, schema: Any = None) -> CostEstimate:
        """Say what a run would need, without a call: a dry run.

        Args:
            prompts: See :meth:`complete`.
            schema: See :meth:`complete`; repairs are not counted.

        Returns:
            CostEstimate: Calls, tokens, money, and the least time.
        """
        conversations = _conversations(prompts)
        asked = list(self._missing(conversations, None if schema is None else Schema(schema)))
        bodies = dict(asked).values()
        sent = sum(estimate_tokens(body["messages"], self.model) for body in bodies)
        most = self._form.parameters.get("max_tokens")
        written = None if most is None else most * len(bodies)
        cost = None
        if self._price is not None and written is not None:
            cost = self._price.cost(sent, written)
        return CostEstimate(
            prompts=len(conversations),
            cached=len(conversations) - len(asked),
            calls=len(bodies),
            prompt_tokens=sent,
            completion_tokens=written,
            cost=cost,
            minutes=self._policy.least_minutes(len(bodies), sent + (written or 0)),
        )

    # --- batch files ------------------------------------------------------------------------------

    def export_batch(
        self, prompts: Iterable[Prompt], path: str | os.PathLike[str], *, schema: Any = None
    ) -> int:
        """Write the missing calls to a file for a batch service.

        Each call is one line; its ``custom_id`` is its name in the cache. Needs a cache on disk,
        which remembers the requests until :meth:`import_batch` brings their answers.

        Args:
            prompts: See :meth:`complete`.
            path: JSONL file to write.
            schema: See :meth:`complete`.

        Returns:
            int: Calls written.

        Raises:
            ValueError: If the client has no cache on disk.
        """
        conversations = _conversations(prompts)
        checked = None if schema is None else Schema(schema)
        self._cache.put_exported([])  # refuses a cache in memory before anything is written
        rows = write_batch(path, self._missing(conversations, checked))
        self._cache.put_exported(rows)
        return len(rows)

    def import_batch(self, path: str | os.PathLike[str]) -> BatchImport:
        """Store the answers of a batch service; :meth:`complete_many` then finds them.

        Args:
            path: JSONL file that the service returned.

        Returns:
            BatchImport: What was stored, what failed, what is not ours.

        Raises:
            ValueError: If a line is not an answer of a batch; nothing is stored then.
        """
        return read_batch(path, self._cache)

    # --- the rest ---------------------------------------------------------------------------------

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
            replies: Records whose first answers are dropped, such as all that are truncated.
        """
        self._cache.forget(reply.key for reply in replies)

    def close(self) -> None:
        """Stop the calls under way and close the cache; the client cannot be used after it."""
        if self._finalizer is not None:
            self._finalizer()
        elif self._runner is None:
            self._cache.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"LLMClient({self.model!r}, base_url={self.base_url!r}, cache={self._cache.path!r})"

    # --- inside -----------------------------------------------------------------------------------

    def _start(self) -> tuple[LoopThread, Engine]:
        if os.getpid() != self._owner:
            raise RuntimeError("an LLMClient cannot cross a fork: make one in each process")
        with self._starting:
            if self._runner is None:
                connect = connector(self.base_url, self._key_variable, self._timeout)
                cost = (self._price or Price(0.0, 0.0)).cost
                engine = Engine(connect, self._cache, self._policy, self._ledger, cost, token_bound)
                self._runner = (LoopThread(), engine)
                self._finalizer = weakref.finalize(self, _shut_down, *self._runner)
            return self._runner

    def _prepare(
        self, prompts: Iterable[Prompt], ids: Iterable[Hashable] | None
    ) -> tuple[list[list[dict[str, str]]], list[Hashable]]:
        conversations = _conversations(prompts)
        names: list[Hashable] = list(range(len(conversations))) if ids is None else list(ids)
        if len(names) != len(conversations):
            raise ValueError(f"ids must have {len(conversations)} entries, got {len(names)}")
        repeated = [name for name, count in Counter(names).items() if count > 1]
        if repeated:
            raise ValueError(f"ids must be distinct, but {repeated[:5]} repeat")
        return conversations, names

    def _missing(
        self, conversations: Iterable[list[dict[str, str]]], schema: Schema | None
    ) -> Iterable[tuple[str, dict[str, Any]]]:
        for messages in conversations:
            request = self._form.body(messages, schema)
            key = self._form.key(request)
            if self._cache.get(key) is None:
                yield key, request

    async def _many(
        self, conversations: list[list[dict[str, str]]], names: list[Hashable], schema: Any
    ) -> list[LLMReply]:
        checked = None if schema is None else Schema(schema)
        engine = self._start()[1]
        dialogue = Dialogue(engine, self._form, checked, self._max_repairs, self._key_variable)
        replies = await reply_to_all(
            dialogue.reply, conversations, names, self._policy.concurrency, self._progress
        )
        unasked = sum(reply.status == "budget" for reply in replies)
        if unasked:
            limit = f"the budget of {self._ledger.budget:.6g} is used up"
            warnings.warn(f"{limit}: {unasked} prompts not asked", RuntimeWarning, stacklevel=2)
        return replies


def _shut_down(thread: LoopThread, engine: Engine) -> None:
    if thread.is_current():  # the last reference may die anywhere, also in the loop's own thread
        threading.Thread(target=_shut_down, args=(thread, engine)).start()
        return
    thread.run(engine.close())
    thread.stop()


def _conversations(prompts: Iterable[Prompt]) -> list[list[dict[str, str]]]:
    if isinstance(prompts, str):  # each of its characters would be asked, and paid for
        raise TypeError("prompts must be a list of prompts, got one text")
    return [check_messages(prompt) for prompt in prompts]


def _limit(value: float | None, name: str) -> float | None:
    return None if value is None else check_positive(value, name)
