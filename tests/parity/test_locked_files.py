"""Record locks that the test has on watched files: to look at a file does not lose its lock; fcntl(2)."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_proctape.session import FileRules
from tests.parity.harness import Parity

TRY = """
import fcntl, sys
with open(sys.argv[1], "r+") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print("locked")
    else:
        file.write(sys.argv[2])
        print("free")
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a lock of one's own")


@pytest.fixture
def filed(parity: Parity) -> Parity:
    """Parity of files, too."""
    parity.files = FileRules(on=True)
    return parity


def tried(folder: Path, word: str = "") -> str:
    command = [sys.executable, "-c", TRY, "file", word]
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout


def test_a_file_that_the_test_has_locked_stays_so_until_it_lets_go(filed: Parity) -> None:
    def body(folder: Path) -> Any:
        with (folder / "file").open("w") as file:
            file.write("the test has written this\n")
            file.flush()
            fcntl.lockf(file, fcntl.LOCK_EX)
            seen = [tried(folder), tried(folder)]
            file.write("and this\n")
            file.flush()
            seen += [tried(folder), (folder / "file").name]
            fcntl.lockf(file, fcntl.LOCK_UN)
            return seen, tried(folder, "The"), (folder / "file").read_text()

    locked = ["locked\n", "locked\n", "locked\n", "file"]
    assert filed(body) == (locked, "free\n", "The test has written this\nand this\n")


def test_a_locked_file_that_a_command_writes_to_all_the_same(filed: Parity) -> None:
    def body(folder: Path) -> Any:
        (folder / "file").write_text("one\n")
        with (folder / "file").open("r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            seen = []
            for word in ("two", "three"):
                subprocess.run(["sh", "-c", f"echo {word} >> file"], cwd=folder, check=True)
                seen += [tried(folder), (file.seek(0), file.read())]
            return seen

    assert filed(body) == ["locked\n", (0, "one\ntwo\n"), "locked\n", (0, "one\ntwo\nthree\n")]
