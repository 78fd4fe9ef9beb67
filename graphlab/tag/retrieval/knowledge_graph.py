"""Graphs of phrases that triples join, and the documents that mention them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_int, check_real, check_text, warn_caller
from graphlab._plain_ids import plain_id
from graphlab.tag._text_encoder import encode_function, encoded
from graphlab.tag.retrieval.documents import Document, read_documents
from graphlab.tag.text_graph import TextGraph

__all__ = ["gfm_phrase", "knowledge_graph"]

#: Relation of phrases that mean the same.
EQUIVALENT = "equivalent"
#: Relation of a phrase and a document in the graphs of the release.
MENTIONED = "is_mentioned_in"
#: What to do where the words of other scripts are lost.
_HINT = "normalize=str.casefold keeps other scripts"

_OUTSIDE = re.compile(r"[^A-Za-z0-9 ]")
_LETTERS = re.compile(r"[A-Za-z0-9]")

Triple = tuple[str, str, str, Any]


def gfm_phrase(phrase: str) -> str:
    """A phrase in the form of GFM-RAG and HippoRAG: lower case, ASCII letters, digits and spaces.

    Every other character becomes a space, and spaces at the ends go. For other scripts give
    :func:`knowledge_graph` another ``normalize``, such as ``str.casefold``.

    Args:
        phrase (str): Any phrase.

    Returns:
        str: The phrase; empty where nothing is left.

    Example:
        >>> gfm_phrase("Lilli's Marriage (1919)")
        'lilli s marriage  1919'
    """
    return _OUTSIDE.sub(" ", check_text(phrase, "phrase").lower()).strip()


class _Facts(NamedTuple):
    """Triples of known documents, normalised.

    Attributes:
        rows (list): Head, relation, tail and position of the document.
        dropped (Counter): How many others there were, by reason.
        unknown (list): Ids of unknown documents.
        lost (list): A word with letters of every triple in which such a word became empty.
    """

    rows: list[tuple[str, str, str, int]]
    dropped: Counter[str]
    unknown: list[Any]
    lost: list[str]


def knowledge_graph(
    triples: Iterable[Triple],
    documents: Any,
    *,
    normalize: Callable[[str], str] = gfm_phrase,
    synonyms: Any = None,
    threshold: float = 0.8,
    max_synonyms: int = 100,
    faithful: bool = False,
) -> TextGraph:
    """Join phrases by the facts that documents state about them.

    Nodes are the heads and tails of the triples; every distinct triple is one edge from its head to
    its tail, also where several relations join one pair. Triples that cannot be used are dropped
    and counted in ``report``.

    Args:
        triples (iterable or table): Of ``(head, relation, tail, id of the document)``, as
            :class:`OpenIEExtractor` and :attr:`graphlab.datasets.MultiHopQA.triples` give them. A
            data frame has four columns in this order.
        documents (mapping, table or iterable): The documents, as
            :meth:`GraphRetriever.index` takes them.
        normalize (callable): From a phrase or relation to its form in the graph; by default
            :func:`gfm_phrase`. What becomes empty is dropped.
        synonyms (object, function or iterable, optional): What has ``encode(list[str]) -> (N, D)``,
            or is such a function: phrases whose cosine is at least ``threshold`` are joined by the
            relation ``"equivalent"``. Or pairs of phrases that are joined. By default none are.
        threshold (float): Least cosine of synonyms.
        max_synonyms (int): Most synonyms that a phrase looks for, at least 1.
        faithful (bool): What GFM-RAG builds: one relation per pair of phrases, the last; synonyms
            replace it, and only a phrase of more than two letters or digits looks for them;
            documents (by title, equal ones as one) are nodes behind the phrases, joined by the
            relation ``"is_mentioned_in"``.

    Returns:
        TextGraph: ``text`` (phrases), ``edge_index``, ``edge_type`` (``(E,)`` int64, positions in
        ``relation_names``), ``edge_text`` (its relation), ``mentions`` (``(2, nnz)`` int64: phrase
        and position of a document that mentions it), ``evidence`` (``(2, nnz)`` int64: edge and
        position of a document that states it), ``document_id`` and ``report`` (counts by name:
        ``triples``, ``malformed``, ``empty``, ``unknown_document``, ``repeated`` by one document,
        ``edges``, ``synonyms``, ``overwritten``). A synonym is one edge. With ``faithful`` also
        ``document_node`` ``(documents,)``, and synonyms are edges from the phrase that looked.

    Raises:
        TypeError, ValueError: If an argument is malformed, or no triple can be used.

    Warns:
        UserWarning: If triples name unknown documents, or ``normalize`` leaves nothing of words
            that have letters, as :func:`gfm_phrase` does in other scripts; with their number.

    Complexity: O(triples), and O(phrases² D) for synonyms by an encoder.

    Example:
        >>> graph = knowledge_graph(
        ...     [("Marie Curie", "born in", "Warsaw", "a"), ("Warsaw", "is in", "Poland", "b")],
        ...     {"a": "Marie Curie was born in Warsaw.", "b": "Warsaw is the capital of Poland."},
        ... )
        >>> graph.text, graph.relation_names, graph.report["edges"]
        (['marie curie', 'warsaw', 'poland'], ['born in', 'is in'], 2)
    """
    if not callable(normalize):
        raise TypeError(f"normalize must be callable, got {type(normalize).__name__}")
    if not 0 < check_real(threshold, "threshold") <= 1:
        raise ValueError(f"threshold must lie in (0, 1], got {threshold}")
    check_int(max_synonyms, "max_synonyms", minimum=1)
    known = read_documents(documents)
    facts = _read(triples, known, normalize)
    _tell(facts, len(known))
    phrases = list(dict.fromkeys(phrase for row in facts.rows for phrase in (row[0], row[2])))
    pairs = _synonyms(synonyms, phrases, normalize, threshold, max_synonyms)
    build = _faithful if faithful else _multigraph
    return build(facts, known, phrases, pairs)


# --- reading --------------------------------------------------------------------------------------


def _read(
    triples: Iterable[Triple], documents: list[Document], normalize: Callable[[str], str]
) -> _Facts:
    if hasattr(triples, "itertuples"):  # iterating over a data frame gives its column names
        triples = triples.itertuples(index=False, name=None)
    if isinstance(triples, (str, bytes, Mapping)) or not isinstance(triples, Iterable):
        raise TypeError(f"triples must be a list of triples, got {type(triples).__name__}")
    position = {document.id: place for place, document in enumerate(documents)}
    facts = _Facts([], Counter(), [], [])
    for triple in triples:
        facts.dropped["triples"] += 1
        if not _is_triple(triple):
            facts.dropped["malformed"] += 1
            continue
        *words, identity = triple
        head, relation, tail = (_normal(normalize, word) for word in words)
        place = position.get(plain_id(identity))
        if place is None:
            facts.dropped["unknown_document"] += 1
            facts.unknown.append(identity)
        elif not (head.strip() and relation.strip() and tail.strip()):
            facts.dropped["empty"] += 1
            kept = zip(words, (head, relation, tail), strict=True)
            facts.lost.extend(
                [old for old, new in kept if _has_letters(old) and not new.strip()][:1]
            )
        else:
            facts.rows.append((head, relation, tail, place))
    return facts


def _normal(normalize: Callable[[str], str], word: str) -> str:
    given = normalize(word)
    if not isinstance(given, str):
        raise TypeError(f"normalize must return str, got {given!r:.40} for {word!r:.40}")
    return given


def _has_letters(word: str) -> bool:
    return any(letter.isalpha() for letter in word)


def _is_triple(triple: Any) -> bool:
    if not isinstance(triple, (Sequence, np.ndarray)) or isinstance(triple, (str, bytes)):
        return False  # a set has no order, and a mapping no positions
    if len(triple) != 4:
        return False
    identity = plain_id(triple[3])
    return all(isinstance(word, str) for word in triple[:3]) and isinstance(identity, (str, int))


def _tell(facts: _Facts, count: int) -> None:
    given = facts.dropped["triples"]
    if not given:
        raise ValueError("triples must not be empty")
    if not facts.rows:
        raise ValueError(
            f"triples must be (head, relation, tail, id of a document), but none of {given} can be "
            f"used: {facts.dropped['malformed']} are malformed, {facts.dropped['empty']} empty, "
            f"{facts.dropped['unknown_document']} of unknown documents {facts.unknown[:3]}"
            + (f"; {_HINT}" if facts.lost else "")
        )
    if facts.lost:
        warn_caller(
            f"{len(facts.lost)} of {given} triples are dropped, as normalize leaves nothing of "
            f"words such as {facts.lost[0]!r}: {_HINT}"
        )
    if facts.unknown:
        warn_caller(
            f"{len(facts.unknown)} of {given} triples name documents that are none of the {count} "
            f"given, such as {facts.unknown[0]!r}, and are dropped"
        )


# --- synonyms -------------------------------------------------------------------------------------


def _synonyms(
    given: Any,
    phrases: list[str],
    normalize: Callable[[str], str],
    threshold: float,
    most: int,
) -> list[tuple[int, int]]:
    """Ordered pairs of phrases: one that looks, and one it takes for the same."""
    if given is None:
        return []
    pairs_given = isinstance(given, Iterable) and not isinstance(given, (str, bytes))
    if hasattr(given, "encode") or not pairs_given:
        encode_function(given, "synonyms", also="be pairs of phrases, or ")
        return _near(encoded(given, phrases, "synonyms"), threshold, most)
    number = {phrase: place for place, phrase in enumerate(phrases)}
    pairs: list[tuple[int, int]] = []
    for pair in given:
        sized = isinstance(pair, (tuple, list, np.ndarray)) and len(pair) == 2
        if not sized or not all(isinstance(phrase, str) for phrase in pair):
            raise ValueError(f"synonyms must be pairs of phrases, got {pair!r}")
        one, two = (number.get(normalize(phrase)) for phrase in pair)
        if one is not None and two is not None and one != two:
            pairs += [(one, two), (two, one)]
    return list(dict.fromkeys(pairs))


def _near(vectors: Tensor, threshold: float, most: int) -> list[tuple[int, int]]:
    from graphlab.ops import pairwise_topk

    value, other = pairwise_topk(vectors, k=min(most, len(vectors)), metric="cosine")
    row, column = ((value >= threshold) & (other >= 0)).nonzero().unbind(1)
    return list(zip(row.tolist(), other[row, column].tolist(), strict=True))


# --- building -------------------------------------------------------------------------------------


def _multigraph(
    facts: _Facts, documents: list[Document], phrases: list[str], pairs: list[tuple[int, int]]
) -> TextGraph:
    number = {phrase: place for place, phrase in enumerate(phrases)}
    stated: dict[tuple[int, str, int], dict[int, None]] = {}
    for head, relation, tail, place in facts.rows:
        stated.setdefault((number[head], relation, number[tail]), {})[place] = None
    same = dict.fromkeys((min(pair), max(pair)) for pair in pairs)
    edges = [*stated, *((one, EQUIVALENT, two) for one, two in same)]
    report = _report(facts, edges=len(edges), synonyms=len(same))
    evidence = [(edge, place) for edge, places in enumerate(stated.values()) for place in places]
    return _graph(phrases, edges, facts, documents, number, _pairs(evidence), report)


def _faithful(
    facts: _Facts, documents: list[Document], phrases: list[str], pairs: list[tuple[int, int]]
) -> TextGraph:
    number = {phrase: place for place, phrase in enumerate(phrases)}
    names = [document.title or str(document.id) for document in documents]
    nodes = {name: len(phrases) + place for place, name in enumerate(dict.fromkeys(names))}
    relation: dict[tuple[int, int], str] = {}
    stated: dict[tuple[int, int], dict[int, None]] = {}
    written = Counter[tuple[int, int]]()
    for head, name, tail, place in facts.rows:
        ends = number[head], number[tail]
        written[ends] += relation.get(ends, name) != name
        if relation.get(ends) != name:
            stated[ends] = {}
        relation[ends] = name
        stated[ends][place] = None
    looking = [pair for pair in pairs if len(_LETTERS.findall(phrases[pair[0]])) > 2]
    for ends in looking:
        written[ends] += ends in relation
        relation[ends] = EQUIVALENT
        stated.pop(ends, None)
    for head, _, tail, place in facts.rows:
        for phrase in (head, tail):
            relation[number[phrase], nodes[names[place]]] = MENTIONED
    edges = [(one, name, two) for (one, two), name in relation.items()]
    report = _report(facts, edges=len(edges), synonyms=len(looking))
    report["overwritten"] = sum(written.values())
    evidence = [
        (edge, place) for edge, ends in enumerate(relation) for place in stated.get(ends, ())
    ]
    graph = _graph([*phrases, *nodes], edges, facts, documents, number, _pairs(evidence), report)
    graph["document_node"] = torch.tensor([nodes[name] for name in names], device="cpu")
    return graph


def _graph(
    texts: list[str],
    edges: list[tuple[int, str, int]],
    facts: _Facts,
    documents: list[Document],
    number: dict[str, int],
    evidence: Tensor,
    report: dict[str, int],
) -> TextGraph:
    relations = {name: place for place, name in enumerate(dict.fromkeys(e[1] for e in edges))}
    mentions = dict.fromkeys(
        (number[phrase], row[3]) for row in facts.rows for phrase in (row[0], row[2])
    )
    return TextGraph(
        text=texts,
        edge_index=_pairs([(one, two) for one, _, two in edges]),
        edge_type=torch.tensor([relations[name] for _, name, _ in edges], device="cpu"),
        edge_text=[name for _, name, _ in edges],
        relation_names=list(relations),
        mentions=_pairs(list(mentions)),
        evidence=evidence,
        document_id=[document.id for document in documents],
        report=report,
    )


def _pairs(rows: list[tuple[int, int]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.long, device="cpu").view(-1, 2).t().contiguous()


def _report(facts: _Facts, *, edges: int, synonyms: int) -> dict[str, int]:
    reasons = ("triples", "malformed", "empty", "unknown_document")
    counts = {name: facts.dropped[name] for name in reasons}
    repeated = len(facts.rows) - len(set(facts.rows))
    return counts | {
        "repeated": repeated,
        "edges": edges,
        "synonyms": synonyms,
        "overwritten": 0,
    }
