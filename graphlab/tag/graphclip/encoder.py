"""The graph tower of GraphCLIP: GPS layers over a subgraph, read out at its mean and its root."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch_geometric.nn import SAGPooling, global_mean_pool

from graphlab._checks import (
    check_choice,
    check_edge_index,
    check_fraction,
    check_index,
    check_int,
    check_matrix,
    values_visible,
)
from graphlab._precision import working_dtype
from graphlab.tag.graphclip._layer import GPSLayer, Plan
from graphlab.tag.graphclip._norm import GlobalBatchNorm

__all__ = ["GraphCLIPEncoder"]

_RESIDUALS = ("none", "mean", "root", "root+mean")


class GraphCLIPEncoder(nn.Module):
    r"""Graph tower: embeds subgraphs into the space of a text encoder.

    .. math:: h^0 = [W_x x \,\|\, W_p \operatorname{BN}(p)], \quad h^{l+1} = \text{GPS}(h^l), \quad
        z = W [\operatorname{mean} h^L \,\|\, h^L_{\text{root}}]

    A GPS layer adds SAGE messages and multi-head attention within the subgraph. Names and shapes of
    all parameters are those of the authors' release, so that their weights load. ``mlp2`` (the
    second output) is frozen, and ``attn_pool`` and ``lora_*`` are dead weights of that release: no
    loss reaches them, and frozen they keep no process waiting for a gradient.

    Attention works within every subgraph instead of padding all to the largest one. Batch
    statistics are those of all processes.

    Args:
        in_channels (int): Width of node features, that of the text encoder.
        hidden_channels (int): C, divisible by ``heads``, more than ``pe_channels``.
        pe_channels (int): Channels of C that come from the positional encoding.
        num_layers (int): GPS layers.
        walk_length (int): Width K of the positional encoding.
        heads (int): Attention heads.
        out_channels (int): Width of the text embeddings.
        dropout (float): In a layer, in ``[0, 1]``.
        norm (str): ``"batch"`` as in the release, or ``"layer"``, which does not look at other
            subgraphs.
        residual (str): Part of the input that is added to the output: ``"none"`` as in the release;
            ``"mean"``, the mean of the node features; ``"root"``, those of the root, where links
            join unlike nodes; ``"root+mean"``, both.
            With a residual the last layer starts at zero, so that the untrained tower is the
            training-free baseline; ``in_channels`` must equal ``out_channels``.
        center_channels (int): Width of the second output.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed; calls name the argument.

    Shapes:
        - x: ``(N, in_channels)``; pe: ``(N, walk_length)``; edge_index: ``(2, E)``;
          batch: ``(N,)`` ascending; root_index: ``(B,)``, in the order of the subgraphs.
        - output: ``(B, out_channels)`` and ``(B, center_channels)``.

    Complexity: O(sum of n² C) for subgraphs of n nodes in the attention, O((N C + E) C) elsewhere.

    Reference: Zhu et al., "GraphCLIP: Enhancing transferability in graph foundation models for
    text-attributed graphs", WWW 2025, arXiv:2410.10329; Rampasek et al., "Recipe for a general,
    powerful, scalable graph transformer", NeurIPS 2022.

    Example:
        >>> tower = GraphCLIPEncoder(6, 16, num_layers=1, walk_length=4, heads=2, out_channels=6)
        >>> batch, root = torch.tensor([0, 0, 1]), torch.tensor([0, 2])
        >>> edges = torch.tensor([[0, 1, 2], [1, 0, 2]])
        >>> graph_emb, center_emb = tower(torch.rand(3, 6), torch.rand(3, 4), edges, batch, root)
        >>> graph_emb.shape
        torch.Size([2, 6])
    """

    def __init__(
        self,
        in_channels: int = 384,
        hidden_channels: int = 1024,
        pe_channels: int = 8,
        num_layers: int = 12,
        walk_length: int = 32,
        heads: int = 8,
        *,
        out_channels: int = 384,
        dropout: float = 0.0,
        norm: Literal["batch", "layer"] = "batch",
        residual: Literal["none", "mean", "root", "root+mean"] = "none",
        center_channels: int = 768,
    ) -> None:
        super().__init__()
        self.in_channels = check_int(in_channels, "in_channels", minimum=1)
        self.pe_channels = check_int(pe_channels, "pe_channels", minimum=1)
        self.heads = check_int(heads, "heads", minimum=1)
        self.hidden_channels = check_int(
            hidden_channels, "hidden_channels", minimum=self.pe_channels + 1
        )
        if hidden_channels % heads:
            raise ValueError(
                f"hidden_channels must be a multiple of heads={heads}, got {hidden_channels}"
            )
        self.num_layers = check_int(num_layers, "num_layers", minimum=0)
        self.walk_length = check_int(walk_length, "walk_length", minimum=1)
        self.out_channels = check_int(out_channels, "out_channels", minimum=1)
        self.center_channels = check_int(center_channels, "center_channels", minimum=1)
        self.dropout = check_fraction(dropout, "dropout")
        self.norm = check_choice(norm, "norm", ("batch", "layer"))
        self.residual = check_choice(residual, "residual", _RESIDUALS)
        if residual != "none" and in_channels != out_channels:
            raise ValueError(
                f"residual={residual!r} needs in_channels equal to out_channels={out_channels}, "
                f"got {in_channels}"
            )
        self._build()

    def _build(self) -> None:
        width = self.hidden_channels
        self.node_emb = nn.Linear(self.in_channels, width - self.pe_channels)
        self.pe_lin = nn.Linear(self.walk_length, self.pe_channels)
        self.pe_norm = GlobalBatchNorm(self.walk_length)
        self.convs = nn.ModuleList(
            # Every other layer keeps what the others compute twice: time against memory.
            GPSLayer(width, self.heads, self.dropout, self.norm, keep=layer % 2 == 1)
            for layer in range(self.num_layers)
        )
        self.mlp = nn.Sequential(nn.Linear(2 * width, self.out_channels))
        self.mlp2 = nn.Sequential(nn.Linear(width, self.center_channels))
        self.attn_pool = SAGPooling(width)
        self.lora_A_mlp = nn.Linear(2 * width, 16, bias=False)
        self.lora_B_mlp = nn.Linear(16, self.out_channels, bias=False)
        # They take part in no loss; trained, they would never get a gradient, and processes would
        # wait.
        for part in (self.mlp2, self.attn_pool, self.lora_A_mlp, self.lora_B_mlp):
            part.requires_grad_(False)
        if self.residual != "none":
            # A layer at zero adds nothing to the residual: training starts at the baseline.
            for weight in self.mlp.parameters():
                nn.init.zeros_(weight)

    @property
    def config(self) -> dict[str, int | float | str]:
        """The arguments of the constructor."""
        names = ["in_channels", "hidden_channels", "pe_channels", "num_layers", "walk_length"]
        names += ["heads", "out_channels", "dropout", "norm", "residual", "center_channels"]
        return {name: getattr(self, name) for name in names}

    def forward(
        self, x: Tensor, pe: Tensor, edge_index: Tensor, batch: Tensor, root_index: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Embed every subgraph of a batch; see the class for shapes.

        Args:
            x (Tensor): Node features of a batch, ``(N, D)``.
            pe (Tensor): Positional encodings, ``(N, K)``.
            edge_index (Tensor): Edges, ``(2, E)``.
            batch (Tensor): Subgraph of every node, ``(N,)`` ascending.
            root_index (Tensor): Root of every subgraph, ``(B,)``.

        Returns:
            tuple[Tensor, Tensor]: Embeddings of the subgraphs, and the second output.
        """
        edge_index, root_index = self._check(x, pe, edge_index, batch, root_index)
        # The encoding is normalised first: return probabilities of long walks are tiny numbers.
        graph_emb, root = self._read_out(
            x, self.pe_norm(pe.to(x.dtype)), edge_index, batch, root_index
        )
        return graph_emb, self.mlp2(root)

    def embed_normalized(
        self, x: Tensor, pe: Tensor, edge_index: Tensor, batch: Tensor, root_index: Tensor
    ) -> Tensor:
        """Embeddings of the subgraphs of a batch whose encodings went through ``pe_norm`` before.

        Args:
            x (Tensor): As in :meth:`forward`, and likewise ``edge_index``, ``batch`` and
                ``root_index``.
            pe (Tensor): Normalised encodings, ``(N, K)``.
            edge_index (Tensor): Edges, ``(2, E)``.
            batch (Tensor): Subgraph of every node, ``(N,)`` ascending.
            root_index (Tensor): Root of every subgraph, ``(B,)``.

        Returns:
            Tensor: ``(B, out_channels)``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        edge_index, root_index = self._check(x, pe, edge_index, batch, root_index)
        return self._read_out(x, pe, edge_index, batch, root_index)[0]

    def _read_out(
        self, x: Tensor, pe: Tensor, edge_index: Tensor, batch: Tensor, root_index: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Embeddings of subgraphs, and states of their roots."""
        num_graphs = root_index.numel()
        plan = Plan.build(edge_index, batch, num_graphs, working_dtype(x.dtype))
        h = torch.cat([self.node_emb(x), self.pe_lin(pe)], dim=1)
        for conv in self.convs:
            h = conv(h, plan)
        # The root counts twice, in the mean and by itself, whatever the size of its subgraph.
        root = h[root_index]
        pooled = global_mean_pool(h, batch, num_graphs)
        graph_emb = self.mlp(torch.cat([pooled, root], dim=1))
        if "mean" in self.residual:
            graph_emb = graph_emb + global_mean_pool(x, batch, num_graphs)
        if "root" in self.residual:
            graph_emb = graph_emb + x[root_index]
        return graph_emb, root

    def _check(
        self, x: Tensor, pe: Tensor, edge_index: Tensor, batch: Tensor, root_index: Tensor
    ) -> tuple[Tensor, Tensor]:
        check_matrix(x, "x", cols=self.in_channels, finite=False)
        if pe is None:
            raise ValueError(f"pe must be a ({x.size(0)}, {self.walk_length}) matrix, got None")
        check_matrix(pe, "pe", rows=x.size(0), cols=self.walk_length, finite=False)
        edge_index = check_edge_index(edge_index, x.size(0))
        root_index = check_index(root_index, x.size(0), "root_index")
        check_index(batch, root_index.numel(), "batch", length=x.size(0))
        if not values_visible(batch, root_index):
            return edge_index, root_index
        if bool((batch.diff() < 0).any()):
            raise ValueError("batch must ascend")
        outside = (
            batch[root_index] != torch.arange(root_index.numel(), device=batch.device)
        ).nonzero()
        if outside.numel():
            i = int(outside[0])
            raise ValueError(f"root_index[{i}] = {int(root_index[i])} is outside subgraph {i}")
        return edge_index, root_index
