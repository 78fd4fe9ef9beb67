"""Text graphs from networkx."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from graphlab._checks.graph_objects import check_networkx
from graphlab._labels import encode_labels

__all__: list[str] = []


def read_networkx(
    graph: Any,
    text: str,
    label: str | None,
    edge_text: str | None,
    label_names: Sequence[str] | None,
    label_descriptions: Sequence[str] | None,
) -> dict[str, Any]:
    """Arguments of a text graph that is a networkx graph."""
    nodes = list(check_networkx(graph).nodes(data=True))
    lacking = [name for name, values in nodes if text not in values]
    if lacking:
        raise ValueError(f"{len(lacking)} nodes have no attribute {text!r}: {lacking[:5]!s:.400}")
    position = {name: i for i, (name, _) in enumerate(nodes)}
    result: dict[str, Any] = {
        "node_id": list(position),
        "text": [values[text] for _, values in nodes],
    }
    if label is not None and any(label in values for _, values in nodes):
        y, names = encode_labels([values.get(label) for _, values in nodes], label_names)
        result |= {"y": y, "label_names": names}
    elif label_names is not None:
        result["label_names"] = [str(name) for name in label_names]
    if label_descriptions is not None:
        result["label_descriptions"] = label_descriptions
    edges = [(position[a], position[b], values) for a, b, values in graph.edges(data=True)]
    if edge_text is not None:
        bad = [(a, b) for a, b, values in edges if edge_text not in values]
        if bad:
            raise ValueError(f"{len(bad)} edges have no attribute {edge_text!r}: {bad[:5]!s:.400}")
    if not graph.is_directed():
        edges += [(b, a, values) for a, b, values in edges if a != b]
    edges.sort(key=lambda edge: edge[:2])
    pairs = torch.tensor([edge[:2] for edge in edges], dtype=torch.long, device="cpu").view(-1, 2)
    result["edge_index"] = pairs.t().contiguous()
    if edge_text is not None:
        result["edge_text"] = [values[edge_text] for _, _, values in edges]
    return result
