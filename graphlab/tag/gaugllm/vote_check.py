"""Whether the votes of a language model depend on the texts."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch

from graphlab._checks import check_int
from graphlab._random import make_generator, random_order
from graphlab.tag.gaugllm.candidates import EdgeCandidates
from graphlab.tag.gaugllm.llm_votes import RELATED, collect_votes, edge_question
from graphlab.tag.gaugllm.votes import CandidateVote
from graphlab.tag.llm.answer_check import AnswerCheck, compare_answers
from graphlab.tag.llm.protocol import ChatClient

__all__ = ["check_vote_answers"]

_NOTHING = "(no text)"


def check_vote_answers(
    client: ChatClient,
    candidates: EdgeCandidates,
    texts: Sequence[str],
    *,
    question: str = RELATED,
    count: int = 12,
    max_candidates: int = 20,
    max_chars: int = 1000,
    seed: int = 0,
) -> AnswerCheck:
    """Ask whether votes depend on the texts: some nodes, in two orders, and without texts.

    Votes are compared with those on the same candidates in another order, and with those where
    every text is empty. Costs up to three prompts per node.

    Args:
        client (ChatClient): :class:`~graphlab.tag.LLMClient`, or anything like it.
        candidates (EdgeCandidates): The pairs to judge.
        texts (Sequence[str]): N texts, none blank.
        question (str): See :func:`vote_edges`.
        count (int): Most nodes of the sample.
        max_candidates (int): Most candidates per prompt.
        max_chars (int): Most characters of a text.
        seed (int): Seed of the sample, and of the first order.

    Returns:
        AnswerCheck: The figures, of votes. A warning gives them where votes are not informative.

    Raises:
        LLMError: If no call can succeed.
        TypeError, ValueError: If an argument is malformed.
    """
    real = edge_question(candidates, texts, question, max_chars)
    nothing = edge_question(candidates, [_NOTHING] * candidates.num_nodes, question, max_chars)
    nodes = candidates.src.unique()
    most = min(check_int(count, "count", minimum=1), nodes.numel())
    shuffled = random_order(nodes.numel(), make_generator(seed), "cpu")
    drawn = nodes[shuffled[:most]]
    kept = torch.isin(candidates.src, drawn)
    src, dst = candidates.src[kept], candidates.dst[kept]

    votes: list[CandidateVote] = []
    for ask, order in ((real, seed), (real, seed + 1), (nothing, seed)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the report says more
            votes.append(
                collect_votes(client, src, dst, ask, max_candidates=max_candidates, seed=order)
            )
    answers = [[_WORDS[int(v)] for v in vote.vote] for vote in votes]
    # No vote is shown first: candidates are.
    shown = [(None, None)] * src.numel()
    report = compare_answers(answers[0], answers[1], answers[2], shown, "votes")
    report.warn()
    return report


_WORDS = {1: "yes", 0: "no", -1: None}
