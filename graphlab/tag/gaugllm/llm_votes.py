"""Votes of a language model on candidates, one prompt per anchor."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_index, check_int
from graphlab.tag._texts import check_texts
from graphlab.tag.gaugllm._prompt_text import (
    VERSION,
    WARNING,
    cut,
    fenced,
    vote_schema,
)
from graphlab.tag.gaugllm.candidates import EdgeCandidates
from graphlab.tag.gaugllm.votes import CandidateVote
from graphlab.tag.llm.protocol import ChatClient

__all__ = ["collect_votes", "vote_edges"]

_FORM = (
    "Answer with one JSON object with the key votes: a list with one entry per candidate, each "
    "with number (the candidate's), answer (true or false) and probability (that the answer is "
    "true, from 0 to 1)."
)
_SHOWN = 5  # problems in the text of the warning


def collect_votes(
    client: ChatClient,
    anchor: Tensor,
    item: Tensor,
    prompt: Callable[[int, list[int]], str],
    *,
    max_candidates: int = 20,
) -> CandidateVote:
    """Let a language model vote on pairs (anchor, item), whatever they are.

    Votes are matched by the candidates' numbers and never by their position: what an answer leaves
    out, repeats with another vote, or spoils is unknown, and nothing else shifts.

    Args:
        client (ChatClient): :class:`~graphlab.tag.LLMClient`, or anything like it; answers are
            validated and repaired by it.
        anchor (Tensor): ``(M,)`` int64, non-negative.
        item (Tensor): ``(M,)`` int64, non-negative.
        prompt (callable): Called as ``prompt(anchor, items)``; returns the question, in which items
            are numbered from 1 in the order given. The form of the answer is added to it.
        max_candidates (int): Most candidates per prompt; an anchor with more gets several prompts.

    Returns:
        CandidateVote: In the order of the pairs. A warning tells of unknown votes.

    Raises:
        LLMError: If no call can succeed.
        ImportError: If the extra ``tag`` is missing.
        TypeError, ValueError, IndexError: If an argument is malformed.
    """
    large = torch.iinfo(torch.int64).max
    anchor = check_index(anchor, large, "anchor")
    item = check_index(item, large, "item", length=anchor.numel())
    most = check_int(max_candidates, "max_candidates", minimum=1)
    lists: dict[int, list[int]] = {}
    for position, node in enumerate(anchor.tolist()):
        lists.setdefault(node, []).append(position)
    chunks = [
        (node, positions[start : start + most])
        for node, positions in lists.items()
        for start in range(0, len(positions), most)
    ]
    questions = [
        f"{prompt(node, item[torch.tensor(positions, device='cpu')].tolist())}\n{_FORM}"
        for node, positions in chunks
    ]
    replies = client.complete_many(questions, schema=vote_schema()) if questions else []
    vote = torch.full_like(anchor, -1)
    probability = torch.full(anchor.shape, torch.nan, device="cpu")
    problems: list[str] = []
    for (node, positions), reply in zip(chunks, replies, strict=True):
        if not reply.ok:
            problems.append(f"anchor {node}: {reply.status}, {reply.error[:200]}")
            continue
        read, wrong = _read(reply.value.votes, len(positions))
        problems += [f"anchor {node}: {sentence}" for sentence in wrong]
        for number, (answer, chance) in read.items():
            position = positions[number]
            vote[position], probability[position] = int(answer), chance
    _warn(vote, problems)
    return CandidateVote(anchor, item, vote, probability, tuple(problems))


def vote_edges(
    client: ChatClient,
    candidates: EdgeCandidates,
    texts: Sequence[str],
    *,
    question: str = "is closely related to the first text, so that the two should be connected",
    max_candidates: int = 20,
    max_chars: int = 1000,
) -> CandidateVote:
    """Let a language model say which candidate edges should exist.

    One prompt per node with its text and those of its candidates. It does not say which of them
    are neighbours now.

    Args:
        client (ChatClient): :class:`~graphlab.tag.LLMClient`, or anything like it.
        candidates (EdgeCandidates): The pairs to judge.
        texts (Sequence[str]): N texts, none blank.
        question (str): Completes the sentence "Say for every candidate whether it ...".
        max_candidates (int): Most candidates per prompt.
        max_chars (int): Most characters of a text.

    Returns:
        CandidateVote: One vote per candidate, -1 where there is no usable answer, with
        probabilities; ``problems`` says why.

    Raises:
        LLMError: If no call can succeed.
        ImportError: If the extra ``tag`` is missing.
        TypeError, ValueError: If an argument is malformed.
    """
    if not isinstance(candidates, EdgeCandidates):
        raise TypeError(f"candidates must be EdgeCandidates, got {type(candidates).__name__}")
    known = check_texts(texts)
    if len(known) != candidates.num_nodes:
        raise ValueError(f"texts must be {candidates.num_nodes}, one per node, got {len(known)}")
    limit = check_int(max_chars, "max_chars", minimum=1)

    def prompt(node: int, items: list[int]) -> str:
        rows: list[dict[str, Any]] = [{"first": cut(known[node], limit)}]
        rows += [
            {"candidate": number, "text": cut(known[other], limit)}
            for number, other in enumerate(items, 1)
        ]
        return (
            f"[{VERSION}] Say for every candidate whether it {question}. {WARNING}\n{fenced(rows)}"
        )

    return collect_votes(
        client, candidates.src, candidates.dst, prompt, max_candidates=max_candidates
    )


def _read(entries: Sequence[Any], count: int) -> tuple[dict[int, tuple[bool, float]], list[str]]:
    """Usable votes by position, and a sentence about each of the others."""
    votes: dict[int, tuple[bool, float]] = {}
    bad: set[int] = set()
    problems: list[str] = []
    for entry in entries:
        position = entry.number - 1
        if not 0 <= position < count:
            problems.append(f"there is no candidate {entry.number}")
        elif position in votes and votes[position][0] != entry.answer:
            problems.append(f"two different votes on candidate {entry.number}")
            bad.add(position)
        else:
            votes[position] = (entry.answer, _chance(entry.answer, entry.probability))
    missing = [number + 1 for number in range(count) if number not in votes]
    if missing:
        problems.append(f"no vote on the candidates {missing}")
    return {key: value for key, value in votes.items() if key not in bad}, problems


def _chance(answer: bool, probability: float | None) -> float:
    """Probability of a yes; the bare answer where none is given or it contradicts the answer."""
    usable = probability is not None and math.isfinite(probability) and 0 <= probability <= 1
    if not usable or probability is None or (probability > 0.5) != answer:
        return float(answer)
    return probability


def _warn(vote: Tensor, problems: list[str]) -> None:
    unknown = int((vote < 0).sum())
    if unknown or problems:
        text = "; ".join(problems[:_SHOWN])
        warnings.warn(
            f"{unknown} of {vote.numel()} votes are unknown, {len(problems)} problems: {text}",
            RuntimeWarning,
            stacklevel=3,
        )
