"""The Hypergraph Interchange Format (HIF), read and written without loss and without network."""

from __future__ import annotations

import json
import math
import os
from functools import lru_cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data, hypergraph_data

from graphlab._checks import check_edge_index
from graphlab._checks.caller import warn_caller
from graphlab._graphs.hypergraph import SizedHyperGraphData
from graphlab._graphs.typed import HyperGraphData
from graphlab._io import atomic_write, user_path
from graphlab._plain_ids import plain_id
from graphlab._text_file import read_text
from graphlab.datasets._schema import validate

__all__ = ["read_hif", "write_hif"]

Id = str | int
Records = list[dict[str, Any]]

_MOST = 2**63 - 1
_COUNTS = ("num_nodes", "num_hyperedges")
_WRITTEN = ("edge_index", "node_id", "hyperedge_id", "incidence_weight", "hif", *_COUNTS)


def read_hif(path: str | os.PathLike[str]) -> HyperGraphData:
    """Read a hypergraph in the Hypergraph Interchange Format.

    Nothing is merged or dropped: repeated hyperedges, repeated incidences, isolated nodes, empty
    hyperedges, weights, directions, attributes, string ids and metadata are kept, and
    :func:`write_hif` writes them back. Nodes are numbered by first appearance in ``nodes``, then in
    ``incidences``; hyperedges alike.

    Args:
        path (path): A JSON file. It is checked against the schema of the format, which comes with
            graphlab.

    Returns:
        HyperGraphData: ``edge_index`` (2, nnz) int64, nodes above hyperedges, in the order of the
        file; ``num_nodes``; ``num_hyperedges``; ``node_id`` and ``hyperedge_id``, lists of strings
        and ints; ``incidence_weight`` (nnz,) float64 (1 where the file has none), if it has any;
        and ``hif``, a dict with everything else as it is in the file (``incidences`` only if
        they say more than which node is in which hyperedge).

    Raises:
        ValueError: If the file is no JSON or breaks the format; the message names the entry.
        FileNotFoundError: If there is no such file.

    Reference: Coll et al., "HIF: The hypergraph interchange format for higher-order networks",
        2025. arXiv:2507.11520
    """
    content = _parse(user_path(path))
    validate(content, _schema(), str(path))
    nodes, edges = content.get("nodes", []), content.get("edges", [])
    incidences: Records = content["incidences"]
    node_number, node_column = _numbers(nodes, incidences, "node")
    edge_number, edge_column = _numbers(edges, incidences, "edge")
    kept = {name: part for name, part in content.items() if name != "incidences"}
    if any(len(record) > 2 for record in incidences):
        kept["incidences"] = [_without(record, ("node", "edge")) for record in incidences]
    data = SizedHyperGraphData(
        edge_index=torch.from_numpy(np.stack([node_column, edge_column])),
        num_nodes=len(node_number),
        num_hyperedges=len(edge_number),
        node_id=list(node_number),
        hyperedge_id=list(edge_number),
        hif=kept,
    )
    if any("weight" in record for record in incidences):
        weights = _weights(incidences, path)
        data.incidence_weight = torch.tensor(weights, dtype=torch.float64, device="cpu")
    return data


def write_hif(hypergraph: hypergraph_data.HyperGraphData, path: str | os.PathLike[str]) -> None:
    """Write a hypergraph in the Hypergraph Interchange Format, atomically.

    Args:
        hypergraph (HyperGraphData): Needs ``edge_index`` (2, nnz). ``node_id``, ``hyperedge_id``,
            ``hif`` and ``incidence_weight`` are used as :func:`read_hif` describes them, ids also
            as tensors; without ids, nodes and hyperedges are numbered. Isolated nodes and empty
            hyperedges are listed; where ``num_nodes`` or ``num_hyperedges`` is missing, the rows of
            ``x`` or ``edge_attr`` are counted.
        path (path): Destination.

    Warns:
        UserWarning: If it has other attributes, such as ``x`` and ``edge_attr``: the file has no
            place for tensors.

    Raises:
        TypeError, IndexError: If ``edge_index`` holds no numbers of nodes and hyperedges.
        ValueError: If a part has the wrong length or breaks the format.
        OSError: If the file cannot be written.
    """
    if not isinstance(hypergraph, Data):
        raise TypeError(
            f"hypergraph must be a HyperGraphData, got {type(hypergraph).__name__}: "
            "HyperGraphData(edge_index=..., num_nodes=...) of PyG holds incidences"
        )
    store = hypergraph._store
    if store.get("edge_index") is None:
        raise ValueError("hypergraph must have edge_index (2, nnz), node numbers above hyperedges")
    index = check_edge_index(store["edge_index"], _MOST, "hypergraph.edge_index")
    _warn_of_others(store)
    kept: dict[str, Any] = dict(store.get("hif") or {})
    node_id = _ids(store, "node_id", "num_nodes", "x", index[0])
    edge_id = _ids(store, "hyperedge_id", "num_hyperedges", "edge_attr", index[1])
    extras: Records = kept.pop("incidences", [{}] * index.size(1))
    if len(extras) != index.size(1):
        raise ValueError(
            f"hypergraph.hif['incidences'] must have {index.size(1)} entries, got {len(extras)}"
        )
    incidences: Records = [
        {"edge": edge_id[edge], "node": node_id[node], **extra}
        for (node, edge), extra in zip(index.t().tolist(), extras, strict=True)
    ]
    _set_weights(incidences, store.get("incidence_weight"))
    content = {**kept, "incidences": incidences}
    if "hif" in store:
        _list_missing(content, "nodes", "node", node_id)
        _list_missing(content, "edges", "edge", edge_id)
    else:  # numbers follow the order of first appearance, so all are listed in theirs
        content["nodes"] = [{"node": value} for value in node_id]
        content["edges"] = [{"edge": value} for value in edge_id]
    validate(content, _schema(), "hypergraph")
    options: dict[str, Any] = {"allow_nan": False}
    try:
        text = json.dumps(content, ensure_ascii=False, **options)
    except ValueError as error:
        raise ValueError(f"hypergraph.hif must hold finite numbers: {error}") from error
    try:
        raw = text.encode()
    except UnicodeEncodeError:  # half of a pair of surrogates, which only an escape can write
        raw = json.dumps(content, ensure_ascii=True, **options).encode()
    atomic_write(path, raw + b"\n")


@lru_cache
def _schema() -> dict[str, Any]:
    text = (files("graphlab.datasets") / "hif_schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _parse(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(path), parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a JSON file: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object, got {type(content).__name__}")
    return content


def _finite(number: str) -> float:
    """A number of the file; JSON knows no infinity, and readers differ in what 1e999 is."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"numbers must be finite, got {number:.80}")
    return value


def _numbers(
    records: Records, incidences: Records, field: str
) -> tuple[dict[Id, int], NDArray[np.int64]]:
    """Number of every id, by first appearance, and those of the incidences.

    Ids 1 and "1" are different, as they are to a dict.
    """
    used = [record[field] for record in incidences]
    ids = dict.fromkeys(chain((record[field] for record in records), used))
    numbers = dict(zip(ids, range(len(ids)), strict=True))
    return numbers, np.fromiter(map(numbers.__getitem__, used), np.int64, len(used))


def _weights(incidences: Records, path: str | os.PathLike[str]) -> list[float]:
    try:
        return [float(record.get("weight", 1)) for record in incidences]
    except OverflowError as error:  # JSON has integers of any size
        raise ValueError(f"{path}: a weight of an incidence is too large: {error}") from error


def _without(record: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}


def _ids(store: Any, name: str, count_name: str, rows_name: str, used: Tensor) -> list[Id]:
    """Ids by number: those given, else numbers, as many as the data states in any way."""
    given, count, rows = store.get(name), store.get(count_name), store.get(rows_name)
    if isinstance(given, (Tensor, np.ndarray)):  # readers of plain numbers give tensors
        given = given.tolist()
    least = int(used.max()) + 1 if used.numel() else 0
    if count is None:
        stated = rows if given is None else given
        count = least if stated is None else len(stated)
    count = int(count)
    if count < least:
        raise ValueError(f"{count_name} = {count} is too small for edge_index, it needs {least}")
    if given is None:
        return list(range(count))
    if len(given) != count:
        raise ValueError(f"{name} must have {count} entries, got {len(given)}")
    if len(set(given)) != count:
        raise ValueError(f"{name} must not repeat an id")
    # As searches and tables of numpy give them; JSON knows no numbers but those of Python.
    return [plain_id(value) for value in given]


def _warn_of_others(store: Any) -> None:
    others = [name for name in store if name not in _WRITTEN and store[name] is not None]
    if others:
        warn_caller(
            f"hypergraph has {', '.join(map(repr, others)):.400}, which write_hif leaves out: the "
            "format has attributes of records alone, as in hypergraph.hif['nodes'][0]['attrs']"
        )


def _set_weights(incidences: Records, weights: Tensor | None) -> None:
    """Weights of the tensor replace those of the records; a 1 that was not written stays so."""
    if weights is None:
        return
    if weights.numel() != len(incidences):
        raise ValueError(
            f"incidence_weight must have {len(incidences)} entries, got {weights.numel()}"
        )
    for record, weight in zip(incidences, weights.tolist(), strict=True):
        if float(record.get("weight", 1)) != weight:
            record["weight"] = weight


def _list_missing(content: dict[str, Any], name: str, field: str, ids: list[Id]) -> None:
    """List what no record and no incidence mentions, so that nothing is lost."""
    records: Records = content.get(name, [])
    known, _ = _numbers(records, content["incidences"], field)
    missing = [{field: value} for value in ids if value not in known]
    if missing:
        content[name] = [*records, *missing]
