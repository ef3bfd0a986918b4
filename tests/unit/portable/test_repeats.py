"""A text that repeats itself gets shorter, and nothing is lost that stood in it."""

from __future__ import annotations

import random

import pytest

from pytest_proctape.portable.repeats import _PIECE, LONGEST, condensed

UNITS = (b"\0", b"y\n", b"abc ", b"aab\n" * 64)


def test_zeros_are_as_few_as_are_needed() -> None:
    assert LONGEST < len(condensed(bytes(1 << 20))) <= 2 * LONGEST
    assert LONGEST < len(condensed(b"y\n" * (1 << 19))) <= 2 * LONGEST


def test_what_does_not_repeat_itself_stays() -> None:
    noise = random.Random(4).randbytes(300_000)
    assert condensed(noise) is noise
    assert condensed(bytes(_PIECE)) == bytes(_PIECE)


@pytest.mark.parametrize("seed", range(12))
def test_every_part_is_still_there(seed: int) -> None:
    chance = random.Random(seed)
    parts = []
    for _ in range(chance.randint(1, 6)):
        unit = chance.choice(UNITS)
        parts.append((unit * _PIECE)[:_PIECE] * chance.randint(1, 14))
        parts.append(chance.randbytes(chance.choice([0, 1, 100, _PIECE])))
    data = b"".join(parts)
    short = condensed(data)
    for start in {0, len(data) - LONGEST, *(chance.randrange(len(data)) for _ in range(40))}:
        assert data[max(0, start) :][:LONGEST] in short
