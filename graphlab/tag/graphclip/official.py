"""Files of the authors' release: checkpoints and subgraph-summary pairs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from graphlab._io import load_arrays, read_json, user_path
from graphlab.contrastive import CLIPLoss
from graphlab.tag._weights_file import read_plain_tensors
from graphlab.tag.graphclip.encoder import GraphCLIPEncoder
from graphlab.tag.graphclip.model import GraphCLIP
from graphlab.tag.graphclip.store import SubgraphStore

__all__ = ["load_official_checkpoint", "read_official_pairs"]

#: Parameters of the release that take part in nothing.
_DEAD = ("attn_pool.", "lora_A_mlp.", "lora_B_mlp.")
_TOWER = "graph_model."
_TEXT = "text_model."
#: Names of the parameters of BERT.
_BERT = re.compile(
    r"embeddings\.((word|position|token_type)_embeddings\.weight|position_ids)"
    r"|(embeddings\.LayerNorm|pooler\.dense)\.(weight|bias)"
    r"|encoder\.layer\.\d+\.(attention\.self\.(query|key|value)|attention\.output\.(dense|LayerNorm)"
    r"|intermediate\.dense|output\.(dense|LayerNorm))\.(weight|bias)"
)


def load_official_checkpoint(
    path: str | os.PathLike[str],
    *,
    heads: int = 8,
    text_state: Mapping[str, Tensor] | None = None,
) -> GraphCLIP:
    """Load the weights of the authors' release; sizes are read off the tensors.

    Only tensors are unpickled. Prefixes ``module.`` of parallel training are removed. Every key
    must be one of the release: nothing is skipped in silence.

    Args:
        path (path): ``.pt`` or ``.safetensors`` file.
        heads (int): Attention heads, which no tensor shows.
        text_state (Mapping[str, Tensor], optional): ``state_dict()`` of the text encoder in use;
            the one stored with the release must equal it.

    Returns:
        GraphCLIP: Unclamped as released (``max_scale=None``), in evaluation mode. ``load_report``
        lists under
        ``"unused"`` the dead weights, under ``"text"`` the keys of the text tower that were
        compared or ignored.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If keys or shapes are not those of the release, listing them, or the text tower
            differs.
    """
    # DataParallel put this in front of every name.
    state = {key.removeprefix("module."): value for key, value in _read(path).items()}
    tower = {k.removeprefix(_TOWER): v for k, v in state.items() if k.startswith(_TOWER)}
    text = {k.removeprefix(_TEXT): v for k, v in state.items() if k.startswith(_TEXT)}
    sizes: dict[str, Any] = _sizes(tower, path)
    try:
        encoder = GraphCLIPEncoder(**sizes, heads=heads)
    except ValueError as error:
        raise ValueError(f"{path} has tensors that make no encoder: {error}") from error
    expected = set(encoder.state_dict())
    optional = {k for k in expected if k.startswith((*_DEAD, "mlp2."))}
    missing = sorted(_TOWER + k for k in expected - optional - set(tower))
    missing += [] if "logit_scale" in state else ["logit_scale"]
    known = {
        "logit_scale",
        *(_TOWER + k for k in expected),
        *(_TEXT + k for k in text if _text_key(k)),
    }
    unexpected = sorted(set(state) - known)
    if missing or unexpected:
        raise ValueError(
            f"{path} lacks the keys {missing!s:.900} and has unexpected keys {unexpected!s:.900}"
        )
    wrong = [k for k, v in tower.items() if encoder.state_dict()[k].shape != v.shape]
    if wrong:
        raise ValueError(f"{path} has tensors of unexpected shape: {sorted(wrong)!s:.900}")
    compared = _compare_text(text, text_state, path)
    encoder.load_state_dict({**encoder.state_dict(), **tower})
    model = GraphCLIP(encoder, CLIPLoss(max_scale=None), text_model="all-MiniLM-L6-v2")
    with torch.no_grad():
        model.criterion.logit_scale.copy_(state["logit_scale"].reshape(()))
    unused = sorted(_TOWER + k for k in tower if k.startswith((*_DEAD, "mlp2.")))
    model.load_report = {"unused": unused, "text": compared}
    return model.eval()


def _text_key(key: str) -> bool:
    return _BERT.fullmatch(key) is not None


def _read(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    path = user_path(path)
    if path.suffix == ".safetensors":
        return load_arrays(path, verify=False)[0]
    return read_plain_tensors(path, "state_dict")


def _sizes(tower: Mapping[str, Tensor], path: str | os.PathLike[str]) -> dict[str, int]:
    try:
        named = ["node_emb.weight", "pe_lin.weight", "mlp.0.weight"]
        if "mlp2.0.weight" in tower:
            named.append("mlp2.0.weight")
        if any(tower[key].dim() != 2 for key in named):
            raise ValueError(f"{path} must hold matrices under {[_TOWER + key for key in named]}")
        nodes, positions = tower["node_emb.weight"], tower["pe_lin.weight"]
        layers = {int(m[1]) for m in (re.match(r"convs\.(\d+)\.", key) for key in tower) if m}
        sizes = {
            "in_channels": nodes.size(1),
            "hidden_channels": nodes.size(0) + positions.size(0),
            "pe_channels": positions.size(0),
            "walk_length": positions.size(1),
            "num_layers": max(layers, default=-1) + 1,
            "out_channels": tower["mlp.0.weight"].size(0),
        }
        if "mlp2.0.weight" in tower:
            sizes["center_channels"] = tower["mlp2.0.weight"].size(0)
    except KeyError as error:
        raise ValueError(f"{path} lacks the key {_TOWER}{error.args[0]}") from error
    return sizes


def _compare_text(
    stored: Mapping[str, Tensor],
    own: Mapping[str, Tensor] | None,
    path: str | os.PathLike[str],
) -> list[str]:
    if own is not None:
        # Older versions of transformers stored the positions themselves.
        keys = [k for k in stored if not k.endswith("embeddings.position_ids")]
        strange = sorted(set(keys) ^ {k for k in own if not k.endswith("embeddings.position_ids")})
        if strange:
            raise ValueError(f"{path} has another text tower, which differs in the keys {strange}")
        different = [k for k in keys if not torch.equal(stored[k], own[k].cpu())]
        if different:
            raise ValueError(f"{path} has another text tower, which differs in {different}")
    return sorted(_TEXT + k for k in stored)


def read_official_pairs(
    path: str | os.PathLike[str], num_nodes: int
) -> tuple[SubgraphStore, list[str]]:
    """Read the authors' JSON of subgraphs and summaries.

    Args:
        path (path): List of ``{"id": root, "graph": [[sources], [targets]], "summary": text}`` with
            global ids; an empty edge list gives a self-loop.
        num_nodes (int): Number of nodes of the graph.

    Returns:
        tuple[SubgraphStore, list[str]]: The subgraphs and their summaries (empty where missing).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError, IndexError: If an entry is malformed, naming its position.
    """
    entries = read_json(path)
    if not isinstance(entries, list):
        raise ValueError(f"{path} must hold a list of subgraphs, got {type(entries).__name__}")
    edges, centers, summaries = [], [], []
    for position, entry in enumerate(entries):
        root, edge_index, summary = _entry(entry, position, path)
        edges.append(edge_index)
        centers.append(root)
        summaries.append(summary)
    return SubgraphStore.from_edges(edges, centers, num_nodes), summaries


def _entry(entry: Any, position: int, path: str | os.PathLike[str]) -> tuple[int, Tensor, str]:
    try:
        root, graph = entry["id"], entry["graph"]
        # torch would cut fractions off, and read true as 1.
        if any(type(node) is not int for ends in graph for node in ends):
            raise TypeError("graph must hold two lists of integers")
        edge_index = torch.tensor(graph, dtype=torch.int64, device="cpu").reshape(2, -1)
        summary = entry.get("summary") or ""
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise ValueError(f"{path}: entry {position} is no subgraph: {error!r}") from error
    if type(root) is not int or not 0 <= root < 2**63 or not isinstance(summary, str):
        raise ValueError(f"{path}: entry {position} must have an int id and a str summary")
    return root, edge_index, summary
