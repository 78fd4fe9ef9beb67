"""Write the tables of README.md and docs/*.md from the committed result files.

A table stands between ``<!-- table: NAME -->`` and ``<!-- end -->`` and is never typed by hand. The
functions behind the names live in ``docs/_tables``, one file per system.

    python docs/tables.py            rewrite
    python docs/tables.py --check    fail if a table differs from its file
"""

from __future__ import annotations

import re
import sys

from _tables import concentration, fastrp, hypergraph, pamc, pot, tape
from _tables.common import ROOT

PAGES = (
    "README.md",
    "docs/pamc.md",
    "docs/fastrp.md",
    "docs/topological_concentration.md",
    "docs/hypergraph.md",
    "docs/pot.md",
    "docs/tape.md",
)
TABLES = (
    pamc.TABLES
    | fastrp.TABLES
    | concentration.TABLES
    | hypergraph.TABLES
    | pot.TABLES
    | tape.TABLES
)


def render(text: str) -> str:
    """Fill every marked place."""

    def table(match: re.Match[str]) -> str:
        return f"<!-- table: {match[1]} -->\n{TABLES[match[1]]()}\n<!-- end -->"

    return re.sub(r"<!-- table: (\w+) -->.*?<!-- end -->", table, text, flags=re.DOTALL)


def main() -> None:
    """Rewrite or check the pages."""
    stale = []
    for name in PAGES:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        if render(text) != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(render(text), encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.exit(f"tables differ from their result files: {', '.join(stale)}")


if __name__ == "__main__":
    main()
