"""The demo's ablation of views and edges: the script on the standard library."""

from __future__ import annotations

from dataclasses import replace

from ..gaugllm.presets import PRESETS
from ..gaugllm.run import run
from .part import NO_LLM, STDLIB, Means, Part, points
from .short_texts import EXTRA, MINILM, PACKAGES, TOKENS


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
        f"{points(texts, none)}, by the votes alone {points(edges, none)}, after an eighth of the "
        "steps of the recipe: it shows the stages, as templates and similarities stand in for a "
        "language model here (docs/gaugllm.md for whole trainings)"
    )


PART = Part(
    name="gaugllm",
    title="GAugLLM",
    data=STDLIB,
    description=(
        "Runs the stages that ask no language model: texts are read by a sentence encoder "
        f"(MiniLM, the first {TOKENS} tokens), the second view reads summaries by template, and "
        "edges are voted on by similarity of texts. The ablation shows what either adds to BGRL."
    ),
    run=run,
    config=replace(
        PRESETS["stdlib"],
        encoder=MINILM,
        tokens=TOKENS,
        epochs=60,
        out_channels=64,
        predictor_channels=128,
        lr=2e-3,
    ),
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
    needs=PACKAGES,
    extra=EXTRA,
)
