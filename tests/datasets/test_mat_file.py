"""The reader of MATLAB's files: what scipy reads, and nothing outside of its buffers."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp

from graphlab.datasets._mat_file import read_matrices


def dense(value: object) -> np.ndarray:
    return value.toarray() if sp.issparse(value) else np.asarray(value)


def stored(packed: bool, **variables: object) -> bytes:
    file = io.BytesIO()
    scipy.io.savemat(file, variables, do_compression=packed)
    return file.getvalue()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "value",
    [
        np.arange(6.0).reshape(2, 3),
        np.arange(6, dtype=np.int16).reshape(3, 2),
        np.arange(4, dtype=np.uint8).reshape(2, 2),
        np.eye(3, dtype=np.float32),
        np.array([[True, False]]),
        np.zeros((0, 4)),
        sp.csc_matrix(np.array([[0.0, 2, 0], [1, 0, 0]])),
        sp.csc_matrix(np.eye(3) > 0),
        sp.csc_matrix((4, 3)),
    ],
    ids=lambda value: f"{type(value).__name__} {value.dtype} {value.shape}",
)
def test_matrices_are_those_of_scipy(value, packed):
    content = stored(packed, x=value, other=np.ones((2, 2)), text="words", cell=[1, "a"])
    found = read_matrices(content, ("x",))
    expected = scipy.io.loadmat(io.BytesIO(content))
    np.testing.assert_array_equal(dense(found["x"]), dense(expected["x"]))
    assert sp.issparse(found["x"]) == sp.issparse(expected["x"])
    assert set(found) == {"x", "other", "text", "cell"} and found["other"] is None


def part(code: int, data: bytes) -> bytes:
    return struct.pack(">II", code, len(data)) + data + b"\0" * (-len(data) % 8)


def with_values(*values: bytes) -> bytes:
    """A file of the other byte order, with a matrix ``x`` of one row and two columns."""
    body = part(6, struct.pack(">II", 6, 0)) + part(5, struct.pack(">ii", 1, 2))
    body += part(1, b"x") + b"".join(values)
    return b"MATLAB 5.0".ljust(124) + b"\x01\x00MI" + part(14, body)


def test_files_of_the_other_byte_order_are_read():
    content = with_values(part(9, struct.pack(">dd", 1.5, -2.0)))
    np.testing.assert_array_equal(read_matrices(content, ("x",))["x"], [[1.5, -2.0]])


@pytest.mark.parametrize("packed", [False, True])
def test_every_cut_and_every_changed_byte_is_read_or_refused(packed):
    content = stored(packed, x=sp.csc_matrix(np.array([[0.0, 2, 0], [1, 0, 0]])))
    for stop in range(len(content)):
        try:
            assert "x" not in read_matrices(content[:stop], ("x",))
        except ValueError:
            continue
    for position in range(128, len(content)):
        for mask in (0x01, 0x80, 0xFF):
            changed = bytearray(content)
            changed[position] ^= mask
            try:
                found = read_matrices(bytes(changed), ("x",)).get("x")
            except ValueError:
                continue
            if sp.issparse(found):
                found.check_format(full_check=True)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "another format"),
        (b"MATLAB 7.3 MAT-file".ljust(126) + b"IM", "another format"),
        (stored(False, x=np.ones((1, 1), complex)), "complex"),
        (stored(False, x="words"), "no matrix of numbers"),
        (stored(False, x=np.ones((2, 2, 2))), "the shape"),
        (with_values(), "a variable lacks a part"),
        (with_values(part(9, struct.pack(">d", 1.5))), r"'x' has 1 numbers for the shape \[1, 2\]"),
    ],
)
def test_other_files_are_refused(content, problem):
    with pytest.raises(ValueError, match=problem):
        read_matrices(content, ("x",))
