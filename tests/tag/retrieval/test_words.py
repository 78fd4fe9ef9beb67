"""Letters of any script in documents and questions, and folders from before they were read."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlab.tag import GraphRetriever, HashingEncoder
from graphlab.tag.retrieval import _corpus_arrays, _stored, capitalised_names, tokenize

DOCUMENTS = {
    "lodz": "\u0141\u00f3d\u017a is a large town.",
    "cafe": "She wrote in a caf\u00e9 of \u0141\u00f3d\u017a.",
    "street": "The house is in a stra\u00dfe.",
    "kyiv": "\u041a\u0438\u0457\u0432 \u0441\u0442\u043e\u043b\u0438\u0446\u044f.",
    "d": "Vitamin D is a letter; the caf machine.",
    "z": "x",
}
QUESTIONS = {
    "\u0141\u00f3d\u017a town": "lodz",
    "caf\u00e9": "cafe",
    "STRASSE": "street",
    "\u0441\u0442\u043e\u043b\u0438\u0446\u044f": "kyiv",
    "\uff43\uff41\uff46": "d",  # full width
}


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@pytest.mark.parametrize("change", [str.upper, str.lower, str.casefold])
def test_words_are_found_however_they_are_typed(form: str, change: Any) -> None:
    other = "NFD" if form[-1] == "C" else "NFC"
    typed = {key: unicodedata.normalize(other, text) for key, text in DOCUMENTS.items()}
    retriever = GraphRetriever(max_share=1.0).index(typed)
    for question, wanted in QUESTIONS.items():
        (hit,) = retriever.query(unicodedata.normalize(form, change(question)), k=1, explain=True)
        assert hit.id == wanted
    assert "\u0142\u00f3d\u017a" in retriever.query("lodz caf\u00e9", k=1, explain=True)[0].via


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_keeps_its_words(text: str) -> None:
    assert tokenize(text) == re.findall("[a-z0-9]+", text.lower())


@given(st.text())
def test_words_do_not_depend_on_the_form(text: str) -> None:
    found = tokenize(text)
    assert found == tokenize(unicodedata.normalize("NFKC", text)) or "\u2122" in text
    assert [word for one in found for word in tokenize(one)] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("\u0939\u093f\u0928\u094d\u0926\u0940 x", ["\u0939\u093f\u0928\u094d\u0926\u0940", "x"]),
        ("x\u030cy \u0301", ["x\u030cy"]),
        ("Intel\u2122 soft\u00adhyphen a_b", ["intel", "softhyphen", "a", "b"]),
        ("\U0001f44d \u2026 \ud83d!", []),
    ],
)
def test_marks_and_signs(text: str, found: list[str]) -> None:
    assert tokenize(text) == found


def test_names_with_accents() -> None:
    text = "In \u0141\u00f3d\u017a she met \u00c9lise X\u030cyz."
    for form in ("NFC", "NFD"):
        typed = capitalised_names(unicodedata.normalize(form, text))
        assert typed == ["\u0141\u00f3d\u017a", "\u00c9lise X\u030cyz"]


# --- folders of the earlier rule ------------------------------------------------------------------


def _earlier(folder: Path, documents: Any, encoder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Save what a version before these letters would have saved."""
    if encoder is not None:
        encoder._rule = 1
    with monkeypatch.context() as patch:
        known = _corpus_arrays.arrays
        patch.setattr(
            _corpus_arrays, "arrays",
            lambda *given: {k: v for k, v in known(*given).items() if k != "rule"},
        )  # fmt: skip
        patch.setattr(
            _stored, "default_tokenize", lambda text: re.findall("[a-z0-9]+", text.lower())
        )
        retriever = GraphRetriever(encoder).index(documents)
        retriever.use("citations", [tuple(documents)[:2]]).save(folder)


def test_an_earlier_folder_is_read_again(tmp_path: Path, monkeypatch: Any) -> None:
    _earlier(tmp_path, DOCUMENTS, None, monkeypatch)
    found = GraphRetriever.load(tmp_path)
    want = GraphRetriever().index(DOCUMENTS).use("citations", [("lodz", "cafe")])
    for question in QUESTIONS:
        assert found.query(question) == want.query(question)
    found.save(tmp_path)
    assert GraphRetriever.load(tmp_path).query("caf\u00e9") == want.query("caf\u00e9")


def test_an_earlier_folder_with_hashed_words(tmp_path: Path, monkeypatch: Any) -> None:
    plain = {key: f"{key} is plain" for key in DOCUMENTS}
    _earlier(tmp_path, plain, HashingEncoder(16), monkeypatch)
    found = GraphRetriever.load(tmp_path, encoder=HashingEncoder(16))
    want = GraphRetriever(HashingEncoder(16)).index(plain).use("citations", [("lodz", "cafe")])
    hits = found.query("lodz plain"), want.query("lodz plain")
    assert [hit.id for hit in hits[0]] == [hit.id for hit in hits[1]]
    assert [hit.dense for hit in hits[0]] == pytest.approx([hit.dense for hit in hits[1]], abs=1e-5)
    with pytest.raises(ValueError, match=r"got 'hashing-2-[0-9a-f]+'$"):
        GraphRetriever.load(tmp_path, encoder=HashingEncoder(8))
    _earlier(tmp_path, DOCUMENTS, HashingEncoder(16), monkeypatch)
    with pytest.raises(ValueError, match="'hashing-1-.*index the documents again"):
        GraphRetriever.load(tmp_path, encoder=HashingEncoder(16))


def test_a_folder_of_a_later_rule_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(_corpus_arrays, "_RULE", 3)
        GraphRetriever().index(DOCUMENTS).save(tmp_path)
    with pytest.raises(ValueError, match="rule must be 1 or 2, got 3: a later version saved it"):
        GraphRetriever.load(tmp_path)


def test_what_only_a_forbidden_document_tells_is_not_found() -> None:
    """As docs/retrieval.md says; the walk may not go through a document that is not allowed."""
    retriever = GraphRetriever().index(
        {
            "curie": "Marie Curie was born in Warsaw.",
            "warsaw": "Warsaw is the capital of Poland.",
            "bananas": "Bananas are rich in potassium.",
        }
    )
    question, allow = "Which country was Curie born in?", ["warsaw", "bananas"]
    assert [hit.id for hit in retriever.query(question, k=2)] == ["curie", "warsaw"]
    (hit,) = retriever.query(question, k=1, allow=allow)
    assert hit.id == "bananas" and 0 < hit.lexical < 1
    assert retriever.query("What is Warsaw the capital of?", k=1, allow=allow)[0].id == "warsaw"
