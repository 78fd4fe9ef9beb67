"""Items made ahead of their use by a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

__all__: list[str] = []

T = TypeVar("T")
U = TypeVar("U")

_LOOK = 0.1  # seconds between looks at whether anybody still waits


class _Failure:
    """What went wrong where an item was made."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def made_ahead(make: Callable[[U], T], keys: Sequence[U], ahead: int) -> Generator[T, None, None]:
    """Items in the order of their keys, the next ones being made while one is used.

    An error is raised where the item would have come. Making must not depend on what is done with
    earlier items. Close the iterator, or run it to its end: the thread ends with it.

    Args:
        make (callable): Makes the item of a key.
        keys (Sequence): One for each.
        ahead (int): Most items that are ready and not yet used; 0 makes them without a thread.

    Yields:
        T: The items.
    """
    if ahead == 0 or len(keys) < 2:
        yield from map(make, keys)
        return
    worker = _Worker(make, keys, ahead)
    try:
        for _ in keys:
            yield worker.next()
    finally:
        worker.stop()


class _Worker(Generic[T, U]):
    """The thread, and the queue between."""

    def __init__(self, make: Callable[[U], T], keys: Sequence[U], ahead: int) -> None:
        self._make, self._keys = make, keys
        # One item fewer than are made ahead: one more is being made while the queue is full.
        self._queue: Queue[T | _Failure] = Queue(max(1, ahead - 1))
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def next(self) -> T:
        while True:
            try:
                item = self._queue.get(timeout=_LOOK)
            except Empty:
                if not self._thread.is_alive() and self._queue.empty():
                    raise RuntimeError("the thread that makes items has died") from None
                continue
            if isinstance(item, _Failure):
                raise item.error
            return item

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        for key in self._keys:
            try:
                item: T | _Failure = self._make(key)
            except BaseException as error:
                item = _Failure(error)
            if not self._put(item) or isinstance(item, _Failure):
                return

    def _put(self, item: T | _Failure) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=_LOOK)
            except Full:
                continue
            return True
        return False
