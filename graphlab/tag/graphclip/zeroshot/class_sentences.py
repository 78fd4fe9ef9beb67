"""Sentences that name classes, and the comparison with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from graphlab._checks import check_list, check_matrix, check_positive, check_text
from graphlab.tag._text_encoder import AnyEncoder
from graphlab.tag._texts import check_texts
from graphlab.tag.graphclip._parts import embed

__all__ = ["LABEL_TEMPLATES", "class_probabilities"]

#: Sentences of a class where the caller gives none: what a summary of a template says first.
LABEL_TEMPLATES: tuple[str, ...] = ("The central document is about: {c}.",)


def class_probabilities(graph_emb: Tensor, class_emb: Tensor, scale: float = 100.0) -> Tensor:
    """Softmax of scaled cosines between subgraphs and classes.

    Args:
        graph_emb (Tensor): Embeddings of subgraphs, ``(P, D)``.
        class_emb (Tensor): Embeddings of class sentences, ``(C, D)``.
        scale (float): Factor of the cosines, above 0.

    Returns:
        Tensor: Probabilities ``(P, C)``.

    Raises:
        TypeError, ValueError: If an argument is malformed.
    """
    check_matrix(graph_emb, "graph_emb")
    check_matrix(class_emb, "class_emb", cols=graph_emb.size(1))
    scale = check_positive(scale, "scale")
    return (scale * normalize(graph_emb) @ normalize(class_emb).t()).softmax(1)


def check_class_names(given: Sequence[str]) -> list[str]:
    """Require two names at least, all different."""
    names = list(check_texts(given, name="class_names"))
    if len(names) < 2:
        raise ValueError(f"class_names must have at least two entries, got {names}")
    if len(set(names)) < len(names):
        raise ValueError(f"class_names must be different, got {names}")
    return names


def check_sentences(templates: Sequence[str], join: str) -> list[str]:
    """Require sentences with a place for the class.

    Raises:
        TypeError, ValueError: If there is none, or one is no such sentence.
    """
    listed: list[str] = check_list(templates, "templates", "strings")
    if not listed or not all(isinstance(template, str) for template in listed):
        raise TypeError(f"templates must be a list of at least one string, got {templates!r:.80}")
    for template in listed:
        if "{c}" not in template:
            raise ValueError(f"templates must contain {{c}} for the class, got {template!r:.80}")
    check_text(join, "join")
    return listed


def embed_classes(
    encoder: AnyEncoder,
    names: list[str],
    templates: Sequence[str],
    descriptions: Mapping[str, str] | None,
    join: str,
    width: int,
) -> Tensor:
    """Unit embeddings of classes, ``(C, D)``: the mean over the templates.

    Raises:
        TypeError, ValueError: If templates or descriptions are malformed, the encoder's width is
            another, or a class has an embedding of zeros.
    """
    listed = check_sentences(templates, join)
    if descriptions is not None:
        missing = sorted(set(names) - set(descriptions))
        if missing:
            raise ValueError(f"descriptions must cover every class, but lack {missing}")
        for name in names:
            if not isinstance(descriptions[name], str):
                kind = type(descriptions[name]).__name__
                raise TypeError(f"descriptions must be str, but that of {name!r} is {kind}")
    total = torch.zeros(len(names), width, device="cpu")
    for template in listed:
        sentences = [template.replace("{c}", name) for name in names]
        if descriptions is not None:
            sentences = [s + join + descriptions[n] for s, n in zip(sentences, names, strict=True)]
        # Unit vectors: a template with long embeddings would outweigh the others.
        total = total + normalize(embed(encoder, sentences, width))
    empty = [name for name, row in zip(names, total.abs().amax(1).tolist(), strict=True) if not row]
    if empty:
        raise ValueError(
            f"class_names must hold words that the encoder knows, but {empty[0]!r:.80} has an "
            "embedding of zeros, which no node is near to"
        )
    return normalize(total)
