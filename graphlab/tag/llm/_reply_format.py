"""Ways in which a schema is asked for, from the strongest down."""

from __future__ import annotations

import threading
from typing import Literal, get_args

from graphlab._checks import check_choice

__all__: list[str] = []

ReplyFormat = Literal["json_schema", "json_object", "prompt"]
_WAYS: tuple[ReplyFormat, ...] = get_args(ReplyFormat)


class FormatFallback:
    """The way that is in force; a server that ignores or refuses it is asked in the next.

    Args:
        first (str): The way to begin with.
        patience (int): Answers that do not follow the schema before the next way is taken; 0
            never takes it.

    Raises:
        ValueError: If there is no such way.
    """

    def __init__(self, first: ReplyFormat, patience: int) -> None:
        check_choice(first, "reply_format", _WAYS)
        self._ways = _WAYS[_WAYS.index(first) :]
        self._past: tuple[ReplyFormat, ...] = ()
        self._patience = patience
        self._seen = self._missed = 0
        self._doubted = False
        self._notices: list[str] = []
        self._taking = threading.Lock()

    @property
    def current(self) -> ReplyFormat:
        """The way in which the next question is asked."""
        return self._ways[0]

    def known(self) -> tuple[ReplyFormat, ...]:
        """Ways in which a question may have been asked before.

        Answers in weaker ways count once this server has been seen to miss the form: an earlier
        run will have gone the same way down.
        """
        return self._past + self._ways if self._doubted else self._ways[:1]

    def judge(self, way: ReplyFormat, followed: bool) -> None:
        """Count a first answer that was asked for in a way."""
        # The question may have been under way when the form that it was asked in was given up.
        if way != self.current:
            return
        self._seen += 1
        self._missed += not followed
        self._doubted |= not followed
        if self._patience and self._missed >= max(self._patience, self._seen / 2):
            self._step(f"ignored it in {self._missed} of {self._seen} answers")

    def refuse(self, way: ReplyFormat, words: str) -> bool:
        """The server refuses a way; True if another is left."""
        if way == self.current:
            self._doubted = True
            self._step(f"refused it ({words})")
        return way != self.current

    def notices(self) -> list[str]:
        """What happened since the last call, in sentences."""
        with self._taking:
            said, self._notices = self._notices, []
        return said

    def _step(self, what: str) -> None:
        if len(self._ways) == 1:
            return
        left, *rest = self._ways
        self._past, self._ways = (*self._past, left), tuple(rest)
        self._seen = self._missed = 0
        with self._taking:
            self._notices.append(
                f"reply_format={left!r}: the server {what}; answers are asked for with "
                f"{self.current!r} from here on (LLMClient(reply_format={self.current!r}) begins "
                "with it)"
            )
