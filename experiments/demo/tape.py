"""The demo's texts and words: networks that read texts beside the same ones on words."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from graphlab.tag.tape import tape_split

from .._data.text_graphs import bag_of_words
from .._harness.context import Context
from ..tape.presets import PRESETS
from ..tape.presets import Config as TapeConfig
from ..tape.run import members_and_ensembles
from .part import NO_LLM, STDLIB, Means, Part, points
from .short_texts import EXTRA, HASHING, MINILM, PACKAGES, TOKENS, short_texts

_TRAINING = replace(PRESETS["stdlib"], gnns=("sage", "mlp"), num_layers=2)


@dataclass(frozen=True)
class Config:
    """Settings of the demo.

    Attributes:
        protocol (str): How numbers come about.
        encoder (str): Text encoder of ``TA``.
        training (TapeConfig): Settings of the members.
    """

    protocol: str = "random 60/20/20, epoch chosen on validation nodes"
    encoder: str = MINILM
    training: TapeConfig = field(default_factory=lambda: _TRAINING)


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Train networks on embedded texts and on words, with edges and without."""
    graph, _ = short_texts(config.encoder, config.training.dim)
    data: Any = graph.clone()
    data.TA = graph.x
    data.BoW = bag_of_words(data.text, config.training.words)
    split = tape_split(int(data.num_nodes), context.seed)
    return members_and_ensembles(config.training, context, data, split)


def meaning(rows: Means) -> str:
    """Where the texts help: without edges most."""
    sage, mlp = (
        points(rows[f"{name} TA"]["accuracy"], rows[f"{name} BoW"]["accuracy"])
        for name in ("SAGE", "MLP")
    )
    return (
        f"a sentence encoder in place of words: {sage} in a network that reads imports, too, {mlp} "
        "in one that reads the text alone"
    )


PART = Part(
    name="tape",
    title="TAPE",
    data=STDLIB,
    description=(
        "Trains the member TA, which reads the modules' own texts by a sentence encoder (the first "
        f"{TOKENS} tokens), and the same networks on a bag of words (BoW) beside it: SAGE, which "
        "reads the imports, and an MLP, which does not."
    ),
    run=run,
    config=Config(),
    toy=Config(
        encoder=HASHING,
        training=replace(
            PRESETS["smoke"], gnns=("sage", "mlp"), dim=16, words=50, epochs=2, num_layers=2
        ),
    ),
    ours="SAGE TA",
    baseline="SAGE BoW",
    metric="accuracy",
    measure="test accuracy",
    meaning=meaning,
    left_out={
        "member E (explanations)": f"needs an endpoint: {NO_LLM}",
        "member P (ranked predictions)": f"needs an endpoint: {NO_LLM}",
    },
    seeds=3,
    needs=PACKAGES,
    extra=EXTRA,
)
