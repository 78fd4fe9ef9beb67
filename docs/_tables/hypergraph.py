"""Tables of hypergraph reconstruction."""

from __future__ import annotations

from collections.abc import Callable

from _tables.common import by_set, present

SETS = {
    "crime": "Crime",
    "directors": "Directors",
    "enron": "Enron",
    "foursquare": "Foursquare",
    "school": "P.School",
    "dblp": "DBLP",
}


def jaccard() -> str:
    """Jaccard index of every method on every set, with the official figures."""
    return by_set(
        present("hypergraph", SETS), "jaccard", "Jaccard, % (seeds)", " (official {:.1f})"
    )


TABLES: dict[str, Callable[[], str]] = {"hypergraph": jaccard}
