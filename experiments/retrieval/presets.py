"""Settings of the retriever per question set: one setting for all, frozen before the runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """Settings; the defaults are those of :class:`graphlab.tag.GraphRetriever`.

    Attributes:
        dataset (str): ``hotpotqa``, ``musique``, or ``python_stdlib``, which is embedded.
        root (str): Folder of the question sets, only read.
        encoder (str): ``stored`` for the embeddings that come with a question set, or a model of
            :class:`graphlab.tag.TextEncoder`.
        teleport (float): Probability that the walk returns to its start.
        steps (int): Steps of the walk.
        power (float): Exponent of the scores that start the walk.
        fusion (float): Weight of the cosines in the final score.
        max_share (float): A phrase in more than this share of the documents joins nothing.
        num_bootstrap (int): Resamples of the questions for the intervals.
    """

    dataset: str = "musique"
    root: str = "data/multihop"
    encoder: str = "stored"
    teleport: float = 0.3
    steps: int = 6
    power: float = 8.0
    fusion: float = 0.5
    max_share: float = 0.02
    num_bootstrap: int = 10_000


PRESETS: dict[str, Config] = {
    "musique": Config(),
    "hotpotqa": Config(dataset="hotpotqa"),
    # Embedded and quick: shows that a figure repeats, not how good the method is.
    "smoke": Config(dataset="python_stdlib", encoder="hashing", num_bootstrap=1_000),
}
