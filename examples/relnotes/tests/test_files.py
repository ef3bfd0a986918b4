"""Files that commands make: they are on the tape, too, and are there where git, gcc and tar are not."""

from __future__ import annotations

import os
import subprocess
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

pytestmark = pytest.mark.tape(effects=True)


@pytest.fixture(autouse=True)
def _somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Git notes who moved a branch, and when."""
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Ada Lovelace")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "ada@example.org")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2024-04-01T12:00:00Z")


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints; it must not fail."""
    return subprocess.run(
        command, cwd=cwd, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ).stdout


def head_of(repo: Path) -> str:
    """The commit that a repository is at, read from its files."""
    ref = repo.joinpath(".git/HEAD").read_text().strip().removeprefix("ref: ")
    loose = repo / ".git" / ref
    if loose.exists():
        return loose.read_text().strip()
    packed = repo.joinpath(".git/packed-refs").read_text().splitlines()
    return next(line.split()[0] for line in packed if line.endswith(f" {ref}"))


def kind_of(repo: Path, digest: str) -> bytes:
    """The kind of a loose object, unpacked by Python."""
    data = repo.joinpath(".git/objects", digest[:2], digest[2:]).read_bytes()
    return zlib.decompress(data).partition(b" ")[0]


@pytest.mark.needs("git")
def test_a_repository_and_its_branches(repo: Path) -> None:
    run("git", "branch", "later", cwd=repo)
    run("git", "checkout", "--quiet", "-b", "sooner", cwd=repo)

    assert repo.joinpath(".git/HEAD").read_text() == "ref: refs/heads/sooner\n"
    heads = repo / ".git/refs/heads"
    assert sorted(path.name for path in heads.iterdir()) == ["later", "main", "sooner"]
    assert kind_of(repo, head_of(repo)) == b"commit"


@pytest.mark.needs("git")
def test_a_checkout_brings_back_what_was(repo: Path) -> None:
    run("git", "checkout", "--quiet", "v1.0.0", cwd=repo)

    assert repo.joinpath("thimble.py").read_text() == "print('hello')\n"
    assert not repo.joinpath("logo.png").exists()


@pytest.mark.needs("git")
def test_a_clone_is_a_repository_of_its_own(repo: Path, tmp_path: Path) -> None:
    run("git", "clone", "--quiet", "--template=", repo, "copy", cwd=tmp_path)
    copy = tmp_path / "copy"

    assert copy.joinpath("logo.png").read_bytes() == bytes(range(256))
    assert head_of(copy) == head_of(repo)
    copy.joinpath("readme.md").write_text("# another\n")
    assert repo.joinpath("readme.md").read_text() != "# another\n"


@pytest.mark.needs("git")
def test_an_archive_is_a_file(repo: Path, tmp_path: Path) -> None:
    run("git", "archive", "--format=zip", f"--output={tmp_path / 'thimble.zip'}", "v1.1.0", cwd=repo)
    run("git", "archive", f"--output={tmp_path / 'thimble.tar'}", "v1.1.0", cwd=repo)

    with zipfile.ZipFile(tmp_path / "thimble.zip") as packed:
        assert packed.read("logo.png") == bytes(range(256))
    with tarfile.open(tmp_path / "thimble.tar") as packed:
        assert packed.getnames() == ["logo.png", "readme.md", "thimble.py"]


MAKEFILE = """\
CFLAGS = -O1 -g0

hello: hello.o
\t$(CC) -o $@ hello.o

clean:
\trm -f hello hello.o
"""


@pytest.mark.needs("make", "gcc")
def test_a_program_is_built_and_cleaned_away(tmp_path: Path) -> None:
    tmp_path.joinpath("Makefile").write_text(MAKEFILE)
    tmp_path.joinpath("hello.c").write_text('#include <stdio.h>\nint main() { puts("hello"); return 0; }\n')

    run("make", "CC=gcc", cwd=tmp_path)

    program = tmp_path / "hello"
    assert program.read_bytes()[1:4] == b"ELF"
    assert os.access(program, os.X_OK)
    assert run(program, cwd=tmp_path) == "hello\n"
    assert "up to date" in run("make", "CC=gcc", cwd=tmp_path)
    run("make", "clean", cwd=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Makefile", "hello.c"]


@pytest.fixture
def luggage(tmp_path: Path) -> Path:
    """A directory with a program, a link and a file that is older."""
    folder = tmp_path / "luggage"
    folder.mkdir()
    folder.joinpath("start.sh").write_text("#!/bin/sh\n")
    folder.joinpath("start.sh").chmod(0o755)
    folder.joinpath("old").write_bytes(b"\0\xff")
    folder.joinpath("link").symlink_to("old")
    for name in ("old", "start.sh", "link"):
        os.utime(folder / name, ns=(0, 1_600_000_000 * 10**9), follow_symlinks=False)
    return folder


def unpacked(folder: Path) -> None:
    """What came out is what went in."""
    assert os.access(folder / "start.sh", os.X_OK)
    assert os.readlink(folder / "link") == "old"
    assert (folder / "old").read_bytes() == b"\0\xff"
    assert (folder / "old").stat().st_mtime == 1_600_000_000


@pytest.mark.needs("tar", "gzip")
def test_tar_packs_and_unpacks(luggage: Path, tmp_path: Path) -> None:
    run("tar", "-czf", "luggage.tar.gz", luggage.name, cwd=tmp_path)
    with tarfile.open(tmp_path / "luggage.tar.gz") as packed:
        assert packed.getmember("luggage/link").issym()
    tmp_path.joinpath("there").mkdir()
    run("tar", "-xzf", "luggage.tar.gz", "-C", "there", cwd=tmp_path)

    unpacked(tmp_path / "there/luggage")


@pytest.mark.needs("zip", "unzip")
def test_zip_packs_and_unpacks(luggage: Path, tmp_path: Path) -> None:
    run("zip", "-qry", "luggage.zip", luggage.name, cwd=tmp_path)
    with zipfile.ZipFile(tmp_path / "luggage.zip") as packed:
        assert packed.read("luggage/old") == b"\0\xff"
    run("unzip", "-q", "luggage.zip", "-d", "there", cwd=tmp_path)

    unpacked(tmp_path / "there/luggage")
