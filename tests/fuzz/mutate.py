"""Damaged tapes for the loader's tests: an endless, repeatable stream of bytes made from good ones."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

TOKENS = [
    b"\xef\xbb\xbf",
    b"\0",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\xed\xa0\x80",
    b"\r\n",
    b"\xe2\x80\xa8",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-0",
    b"9" * 400,
    b"9" * 5000,
    b"1e-400",
    b"true",
    b"null",
    b"[" * 50,
    b"[" * 3000,
    b'{"a":' * 3000,
    b'"version": 99,',
    b'"version": 0,',
    b'"version": 2, "version": 1,',
    b'"test": "../../../etc/passwd",',
    b'{"sha256": "../../../../etc/passwd", "size": 3}',
    b'{"sha256": "%s", "size": 1}' % (b"0" * 64),
    b'{"sha256": "%s", "size": -1}' % (b"a" * 64),
    b'{"sha256": "%s", "size": %s}' % (b"a" * 64, b"9" * 30),
    b'{"base64": "====", "sha256": ""}',
    b'{"base64": ["AA=="]}',
    b'{"any": true}',
    b'{"__class__": "os.system", "__reduce__": ["os.system", ["true"]]}',
    b'"fds": {"3": "", "03": ""},',
    b'"fds": {"99999999999999999999": ""},',
    b'"signal": "SIGKILL",',
    b'"signal": "SIGRTMIN+99",',
    b'"spawn_error": {"type": "__import__", "errno": "ENOENT"},',
    b'"timeline": [{"at_ms": 1e308, "timeout_ms": 1e308}],',
]
"""What a reader of JSON, of paths or of numbers might fall over."""

VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    255,
    256,
    2**63,
    2**64,
    10**400,
    0.5,
    -0.0,
    1e308,
    "",
    "x",
    "../x",
    "/etc/passwd",
    "\0",
    "\u2028",
    "SIGTERM",
    "SIGRTMIN+1",
    "EPIPE",
    "a" * 70000,
    [],
    [[]],
    [None],
    ["line\n", 1],
    {},
    {"any": True},
    {"base64": "AA=="},
    {"base64": ["A", "A=="]},
    {"base64": "A"},
    {"sha256": "0" * 64, "size": 1},
    {"sha256": "../" * 21 + "x", "size": 1},
    {"regex": "("},
    {"glob": "[" * 100},
]
"""What stands in the place of a good value."""


def damaged(seeds: Sequence[bytes], chance: random.Random) -> Iterator[bytes]:
    """Damaged versions of the seeds, and now and then plain noise, without end."""
    while True:
        seed = chance.choice(seeds)
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            seed = chance.choice(_WAYS)(seed, seeds, chance)
        yield seed


def _flip(data: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    if not data:
        return data
    changed = bytearray(data)
    for __ in range(chance.choice((1, 1, 3, 20))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(data: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    return data[: chance.randint(0, len(data))]


def _drop(data: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    start = chance.randint(0, len(data))
    return data[:start] + data[start + chance.choice((1, 2, 10, 100)) :]


def _splice(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    other = chance.choice(seeds)
    start, end = sorted((chance.randint(0, len(other)), chance.randint(0, len(other))))
    at = chance.randint(0, len(data))
    return data[:at] + other[start : min(end, start + 2000)] + data[at:]


def _token(data: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(TOKENS) + data[at:]


def _token_as_value(data: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    """In the place of what stands behind a colon, so that the rest stays JSON."""
    colons = [index for index, byte in enumerate(data) if byte == 0x3A]
    if not colons:
        return data
    at = chance.choice(colons) + 1
    end = next((i for i in range(at, len(data)) if data[i] in b",\n}"), len(data))
    return data[:at] + chance.choice(TOKENS) + data[end:]


def _noise(_: bytes, __: Sequence[bytes], chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice((0, 1, 10, 1000)))


def _node(data: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    """Another value somewhere in the document: what gets past the parser and meets the models."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return data
    places: list[tuple[Any, Any]] = []
    pending = [document]
    while pending:
        one = pending.pop()
        steps = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        places += [(one, step) for step in steps]
        pending += [one[step] for step in steps]
    if places:
        parent, step = chance.choice(places)
        way = chance.randrange(4)
        if way == 0 and isinstance(parent, dict):
            parent[chance.choice(_NAMES)] = chance.choice(VALUES)
        elif way == 1:
            del parent[step]
        else:
            parent[step] = chance.choice(VALUES)
    return _dumped(document)


def _dumped(document: Any) -> bytes:
    return json.dumps(document).encode()


def _version(data: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    return re.sub(rb'"version": \d+', b'"version": %d' % chance.choice((-1, 0, 1, 2, 3, 99)), data)


_NAMES = (
    "version",
    "test",
    "entries",
    "program",
    "args",
    "cwd",
    "env",
    "stdin",
    "stdout",
    "stderr",
    "fds",
    "timeline",
    "exit_code",
    "signal",
    "spawn_error",
    "running",
    "at_ms",
    "timeout_ms",
    "close",
    "fd",
    "data",
    "sha256",
    "size",
    "base64",
    "any",
    "regex",
    "__proto__",
)

_Way = Callable[[bytes, Sequence[bytes], random.Random], bytes]
_WAYS: Sequence[_Way] = (
    _flip,
    _cut,
    _drop,
    _splice,
    _token,
    _token_as_value,
    _noise,
    _node,
    _node,
    _node,
    _version,
)
