"""Link prediction by the similarity of the subgraphs of two nodes."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import normalize

from graphlab._checks import check_edge_index
from graphlab._estimator import Estimator
from graphlab._feature_rows import FeatureRows, check_feature_rows
from graphlab.tag.graphclip.model import GraphCLIP, check_tower
from graphlab.tag.graphclip.sampler import SubgraphSampler

__all__ = ["LinkPredictor"]


class LinkPredictor(Estimator):
    """Scores of pairs of nodes by the cosine of the embeddings of their subgraphs.

    Only the graph tower takes part. Every node is embedded once, however many pairs it is in. There
    is nothing to train, and nothing but the version to save: :meth:`load` takes both parameters.

    Args:
        model (GraphCLIP): The pretrained tower.
        sampler (SubgraphSampler): Draws the subgraphs.
    """

    _objects: ClassVar[tuple[str, ...]] = ("model", "sampler")

    def __init__(self, model: GraphCLIP, sampler: SubgraphSampler) -> None:
        self.model = model
        self.sampler = sampler

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def _arrays(self) -> dict[str, Tensor]:
        return {}

    def _set_arrays(self, arrays: dict[str, Any]) -> None:
        pass

    def predict(self, x: FeatureRows, edge_index: Tensor, pairs: Tensor) -> Tensor:
        """Score pairs of nodes.

        Args:
            x (Tensor or EmbeddingStore): Node features, ``(N, D)``.
            edge_index (Tensor): Known edges, ``(2, E)``; edges to be predicted must not be among
                them.
            pairs (Tensor): ``(2, P)`` integers.

        Returns:
            Tensor: Cosines, ``(P,)``; larger means more likely an edge.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        check_tower(self.model)
        if not isinstance(self.sampler, SubgraphSampler):
            raise TypeError(f"sampler must be a SubgraphSampler, got {type(self.sampler).__name__}")
        check_feature_rows(x, "x", cols=self.model.graph_model.in_channels, finite=False)
        count = x.shape[0]
        pairs = check_edge_index(pairs, count, "pairs")
        if pairs.size(1) == 0:
            return torch.empty(0, device="cpu")
        nodes, position = pairs.unique(return_inverse=True)
        store = self.sampler.sample(edge_index, count, nodes)
        embedding = normalize(self.model.encode(x, store))
        return (embedding[position[0]] * embedding[position[1]]).sum(1)

    def evaluate(
        self, x: FeatureRows, edge_index: Tensor, positive: Tensor, negative: Tensor
    ) -> dict[str, dict[str, float]]:
        """AUC and average precision of the tower and of the node features alone.

        The positive edges are taken out of ``edge_index``, in both directions, before anything is
        sampled: no subgraph shows an edge that is asked for.

        Args:
            x (Tensor or EmbeddingStore): Node features, ``(N, D)``.
            edge_index (Tensor): Edges, ``(2, E)``.
            positive (Tensor): True pairs, ``(2, P)``.
            negative (Tensor): False pairs, ``(2, Q)``.

        Returns:
            dict[str, dict[str, float]]: ``auc`` and ``ap`` of the rows ``graphclip``, ``own text``
            and ``chance``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        from sklearn.metrics import average_precision_score, roc_auc_score

        size = x.shape[0]
        positive = check_edge_index(positive, size, "positive")
        negative = check_edge_index(negative, size, "negative")
        if positive.size(1) == 0 or negative.size(1) == 0:
            raise ValueError("positive and negative must each hold at least one pair")
        known = without_pairs(check_edge_index(edge_index, size), positive, size)
        pairs = torch.cat([positive, negative], dim=1)
        truth = torch.cat(
            [
                torch.ones(positive.size(1), device="cpu"),
                torch.zeros(negative.size(1), device="cpu"),
            ]
        ).numpy()
        scores = {
            "graphclip": self.predict(x, known, pairs),
            "own text": _cosines(x, pairs),
            "chance": torch.zeros(pairs.size(1), device="cpu"),
        }
        return {
            name: {
                "auc": float(roc_auc_score(truth, score.numpy())),
                "ap": float(average_precision_score(truth, score.numpy())),
            }
            for name, score in scores.items()
        }


def _cosines(x: FeatureRows, pairs: Tensor) -> Tensor:
    nodes, position = pairs.unique(return_inverse=True)
    own = normalize(x[nodes].detach().float().cpu())
    return (own[position[0]] * own[position[1]]).sum(1)


def without_pairs(edge_index: Tensor, removed: Tensor, size: int) -> Tensor:
    """The edges but some pairs of nodes, in both directions."""
    # The smaller id first.
    key = edge_index.min(0).values * size + edge_index.max(0).values
    gone = removed.min(0).values * size + removed.max(0).values
    return edge_index[:, ~torch.isin(key, gone)]
