"""Encoders that are named instead of brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphlab.tag.embedding.encoder import TextEncoder

__all__: list[str] = []


def encoder_of_name(encoder: Any) -> Any:
    """The encoder of a name; what is no name as it is.

    Raises:
        ImportError, OSError: If the encoder of a name cannot be loaded.
    """
    return TextEncoder(encoder) if isinstance(encoder, str) else encoder


def encoder_of(owner: object, parameter: str) -> Any:
    """The encoder in a parameter of an estimator, which keeps what a name was resolved to.

    The parameter stays as it was given, as scikit-learn wants it.

    Args:
        owner (object): The estimator.
        parameter (str): Its parameter.

    Raises:
        ImportError, OSError: If the encoder of a name cannot be loaded.
    """
    given = getattr(owner, parameter)
    if not isinstance(given, str):
        return given
    kept = vars(owner).setdefault("_named", {})
    if given not in kept:
        kept[given] = encoder_of_name(given)
    return kept[given]


def check_saved(config: Mapping[str, Any], objects: Sequence[str], source: str) -> None:
    """Refuse a saved folder that brings its own encoder: a file must not choose what is downloaded.

    Args:
        config (mapping): Parameters in the folder.
        objects (sequence of str): Parameters that are None in what ``save`` writes, or missing.
        source (str): The folder, for errors.

    Raises:
        ValueError: If one is there.
    """
    for name in objects:
        if config.get(name) is not None:
            raise ValueError(
                f"{name} must not be in a saved folder, but {source} has {config[name]!r:.80}: "
                "give it to load"
            )
