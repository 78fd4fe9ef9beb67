"""Progress of whatever takes longer than a few seconds, on standard error.

A loop that ends within :data:`DELAY` seconds shows nothing. Afterwards there is a bar on a terminal
and in a notebook, and elsewhere, as in the log of a job, a plain line about every :data:`INTERVAL`
seconds. ``GRAPHLAB_PROGRESS=0`` turns off all that was not asked for by ``progress=True``.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypeVar

__all__: list[str] = []

T = TypeVar("T")

#: Seconds before anything is shown.
DELAY = 5.0
#: Seconds between plain lines.
INTERVAL = 30.0


class Progress:
    """How far some work has come; a context that is told of every step by :meth:`update`.

    Args:
        total (int, optional): Steps in all, if known.
        what (str): The work, in a word or two.
        unit (str): What is counted.
        done (int): Steps that were done before.
        shown (bool, optional): True shows it from the start, and its end in any case; False never;
            None once it has taken :data:`DELAY` seconds. In a group of processes the first speaks.
    """

    def __init__(
        self,
        total: int | None,
        what: str,
        *,
        unit: str = "it",
        done: int = 0,
        shown: bool | None = None,
    ) -> None:
        self._total, self._what, self._unit = total, what, unit
        self._first = self._done = done
        self._asked = shown is True
        self._bar: Any = None
        self._spoke = False
        self._began = time.perf_counter()
        self._next = float("inf") if _silent(shown) else self._began + DELAY
        if self._asked and self._next < float("inf") and _interactive():
            self._show()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(finished=kind is None)

    def update(self, count: int = 1, note: str = "") -> None:
        """Count steps that are done.

        Args:
            count (int): How many.
            note (str): A figure to show beside, such as ``"loss 0.31"``.
        """
        self._done += count
        if self._bar is not None:
            if note:
                self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(count)
        elif time.perf_counter() >= self._next:
            if _interactive():
                self._show()
            else:
                self._say(note)

    def close(self, *, finished: bool = True) -> None:
        """End it; a last line tells the time of what was shown."""
        if self._bar is not None:
            self._bar.close()
        elif finished and self._next < float("inf") and (self._spoke or self._asked):
            self._say("")
        self._next = float("inf")

    def _show(self) -> None:
        from tqdm import tqdm

        self._bar = tqdm(total=self._total, initial=self._first, desc=self._what, unit=self._unit)
        self._bar.start_t -= time.perf_counter() - self._began
        self._bar.update(self._done - self._first)

    def _say(self, note: str) -> None:
        now = time.perf_counter()
        self._next, self._spoke = now + INTERVAL, True
        end = f", {note}" if note else ""
        count = f"{self._done}/{self._total if self._total is not None else '?'}"
        unit = "" if self._unit == "it" else f" {self._unit}"
        sys.stderr.write(f"{self._what} {count}{unit} ({now - self._began:.0f} s{end})\n")
        sys.stderr.flush()


def track(
    items: Iterable[T],
    what: str,
    *,
    total: int | None = None,
    unit: str = "it",
    shown: bool | None = None,
) -> Iterator[T]:
    """Iterate, and show how far it has come.

    Args:
        items (Iterable[T]): What is gone through.
        what (str): The work, in a word or two.
        total (int, optional): Number of items (default: their length, if they have one).
        unit (str): What an item is.
        shown (bool, optional): See :class:`Progress`.

    Yields:
        T: The items.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    with Progress(total, what, unit=unit, shown=shown) as progress:
        for item in items:
            yield item
            progress.update()


@contextmanager
def waiting(what: str, *, shown: bool | None = None) -> Iterator[None]:
    """Show how long a call has taken that tells nothing of how far it is, such as one of a kernel.

    Args:
        what (str): The work, in a word or two.
        shown (bool, optional): See :class:`Progress`.

    Yields:
        None: While the call runs.
    """
    if _silent(shown):
        yield
        return
    done = threading.Event()
    teller = threading.Thread(target=_tell, args=(what, done), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def _tell(what: str, done: threading.Event) -> None:
    began = time.perf_counter()
    over = _interactive()
    pause = DELAY
    while not done.wait(pause):
        line = f"{what} ({time.perf_counter() - began:.0f} s)"
        sys.stderr.write(f"\r{line}" if over else f"{line}\n")
        sys.stderr.flush()
        pause = 1.0 if over else INTERVAL
    if over and time.perf_counter() - began >= DELAY:
        sys.stderr.write("\n")


def _silent(shown: bool | None) -> bool:
    if shown is None and os.environ.get("GRAPHLAB_PROGRESS", "1") in ("", "0"):
        return True
    return shown is False or os.environ.get("RANK", "0") != "0"


def _interactive() -> bool:
    """Whether a line can be written over: on a terminal and in a notebook."""
    stream = sys.stderr
    if type(stream).__module__.startswith("ipykernel"):
        return True
    return bool(stream.isatty()) and not os.environ.get("CI")
