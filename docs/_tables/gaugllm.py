"""Tables of GAugLLM."""

from __future__ import annotations

import re
from collections.abc import Callable

from _tables.common import markdown, paired_test, present, spread

SETS = {"cora": "Cora", "citeseer": "CiteSeer"}
#: A host per set, beside which the plain features and predictions stand.
BESIDE = {
    "cora_gbt": "Cora, GBT",
    "citeseer_gbt": "CiteSeer, GBT",
    "stdlib": "standard library, BGRL",
}
HOSTS = {
    "bgrl": "BGRL",
    "gbt": "GBT",
    "graphcl": "GraphCL",
    "graphmae": "GraphMAE",
    "s2gae": "S2GAE",
}
#: Baselines first, then what the model adds; result files are sorted by name.
ORDER = (
    "most frequent",
    "frozen",
    "stored predictions",
    "no LLM",
    "edges only",
    "features only",
    "both",
)


def accuracy() -> str:
    """Test accuracy of plain features, of predictions, and of a host with and without parts."""
    results = present("gaugllm", BESIDE)
    tables = {
        title: {plain(name): row for name, row in table["rows"].items()}
        for title, table in results.items()
    }
    names = list(dict.fromkeys(name for rows in tables.values() for name in rows))
    names.sort(key=lambda name: min(ORDER.index(part) for part in ORDER if part in name))
    cells = [
        [
            name,
            *(spread(rows[name]["accuracy"]) if name in rows else "" for rows in tables.values()),
        ]
        for name in names
    ]
    titles = [f"{title} ({len(table['seeds'])})" for title, table in results.items()]
    return markdown(["accuracy, % (seeds)", *titles], cells)


def plain(name: str) -> str:
    """A row's name without its host and without where its answers are from."""
    name = re.sub(r" \((stored|templates)\)", "", name)
    return re.sub(rf"^({'|'.join(HOSTS.values())}), ", "host, ", name)


def edges() -> str:
    """Edges that the votes add and delete."""
    columns = {
        "edges": "edges",
        "edges added by all votes": "added by all votes",
        "edges deleted by all votes": "deleted by all votes",
        "edges changed in the last step": "changed per step",
        "unknown votes": "unknown votes",
    }
    rows = []
    for title, table in present("gaugllm", BESIDE).items():
        row = next(value for name, value in table["rows"].items() if "edges only" in name)
        rows.append([title, *(f"{row[key]['mean']:,.0f}" for key in columns)])
    return markdown(["data", *columns.values()], rows)


def hosts() -> str:
    """What the model's features and votes add to every host, on the same seeds."""
    rows = []
    for data in ("cora", "citeseer"):
        files = {f"{data}_{host}": host for host in HOSTS}
        for host, table in present("gaugllm", files).items():
            scores = {
                name.partition(", ")[2].partition(" (")[0]: row["accuracy"]
                for name, row in table["rows"].items()
                if name.startswith(f"{HOSTS[host]}, ")
            }
            pairs = zip(scores["both"]["values"], scores["no LLM"]["values"], strict=True)
            gain, p_value = paired_test([100 * (both - none) for both, none in pairs])
            title = f"{SETS[data]}, {HOSTS[host]} ({len(table['seeds'])})"
            parts = ("no LLM", "edges only", "features only", "both")
            rows.append([title, *(spread(scores[part]) for part in parts), gain, p_value])
    if not rows:
        return markdown(["not measured yet"], [])
    header = ["accuracy, % (seeds)", "no LLM", "edges only", "features only", "both"]
    return markdown([*header, "both minus no LLM", "p (t-test)"], rows)


TABLES: dict[str, Callable[[], str]] = {
    "gaugllm": accuracy,
    "gaugllm_hosts": hosts,
    "gaugllm_edges": edges,
}
