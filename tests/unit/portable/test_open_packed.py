"""Archives and streams of the tape that have captured names or secrets in them, and what is sent for them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable

import pytest

from pytest_proctape.portable import Places
from pytest_proctape.portable.open_packed import OpenPacked

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
OLD, NEW = "/tmp/tmpabcd1234", "/tmp/tmpzzzz9876"
LONG = "/".join(["d" * 8] * 14)


def archive(folder: str, style: str = "gnu", text: str = "it is in {}, {}\n", mode: int = 0o644) -> bytes:
    """Two members below a folder."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=FORMATS[style]) as tar:
        for name in ("a", f"{LONG}/b"):
            data = text.replace("{}", folder).encode()
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size, info.mode = len(data), mode
            tar.addfile(info, io.BytesIO(data))
    return made.getvalue()


def opened(data: bytes, *, token: str = "") -> OpenPacked:
    """What a replay awaits for an input of the recording."""
    recorded = Places({"tempdir": "/tmp"})
    recorded.secrets.learn({"MY_TOKEN": token} if token else {})
    recorded.capturing = True
    on_tape = recorded.conceal(data)
    replayed = Places({"tempdir": "/tmp"})
    replayed.names.load(recorded.names.recorded)
    found = replayed.holes(on_tape)
    assert isinstance(found, OpenPacked)
    return found


def _plain(data: bytes) -> bytes:
    return data


PACKERS: list[Callable[[bytes], bytes]] = [_plain, gzip.compress, bz2.compress, lzma.compress]


@pytest.mark.parametrize("pack", PACKERS, ids=["plain", "gzip", "bzip2", "xz"])
@pytest.mark.parametrize("style", FORMATS)
def test_the_same_with_another_name(style: str, pack: Callable[[bytes], bytes]) -> None:
    awaited = opened(pack(archive(OLD, style)))
    filled = awaited.fullmatch(pack(archive(NEW, style)))
    assert filled is not None
    assert {token.text: value for token, value in filled.items()} == {b"<mktemp:1>": b"tmpzzzz9876"}


@pytest.mark.parametrize(
    "other",
    [
        archive(NEW, text="it was in {}, {}\n"),
        archive(NEW, text="it is in {}, /tmp/tmpyyyy5432\n"),
        archive(NEW, mode=0o600),
        archive(NEW, style="ustar"),
        archive("/tmp/somewhere"),
        archive(NEW)[:-512],
        archive(NEW) + bytes(512),
        b"it is in /tmp/tmpzzzz9876\n",
        b"",
    ],
    ids=["text", "two names", "mode", "format", "no name", "cut", "more", "no archive", "nothing"],
)
def test_another_one(other: bytes) -> None:
    assert opened(archive(OLD)).fullmatch(other) is None


def test_a_secret_may_be_another_one() -> None:
    awaited = opened(archive(OLD, text="{} abcdef-123456 {}\n"), token="abcdef-123456")
    assert awaited.fullmatch(archive(NEW, text="{} another {}\n")) is not None
    assert awaited.fullmatch(archive(NEW, text="{} another {}")) is None


def test_when_it_may_be_whole() -> None:
    awaited, sent = opened(archive(OLD)), archive(NEW)
    assert awaited.may_be_whole(sent)
    assert not any(awaited.may_be_whole(sent[:end]) for end in (600, 1024, len(sent) - 1))
    assert awaited.may_be_whole(gzip.compress(sent))
    assert not awaited.may_be_whole(b"\x1f\x8b\x08" + bytes(1 << 20))
