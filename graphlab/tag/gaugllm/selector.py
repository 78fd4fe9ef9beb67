"""Mixture of texts: which of a node's descriptions to trust, given its context in the graph."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphlab._checks import (
    check_choice,
    check_finite,
    check_int,
    check_positive,
    check_tensor,
    values_visible,
)

__all__ = ["ContextAwareSelector"]


class ContextAwareSelector(nn.Module):
    r"""Weigh the embeddings of K texts per node by their content and their context.

    With content :math:`c_e` and context :math:`q_e` of expert e,

    .. math:: w = \operatorname{softmax}\bigl((W_2 [u_1; ...; u_K] + b_2 + s) / \tau\bigr), \qquad
        u_e = \operatorname{LeakyReLU}(W_1 c_e + b_1), \quad s_e = \langle c_e, q_e \rangle

    and the result is :math:`\sum_e w_e c_e`. In the mode ``"concat"`` W_1 reads both,
    :math:`u_e = \operatorname{LeakyReLU}(W_1 [c_e; q_e] + b_1)`, and s is left out; its authors use
    a temperature of 0.01 there.

    Weights are a function of the node alone. (The released code multiplies the weights that were
    saved in training, in the order of shuffled batches, with the embeddings in the order of the
    nodes: each node gets those of another.) The plain dot product of long vectors saturates the
    softmax; ``similarity="cosine"`` does not.

    Args:
        in_dim (int): H, width of the embeddings.
        num_experts (int): K.
        mode (str): ``"similarity"`` or ``"concat"``.
        similarity (str): ``"dot"`` (the authors') or ``"cosine"``.
        temperature (float): Positive; divides the logits.

    Shapes:
        - content, context: ``(N, K, H)`` floating point.
        - output: fused ``(N, H)``, weights ``(N, K)``, rows sum to 1.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(N K H^2) time.

    Reference: Fang et al., "GAugLLM", KDD 2024, arXiv:2406.11945.

    Example:
        >>> content, context = torch.randn(2, 5, 3, 8).unbind(0)
        >>> fused, weights = ContextAwareSelector(8, num_experts=3)(content, context)
        >>> fused.shape, weights.shape
        (torch.Size([5, 8]), torch.Size([5, 3]))
    """

    def __init__(
        self,
        in_dim: int,
        num_experts: int = 4,
        mode: Literal["similarity", "concat"] = "similarity",
        similarity: Literal["dot", "cosine"] = "dot",
        temperature: float = 0.2,
    ) -> None:
        super().__init__()
        self.in_dim = check_int(in_dim, "in_dim", minimum=2)
        self.num_experts = check_int(num_experts, "num_experts", minimum=1)
        self.mode = check_choice(mode, "mode", ("similarity", "concat"))
        self.similarity = check_choice(similarity, "similarity", ("dot", "cosine"))
        self.temperature = check_positive(temperature, "temperature")
        wide = self.mode == "concat"
        hidden = in_dim if wide else in_dim // 2
        self.fc1 = nn.Linear(2 * in_dim if wide else in_dim, hidden)
        self.fc2 = nn.Linear(num_experts * hidden, num_experts)

    def forward(self, content: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Return the fused embeddings ``(N, H)`` and the weights ``(N, K)``.

        Args:
            content (Tensor): Embeddings of the texts, ``(N, K, H)``.
            context (Tensor): Embeddings of their contexts, ``(N, K, H)``.
        """
        check_experts(self, content, context)
        wide = torch.cat([content, context], dim=2) if self.mode == "concat" else content
        logits = self.fc2(F.leaky_relu(self.fc1(wide)).flatten(1))
        # The dot product grows with the width and soon decides the softmax alone; see the class.
        if self.mode == "similarity" and self.similarity == "dot":
            logits = logits + (content * context).sum(2)
        elif self.mode == "similarity":
            logits = logits + F.cosine_similarity(content, context, dim=2)
        weights = (logits / self.temperature).softmax(1)
        return (weights.unsqueeze(2) * content).sum(1), weights


def check_experts(selector: ContextAwareSelector, content: Tensor, context: Tensor) -> None:
    """Require embeddings of texts and contexts as a selector reads them.

    Raises:
        TypeError, ValueError: If one has another shape or type, or holds NaN or infinities.
    """
    wanted = (selector.num_experts, selector.in_dim)
    for value, name in ((content, "content"), (context, "context")):
        x = check_tensor(value, name)
        if not x.is_floating_point():
            raise TypeError(f"{name} must be floating point, got dtype {x.dtype}")
        if x.dim() != 3 or x.shape[1:] != wanted:
            raise ValueError(
                f"{name} must have shape (N, {wanted[0]}, {wanted[1]}), got {tuple(x.shape)}"
            )
        if values_visible(x):
            check_finite(x, name)
    if content.shape != context.shape:
        raise ValueError(
            "content and context must have the same shape, got "
            f"{tuple(content.shape)} and {tuple(context.shape)}"
        )
