from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_proctape.errors import TapeCorrupt
from pytest_proctape.tape import (
    Base64,
    Content,
    Payload,
    Stream,
    decode,
    decode_argument,
    encode,
    encode_argument,
)

EXAMPLES = settings(max_examples=60)


def payload(folder: Path, data: bytes) -> Payload:
    """`data` as a payload file, and what a tape says about it."""
    digest = hashlib.sha256(data).hexdigest()
    (folder / digest).write_bytes(data)
    return Payload(sha256=digest, size=len(data))


def in_file(folder: Path, data: bytes) -> Content:
    return decode(payload(folder, data), folder)


@pytest.mark.parametrize("data", [b"", b"x", b"line\n", b"\xff\x00\r\n" * 5])
def test_content_in_memory_and_in_a_file_are_the_same(tmp_path: Path, data: bytes) -> None:
    inline, stored = Content.of(data), in_file(tmp_path, data)
    assert inline.bytes() == stored.bytes() == data
    assert inline.size == stored.size == len(data)
    assert inline.sha256 == stored.sha256
    assert bool(inline) is bool(stored) is (data != b"")
    assert inline == stored
    assert hash(inline) == hash(stored)
    assert b"".join(stored.chunks(3)) == b"".join(inline.chunks(3)) == data
    assert (inline.in_file, stored.in_file) == (False, True)


def test_contents_with_other_bytes_are_not_equal(tmp_path: Path) -> None:
    assert Content.of(b"ab") != Content.of(b"ac")
    assert Content.of(b"ab") != in_file(tmp_path, b"ac")
    assert in_file(tmp_path, b"ab") != in_file(tmp_path, b"ac")
    assert Content.of(b"ab") != Content.of(b"abc")
    assert Content.of(b"ab") != b"ab"


@pytest.mark.parametrize("stored", [False, True])
def test_read_gives_the_asked_part_and_no_more(tmp_path: Path, stored: bool) -> None:
    content = in_file(tmp_path, b"0123456789") if stored else Content.of(b"0123456789")
    assert content.read(0, 4) == b"0123"
    assert content.read(8, 100) == b"89"
    assert content.read(10, 1) == b""
    assert content.read(99, 1) == b""
    assert content.read(3, 0) == b""
    for offset, length in ((-1, 1), (0, -1)):
        with pytest.raises(ValueError, match="negative"):
            content.read(offset, length)


def test_a_large_file_is_never_read_in_one_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = os.urandom(16) * (3 << 16)
    content = in_file(tmp_path, data)
    asked: list[int] = []
    real = os.pread

    def counting(fd: int, length: int, offset: int) -> bytes:
        asked.append(length)
        return real(fd, length, offset)

    monkeypatch.setattr(os, "pread", counting)
    before = len(os.listdir("/dev/fd"))
    assert b"".join(content.chunks(1 << 16)) == data
    assert max(asked) == 1 << 18, "the hash is made in chunks"
    assert sum(asked) <= 2 * len(data) + (1 << 20), "the hash is made once"
    assert len(os.listdir("/dev/fd")) == before


def test_the_hash_of_a_file_is_checked_once_for_all_contents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = payload(tmp_path, b"checked once")
    decode(stream, tmp_path).bytes()
    monkeypatch.setattr(hashlib, "sha256", None)
    assert decode(stream, tmp_path).bytes() == b"checked once"


def test_changed_bytes_are_noticed_on_first_use(tmp_path: Path) -> None:
    stream = payload(tmp_path, b"original")
    (tmp_path / stream.sha256).write_bytes(b"0riginal")
    content = decode(stream, tmp_path)
    with pytest.raises(TapeCorrupt, match="another hash") as caught:
        content.read(0, 1)
    assert stream.sha256 in caught.value.expected
    assert "--record-tapes" in caught.value.next_step


def test_a_file_that_changes_after_its_check_is_noticed(tmp_path: Path) -> None:
    stream = payload(tmp_path, b"original")
    content = decode(stream, tmp_path)
    assert content.read(0, 4) == b"orig"
    (tmp_path / stream.sha256).write_bytes(b"orig")
    with pytest.raises(TapeCorrupt, match="ended after 4 bytes"):
        content.read(0, 8)
    (tmp_path / stream.sha256).unlink()
    with pytest.raises(TapeCorrupt, match="No such file"):
        content.read(0, 8)


def test_a_missing_payload_is_an_error_that_names_it(tmp_path: Path) -> None:
    missing = Payload(sha256="a" * 64, size=7)
    with pytest.raises(TapeCorrupt, match="can't be read") as caught:
        decode(missing, tmp_path)
    assert caught.value.path == tmp_path / ("a" * 64)
    assert caught.value.expected == "a file of 7 bytes"


def test_a_payload_of_another_size_is_an_error(tmp_path: Path) -> None:
    stream = payload(tmp_path, b"seven b")
    with pytest.raises(TapeCorrupt, match="it has 7 bytes") as caught:
        decode(stream.model_copy(update={"size": 8}), tmp_path)
    assert caught.value.expected == "8 bytes"


def test_a_payload_that_would_block_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ("b" * 64))
    with pytest.raises(TapeCorrupt, match="not a regular file"):
        decode(Payload(sha256="b" * 64, size=1), tmp_path)


@pytest.mark.parametrize(
    "data, stream",
    [
        (b"", ""),
        (b"one", ("one",)),
        (b"one\n", ("one\n",)),
        (b"one\ntwo", ("one\n", "two")),
        (b"\n\n", ("\n", "\n")),
        (b"crlf\r\nlone\rreturn\n", ("crlf\r\n", "lone\rreturn\n")),
        ("\u2028 \u0085 \x0b \x0c \x1c\n".encode(), ("\u2028 \u0085 \x0b \x0c \x1c\n",)),
        (b"nul\0\n", ("nul\0\n",)),
        ("\U0001f4fc\n".encode(), ("\U0001f4fc\n",)),
        (b"\xff", Base64(base64="/w==")),
        (b"\xed\xa0\x80", Base64(base64="7aCA")),
    ],
)
def test_the_form_of_bytes_on_a_tape(tmp_path: Path, data: bytes, stream: Stream) -> None:
    assert encode(data) == stream
    assert encode(Content.of(data)) == stream
    assert decode(stream, tmp_path).bytes() == data


def test_long_base64_is_cut_into_lines(tmp_path: Path) -> None:
    data = b"\xff" * 100
    stream = encode(data)
    assert isinstance(stream, Base64)
    assert [len(line) for line in stream.base64] == [76, 60]
    assert decode(stream, tmp_path).bytes() == data
    assert encode(b"\xff" * 57) == Base64(base64="/" * 76)


def test_a_string_is_the_same_as_its_lines(tmp_path: Path) -> None:
    assert decode("a\nb", tmp_path) == decode(("a\n", "b"), tmp_path) == decode(("a", "\nb"), tmp_path)
    assert decode((), tmp_path) == Content.of(b"")


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8")))
@example("".join(map(chr, range(0x300))).encode())
@example(bytes(range(256)))
@EXAMPLES
def test_bytes_survive(data: bytes) -> None:
    assert decode(encode(data), Path("nowhere")).bytes() == data


def test_only_what_is_larger_than_the_threshold_is_a_payload(tmp_path: Path) -> None:
    kept: list[Content] = []

    def keep(content: Content) -> Payload:
        kept.append(content)
        return payload(tmp_path, content.bytes())

    assert encode(b"12345", keep, threshold=5) == ("12345",)
    assert kept == []
    large = encode(b"123456", keep, threshold=5)
    assert isinstance(large, Payload)
    assert kept == [Content.of(b"123456")]
    assert decode(large, tmp_path).bytes() == b"123456"
    assert encode(b"123456", threshold=5) == ("123456",), "without a place to keep it, it stays inline"


@pytest.mark.parametrize(
    "word, stored",
    [
        ("status", "status"),
        (b"status", "status"),
        ("", ""),
        ("\u00e4\n\U0001f4fc", "\u00e4\n\U0001f4fc"),
        ("caf\udce9", Base64(base64="Y2Fm6Q==")),
        (b"caf\xe9", Base64(base64="Y2Fm6Q==")),
    ],
)
def test_words_of_a_command_line(word: str | bytes, stored: str | Base64) -> None:
    assert encode_argument(word) == stored
    assert decode_argument(stored) == os.fsdecode(word)


@given(st.binary(max_size=40))
@EXAMPLES
def test_any_word_survives(word: bytes) -> None:
    assert decode_argument(encode_argument(word)) == os.fsdecode(word)
    assert encode_argument(os.fsdecode(word)) == encode_argument(word)


def test_its_repr_says_how_much_there_is() -> None:
    assert "121 bytes" in repr(Content.of(b"x" * 121))
