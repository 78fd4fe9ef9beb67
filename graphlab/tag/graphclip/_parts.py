"""Parts that are named instead of brought: a pretrained tower, the text encoder it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from graphlab._checks import warn_caller
from graphlab.tag._text_encoder import AnyEncoder, encode_function, encoded
from graphlab.tag.embedding._named import encoder_of_name
from graphlab.tag.graphclip.model import GraphCLIP, check_tower
from graphlab.tag.graphclip.sampler import SubgraphSampler
from graphlab.tag.text_graph import TextGraph


def find_tower(model: Any) -> GraphCLIP:
    """A tower, or the one of that name or folder.

    Raises:
        FileNotFoundError, ImportError, ValueError: See :meth:`GraphCLIP.from_pretrained`.
        TypeError: If it is neither.
    """
    return GraphCLIP.from_pretrained(model) if isinstance(model, str) else check_tower(model)


def find_encoder(encoder: Any, text_model: str) -> AnyEncoder:
    """A text encoder, the one of that name, or the one a tower was aligned with.

    Raises:
        ValueError: If none is given and the tower names none.
        ImportError, OSError: If the one named cannot be loaded.
        TypeError: If it is neither.
    """
    if encoder is None and not text_model:
        raise ValueError(
            "encoder must be given: the model does not name the text encoder that it was aligned "
            "with (GraphCLIP(tower, text_model=...) does)"
        )
    found = encoder_of_name(text_model if encoder is None else encoder)
    encode_function(found, also="be a name, or ")
    return found  # type: ignore[no-any-return]


def embed(encoder: AnyEncoder, texts: Sequence[str], width: int | None = None) -> Tensor:
    """Embeddings ``(P, D)`` float32 on the CPU, checked.

    Raises:
        TypeError: If the encoder embeds no texts.
        ValueError: If it gives another number of rows, or another width than ``width``.
    """
    rows = encoded(encoder, texts)
    if width is not None and rows.size(1) != width:
        raise ValueError(
            f"encoder must give {width} columns, as the graph tower does, got {rows.size(1)}"
        )
    return rows


def identity_of(encoder: AnyEncoder) -> str | None:
    """What a text encoder calls itself, as far as it does."""
    name = getattr(encoder, "identity", None)
    return name if isinstance(name, str) else None


def check_same_encoder(encoder: AnyEncoder, identity: str | None) -> None:
    """Require the encoder of the fit of an object that was loaded.

    Another one of the same width would give numbers, but no meaning.

    Raises:
        ValueError: If it is another one, as far as the one of the fit is known.
    """
    found = identity_of(encoder)
    if identity is not None and found != identity:
        raise ValueError(f"encoder must be that of the fit, {identity!r:.80}, got {found!r:.80}")


def warn_of_hashed_words(encoder: Any, text_model: str) -> None:
    """Say that a tower meets hashed words, which are as wide as what it was aligned with."""
    hashed = (identity_of(encoder) or "").startswith("hashing")
    if hashed and text_model and not text_model.startswith("hashing"):
        warn_caller(
            f"encoder hashes words, but the model was aligned with {text_model!r}: its embeddings "
            "mean nothing there. Leave encoder out, or give that one"
        )


def find_sampler(sampler: Any, seed: int = 0) -> SubgraphSampler:
    """A sampler, or the walks of the pretraining.

    Raises:
        TypeError: If it is none.
    """
    if sampler is None:
        return SubgraphSampler(seed=seed)
    if not isinstance(sampler, SubgraphSampler):
        raise TypeError(f"sampler must be a SubgraphSampler, got {type(sampler).__name__}")
    return sampler


def check_text_graph(graph: Any, name: str = "graph") -> TextGraph:
    """Require a graph with a text for every node."""
    if not isinstance(graph, TextGraph):
        raise TypeError(
            f"{name} must be a TextGraph, got {type(graph).__name__}: TextGraph.from_csv(folder) "
            "reads one, TextGraph.from_data(data, texts) makes one of a Data"
        )
    return graph.check()
