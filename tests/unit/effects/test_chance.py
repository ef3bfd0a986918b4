"""What is chance in a file is masked, and nothing else is."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from pytest_proctape.effects import masked


def index(folder: Path, version: int, time_ns: int, names: tuple[str, ...] = ("a", "d/b", "d/bc")) -> bytes:
    """The index of a new repository in which files have a certain time."""
    folder.mkdir()
    for name in names:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(path.name)
        os.utime(path, ns=(0, time_ns))
    for command in (["init", "-q"], ["config", "index.version", str(version)], ["add", "."]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return (folder / ".git/index").read_bytes()


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
@pytest.mark.parametrize("version", [2, 4])
def test_the_status_of_files_in_an_index_of_git(tmp_path: Path, version: int) -> None:
    one = index(tmp_path / "one", version, 10**18)
    other = index(tmp_path / "other", version, 2 * 10**18)
    more = index(tmp_path / "more", version, 10**18, ("a", "d/b", "d/bd"))

    assert int.from_bytes(one[4:8], "big") == version
    assert one != other
    assert masked(one) == masked(other)
    assert masked(one) != masked(more)


def zipped(year: int, data: bytes = b"x") -> bytes:
    """An archive with a member of that year."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a", (year, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


def tarred(seconds: int, data: bytes = b"x", *, mode: str = "w") -> bytes:
    """An archive with a member of that time."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=tarfile.USTAR_FORMAT) as archive:  # type: ignore[call-overload]
        member = tarfile.TarInfo("a")
        member.mtime, member.size, member.uid = seconds, len(data), seconds
        archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize(
    "one, other, more",
    [
        (zipped(1990), zipped(2020), zipped(1990, b"y")),
        (tarred(1), tarred(2), tarred(1, b"y")),
        (gzip.compress(b"x", mtime=1), gzip.compress(b"x", mtime=2), gzip.compress(b"y", mtime=1)),
        (
            gzip.compress(tarred(1), mtime=1),
            gzip.compress(tarred(2), mtime=2),
            gzip.compress(tarred(1, b"y")),
        ),
    ],
    ids=["zip", "tar", "gzip", "tar.gz"],
)
def test_the_times_in_an_archive(one: bytes, other: bytes, more: bytes) -> None:
    assert one != other
    assert masked(one) == masked(other)
    assert masked(one) != masked(more)


@pytest.mark.parametrize(
    "data",
    [b"", b"text", b"DIRC", b"DIRC\0\0\0\2\0\0\0\7", b"PK\x03\x04"],
)
def test_what_only_begins_like_one_stays(data: bytes) -> None:
    assert masked(data) == data
