"""Shapes are found wherever they stand, as each pattern by itself would find them."""

from __future__ import annotations

import random
import string

import pytest

from pytest_proctape.portable.alphabet import SMALL
from pytest_proctape.portable.runs import SHORTEST
from pytest_proctape.portable.shapes import _SHAPES, _TIGHT, shapes_in

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


_TOKENS_TEXT = """
AKIAABCDEFGHIJKLMNOP ASIAABCDEFGHIJKLMNOP AIzaabcdefghijklmnopqrstuvwxyz01234 ya29.abcdefghijklmnop
GOCSPX-abcdefghijklmnop dop_v1_0123456789abcdef0123456789abcdef doo_v1_0123456789abcdef0123456789abcdef
ghp_abcdefghijklmnopqrst gho_abcdefghijklmnopqrst ghu_abcdefghijklmnopqrst ghs_abcdefghijklmnopqrst
ghr_abcdefghijklmnopqrst github_pat_11ABCDEFG0abcdef_hij glpat-abcdefghijklmnop gldt-abcdefghijklmnop
glrt-abcdefghijklmnop glcbt-abcdefghijklmnop glptt-abcdefghijklmnop glft-abcdefghijklmnop
glsoat-abcdefghijklmnop glagent-abcdefghijklmnop npm_abcdefghijklmnopqrstuvwx pypi-AgEabcdefghij
pypi-abcdefghijklmnopqrstuvwxyz0123456789abcdefghijkl dckr_pat_abcdefghijklmnop xoxb-0123456789
xapp-0123456789 sk_live_abcdefghijkl rk_live_abcdefghijkl sk_test_abcdefghijkl rk_test_abcdefghijkl
whsec_abcdefghijkl SG.abcdefghijklmnop.abcdefghijklmnop sk-0bcdefghijklmnopqrst hf_abcdefghijklmnopqrstuvwx
hvs.abcdefghijklmnopqrst hvb.abcdefghijklmnopqrst hvr.abcdefghijklmnopqrst eyJabcdef.g.h
AGE-SECRET-KEY-1ABCDEFGHIJKLMNOPQRST
"""
TOKENS = _TOKENS_TEXT.split()
LABELLED = [
    "AccountKey=" + "abcd" * 8,
    "SharedAccessKey=" + "abcd" * 8,
    "hooks.slack.com/services/" + "abcd" * 5,
    "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----",
    "Secret_Key: " + "abcd" * 10,
    "AUTHORIZATION: abcd",
    "BearEr 0bcdefghijkl",
    "API-Key=abcdefgh",
    "private-token: abcdefgh",
    "JOB-token: abcdefgh",
    "Deploy-Token: abcdefgh",
    "x-auth-token: abcdefgh",
    "X-Vault-Token: abcdefgh",
    "x-access-token: abcdefgh",
    "ftp%3A%2F%2Fme%3Apass%40host",
    r"ftp:\/\/me:pass@host",
    "ftp://me:pass@host",
    "https://abcdefghijklmnopqrst@host",
]


@pytest.mark.parametrize("text", [*TOKENS, *LABELLED])
@pytest.mark.parametrize("around", [" ", "a few words: ", "\0\1\2\xff"], ids=["blank", "words", "bytes"])
def test_the_shortest_of_each_is_found_in_a_large_text(text: str, around: str) -> None:
    filling = around.encode("latin-1") * (SMALL // len(around) + 1)
    token = text.encode()
    for data in (token + b"\n" + filling, filling + b"\n" + token + b"\n" + filling, filling + b"\n" + token):
        assert list(shapes_in(data)) == [
            (shape.kind, *found.span(1 if shape.pattern.groups else 0))
            for shape in _SHAPES
            for found in shape.pattern.finditer(data)
        ]
        assert list(shapes_in(data))


def test_every_word_of_a_token_is_in_one_of_these() -> None:
    words = [word.decode() for shape in _TIGHT for word in shape.words]
    assert all(any(token.startswith(word) for token in TOKENS) for word in words)


def test_no_token_is_shorter_than_a_run() -> None:
    assert min(shape.run for shape in _TIGHT) == SHORTEST == min(map(len, TOKENS))
