"""The demo's ablation of views and edges: the script on the standard library."""

from __future__ import annotations

from dataclasses import replace

from ..gaugllm.presets import PRESETS
from ..gaugllm.run import run
from .part import NO_LLM, STDLIB, Means, Part, points


def meaning(rows: Means) -> str:
    """Where the gain comes from."""
    both, none, texts, edges = (
        rows[name]["accuracy"]
        for name in (
            "BGRL, both (templates)", "BGRL, no LLM", "BGRL, features only (templates)",
            "BGRL, edges only (templates)",
        )
    )  # fmt: skip
    return (
        f"{points(both, none)} over BGRL on the same texts; by the summaries alone "
        f"{points(texts, none)}, by the votes alone {points(edges, none)} (five seeds: "
        "docs/gaugllm.md)"
    )


PART = Part(
    name="gaugllm",
    title="GAugLLM",
    data=STDLIB,
    description=(
        "Runs the stages that need no model: the second view reads summaries by template, and "
        "edges are voted on by similarity of texts. The ablation shows what either adds to BGRL."
    ),
    run=run,
    config=PRESETS["stdlib"],
    toy=replace(PRESETS["smoke"], dim=16, epochs=1, out_channels=4),
    ours="BGRL, both (templates)",
    baseline="BGRL, no LLM",
    metric="accuracy",
    measure="test accuracy",
    meaning=meaning,
    left_out={
        "experts IDR, SAS and SAR": f"their texts need an endpoint: {NO_LLM}",
        "edge votes of a language model": NO_LLM,
    },
)
