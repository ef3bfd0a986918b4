"""Bodies whose files are in memory, by pyfakefs. It stays once imported: :mod:`.test_pyfakefs` runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from pyfakefs.fake_filesystem_unittest import Patcher  # type: ignore[import-untyped,unused-ignore]

from pytest_proctape.unfaked import keep_real_files

from .harness import Parity
from .observe import outcome

# As when a tape becomes active.
keep_real_files()


def _run(folder: Path) -> Any:
    done = subprocess.run(
        ["sh", "-c", "echo out; echo err >&2; cat; exit 3"], input=b"in", capture_output=True
    )
    return done.stdout, done.stderr, done.returncode


def _much(folder: Path) -> Any:
    return len(subprocess.check_output(["seq", "200000"]))


def _dialog(folder: Path) -> Any:
    seen = []
    with subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for line in (b"one\n", b"two\n"):
            child.stdin.write(line)
            child.stdin.flush()
            seen.append(child.stdout.readline())
    return seen, child.returncode


def _expired(folder: Path) -> Any:
    with subprocess.Popen(["sleep", "600"]) as child:
        expired = outcome(child.wait, 0.01)
        child.terminate()
        return type(expired), child.wait()


def _missing(folder: Path) -> Any:
    return outcome(subprocess.run, ["no-such-program"]), outcome(subprocess.run, ["true"], cwd="/data")


@pytest.mark.parametrize("work", [_run, _much, _dialog, _expired, _missing])
def test_files_in_memory(parity: Parity, work: Callable[[Path], Any]) -> None:
    def body(folder: Path) -> Any:
        with Patcher(additional_skip_names=["subprocess"]) as patcher:
            assert patcher.fs is not None
            patcher.fs.create_file("/data/x", contents="abc")
            seen = work(folder)
            there = Path("/data/x").read_text(), os.path.exists(folder), shutil.which("sh")
            patcher.pause()
            real = folder.is_dir(), os.path.exists("/data/x"), work(folder)
            patcher.resume()
        return seen, there, real

    seen, there, real = parity(body)
    assert there == ("abc", False, None)
    assert real[:2] == (True, False)
    if work is not _missing:
        assert seen == real[2]
