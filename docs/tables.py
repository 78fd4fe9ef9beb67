"""Write the tables of README.md and docs/*.md from the committed result files.

A table stands between ``<!-- table: NAME -->`` and ``<!-- end -->`` and is never typed by hand. The
functions behind the names live in ``docs/_tables``, one file per system.

    python docs/tables.py            rewrite
    python docs/tables.py --check    fail if a table differs from its file
"""

from __future__ import annotations

import re
import sys
from functools import reduce
from operator import or_

from _tables import (
    certificates,
    concentration,
    cost,
    fastrp,
    faults,
    feasibility,
    gaugllm,
    graphclip,
    hypergraph,
    knowledge_graph,
    local_model,
    pamc,
    performance,
    pot,
    pretext,
    retrieval,
    summary,
    tag,
    tag_store,
    tape,
)
from _tables.common import ROOT

SYSTEMS = (
    pamc,
    fastrp,
    feasibility,
    concentration,
    hypergraph,
    pot,
    certificates,
    pretext,
    tape,
    gaugllm,
    graphclip,
    retrieval,
    knowledge_graph,
    tag,
    tag_store,
    local_model,
    performance,
    cost,
    faults,
    summary,
)
TABLES = reduce(or_, (system.TABLES for system in SYSTEMS))


def render(text: str) -> str:
    """Fill every marked place."""

    def table(match: re.Match[str]) -> str:
        return f"<!-- table: {match[1]} -->\n{TABLES[match[1]]()}\n<!-- end -->"

    return re.sub(r"<!-- table: (\w+) -->.*?<!-- end -->", table, text, flags=re.DOTALL)


def main() -> None:
    """Rewrite or check the pages."""
    stale = []
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = path.read_text(encoding="utf-8")
        if render(text) != text:
            stale.append(str(path.relative_to(ROOT)))
            if "--check" not in sys.argv:
                path.write_text(render(text), encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.exit(f"tables differ from their result files: {', '.join(stale)}")


if __name__ == "__main__":
    main()
