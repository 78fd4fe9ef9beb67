"""Tables of GraphCLIP; one that has no result file yet says so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from _tables.common import ROOT, markdown, read, spread

RESULTS = "experiments/results/graphclip_{}.json"
BENCHMARK = "benchmarks/results/graphclip.json"
TARGETS = ("cora", "webkb_cornell", "webkb_texas", "python_stdlib")
ABLATIONS = {
    "tiny": "tiny (residual, no perturbation)",
    "tiny_plain": "without residual, 24 epochs",
    "tiny_shared": "tiny, all seeds share their pairs",
    "tiny_flag": "shared pairs, adversarial, clean perturbation",
    "tiny_flag_accumulating": "shared pairs, adversarial, accumulating as released",
    "tiny_induced": "shared pairs, induced edges",
    "tiny_khop": "shared pairs, three hops, at most 64 nodes",
    "tiny_llm": "shared pairs, summaries of a language model",
    "stdlib": "the standard library, on itself",
}
#: Pairs per source of the presets of the scaling curve.
SCALING = {"tiny_150": 150, "tiny_300": 300, "tiny_600": 600, "tiny_shared": 1200}
ZERO_SHOT = ("graphclip", "graphclip + mean", "graphclip + own+mean", "own text")
ZERO_SHOT += ("subgraph mean", "own + mean", "majority", "chance")


def results(names: Iterable[str]) -> dict[str, Any]:
    """Result files that are there, by name."""
    paths = {name: RESULTS.format(name) for name in names}
    return {name: read(path) for name, path in paths.items() if (ROOT / path).exists()}


def unmeasured() -> str:
    """Say that a table has no numbers yet."""
    return markdown(["not measured yet"], [])


def metrics(row: dict[str, Any]) -> str:
    """Accuracy and macro-F1 in percent."""
    return f"{spread(row['acc'])} / {spread(row['f1'])}" if "acc" in row else ""


def by_target(
    kind: str, title: str, names: Iterable[str], cell: Callable[[dict[str, Any]], str]
) -> str:
    """One column per target, one row per name."""
    files = results(f"{kind}_{name}" for name in TARGETS)
    if not files:
        return unmeasured()
    rows = [[n, *(cell(t["rows"].get(n, {})) for t in files.values())] for n in names]
    heads = [f"{k.removeprefix(kind + '_')} ({len(v['seeds'])})" for k, v in files.items()]
    return markdown([f"{title}, % (seeds)", *heads], rows)


def ranking(row: dict[str, Any]) -> str:
    """AUC and average precision in percent."""
    return f"{spread(row['auc'])} / {spread(row['ap'])}" if "auc" in row else ""


def zero_shot() -> str:
    """Accuracy and macro-F1 of the tower and of what needs no training."""
    return by_target("zeroshot", "accuracy / macro-F1", ZERO_SHOT, metrics)


def shipped() -> str:
    """Accuracy and macro-F1 of the packaged model and of what needs no tower."""
    files = results(["pretrain_graphlab_tiny"])
    if not files:
        return unmeasured()
    rows = files["pretrain_graphlab_tiny"]["rows"]
    targets = [target for target in TARGETS if f"{target}: graphclip" in rows]
    names = ("graphclip", *ZERO_SHOT[3:])
    cells = [[n, *(metrics(rows[f"{target}: {n}"]) for target in targets)] for n in names]
    return markdown(["accuracy / macro-F1, %", *targets], cells)


def few_shot() -> str:
    """Prompt tuning beside zero-shot and logistic regression on the same nodes, by shots."""
    files = results(f"fewshot_{name}" for name in TARGETS)
    every = dict.fromkeys(row for table in files.values() for row in table["rows"])
    shots = {row: int(re.findall(r"(\d+)-shot", row)[0]) for row in every if "settings" not in row}
    return by_target(
        "fewshot", "accuracy / macro-F1", sorted(shots, key=shots.__getitem__), metrics
    )


def links() -> str:
    """AUC and average precision of hidden edges, by whether the ends keep other links."""
    kinds = ("", ", both ends linked", ", an end alone")
    names = [f"{method}{kind}" for kind in kinds for method in ("graphclip", "own text")]
    return by_target("linkpred", "AUC / average precision", names, ranking)


def ablations() -> str:
    """Zero-shot accuracy on every target by the way of pretraining."""
    files = results(f"pretrain_{name}" for name in ABLATIONS)
    if not files:
        return unmeasured()
    targets = [t for t in TARGETS if any(f"{t}: graphclip" in r["rows"] for r in files.values())]
    rows = []
    for name, table in files.items():
        cells = [table["rows"].get(f"{target}: graphclip", {}) for target in targets]
        pairs = f"{table['rows']['pretraining']['pairs']['mean']:,.0f}"
        title = ABLATIONS[name.removeprefix("pretrain_")]
        rows.append([title, str(len(table["seeds"])), pairs, *map(metrics, cells)])
    return markdown(["pretraining", "seeds", "pairs", *targets], rows)


def scaling() -> str:
    """Zero-shot accuracy by the number of pairs."""
    files = results(f"pretrain_{name}" for name in SCALING)
    if not files:
        return unmeasured()
    rows = []
    for table in files.values():
        cells = [table["rows"].get(f"{target}: graphclip", {}) for target in TARGETS[:3]]
        pairs = f"{table['rows']['pretraining']['pairs']['mean']:,.0f}"
        rows.append([pairs, str(len(table["seeds"])), *map(metrics, cells)])
    return markdown(["pairs", "seeds", *TARGETS[:3]], rows)


def speed() -> str:
    """Time and memory of steps and sampling."""
    if not (ROOT / BENCHMARK).exists():
        return unmeasured()
    rows = []
    for row in read(BENCHMARK)["rows"]:
        seconds = row.get("step_s", row.get("epoch_s", row.get("median_s")))
        time = row.get("measured", "") if seconds is None else f"{1e3 * seconds:,.0f} ms"
        ratio = f"{row['speedup']:.1f}x" if "speedup" in row else ""
        memory = f"{row['peak_extra_bytes'] / 1e6:,.0f}" if "peak_extra_bytes" in row else ""
        heap = row.get("peak_extra_bytes_with_heap")
        memory += "" if heap is None else f" ({heap / 1e6:,.0f})"
        rows.append([row["case"], row["name"], time, ratio, memory])
    return markdown(["case", "method", "time", "faster", "extra memory, MB (with heap)"], rows)


def ranks() -> str:
    """Largest difference between the loss curves of one process and of two."""
    if not (ROOT / BENCHMARK).exists():
        return unmeasured()
    worst = [r["largest_difference"] for r in read(BENCHMARK)["rows"] if "epoch_s" in r]
    if not worst:
        return unmeasured()
    return markdown(["loss curve, 2 processes against 1"], [[f"{max(worst):.1e} at most"]])


TABLES: dict[str, Callable[[], str]] = {
    "graphclip_zeroshot": zero_shot,
    "graphclip_shipped": shipped,
    "graphclip_fewshot": few_shot,
    "graphclip_links": links,
    "graphclip_ablations": ablations,
    "graphclip_scaling": scaling,
    "graphclip_speed": speed,
    "graphclip_ranks": ranks,
}
