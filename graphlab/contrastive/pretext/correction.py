"""Labels corrected by prototypes of their classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import (
    check_fraction,
    check_index,
    check_int,
    check_matrix,
    check_same_device,
)
from graphlab._random import random_order
from graphlab.contrastive.pretext.propagated import check_labels
from graphlab.ops import unit_rows

__all__ = ["LabelCorrection", "corrected_labels"]

_MOST_VALUES = 1 << 24


@dataclass(frozen=True)
class LabelCorrection:
    """Settings of :func:`corrected_labels`.

    Attributes:
        num_members (int): Nodes of each class that its prototypes are sought among.
        num_prototypes (int): Prototypes of a class.
        quantile (float): Cosines above this quantile of a class count as near.
        duplicate (float): A node this similar to a denser one is no prototype.
    """

    num_members: int = 320
    num_prototypes: int = 8
    quantile: float = 0.4
    duplicate: float = 0.95

    def __post_init__(self) -> None:
        check_int(self.num_members, "num_members", minimum=1)
        check_int(self.num_prototypes, "num_prototypes", minimum=1)
        check_fraction(self.quantile, "quantile")


def corrected_labels(
    z: Tensor,
    labels: Tensor,
    nodes: Tensor | None = None,
    *,
    settings: LabelCorrection | None = None,
    members: list[Tensor] | None = None,
    faithful: bool = False,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Class of the prototypes that a node is most similar to.

    In every class the prototypes are its densest members, those with many members near, that are no
    near-duplicates of a denser one.

    Args:
        z (Tensor): ``(N, D)`` embeddings, floating point.
        labels (Tensor): ``(N,)`` int64 or int32, -1 where unknown: labels that may be wrong, such
            as those of :func:`harmonic_labels`.
        nodes (Tensor, optional): ``(B,)`` nodes to relabel; all when missing.
        settings (LabelCorrection, optional): Numbers of members and prototypes.
        members (list of Tensor, optional): Candidates of each class in an order of the caller's;
            drawn from ``generator`` when missing.
        faithful (bool): Rank near-duplicates as the released program does, by density zero, which
            is above all members of negative density, and members of one density by an unstable
            sort; otherwise near-duplicates come last, and the earlier member first.
        generator (torch.Generator, optional): Draws the members of classes that have more; seed 0
            by default.

    Returns:
        Tensor: int64 ``(B,)``. Equal similarities go to the first class.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(C M² D + B C P D) time for M members and P prototypes of a class.

    Source: Han, Luo, Wang, "Deep self-learning from noisy labels", ICCV 2019, as used by SelfTask.
    """
    z = check_matrix(z, "z").detach()
    labels = check_labels(labels)
    if labels.numel() != z.size(0):
        raise ValueError(f"labels must have {z.size(0)} entries, got {labels.numel()}")
    if nodes is None:
        nodes = torch.arange(z.size(0), device=z.device)
    nodes = check_index(nodes, z.size(0), "nodes")
    check_same_device(z=z, labels=labels, nodes=nodes)
    settings = settings or LabelCorrection()
    drawing = torch.Generator().manual_seed(0) if generator is None else generator
    unit = unit_rows(z)
    classes = labels[labels >= 0].unique().tolist()
    if members is None:
        members = [_drawn(labels, label, settings.num_members, drawing) for label in classes]
    if len(members) != len(classes):
        raise ValueError(f"members must be a list of {len(classes)} tensors, got {len(members)}")
    scores = []
    for position, own in enumerate(members):
        own = check_index(own, z.size(0), f"members[{position}]")
        prototypes = _prototypes(unit[own], settings, faithful)
        scores.append((unit[nodes] @ unit[own[prototypes]].t()).mean(1))
    best = torch.stack(scores, dim=1).argmax(1)
    return torch.tensor(classes, device=z.device)[best]


def _drawn(labels: Tensor, label: int, number: int, generator: torch.Generator) -> Tensor:
    own = (labels == label).nonzero()[:, 0]
    if own.numel() <= number:
        return own
    order = random_order(own.numel(), generator, own.device)[:number]
    return own[order.sort().values]


def _quantile(values: Tensor, share: float) -> Tensor:
    """A quantile of any number of values, of which torch takes 2^24."""
    if values.numel() <= _MOST_VALUES:
        return torch.quantile(values, share)
    place = share * (values.numel() - 1)
    below = int(place)
    low = values.kthvalue(below + 1).values
    high = values.kthvalue(min(below + 2, values.numel())).values
    return torch.lerp(low, high, place - below)


def _prototypes(unit: Tensor, settings: LabelCorrection, faithful: bool) -> Tensor:
    """Numbers of the prototypes among the members of a class."""
    similarity = unit @ unit.t()
    cut = _quantile(similarity.flatten().double(), settings.quantile)
    density = (similarity.double() - cut).sign().sum(1)
    closest = _similarity_to_denser(similarity, density)
    copies = closest >= settings.duplicate
    density = density.masked_fill(copies, 0.0 if faithful else -torch.inf)
    if faithful:  # its unstable sort decides between equal densities
        order = torch.from_numpy(np.argsort(density.cpu().numpy())[::-1].copy()).to(density.device)
    else:
        order = density.argsort(descending=True, stable=True)
    return order[: settings.num_prototypes]


def _similarity_to_denser(similarity: Tensor, density: Tensor) -> Tensor:
    """Largest similarity to a member of higher density; the least of all for the densest."""
    denser = density[None] > density[:, None]
    closest = similarity.masked_fill(~denser, -torch.inf).max(1).values
    return torch.where(denser.any(1), closest, similarity.min(1).values)
