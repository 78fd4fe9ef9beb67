"""Several descriptions of every node: its own text, and what a language model makes of it."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor

from graphlab._checks import check_edge_index, check_int, check_tensor
from graphlab._deprecation import warn_renamed
from graphlab._random import make_generator
from graphlab._repr import short_repr
from graphlab.tag._text_encoder import AnyEncoder, encoded
from graphlab.tag._texts import check_texts
from graphlab.tag.gaugllm._prompt_text import VERSION, WARNING, cut, fenced
from graphlab.tag.gaugllm._sampling import sample_in_group
from graphlab.tag.gaugllm.degree_groups import DEGREE_GROUPS, degree_groups
from graphlab.tag.llm._asking import ask_all, check_client, failure
from graphlab.tag.llm._thoughts import without_thoughts
from graphlab.tag.llm.protocol import ChatClient

__all__ = ["EXPERTS", "ExpertTexts", "PromptExperts"]

#: Text of each expert; the first asks no model.
EXPERTS = {
    "raw": "the original text of the node",
    "idr": "an explained guess at the topic of the node from its own text alone",
    "sas": "a summary of the text of the node together with the texts of its neighbours",
    "sar": "an explained guess at the topic of the node from its own text and its neighbours'",
}
_TASKS = {
    "idr": "Say which topic the document has{labels}, and explain why in two or three sentences.",
    "sas": "Summarise the document together with its neighbours in three or four sentences: what "
    "it is about, and what they have in common.",
    "sar": "Say which topic the document has{labels}, using its text and those of its neighbours, "
    "and explain why in two or three sentences.",
}
_STRUCTURAL = ("sas", "sar")


@short_repr
@dataclass(frozen=True)
class ExpertTexts:
    """The texts of all experts.

    Attributes:
        content (dict[str, list[str]]): N texts by expert.
        context (dict[str, list[str]]): N sentences by expert: what the text is and where the node
            stands in the graph.
        failed (dict[str, list[int]]): Nodes whose text could not be had, by expert; they carry
            their raw text.
        left_out (tuple[str, ...]): Experts that need a language model when there is none.
    """

    content: dict[str, list[str]]
    context: dict[str, list[str]]
    failed: dict[str, list[int]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The experts at hand, in order."""
        return tuple(self.content)

    def encode(self, encoder: AnyEncoder) -> tuple[Tensor, Tensor]:
        """Embed everything with one encoder.

        Args:
            encoder (TextEncoder, object or function): Shared by contents and contexts, as their dot
                product needs it; anything with ``encode(list[str]) -> (N, D)``, or such a function.

        Returns:
            tuple: content and context, ``(N, K, H)`` float32, the input of
            :class:`ContextAwareSelector`.
        """
        parts = [
            torch.stack([_encode_once(encoder, texts) for texts in group.values()], dim=1)
            for group in (self.content, self.context)
        ]
        return parts[0], parts[1]


@short_repr
class PromptExperts:
    """Write the prompts of the experts and collect their texts.

    ``"raw"`` is the node's own text, ``"idr"`` reasons about it alone, ``"sas"`` summarises it with
    its neighbours' texts, ``"sar"`` reasons about all of them. No label of a node is ever part of a
    prompt, only the names of the classes if they are given. The wording is this library's: that of
    the paper was not released with its code.

    Args:
        client (ChatClient, optional): :class:`~graphlab.tag.LLMClient`, or anything like it;
            without one, the experts that need a language model are left out.
        names (sequence): Experts, of the four above, in the order of the result.
        label_names (sequence): Topics to choose from; free choice if empty.
        num_neighbors (int): Neighbours shown at most, drawn by the seed.
        max_chars (int): Most characters of the node's text.
        max_neighbor_chars (int): Most characters of a neighbour's.
        seed (int): Seed of the neighbours.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: one call of the model per node and expert other than ``"raw"``.

    Reference: Fang et al., "GAugLLM", KDD 2024, arXiv:2406.11945.

    Example:
        >>> experts = PromptExperts(None, ("raw", "sas"), num_neighbors=1)
        >>> texts = experts.run(["a cat", "a dog"], torch.tensor([[0, 1], [1, 0]]))
        >>> texts.names, texts.left_out
        (('raw',), ('sas',))
        >>> texts.context["raw"][0].split(". ")[1]
        'The node has degree 2, itself counted, and is a tail node.'
    """

    def __init__(
        self,
        client: ChatClient | Sequence[str] | None = None,
        names: Sequence[str] = ("raw", "idr", "sas", "sar"),
        *,
        label_names: Sequence[str] = (),
        num_neighbors: int = 5,
        max_chars: int = 2000,
        max_neighbor_chars: int = 500,
        seed: int = 0,
    ) -> None:
        if isinstance(client, (str, list, tuple)):  # the names were the first argument
            warn_renamed("PromptExperts(names)", "PromptExperts(client, names)")
            names, client = client, None
        if isinstance(names, str) or not names or len(set(names)) != len(names):
            raise ValueError(f"names must be distinct experts, got {names!r}")
        unknown = [name for name in names if name not in EXPERTS]
        if unknown:
            raise ValueError(f"names must be among {tuple(EXPERTS)}, got {unknown}")
        self.client = None if client is None else check_client(client)
        self.names = tuple(names)
        self.label_names = tuple(check_texts(tuple(label_names), "label_names"))
        self.num_neighbors = check_int(num_neighbors, "num_neighbors", minimum=0)
        self.max_chars = check_int(max_chars, "max_chars", minimum=1)
        self.max_neighbor_chars = check_int(max_neighbor_chars, "max_neighbor_chars", minimum=1)
        self.seed = check_int(seed, "seed", minimum=0)

    def prompts(self, name: str, texts: Sequence[str], edge_index: Tensor) -> list[str]:
        """Write one expert's prompts without sending them, to look at or to count.

        Args:
            name (str): ``"idr"``, ``"sas"`` or ``"sar"``.
            texts (Sequence[str]): N texts, none blank.
            edge_index (Tensor): Edges ``(2, E)``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        if name not in _TASKS:
            raise ValueError(f"name must be one of {tuple(_TASKS)}, got {name!r}")
        known = check_texts(texts)
        edges = check_edge_index(edge_index, len(known))
        near = self._neighbors(edges, len(known)) if name in _STRUCTURAL else [[]] * len(known)
        labels = f", out of: {', '.join(self.label_names)}" if self.label_names else ""
        task = _TASKS[name].format(labels=labels)
        return [self._prompt(task, known, node, near[node]) for node in range(len(known))]

    def contexts(self, edge_index: Tensor, num_nodes: int) -> dict[str, list[str]]:
        """Sentences about every expert's text: what it is and where its node stands.

        Args:
            edge_index (Tensor): Edges ``(2, E)``, after the edits if there are any; a loop is
                counted for every node, as in the released code.
            num_nodes (int): N.
        """
        edges = check_edge_index(edge_index, num_nodes)
        proper = edges[:, edges[0] != edges[1]]
        degree = torch.bincount(proper[0], minlength=num_nodes) + 1
        group = degree_groups(degree).tolist()
        position = [
            f"The node has degree {d}, itself counted, and is a {DEGREE_GROUPS[g]} node."
            for d, g in zip(degree.tolist(), group, strict=True)
        ]
        return {name: [f"This is {EXPERTS[name]}. {p}" for p in position] for name in self.names}

    def run(
        self,
        texts: Sequence[str],
        edge_index: Tensor,
        *deprecated: Tensor,
        client: ChatClient | None = None,
    ) -> ExpertTexts:
        """Collect all texts.

        Args:
            texts (Sequence[str]): N texts, none blank.
            edge_index (Tensor): Edges ``(2, E)``.
            *deprecated (Tensor): Edges, where the client is the first argument; this form goes with
                the next version, as does ``client``.
            client (ChatClient, optional): Use that of the constructor.

        Returns:
            ExpertTexts: The texts. A warning tells of nodes without an answer.

        Raises:
            LLMError: If no call can succeed.
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        if deprecated:
            client, texts, edge_index = cast("Any", texts), cast("Any", edge_index), deprecated[0]
        if deprecated or client is not None:
            warn_renamed("PromptExperts.run(client, ...)", "PromptExperts(client).run(...)")
        client = self.client if client is None else check_client(client)
        known = check_texts(texts)
        context = self.contexts(edge_index, len(known))
        content: dict[str, list[str]] = {}
        failed: dict[str, list[int]] = {}
        reasons: Counter[str] = Counter()
        for name in self.names:
            if name == "raw":
                content[name] = list(known)
            elif client is not None:
                replies = ask_all(client, self.prompts(name, known, edge_index))
                said = [without_thoughts(r.text).strip() if r.ok else "" for r in replies]
                failed[name] = [i for i, words in enumerate(said) if not words]
                content[name] = [words or known[i] for i, words in enumerate(said)]
                reasons.update(failure(replies[i]) for i in failed[name])
        missing = {name: nodes for name, nodes in failed.items() if nodes}
        if missing:
            listing = ", ".join(f"{name} {nodes[:5]}" for name, nodes in missing.items())
            warnings.warn(
                f"nodes without an answer carry their raw text: {listing}"
                f" ({'; '.join(reason for reason, _ in reasons.most_common(2))})",
                RuntimeWarning,
                stacklevel=2,
            )
        left_out = tuple(name for name in self.names if name not in content)
        return ExpertTexts(content, {n: context[n] for n in content}, missing, left_out)

    def _neighbors(self, edges: Tensor, num_nodes: int) -> list[list[int]]:
        """Neighbours to show, drawn once for all nodes."""
        proper = check_tensor(edges, "edge_index").cpu()
        proper = proper[:, proper[0] != proper[1]].unique(dim=1)
        budget = torch.full((num_nodes,), self.num_neighbors, device="cpu")
        chosen = sample_in_group(proper[0], budget, generator=make_generator(self.seed))
        neighbors: list[list[int]] = [[] for _ in range(num_nodes)]
        for node, other in proper[:, chosen].t().tolist():
            neighbors[node].append(other)
        return neighbors

    def _prompt(self, task: str, texts: Sequence[str], node: int, near: list[int]) -> str:
        rows = [{"document": cut(texts[node], self.max_chars)}]
        rows += [{"neighbour": cut(texts[other], self.max_neighbor_chars)} for other in near]
        return f"[{VERSION}] {task} {WARNING}\n{fenced(rows)}"


def _encode_once(encoder: AnyEncoder, texts: list[str]) -> Tensor:
    """Embed texts, equal ones once: contexts are few sentences for many nodes."""
    number = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    rows = encoded(encoder, list(number))
    return rows[torch.tensor([number[text] for text in texts], device="cpu")]
