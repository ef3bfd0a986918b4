"""Files that git, gcc, make, tar and zip make, and those that a command makes while the parent looks on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_proctape.session import FileRules
from pytest_proctape.session.files import SHARED
from tests.parity.harness import Parity

from .trees import tree

GIT = {
    **os.environ,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    # Nothing of git goes on in the background.
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "maintenance.auto",
    "GIT_CONFIG_VALUE_0": "false",
    **{
        f"GIT_{who}_{what}": f"{who}@example.org"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    },
    **{f"GIT_{who}_DATE": "2024-04-01T12:00:00Z" for who in ("AUTHOR", "COMMITTER")},
}


@pytest.fixture
def filed(parity: Parity) -> Parity:
    """Parity of files, too."""
    parity.files = FileRules(on=True)
    return parity


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip where one is missing."""
    missing = [one for one in programs if shutil.which(one) is None]
    return pytest.mark.skipif(bool(missing), reason=f"there is no {', '.join(missing)}")


def check(filed: Parity, body: Callable[[Path], Any]) -> Any:
    """Every replay leaves the very tree of the recording; the bare run saw the same by another clock."""
    trees: list[dict[str, Any]] = []

    def whole(folder: Path) -> Any:
        seen = body(folder)
        trees.append(tree(folder))
        return seen, [(path, kept[0]) for path, kept in trees[-1].items()]

    seen, _ = filed(whole, replays=2)
    # The last recording is that of the general road, whose tape is not replayed.
    _, recorded, *replayed = trees[:2] + trees[2 + bool(filed.heard) :]
    assert len(replayed) >= 2
    assert [one for one in replayed if one != recorded] == []
    return seen


def run(*command: str, cwd: Path) -> tuple[int, str, str]:
    """A command to its end."""
    done = subprocess.run(command, cwd=cwd, env=GIT, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@needs("git")
def test_a_repository_is_made_branched_cloned_and_archived(filed: Parity) -> None:
    def body(folder: Path) -> Any:
        repo = folder / "repo"
        seen = [
            run("git", "init", "-q", "-b", "main", "repo", cwd=folder),
            run("sh", "-c", "echo one > one; ln -s one link; echo x > run; chmod 755 run", cwd=repo),
            run("git", "add", ".", cwd=repo),
            run("git", "commit", "-m", "first", cwd=repo),
            run("git", "checkout", "-b", "side", cwd=repo),
            run("git", "mv", "one", "two", cwd=repo),
            run("git", "commit", "-am", "second", cwd=repo),
            run("git", "checkout", "main", cwd=repo),
            run("git", "merge", "--no-ff", "-m", "third", "side", cwd=repo),
            run("git", "clone", "-q", "--bare", "repo", "copy.git", cwd=folder),
            run("git", "gc", "-q", cwd=folder / "copy.git"),
            run("git", "archive", "--output=main.tar", "main", cwd=repo),
            run("git", "commit", "-m", "nothing", cwd=repo),
        ]
        with tarfile.open(repo / "main.tar") as packed:
            names = packed.getnames()
        heads = [(repo / ".git/refs/heads" / name).read_text() for name in ("main", "side")]
        return seen, names, heads, (repo / "two").read_text(), os.readlink(repo / "link")

    seen, names, *_ = check(filed, body)
    assert [code for code, _, _ in seen] == [0] * 12 + [1]
    assert names == ["link", "run", "two"]


@needs("tar", "gzip", "zip", "unzip")
def test_archives_are_packed_and_unpacked(filed: Parity) -> None:
    make = (
        "mkdir -p in/deep/empty; printf '\\000\\377' > in/bytes; echo x > in/run; chmod 750 in/run;"
        "ln -s ../in in/deep/up; ln in/bytes in/same; : > in/none; chmod 500 in/deep/empty;"
        "TZ=UTC touch -h -d '2001-02-03 04:05:06' in/bytes in/run in/deep/up"
    )

    def body(folder: Path) -> Any:
        seen = [
            run("sh", "-c", make, cwd=folder),
            run("tar", "-czf", "in.tar.gz", "in", cwd=folder),
            run("zip", "-qry", "in.zip", "in", cwd=folder),
            run("mkdir", "t", "z", cwd=folder),
            run("tar", "-xzf", "../in.tar.gz", cwd=folder / "t"),
            run("unzip", "-q", "../in.zip", cwd=folder / "z"),
            run("tar", "-xf", "no-such.tar", cwd=folder)[:1],
        ]
        with zipfile.ZipFile(folder / "in.zip") as packed:
            held = packed.read("in/bytes")
        times = [(folder / where / "in/bytes").stat().st_mtime_ns for where in ("t", "z")]
        links = os.stat(folder / "t/in/same").st_nlink
        return seen, held, times, links, os.readlink(folder / "t/in/deep/up")

    _, held, times, links, _ = check(filed, body)
    assert held == b"\0\xff"
    assert times[0] % 10**9 == 0
    assert links == 2


@needs("gcc", "make")
def test_a_program_is_built_run_and_cleaned_away(filed: Parity) -> None:
    def body(folder: Path) -> Any:
        source = folder / "hello.c"
        make = folder / "Makefile"
        make.write_text("hello: hello.c\n\tgcc -o $@ hello.c\nclean:\n\trm hello\n")
        source.write_text('#include <stdio.h>\nint main() { puts("hello"); return 3; }\n')
        for path in (make, source):
            os.utime(path, ns=(0, 10**18))
        os.utime(folder, ns=(0, 10**18))
        seen = [run("make", "-s", cwd=folder)[0], run("./hello", cwd=folder), run("make", "-q", cwd=folder)]
        able = os.access(folder / "hello", os.X_OK)
        seen.append(run("make", "-s", "clean", cwd=folder))
        source.write_text("int main() { return }\n")
        os.utime(source, ns=(0, 2 * 10**18))
        return seen, able, run("make", "-s", cwd=folder)[0]

    seen, able, failed = check(filed, body)
    assert (seen[1], able, failed) == ((3, "hello\n", ""), True, 2)


def test_two_at_once_that_both_write(filed: Parity) -> None:
    def body(folder: Path) -> Any:
        command = ["sh", "-c", "echo $0 > $0; echo up; read go; echo $0 >> both; echo more >> $0"]
        first, second = (
            subprocess.Popen([*command, name], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for name in ("a", "b")
        )
        seen: list[Any] = []
        for child in (first, second):
            assert child.stdout is not None
            seen.append(child.stdout.readline())
        for child in (second, first):
            child.communicate(b"go\n")
            seen.append((child.returncode, (folder / "both").read_text()))
        return seen, (folder / "a").read_text(), (folder / "b").read_text()

    _, first, second = check(filed, body)
    assert (first, second) == ("a\nmore\n", "b\nmore\n")
    assert SHARED in filed.tape


def test_the_number_of_a_process_in_a_file_is_the_process(filed: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(
            ["sh", "-c", "echo $$ > pid; echo up; exec sleep 60"], cwd=folder, stdout=subprocess.PIPE
        ) as server:
            assert server.stdout is not None
            up = server.stdout.readline()
            number = int((folder / "pid").read_text())
            os.kill(number, signal.SIGTERM)
            return up, number == server.pid, server.wait()

    assert filed(body) == (b"up\n", True, -signal.SIGTERM)


def test_a_log_grows_line_by_line_while_the_parent_reads_it(filed: Parity) -> None:
    def body(folder: Path) -> Any:
        code = "while read line; do echo $line >> log; echo ok; done; rm log"
        child = subprocess.Popen(
            ["sh", "-c", code], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert child.stdin is not None
        assert child.stdout is not None
        seen: list[Any] = []
        with child.stdout as said:
            for number in range(3):
                child.stdin.write(b"%d\n" % number)
                seen.append((said.readline(), (folder / "log").read_text()))
            with (folder / "log").open() as log:
                child.stdin.close()
                seen.append((child.wait(), log.read()))
        return seen, os.listdir(folder)

    seen, left = check(filed, body)
    assert seen[2] == (b"ok\n", "0\n1\n2\n")
    assert left == []


def test_a_lock_stands_as_long_as_its_command_runs(filed: Parity) -> None:
    def body(folder: Path) -> Any:
        (folder / "own").mkdir()
        os.utime(folder / "own", ns=(0, 10**18))
        code = "mkdir lock; echo held; read end; rmdir lock"
        child = subprocess.Popen(
            ["sh", "-c", code], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        held = child.stdout.readline(), sorted(os.listdir(folder))
        child.communicate(b"\n")
        return held, os.listdir(folder)

    assert check(filed, body) == ((b"held\n", ["lock", "own"]), ["own"])
