"""Shapes are found wherever they stand, as each pattern by itself would find them."""

from __future__ import annotations

import random
import string

import pytest

from pytest_proctape.portable.shapes import _SHAPES, shapes_in

PLANTED = {
    "a Stripe key": "whsec_" + "a1B2c3D4e5F6",
    "a Slack token": "xoxb-1234567890",
    "a JSON web token": "eyJabcdef.g.h",
    "a PyPI token": "pypi-AgEabcdefghij",
    "an AWS access key": "AKIA" + "ABCDEFGHIJKLMNOP",
    "an authorization header": "AuthorizatioN: basic abcd",
    "a bearer token": "bEARER abcdefghijk1",
    "a key or token behind its name": "X-Api-Key: abcdefgh",
    "an AWS secret key": "sEcReT_access_key=" + "abcdefghij" * 4,
    "a private key": "-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----",
    "a password in a URL": "ftp://me:pass@host",
}
WORDS = "token Secret private bearer key= sk- a.b_c-d :// @\n"
NOISE = random.Random(5).randbytes(20_000)
LINES = "".join(random.Random(6).choices(string.ascii_letters + string.digits + " .-_/\n", k=20_000)).encode()


@pytest.mark.parametrize("kind", PLANTED)
@pytest.mark.parametrize(
    "around", [b"", WORDS.encode() * 200, NOISE, LINES], ids=["alone", "words", "noise", "lines"]
)
def test_a_shape_is_found_among_anything(kind: str, around: bytes) -> None:
    text = PLANTED[kind].encode()
    data = around + b" \n" + text + b"\n " + around
    spans = [(start, end) for found, start, end in shapes_in(data) if found == kind]
    at = len(around) + 2
    assert any(at <= start < end <= at + len(text) + 1 for start, end in spans)


@pytest.mark.parametrize("data", [LINES + WORDS.encode(), "\n".join(PLANTED.values()).encode() * 40])
def test_the_places_are_those_of_the_patterns(data: bytes) -> None:
    by_pattern = [
        (shape.kind, *found.span(1 if shape.pattern.groups else 0))
        for shape in _SHAPES
        for found in shape.pattern.finditer(data)
    ]
    assert list(shapes_in(data)) == by_pattern
