"""Models at the Hugging Face hub: whether it answers, and what their cards ask for."""

from __future__ import annotations

import os
import re
import socket
import threading
from typing import Any, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

__all__: list[str] = []

Role = Literal["feature", "query", "document"]
ROLES: tuple[Role, ...] = ("feature", "query", "document")

_PATIENCE = 4.0  # seconds; a connection to a server that is there takes less than one
_TASK = "Given a web search query, retrieve relevant passages that answer the query"

_BGE = {
    "en": "Represent this sentence for searching relevant passages: ",
    "zh": "为这个句子生成表示以用于检索相关文章：",  # noqa: RUF001  (as it was trained)
}

_SMALL_GTE = ("gte-small", "gte-base", "gte-large")


def full_name(name: str) -> str:
    """Name at the hub of an encoder that is known by a short one; any other name as it is."""
    if "/" in name:
        return name
    folded = name.casefold()
    if folded in _SMALL_GTE:
        return f"thenlper/{folded}"
    if folded.startswith("gte-qwen"):
        return f"Alibaba-NLP/{name}"
    if folded.startswith("gte-"):
        return f"Alibaba-NLP/{folded}"
    if folded.startswith("qwen3-embedding-"):
        return "Qwen/Qwen3-Embedding-" + folded.rpartition("-")[2].upper()
    if folded.startswith(("e5-", "multilingual-e5-")):
        return f"intfloat/{folded}"
    return f"BAAI/{folded}" if folded.startswith("bge-") else name


def card_prefix(name: str, role: Role) -> str:
    """What the card of a model asks to put before a text.

    E5 wants ``"query: "`` before questions and before texts whose embeddings are compared with each
    other or used as features, ``"passage: "`` before what is searched. Encoders that follow
    instructions (E5 with ``instruct`` or Mistral, GTE of Qwen2, Qwen3) want one before questions
    alone, BGE a sentence, in English or Chinese; BGE-M3, other GTE and MiniLM nothing.
    """
    folded = name.casefold().rstrip("/").rpartition("/")[2]
    instructed = "instruct" in folded or "mistral" in folded
    if folded.startswith(("e5-", "multilingual-e5-")) and not instructed:
        return "passage: " if role == "document" else "query: "
    if role != "query":
        return ""
    if folded.startswith("qwen3-embedding"):
        return f"Instruct: {_TASK}\nQuery:"
    if folded.startswith(("e5-", "multilingual-e5-", "gte-qwen")):
        return f"Instruct: {_TASK}\nQuery: "
    # Not those that are large language models (bge-en-icl), which want examples.
    bge = re.match(r"bge-(?:small|base|large)-(en|zh)", folded)
    return _BGE[bge[1]] if bge else ""


def hub_options() -> dict[str, Any]:
    """Options of a loader: only what lies in the cache where the hub does not answer.

    Its own client tries again for a minute before it says so.
    """
    if _is_set("HF_HUB_OFFLINE") or _is_set("TRANSFORMERS_OFFLINE") or not _hub_answers():
        return {"local_files_only": True}
    return {}


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").casefold() in ("1", "true", "yes", "on")


def _hub_answers() -> bool:
    address = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    host = address.hostname or ""
    proxy = getproxies().get(address.scheme)
    if proxy and not proxy_bypass(host):
        address = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        host = address.hostname or ""
    port = address.port or (80 if address.scheme == "http" else 443)
    found: list[bool] = []
    # In a thread, as the look-up of a name has no limit of its own.
    thread = threading.Thread(target=_connect, args=(host, port, found), daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    return bool(found)


def _connect(host: str, port: int, found: list[bool]) -> None:
    try:
        socket.create_connection((host, port), timeout=_PATIENCE).close()
        found.append(True)
    except OSError:
        pass
