"""Weights of the authors' release."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphlab._io import read_json, user_path
from graphlab.tag._weights_file import read_plain_tensors
from graphlab.tag.retrieval.gfm.model import QueryGNN

__all__: list[str] = []

_WEIGHTS, _CONFIG = "model.pth", "config.json"

_NAMES = (
    (re.compile(r"^entity_model\.layers\.(\d+)\.layer_norm\."), r"layers.\1.norm."),
    (re.compile(r"^entity_model\.layers\.(\d+)\."), r"layers.\1."),
    (re.compile(r"^entity_model\.mlp\."), "score_mlp."),
    (re.compile(r"^rel_mlp\."), "relation_linear."),
    (re.compile(r"^question_mlp\."), "query_linear."),
)
#: Names of settings in the release's configuration, and here.
_SETTINGS = {"message_func": "message", "aggregate_func": "aggregate"}
_REQUIRED = {"short_cut": True, "layer_norm": True}


def read_official(path: str | os.PathLike[str], settings: Mapping[str, Any]) -> QueryGNN:
    """Network with the weights of a release.

    Only tensors are unpickled. Every key must be one of the network: nothing is skipped in silence.

    Args:
        path (path): ``model.pth``, or its folder; a ``config.json`` beside it is compared.
        settings (Mapping): Arguments of :class:`QueryGNN` but its width.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If keys, shapes or settings are not those expected, naming them.
    """
    file = user_path(path)
    if file.is_dir():
        file = file / _WEIGHTS
    _compare_settings(file.parent / _CONFIG, settings)
    state = {_renamed(key): value for key, value in read_plain_tensors(file, "model").items()}
    width = state.get("query_linear.weight")
    if width is None or width.dim() != 2:
        raise ValueError(f"{file} lacks the key question_mlp.weight: it is no GFM-RAG retriever")
    model = QueryGNN(int(width.size(1)), **settings)
    expected = model.state_dict()
    missing, unexpected = sorted(set(expected) - set(state)), sorted(set(state) - set(expected))
    if missing or unexpected:
        raise ValueError(
            f"{file} lacks {missing!s:.900} and has {unexpected!s:.900}: give GFMRetriever the "
            "num_layers of the release; one that embeds its entities (use_ent_emb) is not supported"
        )
    wrong = [key for key, value in state.items() if value.shape != expected[key].shape]
    if wrong:
        key = wrong[0]
        raise ValueError(
            f"{file} has {len(wrong)} tensors of another shape, such as {key} "
            f"{tuple(state[key].shape)} instead of {tuple(expected[key].shape)}: give GFMRetriever "
            "the hidden and aggregate of the release"
        )
    model.load_state_dict(state)
    return model.eval()


def _renamed(key: str) -> str:
    key = key.removeprefix("module.")  # of parallel training
    for pattern, name in _NAMES:
        key = pattern.sub(name, key)
    return key


def _compare_settings(path: Path, settings: Mapping[str, Any]) -> None:
    if not path.is_file():
        return
    config = read_json(path)
    try:
        found = dict(config["model_config"]["entity_model"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} must describe model_config.entity_model: {error!r}") from error
    for name, own in _SETTINGS.items():
        if name in found and found[name] != settings[own]:
            raise ValueError(
                f"{path} says {name}={found[name]!r}: give GFMRetriever({own}={found[name]!r}), "
                f"got {settings[own]!r}"
            )
    for name, needed in _REQUIRED.items():
        if name in found and found[name] != needed:
            raise ValueError(f"{path} says {name}={found[name]!r}: only {needed} is supported")
