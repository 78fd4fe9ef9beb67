"""Train, validation and test sets of nodes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import Array, check_index, check_int, check_tensor, from_array
from graphlab._random import random_order
from graphlab.evaluate._given import Labels, from_labels

if TYPE_CHECKING:
    from torch_geometric.data import Data

__all__ = ["labels_per_class_split", "random_split", "resolve_split", "tape_split"]

_PARTS = ("train", "val", "test")
_ALIASES = {"train": ("train", "train_mask"), "val": ("val", "valid", "val_mask")}
_ALIASES["test"] = ("test", "test_mask")


def random_split(
    num_nodes: int,
    train: float | int = 0.1,
    val: float | int = 0.1,
    *,
    seed: int = 0,
    generator: torch.Generator | None = None,
    stratify: Labels | None = None,
) -> dict[str, Tensor]:
    """Split nodes at random into train, validation and test.

    Args:
        num_nodes (int): Number of nodes N.
        train (float or int): Share of the nodes as a float in (0, 1), or their number as an int.
        val (float or int): The same for validation. What is left is the test set; it must not be
            empty.
        seed (int): Seed of the draw; ignored when ``generator`` is given.
        generator (torch.Generator, optional): Draw from this generator instead.
        stratify (Tensor, ndarray or list of int, optional): Labels ``(N,)``. If given, every class
            is spread over the three parts in proportion, and the sizes asked for are still met
            exactly: to within one node for training, and for validation of what training leaves.
            Nodes with a negative label have none and are in no part, which a warning tells; shares
            are of the others.

    Returns:
        dict[str, Tensor]: ``train``, ``val`` and ``test``: sorted int64 node indices, disjoint,
        covering all nodes that have a label.

    Raises:
        ValueError: If a part would be empty, the parts do not fit, or ``stratify`` has another
            length than ``num_nodes``.
        TypeError: If a size is not a number.

    Complexity: O(N log N) time, O(N) memory. Determinism: same seed, same split.

    Example:
        >>> {part: len(index) for part, index in random_split(100, 0.1, 0.2, seed=1).items()}
        {'train': 10, 'val': 20, 'test': 70}
    """
    num_nodes = check_int(num_nodes, "num_nodes", minimum=3)
    labels = None if stratify is None else _class_codes(stratify, num_nodes)
    known = num_nodes if labels is None else int((labels >= 0).sum())
    if known < num_nodes:
        _warn_of_unlabelled(known, num_nodes)
    num_train = _part_size(train, "train", known)
    num_val = _part_size(val, "val", known)
    if num_train + num_val >= known:
        kind = "nodes" if known == num_nodes else f"labels ({num_nodes} nodes)"
        raise ValueError(
            f"train ({num_train}) and val ({num_val}) leave no test node out of {known} {kind}"
        )
    if generator is None:
        generator = torch.Generator().manual_seed(check_int(seed, "seed"))
    order = random_order(num_nodes, generator, "cpu")
    if labels is None:
        ends = [num_train, num_train + num_val]
        pieces = list(order.tensor_split(ends))
    else:
        pieces = _stratified(order[labels[order] >= 0], labels, num_train, num_val)
    return {part: piece.sort().values for part, piece in zip(_PARTS, pieces, strict=True)}


def labels_per_class_split(
    y: Labels, train: int = 20, val: int = 30, *, seed: int = 0
) -> dict[str, Tensor]:
    """Draw so many nodes of every class for training, then for validation; test on the rest.

    Equal to the draw of GAugLLM's released code for the same seed. A class that is too small gives
    all it has; with large ``train`` the other parts may be empty.

    Args:
        y (Tensor, ndarray or list of int): Labels ``(N,)`` int64; nodes with a negative one are
            left out.
        train (int): Nodes per class for training.
        val (int): Nodes per class for validation.
        seed (int): Seed of the draw.

    Returns:
        dict[str, Tensor]: ``train``, ``val`` and ``test``: sorted int64 nodes.

    Raises:
        TypeError, ValueError: If an argument is malformed or there is no label.

    Complexity: O(C N).

    Example:
        >>> parts = labels_per_class_split(torch.arange(100) % 2, 5, 10)
        >>> {name: len(nodes) for name, nodes in parts.items()}
        {'train': 10, 'val': 20, 'test': 70}
    """
    labels = check_tensor(from_labels(y, "y"), "y")
    if labels.dtype != torch.int64 or labels.dim() != 1:
        raise TypeError(f"y must be int64 of shape (N,), got {labels.dtype} {tuple(labels.shape)}")
    values = labels.cpu().numpy()
    if not (values >= 0).any():
        raise ValueError("y must hold at least one label, got none")
    # The legacy generator: numpy promises its streams for good, and the published draw is its.
    random = np.random.RandomState(check_int(seed, "seed", minimum=0))
    left = values.copy()
    parts: dict[str, Tensor] = {}
    for name, size in (("train", train), ("val", val)):
        count = check_int(size, name, minimum=0)
        chosen = []
        # Numbers that no node has are left out: they would draw nothing from the generator.
        for label in np.unique(values[values >= 0]):
            members = np.where(left == label)[0]
            chosen.append(random.choice(members, min(count, members.size), replace=False))
        nodes = np.sort(np.concatenate(chosen))
        left[nodes] = -1
        parts[name] = torch.from_numpy(nodes)
    parts["test"] = torch.from_numpy(np.where(left >= 0)[0])
    return parts


def tape_split(num_nodes: int, seed: int) -> dict[str, Tensor]:
    """Draw 60 % of the nodes for training, 20 % for validation and 20 % for testing.

    Equal to the splits of TAPE's authors on Cora, PubMed and arxiv_2023: their features are
    fine-tuned on the training nodes of the split with the same seed, so another split would test
    on nodes whose labels the features have seen. numpy's global generator is not touched.

    Args:
        num_nodes (int): N, at least 5.
        seed (int): Seed in ``[0, 2**32)``.

    Returns:
        dict[str, Tensor]: ``train``, ``val`` and ``test``: sorted int64 node indices.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Example:
        >>> {part: nodes.numel() for part, nodes in tape_split(10, seed=0).items()}
        {'train': 6, 'val': 2, 'test': 2}
    """
    count = check_int(num_nodes, "num_nodes", minimum=5)
    check_int(seed, "seed", minimum=0, maximum=2**32 - 1)
    order = np.arange(count)
    np.random.RandomState(seed).shuffle(order)
    parts = np.split(order, [int(count * 0.6), int(count * 0.8)])
    names = ("train", "val", "test")
    return {name: torch.from_numpy(np.sort(p)) for name, p in zip(names, parts, strict=True)}


def resolve_split(
    split: Mapping[str, Array] | Data, num_nodes: int, *, column: int | None = None
) -> dict[str, Tensor]:
    """Turn masks or indices into checked, sorted indices of train, validation and test.

    Args:
        split (dict or Data): The three parts under the keys ``train``, ``val`` (or ``valid``) and
            ``test``, or ``train_mask``, ``val_mask`` and ``test_mask``. Each is a boolean mask
            ``(N,)`` or a 1-D tensor of int64 or int32 node indices, or such an array. Other keys
            are ignored, so a PyG ``Data`` and the splits of ogb can be passed as they are.
        num_nodes (int): Number of nodes N.
        column (int, optional): Which of several splits to take where masks are ``(N, S)``; a mask
            ``(N,)`` beside them belongs to all.

    Returns:
        dict[str, Tensor]: ``train``, ``val``, ``test`` as sorted int64 indices on the CPU.

    Raises:
        ValueError: If a part is missing, empty or repeated, two parts share a node, or masks hold
            several splits and ``column`` does not say which.
        IndexError: If an index lies outside ``[0, num_nodes)``, or ``column`` outside the masks.
        TypeError: If a part is neither boolean nor an integer tensor.
    """
    if not isinstance(split, Mapping) and callable(getattr(split, "to_dict", None)):
        split = {key: value for key, value in split.to_dict().items() if value is not None}
    if not isinstance(split, Mapping):
        raise TypeError(
            f"split must be a mapping of part to tensor or a Data with masks, got "
            f"{type(split).__name__}"
        )
    num_nodes = check_int(num_nodes, "num_nodes", minimum=0)
    parts = {part: _indices(split, part, num_nodes, column) for part in _PARTS}
    for first, second in (("train", "val"), ("train", "test"), ("val", "test")):
        shared = parts[first][torch.isin(parts[first], parts[second])]
        if shared.numel():
            raise ValueError(
                f"split: {first} and {second} share {shared.numel()} nodes, "
                f"the first is node {int(shared[0])}"
            )
    return parts


def _indices(split: Mapping[str, Array], part: str, num_nodes: int, column: int | None) -> Tensor:
    key = next((alias for alias in _ALIASES[part] if alias in split), None)
    if key is None:
        raise ValueError(
            f"split must have the part {part!r}, got the keys {list(split)!s:.400}: "
            "random_split draws all three"
        )
    name = f"split[{key!r}]"
    value = from_array(split[key], name)
    if isinstance(value, Tensor) and value.dtype == torch.bool:
        index = _mask(value, name, num_nodes, column).nonzero().view(-1).cpu()
    else:
        index = check_index(value, num_nodes, name).cpu().sort().values
        if bool((index[1:] == index[:-1]).any()):
            raise ValueError(f"{name} must not repeat a node")
    if index.numel() == 0:
        raise ValueError(f"{name} must hold at least one node, got none")
    return index


def _mask(value: Tensor, name: str, num_nodes: int, column: int | None) -> Tensor:
    """A mask of all nodes, the asked-for column where there are several."""
    shape = tuple(value.shape)
    if value.dim() == 2 and value.size(0) == num_nodes:
        count = value.size(1)
        if column is None and count != 1:
            raise ValueError(
                f"{name} holds {count} splits, one per column, got shape {shape}: say which by "
                f"column=0 to column={count - 1}"
            )
        chosen = check_int(0 if column is None else column, "column")
        if not 0 <= chosen < count:
            raise IndexError(f"column = {chosen} is outside [0, {count}), the splits of {name}")
        return value[:, chosen]
    if value.shape != (num_nodes,):
        raise ValueError(f"{name} must be a mask of shape ({num_nodes},), got {shape}")
    return value


def _part_size(size: float | int, name: str, num_nodes: int) -> int:
    if isinstance(size, (float, np.floating)):
        if not 0.0 < size < 1.0:
            raise ValueError(f"{name} must be a share in (0, 1) or a number of nodes, got {size}")
        count = round(size * num_nodes)
    else:
        count = check_int(size, name, minimum=1, maximum=num_nodes)
    if count == 0:
        raise ValueError(f"{name} = {size} of {num_nodes} nodes is less than one node")
    return count


def _warn_of_unlabelled(known: int, num_nodes: int) -> None:
    if known < 3:
        raise ValueError(f"stratify must hold at least 3 labels, got {known} for {num_nodes} nodes")
    warnings.warn(
        f"{num_nodes - known} of {num_nodes} nodes have no label (a negative one in stratify): "
        f"they are in no part, and shares are of the other {known}",
        UserWarning,
        stacklevel=3,
    )


def _class_codes(given: Labels, num_nodes: int) -> Tensor:
    stratify = from_labels(given, "stratify")
    if not isinstance(stratify, Tensor):
        raise TypeError(f"stratify must be a torch.Tensor, got {type(stratify).__name__}")
    if stratify.shape != (num_nodes,):
        raise ValueError(f"stratify must have shape ({num_nodes},), got {tuple(stratify.shape)}")
    if stratify.dtype.is_floating_point or stratify.dtype.is_complex:
        raise TypeError(f"stratify must hold numbers of classes, got dtype {stratify.dtype}")
    values = stratify.detach().cpu()
    _, codes = np.unique(values.numpy(), return_inverse=True)
    # Codes number the classes in the order of their labels; -1 still stands for no class.
    return torch.from_numpy(codes).masked_fill(values < 0, -1)


def _stratified(order: Tensor, codes: Tensor, num_train: int, num_val: int) -> list[Tensor]:
    """Deal the shuffled nodes of each class to the three parts; others may have no class."""
    sizes = torch.bincount(codes[order])
    train = _apportion(sizes, num_train)
    val = _apportion(sizes - train, num_val)
    parts: list[list[Tensor]] = [[], [], []]
    shuffled = codes[order]
    for label in range(sizes.numel()):
        members = order[shuffled == label]
        ends = [int(train[label]), int(train[label] + val[label])]
        for part, piece in zip(parts, members.tensor_split(ends), strict=True):
            part.append(piece)
    return [torch.cat(part) for part in parts]


def _apportion(sizes: Tensor, total: int) -> Tensor:
    """Share ``total`` seats in proportion to ``sizes``, never above them (largest remainder)."""
    # Whole-number arithmetic: the remainders of equal classes must tie exactly.
    scaled = sizes * total
    whole = int(sizes.sum())
    seats = scaled // whole
    order = torch.argsort(scaled % whole, descending=True, stable=True)
    seats[order[: total - int(seats.sum())]] += 1
    return seats
