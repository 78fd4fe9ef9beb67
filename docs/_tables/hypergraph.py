"""Tables of hypergraph reconstruction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _tables.common import by_set, markdown, present, spread

SETS = {
    "crime": "Crime",
    "directors": "Directors",
    "enron": "Enron",
    "foursquare": "Foursquare",
    "school": "P.School",
    "dblp": "DBLP",
}


#: Rows of the first table by title: names of rows in the files, the first that is there.
LEAD = {
    "ours": ("ours, count, mlp", "ours, count, hgb"),
    "MARIOH (sees weights)": ("MARIOH (sees weights)",),
    "clique cover": ("clique cover",),
    "maximal cliques": ("maximal cliques",),
}
OFFICIAL = "paper, count, mlp"


def tables() -> dict[str, Any]:
    """Results by title; MARIOH has a file of its own where the set is large."""
    merged = {}
    marioh = {f"{name}_marioh": title for name, title in SETS.items()}
    apart = present("hypergraph", marioh)
    for title, table in present("hypergraph", SETS).items():
        rows = apart[title]["rows"] if title in apart else {}
        merged[title] = {**table, "rows": {**rows, **table["rows"]}}
    return merged


def lead() -> str:
    """Ours beside the authors' code and the rules without learning, a set per row."""
    rows = []
    for title, table in tables().items():
        found = {
            name: next((row for row in names if row in table["rows"]), None)
            for name, names in LEAD.items()
        }
        cells = [spread(table["rows"][row]["jaccard"]) if row else "" for row in found.values()]
        cells[0] += "" if found["ours"] == LEAD["ours"][0] else " (hgb)"
        official = f"{100 * table['published'][OFFICIAL]['jaccard']:.1f}"
        rows.append([f"{title} ({len(table['seeds'])})", cells[0], official, *cells[1:]])
    names = list(LEAD)
    header = ["Jaccard, % (seeds)", names[0], "SHyRe, authors' code", *names[1:]]
    return markdown(header, rows)


def jaccard() -> str:
    """Jaccard index of every method on every set, with the official figures."""
    return by_set(tables(), "jaccard", "Jaccard, % (seeds)", " (official {:.1f})")


TABLES: dict[str, Callable[[], str]] = {
    "hypergraph_lead": lead,
    "hypergraph": jaccard,
}
