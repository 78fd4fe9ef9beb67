"""The trained pair of towers as one object that can be saved, loaded and applied."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from graphlab import __version__
from graphlab._checks import check_index, check_int, check_matrix, check_range
from graphlab._eval_mode import evaluating
from graphlab._feature_rows import FeatureRows, check_feature_rows
from graphlab._hub import Description, HubModel, fetch
from graphlab._io import check_layers, load_arrays, save_arrays, sweep_stale, user_path, write_json
from graphlab._progress import track
from graphlab._training_checkpoint import CHECKPOINT
from graphlab._user_module import check_encoder
from graphlab.contrastive import CLIPLoss
from graphlab.tag.graphclip.encoder import GraphCLIPEncoder
from graphlab.tag.graphclip.encodings import chunks_by_nodes
from graphlab.tag.graphclip.positional import random_walk_encoding
from graphlab.tag.graphclip.store import SubgraphBatch, SubgraphStore

__all__ = ["GraphCLIP"]

_WEIGHTS = "model.safetensors"
_CONFIG = "config.json"
_ESTIMATOR = "arrays.safetensors"  # what Estimator.save writes
_RECORD = "graphlab.graphclip"


class GraphCLIP(nn.Module, HubModel):
    """A graph tower and the scale of its contrast with a frozen text encoder.

    Args:
        graph_model (GraphCLIPEncoder, optional): The tower; the published size when missing.
        criterion (CLIPLoss, optional): The loss of pretraining with its scale.
        text_model (str): Name of the text encoder the tower was aligned with, for the reader.

    Attributes:
        load_report (dict[str, list[str]]): Keys that :func:`load_official_checkpoint` left out;
            else empty.

    Example:
        >>> model = GraphCLIP(GraphCLIPEncoder(6, 16, num_layers=1, heads=2, out_channels=6))
        >>> model.save_pretrained("tower")  # doctest: +SKIP
        >>> again = GraphCLIP.from_pretrained("tower")  # doctest: +SKIP
        >>> shipped = GraphCLIP.from_pretrained("graphlab/tiny")  # doctest: +SKIP
    """

    _hub_files: ClassVar[tuple[str, ...]] = (_WEIGHTS, _CONFIG)

    def __init__(
        self,
        graph_model: GraphCLIPEncoder | None = None,
        criterion: CLIPLoss | None = None,
        *,
        text_model: str = "",
    ) -> None:
        super().__init__()
        self.graph_model: GraphCLIPEncoder = (
            GraphCLIPEncoder() if graph_model is None else check_encoder(graph_model, "graph_model")
        )
        self.criterion = CLIPLoss() if criterion is None else criterion
        self.text_model = text_model
        self.load_report: dict[str, list[str]] = {}

    def forward(
        self, x: Tensor, pe: Tensor, edge_index: Tensor, batch: Tensor, root_index: Tensor
    ) -> Tensor:
        """Embed the subgraphs of a batch, ``(B, out_channels)``; see the tower for shapes.

        Args:
            x (Tensor): Node features of a batch, ``(N, D)``.
            pe (Tensor): Positional encodings, ``(N, K)``.
            edge_index (Tensor): Edges, ``(2, E)``.
            batch (Tensor): Subgraph of every node, ``(N,)`` ascending.
            root_index (Tensor): Root of every subgraph, ``(B,)``.

        Returns:
            Tensor: Embeddings of the subgraphs.
        """
        embedding: Tensor = self.graph_model(x, pe, edge_index, batch, root_index)[0]
        return embedding

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.criterion.logit_scale.device

    @torch.no_grad()
    def encode(
        self,
        x: FeatureRows,
        store: SubgraphStore,
        index: Tensor | None = None,
        *,
        pe: FeatureRows | None = None,
        max_nodes: int = 16384,
    ) -> Tensor:
        """Embed subgraphs in evaluation mode.

        Subgraphs of similar size go together, so that memory is bounded by ``max_nodes``.

        Args:
            x (Tensor or EmbeddingStore): Node features of the whole graph, ``(N, D)``, of which
                the rows of a batch are read at a time.
            store (SubgraphStore): Its subgraphs.
            index (Tensor, optional): Which of them; all when missing.
            pe (Tensor or EmbeddingStore, optional): Positional encodings of all rows of the store,
                such as :meth:`GraphTextPairs.encoding`; computed when missing.
            max_nodes (int): Nodes at a time (a larger subgraph goes alone).

        Returns:
            Tensor: ``(P, out_channels)`` on the CPU, float32, in the order of ``index``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        check_feature_rows(x, "x", cols=self.graph_model.in_channels)
        max_nodes = check_int(max_nodes, "max_nodes", minimum=1)
        rows = _rows(index, len(store))
        total, length = store.node.shape[0], self.graph_model.walk_length
        if pe is not None:
            check_feature_rows(pe, "pe", rows=total, cols=length, finite=False)
        order = np.argsort(np.diff(store.node_ptr)[rows], kind="stable")
        out = torch.empty(rows.size, self.graph_model.out_channels, device="cpu")
        done = 0
        with evaluating(self):
            parts = chunks_by_nodes(store.node_ptr, rows[order], max_nodes)
            for part in track(parts, "embed subgraphs", unit="batches"):
                batch = store.batch(torch.from_numpy(part))
                position = torch.from_numpy(order[done : done + part.size])
                out[position] = (
                    self.embed(x, batch, None if pe is None else pe[batch.node_row]).float().cpu()
                )
                done += part.size
        return out

    def embed(self, x: FeatureRows, batch: SubgraphBatch, pe: Tensor | None = None) -> Tensor:
        """Embed one batch on the device of the weights, with gradient where it is on.

        Args:
            x (Tensor or EmbeddingStore): Node features of the whole graph, ``(N, D)``.
            batch (SubgraphBatch): Subgraphs of it.
            pe (Tensor, optional): Positional encodings of the nodes of the batch; computed when
                missing.

        Returns:
            Tensor: ``(B, out_channels)``.

        Raises:
            TypeError, ValueError: If an argument is malformed.
            IndexError: If a node of the batch has no row in ``x``.
        """
        check_feature_rows(x, "x", cols=self.graph_model.in_channels, finite=False)
        if not isinstance(batch, SubgraphBatch):
            raise TypeError(f"batch must be a SubgraphBatch, got {type(batch).__name__}")
        check_range(batch.node, x.shape[0], "store.node")
        if pe is None:
            length, count = self.graph_model.walk_length, batch.root_index.numel()
            pe = random_walk_encoding(batch.edge_index, batch.batch, count, length)
        pe = check_matrix(
            pe, "pe", rows=batch.node.numel(), cols=self.graph_model.walk_length, finite=False
        )
        parts = (x[batch.node], pe, batch.edge_index, batch.batch, batch.root_index)
        features, *rest = (part.to(self.device) for part in parts)
        # That of the weights: features of half precision are stored, not computed with.
        dtype = self.criterion.logit_scale.dtype
        embedding: Tensor = self(features.to(dtype), rest[0].to(dtype), *rest[1:])
        return embedding

    @property
    def config(self) -> dict[str, Any]:
        """Everything but the weights, as JSON values."""
        return {
            "graph_model": self.graph_model.config,
            "loss": self.criterion.loss,
            "max_scale": self.criterion.max_scale,
            "text_model": self.text_model,
        }

    def save_pretrained(self, directory: str | os.PathLike[str]) -> Path:
        """Write ``model.safetensors`` and ``config.json``, replacing an earlier model there.

        The configuration is also inside the weights' file, which is replaced in one step: a reader
        never sees a mixture. The text tower is not stored.

        Args:
            directory (path): Folder, created if missing.

        Returns:
            Path: The folder.

        Raises:
            OSError: If the folder cannot be written; the earlier model stays whole.
        """
        folder = user_path(directory, "directory")
        sweep_stale(folder)
        record = {"class": type(self).__name__, "version": __version__, "params": self.config}
        text = json.dumps(record, sort_keys=True, allow_nan=False)
        save_arrays(folder / _WEIGHTS, self.state_dict(), {_RECORD: text, "format": "pt"})
        write_json(folder / _CONFIG, record)
        return folder

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        token: str | bool | None = None,
    ) -> GraphCLIP:
        """Load a model from a folder, the package graphlab-models, or the Hugging Face Hub.

        It comes in evaluation mode, as models of the Hub do: :func:`pretrain` trains it on, a loop
        of your own calls ``model.train()`` first.

        Args:
            name_or_path (path): A folder that :meth:`save_pretrained` wrote; ``"graphlab/tiny"``,
                which lies in the package graphlab-models; or ``"user/model"`` at the Hub.
            revision (str, optional): Branch, tag or commit of the model on the Hub.
            token (str, optional): Token for a private model; that of ``hf auth login`` if None.

        Raises:
            FileNotFoundError: If there is neither such a folder nor a model of that name at hand.
            ImportError: If graphlab-models or, for the Hub, ``huggingface_hub`` is missing.
            ValueError: If the files are damaged.
        """
        folder = fetch(name_or_path, cls._hub_files, revision=revision, token=token)
        path = folder / _WEIGHTS
        if not path.exists():
            raise FileNotFoundError(f"{folder} holds no model.safetensors{_instead(folder)}")
        tensors, metadata = load_arrays(path)
        if _RECORD not in metadata:
            raise ValueError(f"{path} holds arrays but no GraphCLIP model")
        try:
            model = model_of(json.loads(metadata[_RECORD])["params"], tensors)
        except (
            LookupError, TypeError, ValueError, AttributeError, RuntimeError, MemoryError
        ) as error:  # fmt: skip
            raise ValueError(f"{path} is no GraphCLIP model: {error!s:.400}") from error
        return model

    def _hub_save(self, folder: Path) -> object:
        return self.save_pretrained(folder)

    def _hub_description(self) -> Description:
        loading = "from graphlab.tag import GraphCLIP\n\n"
        loading += 'model = GraphCLIP.from_pretrained("{repo_id}")'
        return Description("GraphCLIP", loading, self.config)


def model_of(config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> GraphCLIP:
    """Model of a configuration, see :attr:`GraphCLIP.config`, with its weights."""
    check_layers(config["graph_model"].get("num_layers"), weights)
    criterion = CLIPLoss(config["loss"], max_scale=config["max_scale"])
    tower = GraphCLIPEncoder(**config["graph_model"])
    model = GraphCLIP(tower, criterion, text_model=config["text_model"])
    model.load_state_dict(weights)
    return model.eval()


def check_tower(model: Any, name: str = "model") -> GraphCLIP:
    """Require a GraphCLIP."""
    if not isinstance(model, GraphCLIP):
        raise TypeError(
            f"{name} must be a GraphCLIP, got {type(model).__name__}: GraphCLIP(tower) makes one "
            "of a GraphCLIPEncoder"
        )
    return model


def _instead(folder: Path) -> str:
    """How to open what a folder without a model holds, for an error."""
    if (folder / CHECKPOINT).exists():
        return (
            ", but the checkpoint of a training: pretrain(..., directory=) goes on with it, and "
            "model.save_pretrained(folder) writes the model"
        )
    if (folder / _ESTIMATOR).exists():
        return (
            ", but an estimator: its class loads it, as GraphCLIPPipeline.load(folder), whose "
            "model_ is the tower"
        )
    return ": GraphCLIP.save_pretrained writes one"


def _rows(index: Tensor | Sequence[int] | None, count: int) -> np.ndarray:  # type: ignore[type-arg]
    if index is None:
        return np.arange(count)
    return np.asarray(
        check_index(torch.as_tensor(index, device="cpu"), count, "index").cpu().numpy()
    )
