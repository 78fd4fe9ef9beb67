"""The retrieval experiment: what stands before documents and before questions."""

from __future__ import annotations

import dataclasses

import pytest

from experiments.retrieval import run as script
from graphlab.tag.retrieval import Document
from tests.experiments._rows import rows_of
from tests.tag.test_hub_models import Sentences

NAMES = [f"{kind} {number}" for kind in ("Ant", "Bee") for number in range(12)]


@pytest.mark.parametrize(
    ("encoder", "question", "document"),
    [("e5-small-v2", "query: ", "passage: "), ("gte-small", "", "")],
)
def test_documents_and_questions_get_what_the_card_asks_for(
    tmp_path, monkeypatch, encoder, question, document
):
    library = pytest.importorskip("sentence_transformers", reason="needs the extra tag")
    made = []

    def load(source, **_):
        made.append(Sentences(source))
        return made[-1]

    def documents():
        found = [Document(n, f"{n} is near {m}.", n) for n, m in zip(NAMES, NAMES[1:] + NAMES[:1],
                                                                     strict=True)]  # fmt: skip
        return found, [f"What is {n}?" for n in NAMES], [[n] for n in NAMES]

    monkeypatch.setattr(library, "SentenceTransformer", load)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(script, "modules", documents)
    config = dataclasses.replace(script.PRESETS["smoke"], encoder=encoder)
    rows = rows_of(script.run, tmp_path, config)
    assert {"walk", "cosine", "BM25"} <= set(rows)
    seen = [text for model in made for text in model.seen]
    asked = {text for text in seen if "What is" in text}
    assert asked == {f"{question}What is {name}?" for name in NAMES}
    assert all(text.startswith(document) for text in set(seen) - asked)
    assert set(seen) - asked
