"""Retrieval of documents that answer a question together, with and without an embedding.

Rows: BM25, cosine of the embeddings, the sum of both (standardised per question), the walk over
shared names without any model, and the walk with the embedding. Nothing is trained and nothing is
random; intervals (95 %) come from resampling the questions. The settings were chosen once, for both
question sets together, when the method was designed, with these questions in sight: the two walk
rows are a little optimistic. HotpotQA and MuSiQue are samples of 100 English questions.

``python_stdlib``: the question is the first paragraph of a module's docstring; what answers it are
the module and the modules that its docstring names.

    python -m experiments.retrieval --preset musique
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from graphlab import viz
from graphlab.datasets import MultiHopQA, python_stdlib
from graphlab.evaluate import compare_retrieval, retrieval_scores
from graphlab.tag import Document, GraphRetriever, TextEncoder

from .._harness import runner
from .._harness.context import Context
from .presets import PRESETS, Config

_CUTS = (1, 2, 5, 10, 20)
_NAMES = (*(f"recall@{k}" for k in _CUTS), "all@5", "mrr")
_WITH_INTERVAL = ("recall@5", "recall@10", "all@5")

Ranking = list[list[Any]]


class StoredEncoder:
    """Embeddings that were made before, found by their texts."""

    identity = "stored"

    def __init__(self, rows: dict[str, Tensor]) -> None:
        self._rows = rows

    def __contains__(self, text: object) -> bool:
        return text in self._rows

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Rows of known texts."""
        return np.stack([self._rows[text].numpy() for text in texts])


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Rank the documents of every question by every method."""
    documents, questions, answers, encoder, asker = load(config)
    rankings: dict[str, Ranking] = {}
    methods = {"walk, no model": (None, None), "walk": (encoder, asker)}
    for step, (name, (of_documents, of_questions)) in enumerate(methods.items()):
        begin = time.perf_counter()
        retriever = GraphRetriever(
            of_documents,
            query_encoder=of_questions,
            teleport=config.teleport,
            steps=config.steps,
            power=config.power,
            fusion=config.fusion,
            max_share=config.max_share,
        ).index(documents)
        indexed = time.perf_counter()
        rankings[name] = retriever.query_many(questions, k=max(_CUTS)).ids
        context.log(
            step,
            index_seconds=indexed - begin,
            query_seconds=time.perf_counter() - indexed,
        )
    rankings = single_document_rankings(retriever, questions) | rankings
    rows = {name: scores(config, ids, answers) for name, ids in rankings.items()}
    rows["walk - cosine"] = difference(config, rankings["walk"], rankings["cosine"], answers)
    rows["walk, no model - BM25"] = difference(
        config, rankings["walk, no model"], rankings["BM25"], answers
    )
    context.figure("recall", draw({name: rows[name] for name in rankings}))
    return rows


def draw(rows: dict[str, dict[str, float]]) -> Any:
    """Recall of every method at every cut-off."""
    series = {name: [row[f"recall@{k}"] for k in _CUTS] for name, row in rows.items()}
    axes = viz.bars([f"first {k}" for k in _CUTS], series)
    axes.set_ylabel("share of the answer found")
    return axes


def single_document_rankings(
    retriever: GraphRetriever, questions: Sequence[str]
) -> dict[str, Ranking]:
    """Rankings by what a document has in common with the question by itself."""
    rankings: dict[str, Ranking] = {"BM25": [], "cosine": [], "BM25 + cosine": []}
    for question in questions:
        hits = sorted(retriever.query(question, k=len(retriever)), key=lambda hit: hit.id)
        lexical = np.array([hit.lexical for hit in hits])
        dense = np.array([hit.dense for hit in hits])
        both = _standardized(lexical) + _standardized(dense)
        for name, values in zip(rankings, (lexical, dense, both), strict=True):
            order = np.argsort(-values, kind="stable")[: max(_CUTS)]
            rankings[name].append([hits[position].id for position in order])
    return rankings


def _standardized(values: NDArray[np.float64]) -> NDArray[np.float64]:
    deviation = float(values.std())
    unit: NDArray[np.float64] = (values - values.mean()) / (deviation if deviation > 0 else 1.0)
    return unit


def scores(config: Config, ids: Ranking, answers: Sequence[Any]) -> dict[str, float]:
    """Scores of a ranking, with intervals of the main ones."""
    found = retrieval_scores(ids, answers, _CUTS, num_bootstrap=config.num_bootstrap)
    return _row({name: (found[name], found[f"{name}_interval"]) for name in _NAMES})


def difference(
    config: Config, first: Ranking, second: Ranking, answers: Sequence[Any]
) -> dict[str, float]:
    """Paired differences of two rankings, with intervals of the main ones."""
    found = compare_retrieval(first, second, answers, _CUTS, num_bootstrap=config.num_bootstrap)
    return _row({name: (found[name]["difference"], found[name]["interval"]) for name in _NAMES})


def _row(found: dict[str, tuple[float, tuple[float, float]]]) -> dict[str, float]:
    row = {name: value for name, (value, _) in found.items()}
    for name in _WITH_INTERVAL:
        row[f"{name} low"], row[f"{name} high"] = found[name][1]
    return row


def load(config: Config) -> tuple[list[Document], list[str], list[Any], Any, Any]:
    """Documents, questions, ids that answer each, and the encoders of both.

    That of the questions is None where it is the same.
    """
    if config.dataset == "python_stdlib":
        documents, questions, answers = modules()
        return documents, questions, answers, *encoders(config.encoder)
    data = MultiHopQA(config.root, config.dataset)  # type: ignore[arg-type]
    documents = [Document(d.id, d.text, d.title) for d in data.documents]
    questions = [question.text for question in data.questions]
    answers = [question.documents for question in data.questions]
    if config.encoder != "stored":
        return documents, questions, answers, *encoders(config.encoder)
    rows = dict(zip((d.full_text for d in documents), data.embedding("document"), strict=True))
    rows |= dict(zip(questions, data.embedding("question"), strict=True))
    return documents, questions, answers, StoredEncoder(rows), None


def encoders(name: str) -> tuple[TextEncoder, TextEncoder | None]:
    """Encoder of documents, and that of questions where the model's card wants another prefix."""
    documents, questions = TextEncoder(name, role="document"), TextEncoder(name, role="query")
    return documents, None if questions.prefix == documents.prefix else questions


def modules() -> tuple[list[Document], list[str], list[Any]]:
    """The standard library: documents are modules without the paragraph that is the question."""
    library = python_stdlib()
    documents, questions, answers = [], [], []
    known = set(library.name)
    for name, text in zip(library.name, library.text, strict=True):
        first, _, rest = text.partition("\n\n")
        documents.append(Document(name, rest.strip() or first, name))
        named = {word for word in re.findall(r"[a-z_][a-z_.0-9]*", rest) if len(word) > 3} & known
        if named - {name} and rest.strip():
            questions.append(first)
            answers.append(sorted(named | {name}))
    return documents, questions, answers


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS)
