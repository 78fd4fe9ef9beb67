"""Tables of POT and the contrastive hosts."""

from __future__ import annotations

from collections.abc import Callable

from _tables.common import ROOT, markdown, paired_test, read, spread

FILE = "benchmarks/results/pot.json"
HOSTS = "benchmarks/results/grace.json"
SETS = {
    "cora": "Cora",
    "cora_gca": "Cora, host GCA",
    "cora_progcl": "Cora, host ProGCL",
    "cora_costa": "Cora, host COSTA",
    "citeseer": "CiteSeer",
    "photo_unit": "Photo, d = 128, features of unit length",
    "blogcatalog_attr_unit": "BlogCatalog, features of unit length",
}
#: Files of trainings on Photo with their curve, by what the features were divided by.
STARTS = {"photo_start": "sum of the row", "photo_unit": "and scaled to unit length"}
#: Numbers of an embedding that show a collapse, and how well it is probed.
STATE = ("effective_rank", "mean_cosine", "uniformity", "alignment")


def score() -> str:
    """Forward and backward of the score and of the certificates beside the dense formulation."""
    if not (ROOT / FILE).exists():
        return markdown(["not measured yet"], [])
    rows = []
    for row in read(FILE)["rows"]:
        if "median_s" in row:
            ratio = f"{row['speedup']:.1f}x" if "speedup" in row else ""
            rows.append([row["case"], row["name"], f"{1e3 * row['median_s']:,.0f} ms", ratio])
    return markdown(["case", "method", "time", "faster than dense"], rows)


def training() -> str:
    """Test accuracy of every method, and the share of nodes that the same certificate covers."""
    rows = []
    for name, title in SETS.items():
        path = f"experiments/results/pot_{name}.json"
        if not (ROOT / path).exists():
            continue
        table = read(path)
        seeds = f"{title} ({len(table['seeds'])}, {table['config']['epochs']})"
        for row, scores in table["rows"].items():
            cells = [spread(scores["f1_micro"]), spread(scores["f1_macro"])]
            cells += [spread(scores["certified"]) if "certified" in scores else ""]
            cells += [f"{scores['kappa']['mean']:.2f}" if "POT" in row else ""]
            rows.append([seeds, row, *cells])
    header = ["data (seeds, epochs)", "method", "F1 micro, %", "F1 macro, %", "certified nodes, %"]
    return markdown([*header, "kappa chosen, mean"], rows)


def paired() -> str:
    """Host against host + published score on both splits: paired differences and p-values."""
    rows = []
    for name in ("cora", "citeseer"):
        path = f"experiments/results/pot_{name}_paired.json"
        if not (ROOT / path).exists():
            continue
        table = read(path)
        for split, mark in (("public", ""), ("random 10/10/80", ", random split")):
            host, pot = (table["rows"][f"{t}{mark}"] for t in ("GRACE", "GRACE + POT reference"))
            for metric, title in (("f1_micro", "F1 micro, %"), ("certified", "certified, %")):
                pairs = zip(host[metric]["values"], pot[metric]["values"], strict=True)
                gain, p_value = paired_test([100 * (after - before) for before, after in pairs])
                cells = [spread(host[metric]), spread(pot[metric]), gain, p_value]
                rows.append([f"{SETS[name]} ({len(table['seeds'])})", split, title, *cells])
    if not rows:
        return markdown(["not measured yet"], [])
    header = ["data (seeds)", "split", "", "GRACE", "+ POT reference", "paired gain", "p (t-test)"]
    return markdown(header, rows)


def starts() -> str:
    """State of the embedding on Photo by epoch, with features of either length."""
    rows = []
    for name, title in STARTS.items():
        path = f"experiments/results/pot_{name}.json"
        if not (ROOT / path).exists():
            continue
        table = read(path)
        points = {"0": (table["rows"]["untrained encoder"], "")}
        points |= {
            str(epoch): (table["rows"]["GRACE"], f", epoch {epoch}")
            for epoch in table["config"]["curve"]
        }
        for epoch, (row, end) in points.items():
            cells = [f"{row[metric + end]['mean']:.2f}" for metric in STATE]
            seeds = f"{title} ({len(table['seeds'])})"
            rows.append([seeds, epoch, *cells, f"{100 * row['f1_micro' + end]['mean']:.1f}"])
    header = [
        "features (seeds)",
        "epoch",
        *(name.replace("_", " ") for name in STATE),
        "F1 micro, %",
    ]
    return markdown(header, rows) if rows else markdown(["not measured yet"], [])


def hosts() -> str:
    """The hosts' losses and steps beside the N x N way."""
    if not (ROOT / HOSTS).exists():
        return markdown(["not measured yet"], [])
    rows = []
    for row in read(HOSTS)["rows"]:
        seconds = row.get("median_s", row.get("seconds"))
        cells = [f"{1e3 * seconds:,.0f} ms" if seconds else ""]
        cells += [f"{row['speedup']:.1f}x" if "speedup" in row else ""]
        cells += [f"{row['peak_extra_bytes'] / 1e6:,.0f} MB"]
        rows.append([row["case"], row["name"], *cells])
    return markdown(["case", "method", "time", "faster than eager", "peak memory"], rows)


TABLES: dict[str, Callable[[], str]] = {
    "pot_score": score,
    "pot_training": training,
    "pot_paired": paired,
    "pot_starts": starts,
    "pot_hosts": hosts,
}
