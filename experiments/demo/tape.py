"""The demo's texts and words: the script on the standard library."""

from __future__ import annotations

from dataclasses import replace

from ..tape.presets import PRESETS
from ..tape.run import run
from .part import NO_LLM, STDLIB, Part

PART = Part(
    name="tape",
    title="TAPE",
    data=STDLIB,
    description=(
        "Trains the member TA, which reads the modules' own texts, and the same networks on a bag "
        "of words (BoW) beside it."
    ),
    run=run,
    config=PRESETS["stdlib"],
    toy=replace(PRESETS["smoke"], dim=16, words=50, epochs=2),
    ours="GCN TA",
    baseline="GCN BoW",
    metric="accuracy",
    measure="test accuracy",
    left_out={
        "member E (explanations)": f"needs an endpoint: {NO_LLM}",
        "member P (ranked predictions)": f"needs an endpoint: {NO_LLM}",
    },
)
