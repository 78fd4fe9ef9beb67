"""Documents as people hand them in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Document"]

DocumentId = str | int


@dataclass(frozen=True)
class Document:
    """A text under an id.

    Attributes:
        id (str or int): Its id; ids of one retriever are all of one type.
        text (str): Its text, not empty.
        title (str): Its title; others link to it by this name.
        metadata (dict, optional): JSON values, kept as they are.
    """

    id: DocumentId
    text: str
    title: str = ""
    metadata: dict[str, Any] | None = None

    @property
    def full_text(self) -> str:
        """Title and text: what is indexed and embedded."""
        return f"{self.title}\n{self.text}" if self.title else self.text


def read_documents(documents: Any, kind: type | None = None) -> list[Document]:
    """Read documents in any of the forms of :meth:`GraphRetriever.index`, and check them.

    Args:
        documents (Any): Mapping from id to text or document, or an iterable of documents, of other
            objects with ``id``, ``text`` and perhaps ``title``, of pairs (id, text), or of texts,
            whose ids are their positions.
        kind (type, optional): Type that ids must have.

    Raises:
        TypeError: If an entry is none of these, or ids differ in type.
        ValueError: If a text is empty or an id repeats.
    """
    if isinstance(documents, (str, bytes)) or not isinstance(documents, Iterable):
        raise TypeError(
            "documents must be a mapping or an iterable of documents, got "
            f"{type(documents).__name__}"
        )
    if isinstance(documents, Mapping):
        found = [_read(pair, i) for i, pair in enumerate(documents.items())]
    else:
        found = [_read(item, i) for i, item in enumerate(documents)]
    seen: set[DocumentId] = set()
    for position, document in enumerate(found):
        _check(document, position, kind)
        kind = type(document.id) if kind is None else kind
        if document.id in seen:
            raise ValueError(f"documents must have distinct ids, but {document.id!r} repeats")
        seen.add(document.id)
    return found


def _read(item: Any, position: int) -> Document:
    if isinstance(item, Document):
        return item
    if isinstance(item, str):
        return Document(position, item)
    if isinstance(item, tuple) and len(item) == 2 and not hasattr(item, "text"):
        identity, content = item
        if isinstance(content, Document):
            if content.id != identity:
                raise ValueError(
                    f"documents[{identity!r}] must have the id it is listed under, got "
                    f"{content.id!r}"
                )
            return content
        return Document(identity, content)
    if hasattr(item, "id") and hasattr(item, "text"):
        title, metadata = getattr(item, "title", ""), getattr(item, "metadata", None)
        return Document(item.id, item.text, title or "", metadata)
    raise TypeError(
        f"documents[{position}] must be a Document, an object with id and text, a pair (id, text) "
        f"or a text, got {type(item).__name__}"
    )


def _check(document: Document, position: int, kind: type | None) -> None:
    identity = document.id
    if isinstance(identity, bool) or not isinstance(identity, (str, int)):
        raise TypeError(f"documents[{position}].id must be str or int, got {identity!r}")
    if kind is not None and type(identity) is not kind:
        raise TypeError(
            f"documents must have ids of one type, {kind.__name__}, but documents[{position}] has "
            f"{identity!r}"
        )
    for name in ("text", "title"):
        if not isinstance(getattr(document, name), str):
            raise TypeError(
                f"documents[{position}].{name} must be str, got "
                f"{type(getattr(document, name)).__name__} (id {identity!r})"
            )
    if not document.text.strip():
        raise ValueError(
            f"documents[{position}] must have a text, but that of {identity!r} is empty"
        )
