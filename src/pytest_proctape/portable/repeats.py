"""Texts that say the same again and again: zeros, an empty disk, ``yes``. :mod:`.secrets` asks.

Nothing is in the hundredth repetition that is not in the first few.
"""

from __future__ import annotations

LONGEST = 1 << 16
"""Bytes of what is as surely in the condensed text as in the whole one."""

_PIECE = 1 << 14
_KEPT = LONGEST // _PIECE + 1


def condensed(data: bytes) -> bytes:
    """``data`` without most of the pieces that are the same as the one before.

    Every part of at most :data:`LONGEST` bytes is still there: of a piece that stands there many times, as
    many are left as such a part can touch.
    """
    if len(data) <= _PIECE * _KEPT:
        return data
    kept = []
    begin = same = 0
    for start in range(0, len(data) - 2 * _PIECE + 1, _PIECE):
        same = same + 1 if data.startswith(data[start : start + _PIECE], start + _PIECE) else 0
        if same >= _KEPT:
            kept.append(data[begin : start + _PIECE])
            begin = start + 2 * _PIECE
    return b"".join([*kept, data[begin:]]) if kept else data
