"""Damage to files: of bytes, of lines and fields, and of values in JSON."""

from __future__ import annotations

import json
import random
from typing import Any

#: What stands in files of other programs, of other tongues, and of those who mean harm.
TOKENS = (
    b"", b"0", b"-1", b"--5", b"+-3", b"1_0", b"007", b"0x10", b"1e999", b"-1e999", b"NaN", b"inf",
    b"9" * 25, b"9" * 5000, b"9223372036854775807", b"9223372036854775808", b"18446744073709551616",
    b"4611686018427387904", b"1.5", b"1,5", b"null", b"true", b"[]", b"{}", b'""', b'"', b"'",
    b"\x00", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff\xfe\x00\x00", b"\x80", b"\r", b"\n",
    b"\r\n", b"\t", b",", b";", b"|", b" ", b"#", b"%", b"\\ud800", b"\\u0000", b"\xed\xa0\x80",
    "é".encode(), "٣".encode(), "²".encode(), "\u2028".encode(), b"\xf0\x9d\x9f\x99", "‮".encode(),
    b"[" * 600, b"[" * 100_000, b'{"a":' * 400, b"a" * 100_000, b"../../etc/passwd", b"__proto__",
    b"</data>", b"```", b"<think>", b"</think>", b"2024-13-40", b"0000-00-00", b"id", b"source",
)  # fmt: skip

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 2**31, 2**63, 2**64, 10**400, -(10**400), 0.5, 1e308, -1e308,
    "", " ", "a", "0", "-1", "\x00", "\ud800", "a" * 1000, "NaN", [], {}, [[]], [None], {"": None},
    [0, 1], ["a", "b"], {"a": 1}, [[0, 1], [1, 0]], [[0], [1, 0]], [1.5, "x", None],
)  # fmt: skip


def damaged(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    """One to four changes."""
    for _ in range(draw.choice((1, 1, 1, 2, 3, 4))):
        data = draw.choice(_CHANGES)(data, draw, others)
    return data[: 1 << 22]


def _bit(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    if not data:
        return data
    at = draw.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :]


def _byte(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] + bytes([draw.choice((0, 1, 127, 128, 255, draw.randrange(256)))]) + data[at:]


def _cut(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    return data[: draw.randrange(len(data) + 1)]


def _span(data: bytes, draw: random.Random) -> tuple[int, int]:
    start = draw.randrange(len(data) + 1)
    return start, min(len(data), start + draw.choice((1, 2, 4, 8, 32, 200)))


def _drop(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    start, stop = _span(data, draw)
    return data[:start] + data[stop:]


def _repeat(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    start, stop = _span(data, draw)
    return data[:start] + data[start:stop] * draw.choice((2, 3, 50)) + data[stop:]


def _insert(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] + draw.choice(TOKENS) + data[at:]


def _splice(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    other = draw.choice(others) if others else data
    start, stop = _span(other, draw)
    at = draw.randrange(len(data) + 1)
    return data[:at] + (other[start:] if draw.random() < 0.3 else other[start:stop]) + data[at:]


def _field(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    """Another word in the place of one: what stands between separators."""
    separators = [at for at, sign in enumerate(data) if sign in b' ,;|\t\n:[]{}"']
    if not separators:
        return draw.choice(TOKENS)
    start = draw.choice(separators) + 1
    stop = next((at for at in separators if at >= start), len(data))
    return data[:start] + draw.choice(TOKENS) + data[stop:]


def _line(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    lines = data.split(b"\n")
    at = draw.randrange(len(lines))
    what = draw.randrange(4)
    if what == 0:
        del lines[at]
    elif what == 1:
        lines.insert(at, lines[at])
    elif what == 2:
        other = draw.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines[at] = draw.choice(TOKENS)
    return b"\n".join(lines)


def _encoded(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    text = data.decode("utf-8", "replace")
    return text.encode(draw.choice(("utf-16", "utf-32", "utf-8-sig", "utf-16-le")), "replace")


def _json(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    """Another value somewhere in a document, or in one of its lines."""
    lines = data.split(b"\n")
    whole = _decoded(data)
    known = [] if whole is not None else [i for i, line in enumerate(lines) if _decoded(line)]
    if whole is None and not known:
        return _field(data, draw, others)
    try:
        if whole is not None:
            return _written(changed(whole, draw))
        at = draw.choice(known)
        lines[at] = _written(changed(_decoded(lines[at]), draw))
    except RecursionError:  # what an earlier change has nested as deep as can be read
        return _cut(data, draw, others)
    return b"\n".join(lines)


def _decoded(data: bytes) -> Any:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (dict, list)) and value else None


def _written(value: Any) -> bytes:
    return json.dumps(value).encode()


def changed(value: Any, draw: random.Random) -> Any:
    """A copy with one value, key or item changed, at any depth."""
    if draw.random() < 0.15 or not isinstance(value, (dict, list)) or not value:
        return draw.choice(VALUES)
    if isinstance(value, list):
        at = draw.randrange(len(value))
        if draw.random() < 0.2:
            return [*value[:at], *value[at + 1 :]]
        if draw.random() < 0.2:
            return [*value[:at], value[at], *value[at:]]
        return [*value[:at], changed(value[at], draw), *value[at + 1 :]]
    key = draw.choice(list(value))
    if draw.random() < 0.2:
        return {name: item for name, item in value.items() if name != key}
    if draw.random() < 0.2:
        return value | {draw.choice(("", "extra", "id", "0", "\u0000")): draw.choice(VALUES)}
    return value | {key: changed(value[key], draw)}


_CHANGES = (
    _bit, _byte, _cut, _drop, _repeat, _insert, _splice, _field, _field, _line, _line, _encoded,
    _json, _json, _json,
)  # fmt: skip
