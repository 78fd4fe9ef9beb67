"""Text graphs with stored answers of language models, read from a folder and never written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from graphlab._io import read_json, user_path
from graphlab.tag import TextGraph
from graphlab.tag.tape import read_ranked_predictions

#: Stands for a text graph of one's own.
DOCUMENTS = "texts"
CORA_SEEDS = 4  # there are embeddings of four fine-tuned models
_CORA_WIDTH = 768


def read_documents(source: str | Path, edges: str | Path | None = None) -> TextGraph:
    """A text graph of one's own.

    Args:
        source (str | Path): Folder with ``nodes.csv`` and ``edges.csv``, or a table of nodes with
            the columns ``id``, ``text`` and maybe ``label``, whatever its name.
        edges (str | Path, optional): Table of edges with the columns ``src`` and ``dst``;
            ``edges.csv`` beside the nodes when missing.

    Returns:
        TextGraph: See :meth:`graphlab.tag.TextGraph.from_csv`.

    Raises:
        FileNotFoundError: If a table is missing; the message says which, and how to name it.
        ValueError: If a table is malformed; the message names file and line.
    """
    path = user_path(source, "source")
    folder = path.is_dir() or not (path.suffix or path.is_file())
    nodes = path / "nodes.csv" if folder else path
    ends = nodes.with_name("edges.csv") if edges is None else user_path(edges, "edges")
    if not nodes.is_file():
        raise FileNotFoundError(
            f"there is no table of documents {nodes}: name a folder with nodes.csv (id, text, "
            "label) and edges.csv (src, dst), or the table of nodes itself"
        )
    if not ends.is_file():
        raise FileNotFoundError(f"there is no table of edges {ends}: name it by --edges FILE")
    return TextGraph.from_csv(path if folder else nodes, ends)


def read_citeseer(source: str | Path, k: int = 5) -> TextGraph:
    """CiteSeer: texts, labels, ``P`` (ranked predictions) and ``TA`` (frozen sentence encoder)."""
    folder = user_path(source, "source") / "citeseer_tag"
    graph = TextGraph.from_csv(folder)
    count = int(graph.num_nodes)
    names = len(graph.label_names)
    graph.P = read_ranked_predictions(folder / "gpt_preds.csv", count, names, k)
    rows = np.load(folder / "minilm_L64.f16.npy", allow_pickle=False)
    graph.TA = torch.from_numpy(rows).float()
    return graph


def read_cora(source: str | Path, seed: int, k: int = 5) -> Data:
    """Cora in the order of LINQS: no texts, but bag of words ``BoW``, ``P``, and ``TA``.

    ``TA`` are DeBERTa embeddings fine-tuned on the training nodes of the split with this seed.

    Raises:
        ValueError: If there are no embeddings of this seed, or the file has another size.
    """
    if not 0 <= seed < CORA_SEEDS:
        raise ValueError(f"seed must be below {CORA_SEEDS}, got {seed}")
    folder = user_path(source, "source") / "cora_tape"
    with np.load(folder / "graph.npz", allow_pickle=False) as file:
        y = torch.from_numpy(file["y"])
        edges = to_undirected(torch.from_numpy(file["edge_index"]), num_nodes=y.numel())
        bits = np.unpackbits(file["x_packed"], axis=1)[:, : int(file["num_features"])]
    data = Data(edge_index=edges, y=y, num_nodes=y.numel())
    data.label_names = read_json(folder / "classes.json")
    data.BoW = torch.from_numpy(bits).float()
    data.TA = _headerless(folder / f"deberta-base-seed{seed}.emb", y.numel())
    data.P = read_ranked_predictions(folder / "gpt_preds.csv", y.numel(), len(data.label_names), k)
    return data


def _headerless(path: Path, rows: int) -> Tensor:
    """The authors' format: float16 without a shape, which only the size of the file can confirm."""
    expected = rows * _CORA_WIDTH * 2
    if path.stat().st_size != expected:
        raise ValueError(f"{path} must have {expected} bytes, got {path.stat().st_size}")
    return torch.from_numpy(np.fromfile(path, np.float16).reshape(rows, _CORA_WIDTH)).float()


def bag_of_words(texts: list[str], words: int) -> Tensor:
    """Most frequent words that a text contains, ``(N, words)`` of 0 and 1."""
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(binary=True, max_features=words, stop_words="english")
    return torch.from_numpy(counter.fit_transform(texts).toarray()).float()
