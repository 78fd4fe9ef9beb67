"""Memory of what was computed from tensors, while these live and stay unchanged."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

__all__: list[str] = []

_Value = TypeVar("_Value")


class TensorMemo(Generic[_Value]):
    """The last value computed from some tensors; computed again when one of them is another.

    Tensors are compared by identity and by the version that every in-place change advances; they
    are not kept alive, and the value goes with the first of them. A value is not remembered while
    ``torch.compile`` traces, where tensors have no identity, nor for inference tensors, which have
    no version. Copies of a memo, and those of the module that holds it, are empty.
    """

    def __init__(self) -> None:
        self._entry: _Entry[_Value] | None = None

    def get(
        self,
        tensors: Sequence[Tensor | None],
        compute: Callable[[], _Value],
        *,
        key: object = None,
    ) -> _Value:
        """The remembered value if everything is as it was, else a new one.

        Args:
            tensors (sequence of Tensor or None): What the value is computed from.
            compute (Callable): Computes it.
            key (object): Anything else that it depends on, compared with ``==``.
        """
        if torch.compiler.is_compiling():
            return compute()
        entry = self._entry
        if entry is not None and entry.key == key and entry.unchanged(tensors):
            return entry.value
        # What is kept for later calls must not be an inference tensor: autograd refuses these.
        with torch.inference_mode(False):
            value = compute()
        if not any(tensor is not None and tensor.is_inference() for tensor in tensors):
            seen = tuple(_Seen.of(tensor, self._forget) for tensor in tensors)
            self._entry = _Entry(seen, key, value)
        return value

    def _forget(self, reference: weakref.ref[Tensor]) -> None:
        entry = self._entry
        if entry is not None and any(seen.reference is reference for seen in entry.seen):
            self._entry = None

    def __getstate__(self) -> dict[str, object]:
        return {"_entry": None}


@dataclass(frozen=True)
class _Entry(Generic[_Value]):
    seen: tuple[_Seen, ...]
    key: object
    value: _Value

    def unchanged(self, tensors: Sequence[Tensor | None]) -> bool:
        return len(tensors) == len(self.seen) and all(
            seen.matches(tensor) for seen, tensor in zip(self.seen, tensors, strict=True)
        )


@dataclass(frozen=True)
class _Seen:
    """A tensor without keeping it alive, and its version."""

    reference: weakref.ref[Tensor] | None
    version: int

    @staticmethod
    def of(tensor: Tensor | None, forget: Callable[[weakref.ref[Tensor]], None]) -> _Seen:
        if tensor is None:
            return _Seen(None, 0)
        return _Seen(weakref.ref(tensor, forget), tensor._version)

    def matches(self, tensor: Tensor | None) -> bool:
        if self.reference is None or tensor is None:
            return self.reference is None and tensor is None
        return self.reference() is tensor and self.version == tensor._version
