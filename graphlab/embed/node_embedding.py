"""A node embedding as a transformer of scikit-learn: node numbers in, rows out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_index, check_matrix
from graphlab._estimator import Estimator
from graphlab.embed.fastrp import FastRP

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["NodeEmbedding"]


class NodeEmbedding(Estimator):
    """Embed a graph, and look up the rows of nodes.

    An embedding is of a whole graph, whereas scikit-learn cuts its data into samples. Here the
    samples are node numbers: ``fit`` embeds the graph (all nodes and edges, no label), whatever
    nodes it is given, and ``transform`` gives the rows of the nodes asked for. So it is the first
    step of a ``Pipeline``, and ``GridSearchCV`` reaches the parameters of the model as
    ``model__dim`` and so on.

    Args:
        graph (Data or graph): What ``model.fit_transform`` takes as first argument. Clones share
            it.
        model (Estimator, optional): Anything with ``fit_transform(graph)``; :class:`FastRP` when
            missing. It is cloned, not fitted itself.

    Attributes:
        model_ (Estimator): The fitted clone.
        embedding_ (Tensor): ``(N, D)`` on the CPU.

    Raises:
        TypeError, ValueError, IndexError: By ``fit`` and ``transform``, if nodes are no numbers of
            nodes, the model gives no rows (:class:`PPR` answers queries), or as the model does.

    Complexity: ``fit`` that of the model, for every fold of a cross-validation;
    ``Pipeline(memory=...)`` keeps what repeats.
    Determinism: that of the model.

    Example:
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sklearn.pipeline import make_pipeline
        >>> from graphlab.datasets import digits_knn
        >>> data = digits_knn()
        >>> nodes, y = np.arange(data.num_nodes), data.y.numpy()
        >>> steps = make_pipeline(NodeEmbedding(data, FastRP(dim=64)), LogisticRegression())
        >>> bool(steps.fit(nodes[::2], y[::2]).score(nodes[1::2], y[1::2]) > 0.9)
        True
    """

    _objects: ClassVar[tuple[str, ...]] = ("graph", "model")

    model_: Any
    embedding_: Tensor

    def __init__(self, graph: Any, model: Any = None) -> None:
        self.graph = graph
        self.model = model

    def fit(self, nodes: Any, y: Any = None) -> Self:
        """Embed the graph.

        Args:
            nodes (array): Node numbers, ``(n,)`` or ``(n, 1)``; they are checked, and choose
                nothing.
            y (Any): Ignored; pipelines of scikit-learn pass it.

        Returns:
            NodeEmbedding: This estimator.

        Raises:
            TypeError: If the model has no ``fit_transform``.
        """
        from sklearn.base import clone

        if self.model is not None and not callable(getattr(self.model, "fit_transform", None)):
            raise TypeError(
                "model must have fit_transform(graph), which gives a row per node (as that of "
                f"FastRP), got {type(self.model).__name__}"
            )
        model = FastRP() if self.model is None else clone(self.model)
        embedding = torch.as_tensor(model.fit_transform(self.graph), device="cpu").detach().cpu()
        _numbers(nodes, embedding.size(0))
        self.model_, self.embedding_ = model, embedding
        return self

    def transform(self, nodes: Any) -> np.ndarray:
        """Rows of nodes.

        Args:
            nodes (array): Node numbers, ``(n,)`` or ``(n, 1)``.

        Returns:
            numpy.ndarray: ``(n, D)``.

        Raises:
            sklearn.exceptions.NotFittedError: Before :meth:`fit`.
            TypeError, ValueError, IndexError: If they are no numbers of nodes.
        """
        self._check_fitted()
        rows = self.embedding_[_numbers(nodes, self.embedding_.size(0))]
        return np.asarray(rows.numpy())

    def fit_transform(self, nodes: Any, y: Any = None) -> np.ndarray:
        """Embed the graph, and give the rows of nodes; see :meth:`fit` and :meth:`transform`.

        Args:
            nodes (array): Node numbers, ``(n,)`` or ``(n, 1)``.
            y (Any): Ignored.

        Returns:
            numpy.ndarray: ``(n, D)``.
        """
        return self.fit(nodes, y).transform(nodes)

    def __sklearn_clone__(self) -> Self:
        # The graph is data: a search over parameters must not copy it for every candidate.
        from sklearn.base import clone

        return type(self)(self.graph, None if self.model is None else clone(self.model))

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        return {"embedding": self.embedding_}

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        self.embedding_ = check_matrix(arrays["embedding"], "embedding", finite=False)


def _numbers(nodes: Any, num_nodes: int) -> Tensor:
    found = np.asarray(nodes)
    if found.dtype.kind not in "iufb":
        raise TypeError(f"nodes must be numbers of nodes, got dtype {found.dtype}")
    # pandas lends rows that must not be written to, which torch would warn of
    index = torch.as_tensor(found if found.flags.writeable else found.copy(), device="cpu")
    if index.dim() == 2 and index.size(1) == 1:
        index = index[:, 0]
    return check_index(index, num_nodes, "nodes")
