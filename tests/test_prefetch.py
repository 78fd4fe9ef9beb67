"""Items that a thread makes ahead: their order, their errors, and its end."""

from __future__ import annotations

import threading
from queue import Empty, Queue
from typing import Any

import pytest

from graphlab import _prefetch
from graphlab._prefetch import made_ahead


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_items_come_in_order(ahead: int) -> None:
    assert list(made_ahead(str, range(20), ahead)) == [str(i) for i in range(20)]


@pytest.mark.parametrize("ahead", [0, 2])
def test_an_error_comes_where_its_item_would(ahead: int) -> None:
    def make(key: int) -> float:
        return 1 / (3 - key)

    found = []
    with pytest.raises(ZeroDivisionError):
        for item in made_ahead(make, range(9), ahead):
            found.append(item)
    assert len(found) == 3


def test_who_stops_to_read_ends_the_thread() -> None:
    before = threading.active_count()
    items = made_ahead(str, range(10**6), 2)
    assert next(items) == "0"
    items.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_a_thread_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a fork, which takes no threads along: nobody waits for ever."""
    monkeypatch.setattr(threading.Thread, "run", lambda self: None)
    with pytest.raises(RuntimeError, match="the thread that makes items has died"):
        next(made_ahead(str, range(3), 2))


def test_an_item_that_takes_long_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = threading.Event()

    class Watched(Queue[Any]):
        def get(self, *args: Any, **options: Any) -> Any:
            try:
                return super().get(*args, **options)
            except Empty:
                looked.set()
                raise

    def make(key: int) -> tuple[int, bool]:
        return key, looked.wait(60)

    monkeypatch.setattr(_prefetch, "Queue", Watched)
    monkeypatch.setattr(_prefetch, "_LOOK", 0.001)
    assert list(made_ahead(make, range(3), 2)) == [(0, True), (1, True), (2, True)]
