"""Questions whose answers lie in several documents: samples of HotpotQA and MuSiQue."""

from __future__ import annotations

import gzip
import json
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_choice
from graphlab._download import data_root, sha256_of

__all__ = ["MultiHopQA", "Passage", "Question"]

_SHA256 = {
    "hotpotqa": {
        "documents.json": "3fe7646bb5df4c45abd2783a13783bf9a335cc9823026b39520bc09ec99c0894",
        "questions.json": "d669935102bc5ba811c52cdad2307cce00a8340b52c5a4b10542732877379186",
        "minilm.npz": "a4fc861785ae86285dcea88a1ea25e4977ee37d38ff86089ef1da444fbdfb31a",
    },
    "musique": {
        "documents.json": "a4c35b4d9b8dc3c069144ca71937ad74eb949824cfe3295b1b3c3ab093cd8f63",
        "questions.json": "0f86c38b55eb7f84fdb9759531eb20596cde29f9ed6feb6378eb572b869f8279",
        "minilm.npz": "1e2e4ae05f45fa723e264ad43274e8e8eb345064a7f71d5676e099d5bd644d67",
        "triples.tsv.gz": "68ca1b83c05b72dc143cba6eb07968ab27c3f9500e05f847e01b5bfbb1969bfa",
    },
}


class Passage(NamedTuple):
    """A document.

    Attributes:
        id (int): Its number.
        title (str): Its title; several passages may share one.
        text (str): Its text, without the title.
    """

    id: int
    title: str
    text: str


class Question(NamedTuple):
    """A question and what answers it.

    Attributes:
        id (str): Its id in the data set it comes from.
        text (str): The question.
        answers (tuple[str, ...]): Right answers, the main one first.
        documents (tuple[int, ...]): Ids of the passages that answer it together.
        hops (int): How many passages that takes.
    """

    id: str
    text: str
    answers: tuple[str, ...]
    documents: tuple[int, ...]
    hops: int


class MultiHopQA:
    """Samples of HotpotQA and MuSiQue with 100 questions each, and the passages to search.

    ============  ========  =========  ==========================
    name          passages  questions  passages that answer a question
    ============  ========  =========  ==========================
    ``hotpotqa``  994       100        2
    ``musique``   1,890     100        2.37 (2 to 4)
    ============  ========  =========  ==========================

    The samples are those of HippoRAG. They are small (the standard error of a recall is about .03),
    English, and were drawn from training questions: enough to compare methods with intervals, not
    to claim a state of the art. Nothing is fetched: files are expected in ``<root>/<name>`` and are
    checked against their SHA-256.

    Args:
        root (path, optional): Folder of the sets; None means ``multihop`` in the data root of
            graphlab (``GRAPHLAB_ROOT``, else ``./data``).
        name (str): ``"hotpotqa"`` or ``"musique"``.

    Raises:
        FileNotFoundError: If a file is missing, with its SHA-256 and where it belongs.
        ValueError: If a file has another content, or the name is unknown.

    Reference: Yang et al., "HotpotQA", EMNLP 2018; Trivedi et al., "MuSiQue", TACL 2022; Gutierrez
        et al., "HippoRAG", NeurIPS 2024.
    """

    def __init__(
        self, root: str | Path | None = None, name: Literal["hotpotqa", "musique"] = "musique"
    ) -> None:
        check_choice(name, "name", tuple(_SHA256))
        self.name = name
        self.root = (data_root(None) / "multihop" if root is None else data_root(root)) / name
        missing = [
            f"  {self.root / file}  (sha256 {digest})"
            for file, digest in _SHA256[name].items()
            if not (self.root / file).is_file()
        ]
        if missing:
            raise FileNotFoundError(
                "\n".join([f"MultiHopQA({name!r}) lacks {len(missing)} file(s). Place", *missing])
            )

    def __repr__(self) -> str:
        return f"MultiHopQA({self.name!r})"

    def _file(self, file: str) -> Path:
        path = self.root / file
        if sha256_of(path) != _SHA256[self.name][file]:
            raise ValueError(f"{path} must have the SHA-256 {_SHA256[self.name][file]}")
        return path

    def _json(self, file: str) -> list[dict[str, Any]]:
        content: list[dict[str, Any]] = json.loads(self._file(file).read_text(encoding="utf-8"))
        return content

    @cached_property
    def documents(self) -> list[Passage]:
        """Passages, numbered from 0 in their order."""
        return [Passage(d["id"], d["title"], d["text"]) for d in self._json("documents.json")]

    @cached_property
    def questions(self) -> list[Question]:
        """Questions with their answers."""
        return [
            Question(
                str(q["id"]),
                q["question"],
                (q["answer"], *q.get("answer_aliases", ())),
                tuple(q["supporting_documents"]),
                q.get("hops", len(q["supporting_documents"])),
            )
            for q in self._json("questions.json")
        ]

    @cached_property
    def triples(self) -> list[tuple[str, str, str, int]]:
        """Head, relation, tail and passage of facts that GPT-3.5 found; MuSiQue only.

        Raises:
            ValueError: For another set.
        """
        if "triples.tsv.gz" not in _SHA256[self.name]:
            raise ValueError(f"name must be 'musique' to have triples, got {self.name!r}")
        with gzip.open(self._file("triples.tsv.gz"), "rt", encoding="utf-8", newline="\n") as lines:
            rows = [line.rstrip("\n").split("\t") for line in lines]
        return [(head, relation, tail, int(passage)) for head, relation, tail, passage in rows]

    def embedding(self, kind: Literal["question", "document"]) -> Tensor:
        """Stored embeddings by all-MiniLM-L6-v2 (of a passage: title, line break, text).

        Args:
            kind (str): ``"question"`` or ``"document"``.

        Returns:
            Tensor: ``(rows, 384)`` float32 with rows of norm 1.
        """
        check_choice(kind, "kind", ("question", "document"))
        with np.load(self._file("minilm.npz"), allow_pickle=False) as arrays:
            return torch.from_numpy(arrays[kind].astype(np.float32))
