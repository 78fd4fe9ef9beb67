"""Tables of hypergraph reconstruction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _tables.common import ROOT, markdown, read, spread

SETS = {
    "crime": "Crime",
    "directors": "Directors",
    "enron": "Enron",
    "foursquare": "Foursquare",
    "school": "P.School",
    "dblp": "DBLP",
}


def present() -> dict[str, Any]:
    """Result files by title."""
    files = {title: f"experiments/results/hypergraph_{name}.json" for name, title in SETS.items()}
    return {title: read(path) for title, path in files.items() if (ROOT / path).exists()}


def jaccard() -> str:
    """Jaccard index of every method on every set, with the official figures."""
    results = present()
    names = list(dict.fromkeys(name for table in results.values() for name in table["rows"]))
    rows = []
    for name in names:
        cells = []
        for table in results.values():
            row = table["rows"].get(name, {})
            official = table["published"].get(name)
            text = spread(row["jaccard"]) if "jaccard" in row else ""
            cells.append(
                text + (f" (official {100 * official['jaccard']:.1f})" if official else "")
            )
        if any(cells):
            rows.append([name, *cells])
    titles = [f"{title} ({len(table['seeds'])})" for title, table in results.items()]
    return markdown(["Jaccard, % (seeds)", *titles], rows)


TABLES: dict[str, Callable[[], str]] = {"hypergraph": jaccard}
