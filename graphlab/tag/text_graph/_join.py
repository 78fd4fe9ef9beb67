"""Texts of a PyG graph, joined by name where names exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab._checks.graph_objects import check_data
from graphlab._labels import class_numbers, encode_labels
from graphlab.tag._texts import as_list

__all__: list[str] = []


def join_texts(
    data: Data,
    text: Sequence[str] | Mapping[Any, str],
    node_id: Sequence[Any] | None,
    labels: Sequence[Any] | Tensor | None,
    label_names: Sequence[str] | None = None,
) -> Sequence[str]:
    """Texts of a graph's nodes, in their order.

    Raises:
        ValueError: If names or texts are missing, or labels that came with the texts differ.
    """
    data = check_data(data)
    if isinstance(text, Mapping):
        if node_id is None or len(node_id) != data.num_nodes:
            got = None if node_id is None else len(node_id)
            raise ValueError(f"node_id must name the {data.num_nodes} nodes, got {got} names")
        if len(set(node_id)) != len(node_id):
            raise ValueError("node_id must be distinct")
        missing = [name for name in node_id if name not in text]
        if missing:
            raise ValueError(f"text lacks {len(missing)} nodes: {missing[:5]}")
        return [text[name] for name in node_id]
    if len(text) != data.num_nodes:
        raise ValueError(
            f"text must have {data.num_nodes} entries, got {len(text)}; are these the texts of "
            "another version of the graph? Join them by name: text={name: text}, node_id=..."
        )
    if labels is not None:
        _compare_labels(encode_labels(labels, label_names)[0], data.y)
    return as_list(text, "text")


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
