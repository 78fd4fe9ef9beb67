"""Documents as people hand them in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch_geometric.data.data import BaseData

from graphlab._labels import is_nothing
from graphlab._plain_ids import plain_id
from graphlab._repr import short_repr

__all__ = ["Document"]

DocumentId = str | int


@short_repr
@dataclass(frozen=True, repr=False)
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
        documents (Any): Mapping from id to text or document (a pandas Series is one), a data frame
            with columns ``id``, ``text`` and perhaps ``title`` and ``metadata``, or an iterable of
            documents, of other objects or mappings with these fields, of pairs (id, text), or of
            texts, whose ids are their positions.
        kind (type, optional): Type that ids must have.

    Raises:
        TypeError: If an entry is none of these, or ids differ in type.
        ValueError: If a table lacks a column, a text is empty or an id repeats.
    """
    if isinstance(documents, BaseData):  # which iterates over the names of its tensors
        raise TypeError(
            "documents must be a mapping or an iterable of documents, got a graph of type "
            f"{type(documents).__name__}: pass dict(zip(graph.node_id, graph.text)), or graph.text "
            "for documents 0, 1, ..."
        )
    if isinstance(documents, (str, bytes)) or not isinstance(documents, Iterable):
        raise TypeError(
            "documents must be a mapping or an iterable of documents, got "
            f"{type(documents).__name__}"
        )
    found = [_read(item, i) for i, item in enumerate(_items(documents))]
    seen: set[DocumentId] = set()
    for position, document in enumerate(found):
        _check(document, position, kind)
        kind = type(document.id) if kind is None else kind
        if document.id in seen:
            raise ValueError(f"documents must have distinct ids, but {document.id!r} repeats")
        seen.add(document.id)
    return found


def _items(documents: Any) -> Iterable[Any]:
    """What to read one by one; iterating a table would give the names of its columns."""
    if isinstance(documents, Mapping):
        return documents.items()
    columns = getattr(documents, "columns", None)
    if columns is not None and hasattr(documents, "to_dict"):  # a frame of pandas or polars
        missing = [name for name in ("id", "text") if name not in list(columns)]
        if missing:
            raise ValueError(
                f"documents must have columns 'id' and 'text', but the table has {list(columns)}: "
                "rename them, or pass dict(zip(ids, texts))"
            )
        kept = [name for name in ("id", "text", "title", "metadata") if name in list(columns)]
        return ({name: row[i] for i, name in enumerate(kept)} for row in _rows(documents[kept]))
    if hasattr(documents, "items") and hasattr(documents, "index"):  # a Series: its index has ids
        pairs: Iterable[Any] = documents.items()
        return pairs
    rows: Iterable[Any] = documents
    return rows


def _rows(table: Any) -> Iterable[Any]:
    rows: Iterable[Any] = (
        table.itertuples(index=False, name=None) if hasattr(table, "itertuples") else table.rows()
    )
    return rows


def is_id(identity: Any) -> bool:
    """Whether something can be an id; True and False are no 1 and 0, but parts of a mask."""
    return isinstance(identity, (str, int)) and not isinstance(identity, bool)


def _read(item: Any, position: int) -> Document:
    document = _read_any(item, position)
    identity = plain_id(document.id)
    return document if identity is document.id else replace(document, id=identity)


def _read_any(item: Any, position: int) -> Document:
    if isinstance(item, Document):
        return item
    if isinstance(item, Mapping):
        if "id" not in item or "text" not in item:
            raise TypeError(
                f"documents[{position}] must have the fields 'id' and 'text', got {list(item)}"
            )
        metadata = _metadata(item.get("metadata"))
        return Document(item["id"], item["text"], _title(item.get("title")), metadata)
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
        return Document(item.id, item.text, _title(title), _metadata(metadata))
    raise TypeError(
        f"documents[{position}] must be a Document, an object or dict with id and text, a pair "
        f"(id, text) or a text, got {type(item).__name__}"
    )


def _title(title: Any) -> Any:
    """A title; none where it is missing, as pandas writes that too."""
    return "" if is_nothing(title) else title


def _metadata(metadata: Any) -> Any:
    """Metadata; none where it is missing, as pandas writes that too."""
    return None if isinstance(metadata, float) and is_nothing(metadata) else metadata


def _check(document: Document, position: int, kind: type | None) -> None:
    identity = document.id
    if not is_id(identity):
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
