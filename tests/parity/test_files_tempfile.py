"""What commands do to what the test makes by tempfile, and to what stands beside a file of it."""

from __future__ import annotations

import gzip
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from pytest_proctape.session import FileRules
from tests.parity.harness import Parity

from .trees import tree


@pytest.fixture(params=["plain", "behind a link"])
def filed(parity: Parity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any) -> Parity:
    """Parity of files in a directory for temporary files that is this test's alone."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    if request.param != "plain":
        folder = tmp_path / "link"
        folder.symlink_to("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    parity.files, parity.tempdir = FileRules(on=True), folder
    return parity


def check(filed: Parity, body: Any) -> Any:
    """Every replay leaves the very files of the recording; the bare run saw the same by another clock.

    Args:
        filed: the fixture.
        body: gives what it has seen, and the random names in the order in which they were made.
    """
    trees: list[dict[str, Any]] = []

    def whole(folder: Path) -> Any:
        assert filed.tempdir is not None
        seen, names = body()
        trees.append(named(tree(filed.tempdir), filed.tempdir, names))
        for name in os.listdir(filed.tempdir):
            remove(filed.tempdir / name)
        return seen, {path: kept[0] for path, kept in trees[-1].items()}

    seen, _ = filed(whole, replays=2)
    recorded, *replayed = trees[1:2] + trees[2 + bool(filed.heard) :]
    assert len(replayed) >= 2
    assert [one for one in replayed if one != recorded] == []
    return seen


def named(found: dict[str, Any], folder: Path, names: list[str]) -> dict[str, Any]:
    """What was found in the directory, whose own time is everybody's, without its random names."""

    def plain(path: str) -> str:
        for number, name in enumerate(names):
            path = path.replace(name, f"<{number}>")
        return path

    told = {}
    for path, (mode, held, time_ns) in found.items():
        if path != str(folder):
            # The first name of a file is random.
            same = sorted(plain(one) for one, kept in found.items() if held and kept[1] == held)
            told[plain(path)] = mode, held[0] if isinstance(held, tuple) else held, same, time_ns
    return dict(sorted(told.items()))


def remove(path: Path) -> None:
    """Remove a file or a directory of files."""
    if path.is_dir() and not path.is_symlink():
        for below in path.iterdir():
            remove(below)
        path.rmdir()
    else:
        path.unlink()


def write(path: str, text: str) -> None:
    """As the test itself does it; whose times are no command's affair."""
    Path(path).write_text(text)
    os.utime(path, (1_000_000_000, 1_000_000_000))


def sh(script: str, *arguments: str, cwd: str | None = None) -> None:
    subprocess.run(["sh", "-c", script, "sh", *arguments], check=True, cwd=cwd)


def file(suffix: str = "", prefix: str | None = None) -> str:
    """A file that stays, as NamedTemporaryFile(delete=False) leaves it."""
    handle, name = tempfile.mkstemp(suffix, prefix)
    os.close(handle)
    return name


def test_a_directory(filed: Parity) -> None:
    def body() -> Any:
        folder = tempfile.mkdtemp(prefix="work-")
        sh(
            "mkdir -p a/b; echo one > a/b/c; ln -s b a/link; chmod 640 a/b/c; touch -d @1000000 a/b",
            cwd=folder,
        )
        status = os.stat(f"{folder}/a/b/c")
        return (Path(folder, "a/link/c").read_text(), oct(status.st_mode)), [os.path.basename(folder)]

    assert check(filed, body) == ("one\n", "0o100640")


def test_a_file_that_is_written_to(filed: Parity) -> None:
    def body() -> Any:
        name = file()
        write(name, "one\n")
        sh('echo two >> "$1"; chmod 400 "$1"', name)
        return Path(name).read_text(), [os.path.basename(name)]

    assert check(filed, body) == "one\ntwo\n"


def test_a_file_that_is_packed_in_its_place(filed: Parity) -> None:
    def body() -> Any:
        name = file(".log")
        write(name, "line\n" * 1000)
        subprocess.run(["gzip", name], check=True)
        with gzip.open(f"{name}.gz", "rt") as packed:
            return (packed.read(), os.path.exists(name)), [os.path.basename(name).removesuffix(".log")]

    assert check(filed, body) == ("line\n" * 1000, False)


def test_what_a_command_puts_beside_a_file(filed: Parity) -> None:
    def body() -> Any:
        name = file(".c", "my.source-")
        stem = name.removesuffix(".c")
        write(name, "int x;\n")
        sh('echo object > "$1.o"; mkdir "$1.d"; echo listing > "$1.d/$(basename "$1").lst"', stem)
        seen = [
            Path(f"{stem}.o").read_text(),
            sorted(os.listdir(os.path.dirname(name)))
            == sorted(os.path.basename(one) for one in (name, f"{stem}.o", f"{stem}.d")),
        ]
        sh('ln "$1.c" "$1.copy"; mv "$1.o" "$1.old"; mv "$1.c" "$1.c.bak"; rm -r "$1.d"', stem)
        seen += [Path(f"{stem}.copy").read_text(), Path(f"{stem}.old").read_text(), os.path.exists(name)]
        return seen, [os.path.basename(stem)]

    assert check(filed, body) == ["object\n", True, "int x;\n", "object\n", False]


def test_several_files_whose_neighbours_are_kept_apart(filed: Parity) -> None:
    def body() -> Any:
        names = [file(".in") for _ in range(4)]
        stems = [name.removesuffix(".in") for name in names]
        for number, stem in enumerate(stems):
            write(f"{stem}.in", f"{number}\n")
            sh('tr 0-9 a-j < "$1.in" > "$1.out"', stem)
        return [Path(f"{stem}.out").read_text() for stem in stems], [os.path.basename(stem) for stem in stems]

    assert check(filed, body) == ["a\n", "b\n", "c\n", "d\n"]


def test_a_file_and_a_directory_of_so_many_that_they_are_only_listed(filed: Parity) -> None:
    def body() -> Any:
        folder, name = tempfile.mkdtemp(), file()
        sh('cd "$1"; i=0; while [ $i -lt 1200 ]; do : > $i; i=$((i + 1)); done', folder)
        sh('echo more > "$1/7"; echo made > "$2.made"; echo own > "$2"', folder, name)
        sh('rm "$1/8"; mv "$2.made" "$2.moved"', folder, name)
        seen = [Path(path).read_text() for path in (f"{folder}/7", f"{name}.moved", name)]
        return (seen, len(os.listdir(folder))), [os.path.basename(folder), os.path.basename(name)]

    assert check(filed, body) == (["more\n", "made\n", "own\n"], 1199)
