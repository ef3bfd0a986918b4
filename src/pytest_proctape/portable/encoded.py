"""Runs of base64 in a text, and whether what they hold is a secret; :mod:`.secrets` asks.

Paths and hashes look like base64 as well, so there may be one in every line. They are decoded and looked
through together; one by one only where there is anything.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator

from ..later import later
from .runs import Runs, runs_in, table_of

_IS_DIGIT = table_of(b"+/-")
_KINDS = bytes(
    b"2"[0] if chr(byte).isupper() and byte < 0x80 else kind for byte, kind in enumerate(_IS_DIGIT)
)
"""Capitals are ``2``, all other digits of base64 ``1``."""
_MIXED = later(rb"2(?:(?=1)|(?<=12))(?:(?=[12]{12})|(?<=[12]{13}))")
"""A capital beside another digit, within :data:`_SHORTEST` digits; what each run of both cases has."""
_LETTERS = (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")
_SHORTEST = 24
"""Digits of base64 that are worth looking into."""
_MIN_WIDTH = 48
"""Of the lines of wrapped base64: all tools use more."""
_MANY = 1 << 16
"""Digits of a run that is looked through by itself."""
_URLSAFE = bytes.maketrans(b"-_", b"+/")
_BREAKS = (b"\n", b"\r\n")
_APART = b"CgoK"
"""Three line breaks: what stands between runs that are decoded together."""


def may_be_encoded(may: Callable[[bytes], bool]) -> bool:
    """Whether there are letters of both cases: without, :func:`encoded_spans` passes over all.

    What has no letter at all is not text either: it decodes to one byte in three that is not ASCII.
    """
    return all(any(may(bytes([byte])) for byte in kind) for kind in _LETTERS)


def encoded_spans(
    data: bytes, holds: Callable[[bytes], bool], few: bytes | None = None
) -> Iterator[tuple[int, int]]:
    """The runs of base64 in ``data``, line breaks included, that ``holds`` says yes to once decoded.

    Args:
        data: to look at.
        holds: whether it is in a text.
        few: what :func:`~.runs.few_runs` says of it, where that is known already.
    """
    kinds = (data if few is None else few).translate(_KINDS)
    if b"2" not in kinds or _MIXED.search(kinds) is None:
        return
    spans = _runs(data)
    runs = [data[start:end] for start, end in spans]
    if _is_of_one_case(b"".join(runs)):
        return
    spans = [span for span, run in zip(spans, runs, strict=True) if not _is_of_one_case(run)]
    digits = [data[start:end].translate(_URLSAFE, b"\r\n") for start, end in spans]
    short = [one for one in digits if len(one) < _MANY]
    together = len(short) > 1 and any(holds(_decoded(short, offset)) for offset in range(4))
    for (start, end), one in zip(spans, digits, strict=True):
        looked = len(one) < _MANY and len(short) > 1 and not together
        if not looked and any(holds(_decoded([one], offset)) for offset in range(4)):
            tail = data[end : end + 2]
            yield start, end + len(tail) - len(tail.lstrip(b"="))


def _decoded(runs: list[bytes], offset: int) -> bytes:
    """All of them, from this digit on, as nobody knows which is the first of a group of four."""
    groups = [run[offset : offset + (len(run) - offset) // 4 * 4] for run in runs]
    return binascii.a2b_base64(_APART.join(groups))


def _is_of_one_case(run: bytes) -> bool:
    """A path, a hash: base64 has both."""
    return run.islower() or run.isupper()


def _runs(data: bytes) -> Runs:
    """Long runs of what can be digits of base64; lines of one width, and a shorter one, are one run."""
    kinds = data.translate(_IS_DIGIT) + b"0"
    runs = runs_in(kinds, _SHORTEST)
    if not any(end - start >= _MIN_WIDTH and data.startswith(_BREAKS, end) for start, end in runs):
        return runs
    joined: Runs = []
    done = 0
    for start, end in runs:
        if start >= done:
            width = end - start
            done = _last_line(data, kinds, end, width) if width >= _MIN_WIDTH and width % 4 == 0 else end
            joined.append((start, done))
    return joined


def _last_line(data: bytes, kinds: bytes, end: int, width: int) -> int:
    """Where the last of the lines that begin with the one before ``end`` ends."""
    length = width
    while length == width and data.startswith(_BREAKS, end):
        line = end + 2 if data.startswith(b"\r\n", end) else end + 1
        length = kinds.find(b"0", line) - line
        if not 0 < length <= width:
            break
        end = line + length
    return end
