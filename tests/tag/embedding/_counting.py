"""Texts, and an encoder that counts what it embeds."""

from __future__ import annotations

from graphlab.tag.embedding import FakeTextEncoder

TEXTS = [f"text number {i} " + "word " * (i % 7) for i in range(50)]


class Counting(FakeTextEncoder):
    """Counts what it embeds."""

    def __init__(self) -> None:
        super().__init__(dim=8)
        self.seen: list[list[str]] = []

    def __call__(self, texts):
        self.seen.append(list(texts))
        return super().__call__(texts)
