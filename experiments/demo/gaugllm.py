"""The demo's ablation of views and edges: the script on the standard library."""

from __future__ import annotations

from dataclasses import replace

from ..gaugllm.presets import PRESETS
from ..gaugllm.run import run
from .part import NO_LLM, STDLIB, Part

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
    left_out={
        "experts IDR, SAS and SAR": f"their texts need an endpoint: {NO_LLM}",
        "edge votes of a language model": NO_LLM,
    },
)
