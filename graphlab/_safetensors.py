"""The bytes of a safetensors file with a checksum, written here and read by the library.

The format is eight bytes of header length, a JSON header, and the raw values. The library's own
writer orders metadata at random and leaves temporary files that nobody can attribute when it is
killed; this one gives equal bytes for equal input and leaves the choice of file to the caller.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

_CHECKSUM = "graphlab.sha256"
_HEADER = "__metadata__"
_ALIGNMENT = 64  # bytes; the first tensor then starts on a cache line of the mapped file
_DTYPES = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.uint16: "U16",
    torch.int16: "I16",
    torch.uint32: "U32",
    torch.int32: "I32",
    torch.uint64: "U64",
    torch.int64: "I64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
    torch.complex64: "C64",
}


def encode(
    tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> tuple[bytes, Iterator[memoryview]]:
    """Return the head of the file and the blocks of values that follow it.

    Args:
        tensors: Dense tensors by name.
        metadata: Strings for the header.

    Returns:
        tuple[bytes, Iterator[memoryview]]: What to write, in order.

    Raises:
        TypeError: If a tensor cannot be stored, or a name or metadata entry is not a string.
        ValueError: If a name or a metadata key is reserved.
    """
    if not all(isinstance(item, str) for pair in metadata.items() for item in pair):
        raise TypeError("metadata must map str to str")
    if _CHECKSUM in metadata or _HEADER in tensors:
        raise ValueError(f"the names {_CHECKSUM!r} and {_HEADER!r} are reserved")
    plain = {name: _storable(name, tensor) for name, tensor in tensors.items()}
    # Wide elements first keeps every tensor aligned to its own element size.
    order = sorted(plain, key=lambda name: (-plain[name].element_size(), name))
    header: dict[str, Any] = {_HEADER: {**metadata, _CHECKSUM: _checksum(plain, metadata)}}
    start = 0
    for name in order:
        stop = start + plain[name].nbytes
        header[name] = {**_describe(plain[name]), "data_offsets": [start, stop]}
        start = stop
    text = _canonical(header)
    text += b" " * (-(len(text) + 8) % _ALIGNMENT)
    return len(text).to_bytes(8, "little") + text, (_raw_bytes(plain[name]) for name in order)


def decode(path: str | os.PathLike[str], verify: bool) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a file back.

    Args:
        path: File to read.
        verify: Whether the checksum must be present and right.

    Returns:
        tuple[dict[str, Tensor], dict[str, str]]: Tensors and metadata.

    Raises:
        OSError: If the file cannot be opened.
        ValueError: If the content is not whole; the message names ``path``.
    """
    try:
        with safe_open(os.fspath(path), framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
            metadata = dict(file.metadata() or {})
    except (SafetensorError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise ValueError(f"{path} is not a readable safetensors file: {error}") from error
    stored = metadata.pop(_CHECKSUM, None)
    if verify and stored is None:
        raise ValueError(f"{path} has no graphlab checksum; pass verify=False to trust it as it is")
    known = all(tensor.dtype in _DTYPES for tensor in tensors.values())
    if verify and not (known and stored == _checksum(tensors, metadata)):
        raise ValueError(f"{path} is corrupted: its checksum does not match its content")
    return tensors, metadata


def _storable(name: str, tensor: Tensor) -> Tensor:
    if not isinstance(name, str):
        raise TypeError(f"the names of tensors must be str, got {name!r}")
    if not isinstance(tensor, Tensor):
        raise TypeError(f"tensors[{name!r}] must be a Tensor, got {type(tensor).__name__}")
    if tensor.layout != torch.strided or tensor.is_meta or tensor.dtype not in _DTYPES:
        raise TypeError(
            f"tensors[{name!r}] must be dense, with values and a dtype of the safetensors format; "
            f"got layout {tensor.layout}, device {tensor.device}, dtype {tensor.dtype}"
        )
    return tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()


def _describe(tensor: Tensor) -> dict[str, Any]:
    return {"dtype": _DTYPES[tensor.dtype], "shape": list(tensor.shape)}


def _raw_bytes(tensor: Tensor) -> memoryview:
    if tensor.numel() == 0:
        return memoryview(b"")  # an empty array of numpy may have a stride that no view accepts
    return tensor.reshape(-1).view(torch.uint8).numpy().data


def _canonical(obj: object) -> bytes:
    return json.dumps(obj, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """Hash everything a caller gets back: names, dtypes, shapes, metadata, values."""
    described = {name: _describe(tensor) for name, tensor in tensors.items()}
    digest = hashlib.sha256(_canonical([described, dict(metadata)]))
    for name in sorted(tensors):
        digest.update(_raw_bytes(tensors[name]))
    return digest.hexdigest()
