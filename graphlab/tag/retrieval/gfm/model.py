"""The query-dependent graph network of GFM-RAG: which entities answer a question."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from graphlab._checks import check_choice, check_int, check_matrix
from graphlab.ops import RelationalRows
from graphlab.tag.retrieval.gfm.layer import (
    AGGREGATIONS,
    MESSAGES,
    TIES,
    Aggregation,
    Message,
    RelationalLayer,
    Ties,
    degree_scale,
)

__all__ = ["QueryGNN"]


class QueryGNN(nn.Module):
    r"""Scores of all entities of a knowledge graph for a question, from its embedding.

    The question enters at its own entities and spreads along the relations, whose vectors come from
    their texts: no weight belongs to a graph, so a trained network reads any other graph.

    .. math::
        b_v = s_v\,(W_q q + c), \quad h^0 = b, \quad
        m_v = \bigoplus \{h_u \odot T_l[r] : u \xrightarrow{r} v\} \cup \{b_v\}

        h^{l+1} = \text{ReLU}(\text{LN}(W [h^l; m])) + h^l, \quad
        \text{score}_v = \text{MLP}([h^L_v; W_q q + c])

    Args:
        in_channels (int): Width F of the embeddings of questions and relations.
        hidden (int): Width D of the states.
        num_layers (int): Steps L that a question spreads.
        message (str): ``"distmult"``: state times relation; ``"transe"``: their sum.
        aggregate (str): ``"sum"``, ``"mean"`` (divided by the in-degree + 1), ``"max"``, or
            ``"pna"`` (mean, maximum, minimum and deviation, each at three scales of the degree).
        ties (str): Which of several equal maxima get the gradient: ``"even"``, all share it;
            ``"reference"``, as in the authors' kernels, each gets all of it.
        recompute (bool): Whether a layer is computed again for its gradient, instead of keeping
            what lies inside: a third more time, a fraction of the memory.

    Raises:
        TypeError, ValueError: If an argument is malformed or out of range.

    Shapes: relations ``(T, F)``, questions ``(B, F)``, start ``(B, N)``, edges ``(2, E)``; scores
        ``(B, N)``.
    Complexity: O(L B (E D + N D^2)) time, O(N B D) memory a layer.
    Reference: Luo et al., "GFM-RAG: Graph Foundation Model for Retrieval Augmented Generation",
        NeurIPS 2025, arXiv 2502.01113.

    Example:
        >>> model = QueryGNN(4, hidden=8, num_layers=2)
        >>> edge_index, edge_type = torch.tensor([[0, 1], [1, 2]]), torch.tensor([0, 1])
        >>> start = torch.tensor([[1.0, 0.0, 0.0]])
        >>> model(torch.randn(2, 4), torch.randn(1, 4), start, edge_index, edge_type).shape
        torch.Size([1, 3])
    """

    def __init__(
        self,
        in_channels: int,
        hidden: int = 512,
        num_layers: int = 6,
        *,
        message: Message = "distmult",
        aggregate: Aggregation = "sum",
        ties: Ties = "even",
        recompute: bool = False,
    ) -> None:
        super().__init__()
        self.in_channels = check_int(in_channels, "in_channels", minimum=1)
        self.hidden = check_int(hidden, "hidden", minimum=1)
        self.num_layers = check_int(num_layers, "num_layers", minimum=1)
        check_choice(message, "message", MESSAGES)
        self.aggregate = check_choice(aggregate, "aggregate", AGGREGATIONS)
        check_choice(ties, "ties", TIES)
        self.recompute = bool(recompute)
        self.relation_linear = nn.Linear(in_channels, hidden)
        self.query_linear = nn.Linear(in_channels, hidden)
        self.layers = nn.ModuleList(
            RelationalLayer(hidden, message, aggregate, ties) for _ in range(num_layers)
        )
        self.score_mlp = nn.Sequential(
            nn.Linear(2 * hidden, 2 * hidden), nn.ReLU(), nn.Linear(2 * hidden, 1)
        )

    def forward(
        self,
        x_rel: Tensor,
        query: Tensor,
        start: Tensor,
        edge_index: Tensor | RelationalRows,
        edge_type: Tensor | None = None,
    ) -> Tensor:
        """Scores of all nodes.

        Args:
            x_rel (Tensor): Embeddings of the edge types ``(T, F)``; with reverse edges T = 2 R.
            query (Tensor): Embeddings of the questions ``(B, F)``.
            start (Tensor): Weight of every node at the start of a question ``(B, N)``, 0 for most.
            edge_index (Tensor or RelationalRows): Source and target of every edge ``(2, E)``; or
                the prepared edges, which are read once for a whole training.
            edge_type (Tensor, optional): ``(E,)`` int64 in ``[0, T)``, beside an ``edge_index``.

        Returns:
            Tensor: Logits ``(B, N)``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range.
        """
        x_rel = check_matrix(x_rel, "x_rel", cols=self.in_channels)
        query = check_matrix(query, "query", cols=self.in_channels)
        start = check_matrix(start, "start", rows=query.size(0))
        rows = self._rows(edge_index, edge_type, start.size(1), x_rel.size(0))
        asked, boundary = self.encode(query, start)
        return self.score(self.propagate(self.tables(x_rel), boundary, rows), asked)

    def _rows(
        self,
        edge_index: Tensor | RelationalRows,
        edge_type: Tensor | None,
        num_nodes: int,
        num_types: int,
    ) -> RelationalRows:
        if not isinstance(edge_index, RelationalRows):
            if edge_type is None:
                raise TypeError("edge_type must be given beside an edge_index")
            return RelationalRows.from_edge_index(edge_index, edge_type, num_nodes, num_types)
        if edge_type is not None:
            raise ValueError("edge_type must not be given beside prepared edges, which hold it")
        if edge_index.num_rows != num_nodes or edge_index.num_cols != num_nodes:
            raise ValueError(
                f"start must have {edge_index.num_rows} columns, one a node, got {num_nodes}"
            )
        if edge_index.num_types != num_types:
            raise ValueError(
                f"x_rel must have {edge_index.num_types} rows, one an edge type, got {num_types}"
            )
        return edge_index

    # --- the parts, for those who cut the graph ---------------------------------------------------

    def encode(self, query: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
        """Questions ``(B, D)`` and boundary ``(N, B, D)``."""
        asked = self.query_linear(query)
        return asked, start.t().unsqueeze(-1) * asked

    def tables(self, x_rel: Tensor) -> list[Tensor]:
        """Vectors of the edge types in each layer, ``(T, D)``."""
        relations = self.relation_linear(x_rel)
        return [layer.relation_projection(relations) for layer in self.steps()]

    def propagate(self, tables: list[Tensor], boundary: Tensor, rows: RelationalRows) -> Tensor:
        """States ``(N, B, D)`` after all layers."""
        scale = degree_scale(rows, boundary.dtype) if self.aggregate == "pna" else None
        states = boundary
        for layer, table in zip(self.steps(), tables, strict=True):
            given = (states, states, boundary, table, rows, scale)
            if self.recompute and torch.is_grad_enabled():
                states = checkpoint(layer, *given, use_reentrant=False)
            else:
                states = layer(*given)
        return states

    def score(self, states: Tensor, asked: Tensor) -> Tensor:
        """Logits ``(B, N)`` of states ``(N, B, D)`` for questions ``(B, D)``."""
        return self.score_inner(self.inner(states), asked).t()

    def inner(self, states: Tensor) -> Tensor:
        """Share of states ``(..., D)`` in the first layer of their score, ``(..., 2 D)``."""
        # Of the product with [h; q] the second half is the same for all nodes.
        first = self.score_mlp[0].get_parameter("weight")
        return nn.functional.linear(states, first[:, : self.hidden])

    def score_inner(self, inner: Tensor, asked: Tensor) -> Tensor:
        """Logits ``(...)`` of shares ``(..., 2 D)`` for questions ``(B, D)``."""
        first, last = self.score_mlp[0], self.score_mlp[2]
        weight, bias = first.get_parameter("weight"), first.get_parameter("bias")
        inner = inner + nn.functional.linear(asked, weight[:, self.hidden :], bias)
        scores: Tensor = last(torch.relu(inner)).squeeze(-1)
        return scores

    def steps(self) -> list[RelationalLayer]:
        """The layers, in their order."""
        return list(self.layers)  # type: ignore[arg-type]
