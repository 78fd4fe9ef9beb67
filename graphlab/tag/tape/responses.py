"""Stored chat completions, one file per node, as TAPE publishes them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from graphlab._checks import check_choice, check_int
from graphlab._io import read_json, user_path

__all__ = ["read_tape_responses"]

_LISTED = 10


def read_tape_responses(
    folder: str | os.PathLike[str],
    num_nodes: int,
    *,
    on_missing: Literal["raise", "empty"] = "raise",
) -> list[str]:
    """Read what the model said about every node from ``<folder>/<node>.json``.

    A file holds one chat-completion object; its text is ``choices[0].message.content``, or
    ``generation.content`` as Llama's service writes it. The text is returned whole: TAPE embeds it
    unparsed, the ranked list included.

    Args:
        folder (path): Folder of the files; node numbers are not padded.
        num_nodes (int): N.
        on_missing (str): ``"raise"``, or ``"empty"`` to give nodes without a file or without text
            an empty string.

    Returns:
        list[str]: N texts in the order of the nodes.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If files or texts are missing (the nodes are listed), or a file is no JSON or
            no completion.
    """
    check_choice(on_missing, "on_missing", ("raise", "empty"))
    count = check_int(num_nodes, "num_nodes", minimum=0)
    root = user_path(folder, "folder")
    if not root.is_dir():
        raise FileNotFoundError(f"folder must exist, got {root}")
    paths = [root / f"{node}.json" for node in range(count)]
    absent = [node for node, path in enumerate(paths) if not path.is_file()]
    if absent and on_missing == "raise":
        raise ValueError(f"{root} lacks the files of {len(absent)} nodes: {absent[:_LISTED]}")
    missing = set(absent)
    texts = ["" if node in missing else _content(path) for node, path in enumerate(paths)]
    empty = [node for node, text in enumerate(texts) if not text.strip()]
    if empty and on_missing == "raise":
        raise ValueError(f"{root} has no text for {len(empty)} nodes: {empty[:_LISTED]}")
    return texts


def _content(path: Path) -> str:
    record: Any = read_json(path)
    try:
        # Llama's service and OpenAI's differ in the form of the answer alone.
        if "generation" in record:
            content = record["generation"]["content"]
        else:
            content = record["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"{path} is not a chat completion: it lacks {error}") from error
    if content is not None and not isinstance(content, str):
        raise ValueError(f"{path} is not a chat completion: its content is {type(content)}")
    return content or ""
