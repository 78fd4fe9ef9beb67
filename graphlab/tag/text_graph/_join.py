"""Texts of a PyG graph, joined by name where names exist."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab._checks import check_list
from graphlab._checks.graph_objects import check_data
from graphlab._labels import class_numbers, encode_labels
from graphlab.tag._ids import repeated_in
from graphlab.tag._texts import as_list

__all__: list[str] = []


def join_texts(
    data: Data,
    text: Any,
    node_id: Sequence[Any] | None,
    labels: Sequence[Any] | Tensor | None,
    label_names: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Texts of a graph's nodes in their order, and the names of the nodes if they were given.

    Raises:
        TypeError: If ``text`` is a table, or ``node_id`` no list of names.
        ValueError: If names or texts are missing or repeat, or labels that came with the texts
            differ.
    """
    data = check_data(data)
    names = None if node_id is None else _names(node_id, data.num_nodes)
    named = _by_name(text, names)
    found = _by_position(text, data.num_nodes) if named is None else _joined(named, names, data)
    if labels is not None:
        given = encode_labels(labels, label_names)[0]
        if named is not None and names is not None:
            given = _in_order(given, named, names)
        _compare_labels(given, data.y)
    return {"text": found} if names is None else {"text": found, "node_id": names}


def _names(node_id: Any, count: int) -> list[Any]:
    """Distinct names of all nodes, as plain values."""
    listed = check_list(node_id, "node_id", "names")
    # Numbers of torch and of numpy are no keys of a dict, or are shown as what they are not.
    names = node_id.tolist() if hasattr(node_id, "tolist") else listed
    if len(listed) != count:
        raise ValueError(f"node_id must name the {count} nodes, got {len(listed)} names")
    odd = [name for name in names if not isinstance(name, Hashable)]
    if odd:
        raise TypeError(f"node_id must hold names or numbers, got {odd[0]!r:.80}")
    repeated = repeated_in(names)
    if repeated:
        raise ValueError(f"node_id must be distinct, but {repeated[:5]!s:.400} repeat")
    return list(names)


def _by_name(text: Any, names: list[Any] | None) -> Mapping[Any, Any] | None:
    """Texts by the names of their nodes; None for texts in the order of the nodes."""
    if isinstance(text, Mapping):
        return text
    if hasattr(text, "columns"):
        raise TypeError(
            f"text must hold a text per node, got {type(text).__name__}: pass the column of a table"
        )
    if not (hasattr(text, "items") and hasattr(text, "index")):
        return None
    # A Series of pandas. Numbered by itself it is a list; any other index names what it holds.
    index = text.index
    keys = index.tolist()
    counted = keys == list(range(len(keys)))
    if counted and type(index).__name__ == "RangeIndex":
        _refuse_either(keys, names)
        return None
    if names is None:
        if counted:
            return None
        raise ValueError(
            f"node_id must name the nodes where text is a Series with an index of names, "
            f"{keys[:3]!s:.200} and so on, got None; text.tolist() goes by position"
        )
    repeated = repeated_in(keys)
    if repeated:
        raise ValueError(f"the index of text must be distinct, but {repeated[:5]!s:.400} repeat")
    return dict(zip(keys, text.tolist(), strict=True))


def _refuse_either(keys: list[int], names: list[Any] | None) -> None:
    """Refuse names that are positions in another order: pandas numbers so, and so do people."""
    if names is not None and names != keys and set(names) == set(keys):
        raise ValueError(
            "text must say how it is joined, as node_id has the numbers of its index in another "
            "order: text.tolist() goes by position, text.to_dict() by node_id, got a Series with a "
            "RangeIndex"
        )


def _by_position(text: Any, count: int) -> Sequence[str]:
    if len(text) != count:
        raise ValueError(
            f"text must have {count} entries, got {len(text)}; are these the texts of "
            "another version of the graph? Join them by name: text={name: text}, node_id=..."
        )
    return as_list(text, "text")


def _joined(text: Mapping[Any, str], names: list[Any] | None, data: Data) -> list[str]:
    if names is None:
        raise ValueError(f"node_id must name the {data.num_nodes} nodes, got None")
    missing = [name for name in names if name not in text]
    if missing:
        raise ValueError(
            f"text lacks {len(missing)} nodes: {missing[:5]!s:.400} "
            f"(it has {list(text)[:3]!s:.200} and so on)"
        )
    return [text[name] for name in names]


def _in_order(labels: Tensor, text: Mapping[Any, str], names: list[Any]) -> Tensor:
    """Labels in the order of texts by name, as labels of the nodes."""
    if labels.dim() != 1 or len(labels) != len(text):
        raise ValueError(
            f"labels must have one entry per text, {len(text)}, got {tuple(labels.shape)}"
        )
    place = {name: i for i, name in enumerate(text)}
    return labels[torch.tensor([place[name] for name in names], dtype=torch.long, device="cpu")]


def _compare_labels(given: Tensor, own: Tensor | None) -> None:
    if own is None or own.shape != given.shape:
        raise ValueError(f"labels must have the shape of data.y, got {tuple(given.shape)}")
    given, own = given.cpu(), class_numbers(own.cpu())
    if torch.equal(given, own):
        return
    agreement = float((given == own).double().mean())
    same = torch.equal(given.sort().values, own.sort().values)
    reason = (
        "they are the same nodes in another order"
        if same
        else "the order of the nodes or the numbers of the classes differ"
    )
    raise ValueError(f"only {agreement:.1%} of the labels equal data.y: {reason}")
