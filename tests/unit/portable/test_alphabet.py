"""A text is only looked through for words whose bytes it has, and nothing is missed by that."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_proctape.portable.alphabet import SMALL, Alphabet, may_have
from pytest_proctape.portable.secrets import Secrets

KEY = "ghp_" + "a1B2" * 9
PEM = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"
FILLINGS = (b"\0", b"x", b"y\n", b"0123456789\n", b"a line of words: and = signs / here\n", bytes(range(256)))


@given(st.binary(min_size=1, max_size=200), st.integers(1, 400))
def test_every_byte_is_found(data: bytes, times: int) -> None:
    told = Alphabet(data * times)
    assert {byte for byte in range(256) if told(bytes([byte]))} == set(data)


def test_a_byte_is_found_wherever_it_stands() -> None:
    for at in (0, 1, 5_000, 99_998, 99_999):
        data = bytearray(100_000)
        data[at] = 7
        told = Alphabet(bytes(data))
        assert told(b"\7\0")
        assert not told(b"\7\1")
        assert not told(b"\1")


def test_of_a_small_text_nothing_is_said() -> None:
    assert may_have(b"a" * SMALL)(b"b")
    assert not may_have(b"a" * (SMALL + 1))(b"b")
    assert may_have(b"ab" * SMALL)(b"ba")


@pytest.mark.parametrize("filling", FILLINGS, ids=repr)
@pytest.mark.parametrize(
    "secret",
    [
        b"opensesame+77",
        b"opensesame%2B77",
        b"opensesame+77".hex().encode(),
        base64.b64encode(b"password is opensesame+77 and more"),
        KEY.encode(),
        b"https://user:opendoors@host/",
        b"Authorization: Basic abcdefgh",
        PEM.encode(),
        base64.b64encode(f"my key is {KEY}, really".encode()),
    ],
    ids=repr,
)
@pytest.mark.parametrize("at", [0, 1, 20_000])
def test_a_secret_is_found_in_a_large_text(filling: bytes, secret: bytes, at: int) -> None:
    secrets = Secrets()
    secrets.learn({"MY_TOKEN": "opensesame+77"})
    around = filling * (20_000 // len(filling) + 1)
    data = around[:at] + b"\n" + secret + b"\n" + around[at:]
    assert secrets.are_in(data)
    start = at + 1
    assert any(one.start < start + len(secret) and one.end > start for one in secrets.spans(data))


@pytest.mark.parametrize("filling", FILLINGS[:-1], ids=repr)
def test_where_there_is_none_none_is_found(filling: bytes) -> None:
    secrets = Secrets()
    secrets.learn({"MY_TOKEN": "opensesame+77"})
    assert not secrets.are_in(filling * 10_000)
