"""Votes of a language model on candidates, one prompt per anchor."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_index, check_int, check_text
from graphlab.tag._texts import check_texts
from graphlab.tag._unicode import sha256
from graphlab.tag.gaugllm._prompt_text import (
    VERSION,
    WARNING,
    cut,
    fenced,
    vote_schema,
)
from graphlab.tag.gaugllm.candidates import EdgeCandidates
from graphlab.tag.gaugllm.votes import CandidateVote
from graphlab.tag.llm._asking import ask_all, check_client, failure, value_of
from graphlab.tag.llm.protocol import ChatClient

__all__ = ["collect_votes", "vote_edges"]

#: What makes a candidate a neighbour.
RELATED = "is closely related to the first text, so that the two should be connected"

_FORM = (
    "Answer with one JSON object with the key votes: a list with one entry per candidate, each "
    "with number (the candidate's), answer (true or false) and probability (that the answer is "
    "true, from 0 to 1)."
)
_SHOWN = 5  # problems in the text of the warning
_MANY = 20  # equal votes that tell something about the judge


def collect_votes(
    client: ChatClient,
    anchor: Tensor,
    item: Tensor,
    prompt: Callable[[int, list[int]], str],
    *,
    max_candidates: int = 20,
    seed: int | None = None,
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
        seed (int, optional): Seed of the order in which the candidates of an anchor are shown. What
            a model prefers about a place in the list is then spread over all of them, and not
            laid upon those that come first. By default they are shown in the order of the pairs.

    Returns:
        CandidateVote: In the order of the pairs. A warning tells of unknown votes, and of votes
        that are all the same.

    Raises:
        LLMError: If no call can succeed.
        ImportError: If the extra ``tag`` is missing.
        TypeError, ValueError, IndexError: If an argument is malformed.
    """
    client = check_client(client)
    if not callable(prompt):
        raise TypeError(f"prompt must be callable, got {type(prompt).__name__}")
    if seed is not None:
        seed = check_int(seed, "seed")
    large = torch.iinfo(torch.int64).max
    anchor = check_index(anchor, large, "anchor")
    item = check_index(item, large, "item", length=anchor.numel())
    most = check_int(max_candidates, "max_candidates", minimum=1)
    chunks = _chunks(anchor.tolist(), item.tolist(), most, seed)
    questions = [
        f"{prompt(node, item[torch.tensor(positions, device='cpu')].tolist())}\n{_FORM}"
        for node, positions in chunks
    ]
    form = vote_schema(max((len(positions) for _, positions in chunks), default=1))
    replies = ask_all(client, questions, form)
    vote = torch.full_like(anchor, -1)
    probability = torch.full(anchor.shape, torch.nan, device="cpu")
    problems: list[str] = []
    for (node, positions), reply in zip(chunks, replies, strict=True):
        ballot = value_of(reply, form)
        if ballot is None:
            problems.append(f"anchor {node}: {failure(reply)}")
            continue
        read, wrong = _read(ballot.votes, len(positions))
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
    question: str = RELATED,
    max_candidates: int = 20,
    max_chars: int = 1000,
    seed: int | None = 0,
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
        seed (int, optional): Seed of the order of the candidates, of which neighbours come first;
            see :func:`collect_votes`.

    Returns:
        CandidateVote: One vote per candidate, -1 where there is no usable answer, with
        probabilities; ``problems`` says why.

    Raises:
        LLMError: If no call can succeed.
        ImportError: If the extra ``tag`` is missing.
        TypeError, ValueError: If an argument is malformed.
    """
    question_of = edge_question(candidates, texts, question, max_chars)
    return collect_votes(
        client,
        candidates.src,
        candidates.dst,
        question_of,
        max_candidates=max_candidates,
        seed=seed,
    )


def edge_question(
    candidates: EdgeCandidates, texts: Sequence[str], question: str, max_chars: int
) -> Callable[[int, list[int]], str]:
    """Writer of the question about a node and some of its candidates.

    Raises:
        TypeError, ValueError: If an argument is malformed.
    """
    known, limit = check_edge_texts(candidates, texts, max_chars)
    check_text(question, "question")

    def prompt(node: int, items: list[int]) -> str:
        rows: list[dict[str, Any]] = [{"first": cut(known[node], limit)}]
        rows += [
            {"candidate": number, "text": cut(known[other], limit)}
            for number, other in enumerate(items, 1)
        ]
        return (
            f"[{VERSION}] Say for every candidate whether it {question}. {WARNING}\n{fenced(rows)}"
        )

    return prompt


def check_edge_texts(
    candidates: EdgeCandidates, texts: Sequence[str], max_chars: int
) -> tuple[Sequence[str], int]:
    """Texts and their limit.

    Raises:
        TypeError, ValueError: If an argument is malformed, or texts are not one per node.
    """
    if not isinstance(candidates, EdgeCandidates):
        raise TypeError(f"candidates must be EdgeCandidates, got {type(candidates).__name__}")
    known = check_texts(texts)
    if len(known) != candidates.num_nodes:
        raise ValueError(f"texts must be {candidates.num_nodes}, one per node, got {len(known)}")
    return known, check_int(max_chars, "max_chars", minimum=1)


def _chunks(
    anchors: list[int], items: list[int], most: int, seed: int | None
) -> list[tuple[int, list[int]]]:
    """Positions of the pairs of every prompt, with its anchor."""
    lists: dict[int, list[int]] = {}
    for position, node in enumerate(anchors):
        lists.setdefault(node, []).append(position)
    if seed is not None:
        # By hash: the order of one anchor does not depend on the others, so that caches hold.
        for node, positions in lists.items():
            positions.sort(key=lambda at: sha256(f"{seed} {node} {items[at]}"))
    return [
        (node, positions[start : start + most])
        for node, positions in lists.items()
        for start in range(0, len(positions), most)
    ]


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
    known = vote[vote >= 0]
    yes = int(known.sum())
    if known.numel() >= _MANY and yes in (0, known.numel()):
        warnings.warn(
            f"all {known.numel()} votes are {'yes' if yes else 'no'}: check_vote_answers tells "
            "whether they depend on the texts",
            RuntimeWarning,
            stacklevel=3,
        )
