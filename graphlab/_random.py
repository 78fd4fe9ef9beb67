"""Randomness that is a pure function of its coordinates: Philox4x32-10, generators, seeds.

**Format promise.** Entry (i, j) of the random matrix named by (seed, stream) depends on nothing
but (seed, stream, i, j), on any device and for any split into row or column chunks:

- key = (low 32 bits of seed, high 32 bits of seed)
- counter = (j // 4, stream, low 32 bits of i, high 32 bits of i)
- the entry is output word j % 4 of ten Philox rounds

so that a kernel draws four neighbouring columns at a time. Saved results rely on this layout: it
changes only together with the major version of the library.

Reference: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_int, check_tensor, values_visible

_WORD = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)

_Words = tuple[Tensor, Tensor, Tensor, Tensor]


def philox4x32(counter: Tensor, key: Tensor, rounds: int = 10) -> Tensor:
    """Apply the Philox4x32 bijection to every counter.

    Args:
        counter: ``(..., 4)`` int64, words in ``[0, 2**32)`` (not checked: this is the inner loop).
        key: ``(..., 2)`` int64, words in ``[0, 2**32)``; leading dimensions broadcast.
        rounds: Number of rounds; ten is the standard generator.

    Returns:
        LongTensor: ``(..., 4)``, words in ``[0, 2**32)``.

    Raises:
        TypeError: If an argument is not int64.
        ValueError: If the last dimensions are not 4 and 2.

    Complexity: O(counters) time; about ten int64 temporaries per counter.
    Determinism: exact integers, equal on every device.
    """
    for name, words, width in (("counter", counter, 4), ("key", key, 2)):
        check_tensor(words, name)
        if words.dtype != torch.int64:
            raise TypeError(f"{name} must be int64, got dtype {words.dtype}")
        if words.dim() == 0 or words.size(-1) != width:
            raise ValueError(f"{name} must have shape (..., {width}), got {tuple(words.shape)}")
    c0, c1, c2, c3 = counter.unbind(-1)
    k0, k1 = key.unbind(-1)
    output = _philox((c0, c1, c2, c3), (k0, k1), check_int(rounds, "rounds", minimum=1))
    return _stack(output)


def _philox(counter: _Words, key: tuple[Tensor | int, Tensor | int], rounds: int = 10) -> _Words:
    """Run the rounds on words kept apart, so that they may have different broadcast shapes."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(rounds):
        high0, low0 = _multiply(c0, _MULTIPLIERS[0])
        high1, low1 = _multiply(c2, _MULTIPLIERS[1])
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + _KEY_STEPS[0]) & _WORD, (k1 + _KEY_STEPS[1]) & _WORD
    return c0, c1, c2, c3


def _stack(words: _Words) -> Tensor:
    shape = torch.broadcast_shapes(*(word.shape for word in words))
    return torch.stack([word.expand(shape) for word in words], dim=-1)


def _multiply(x: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """High and low word of a 32 x 32 bit product.

    The product needs 64 unsigned bits, one more than int64 has, so ``x`` is split into half words:
    no intermediate exceeds 2**49.
    """
    low = (x & 0xFFFF) * factor
    middle = (x >> 16) * factor + (low >> 16)
    return middle >> 16, ((middle & 0xFFFF) << 16) | (low & 0xFFFF)


def philox_uint32(
    seed: int, rows: Tensor, col_start: int, col_stop: int, stream: int = 0
) -> Tensor:
    """Random 32-bit words of a block of rows and a range of columns.

    Any way of cutting the matrix into blocks gives the same entries (see the module's promise).

    Args:
        seed: In ``[0, 2**64)``.
        rows: ``(R,)`` int64 row numbers, not negative, in any order. Also sets the device.
        col_start: First column, not negative.
        col_stop: One past the last column, at most ``2**34``.
        stream: In ``[0, 2**32)``; different streams are independent matrices of one seed.

    Returns:
        LongTensor: ``(R, col_stop - col_start)``, words in ``[0, 2**32)``.

    Raises:
        TypeError: If ``rows`` is not int64 or a number is not an int.
        ValueError: If a number is out of range or ``rows`` is not 1-D.
        IndexError: If a row number is negative.

    Complexity: O(R C) time and memory, about 12 int64 words at the peak per four entries and one
    per entry of the result.

    Example:
        >>> philox_uint32(0, torch.arange(2), 0, 3).shape
        torch.Size([2, 3])
    """
    seed = check_int(seed, "seed", minimum=0, maximum=2**64 - 1)
    stream = check_int(stream, "stream", minimum=0, maximum=_WORD)
    col_start = check_int(col_start, "col_start", minimum=0)
    col_stop = check_int(col_stop, "col_stop", minimum=col_start, maximum=2**34)
    _check_rows(rows)
    first = col_start // 4
    blocks = torch.arange(first, (col_stop + 3) // 4, device=rows.device)
    nodes = rows.unsqueeze(1)
    constant = torch.full((1, 1), stream, device=rows.device)
    words = _philox(
        (blocks.unsqueeze(0), constant, nodes & _WORD, nodes >> 32), (seed & _WORD, seed >> 32)
    )
    table = _stack(words).flatten(1)
    return table[:, col_start - 4 * first : col_stop - 4 * first].contiguous()


def _check_rows(rows: Tensor) -> None:
    check_tensor(rows, "rows")
    if rows.dtype != torch.int64:
        raise TypeError(f"rows must be int64, got dtype {rows.dtype}")
    if rows.dim() != 1:
        raise ValueError(f"rows must be 1-D, got shape {tuple(rows.shape)}")
    if values_visible(rows) and rows.numel() and int(rows.min()) < 0:
        raise IndexError(f"rows must not be negative, got {int(rows.min())}")


def make_generator(
    seed_or_generator: int | torch.Generator, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Turn a seed into a generator of a device, or check the generator that was given.

    The global generators of torch, numpy and Python are neither read nor changed.

    Args:
        seed_or_generator: Seed in ``[0, 2**64)``, or a generator, which is returned as it is.
        device: Device the numbers will be drawn on.

    Returns:
        torch.Generator: A generator of that device.

    Raises:
        TypeError: If the first argument is neither an int nor a generator.
        ValueError: If the seed is out of range or the generator belongs to another device.
    """
    device = torch.device(device)
    if isinstance(seed_or_generator, torch.Generator):
        own = seed_or_generator.device
        if own.type != device.type or (device.index is not None and own.index != device.index):
            raise ValueError(f"generator must be on {device}, got one on {own}")
        return seed_or_generator
    seed = check_int(seed_or_generator, "seed", minimum=0, maximum=2**64 - 1)
    return torch.Generator(device=device).manual_seed(seed)


def check_generator(value: object, name: str = "generator") -> torch.Generator:
    """Require a generator.

    Raises:
        TypeError: If it is none.
    """
    if not isinstance(value, torch.Generator):
        raise TypeError(
            f"{name} must be a torch.Generator, got {type(value).__name__}: "
            "torch.Generator().manual_seed(0) makes one"
        )
    return value


def random_order(
    count: int, generator: torch.Generator | None, device: torch.device | str
) -> Tensor:
    """The numbers ``0 .. count - 1`` in random order, on a device.

    They are drawn where the generator draws, so that one on the CPU gives the same order for data
    on any device; without a generator from the global one of the device.
    """
    drawn_on = torch.device(device) if generator is None else generator.device
    return torch.randperm(count, generator=generator, device=drawn_on).to(device)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Draw from a seed within a block; the global generators are as before after it.

    Dropout and the initialisation of layers can only draw from the global generators.
    """
    # Layers are made on the default device, which need not be the one of the training.
    gpus = list({d for d in (device, torch.get_default_device()) if d.type == "cuda"})
    seed = int(seed)  # torch takes no integer of numpy
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield


def derive_seed(*words: int) -> int:
    """A seed in ``[0, 2**63)`` out of numbers, such as a seed, a purpose and a step."""
    state = np.random.SeedSequence(words).generate_state(1, np.uint64)
    return int(state[0]) >> 1


def spawn_seeds(seed: int, n: int) -> list[int]:
    """Derive independent seeds, for example one per run, worker or layer.

    The first k of n seeds do not depend on n. Based on ``numpy.random.SeedSequence``, whose
    results numpy promises to keep.

    Args:
        seed: Parent seed, not negative.
        n: How many, not negative.

    Returns:
        list[int]: Seeds in ``[0, 2**63)``, which fit the ``int`` of an operator schema.

    Raises:
        TypeError: If an argument is not an int.
        ValueError: If an argument is negative.
    """
    parent = np.random.SeedSequence(check_int(seed, "seed", minimum=0))
    children = parent.spawn(check_int(n, "n", minimum=0))
    return [int(child.generate_state(1, np.uint64)[0]) >> 1 for child in children]
