"""A project with tapes, and the command run in it, inside this process."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_proctape.cli import main
from pytest_proctape.tape import Entry, Recorded, Tape, TapeStore

ONE = "tests/test_git.py::test_log"
RECORDED = Recorded(at="2026-11-20T14:00:00Z", python="3.12.1", platform="linux", proctape="0.1.0")


@dataclass(frozen=True)
class Result:
    """What a run of the command came to."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Project:
    """A project whose root is the working directory, with its tapes in `tapes`."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self.store = TapeStore(path / "tapes")
        self._capsys = capsys

    def run(self, *arguments: str) -> Result:
        self._capsys.readouterr()
        code = main(arguments)
        out, err = self._capsys.readouterr()
        return Result(code, out, err)

    def save(self, *entries: Entry, test: str = ONE, recorded: Recorded | None = RECORDED) -> Path:
        self.write(test.partition("::")[0], "")
        return self.store.save(test, Tape(test=test, recorded=recorded, entries=entries))

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def git(self, *arguments: str) -> None:
        """Run git as nobody in particular, without the configuration of this machine."""
        who = {f"GIT_{role}_{what}": "x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        bare: Mapping[str, str] = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        date = {f"GIT_{role}_DATE": "2026-11-21T00:00:00Z" for role in ("AUTHOR", "COMMITTER")}
        subprocess.run(
            ["git", *arguments], cwd=self.path, check=True, env={**os.environ, **who, **bare, **date}
        )

    def commit(self, subject: str) -> None:
        """Everything there is, in a repository that is made when there is none."""
        if not self.path.joinpath(".git").exists():
            self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    path = tmp_path / "project"
    path.mkdir()
    path.joinpath("pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    monkeypatch.chdir(path)
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    # No repository around the temporary directory is this project's.
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    return Project(path, capsys)
