"""A small project that is not ours, and pytest run in it: what every file under tests/options works with."""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import textwrap
import warnings
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

PLUGIN = ("-p", "pytest_proctape.plugin")
"""By name and not by its entry point, which other plugins have, too, and a plain checkout has not."""

ON_WORKERS = ("-p", "xdist", "-n", "2")


class Project:
    """A project in a directory of its own.

    Attributes:
        path: its root directory, which is the working directory.
        real: the real processes that tapes of the last run in this process started, a line each.
    """

    def __init__(self, pytester: pytest.Pytester, real: list[str]) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.real = real

    # -- files -------------------------------------------------------------------------------------

    def write(self, source: str, name: str = "test_it.py") -> Path:
        """A file of the project, its common indentation taken away."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source).lstrip("\n"), encoding="utf-8")
        return path

    def ini(self, *lines: str) -> None:
        """The ini file."""
        self.write("\n".join(["[pytest]", *lines, ""]), "pytest.ini")

    def edit(self, old: str, new: str, name: str = "test_it.py") -> None:
        """Change a file; the old text has to be there."""
        path = self.path / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    # -- tapes -------------------------------------------------------------------------------------

    def tape(self, test: str = "test_it", module: str = "test_it") -> Path:
        """Where the tape of a test is, in the default place."""
        return self.path / "tapes" / module / f"{test}.json"

    def tapes(self, directory: str = "tapes") -> list[str]:
        """Every file below the directory of the tapes, relative to it."""
        root = self.path / directory
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    def entries(self, test: str = "test_it") -> list[dict[str, Any]]:
        """The entries of a tape, as JSON has them."""
        found: list[dict[str, Any]] = json.loads(self.tape(test).read_bytes())["entries"]
        return found

    def commands(self, test: str = "test_it") -> list[str]:
        """The command lines of a tape."""
        return [" ".join([entry["program"], *entry.get("args", [])]) for entry in self.entries(test)]

    def write_tape(self, *entries: dict[str, Any], test: str = "test_it") -> Path:
        """A tape written by hand: a bare list."""
        path = self.tape(test)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entries), encoding="utf-8")
        return path

    def forget_tapes(self) -> None:
        """Take all of them away."""
        shutil.rmtree(self.path / "tapes", ignore_errors=True)

    # -- runs --------------------------------------------------------------------------------------

    def run(self, *args: str) -> pytest.RunResult:
        """Pytest in the project, inside this process; :attr:`real` is about this run from now on."""
        self.real.clear()
        result = self.pytester.runpytest_inprocess(*PLUGIN, *args)
        if result.ret:
            forget_what_was_left_open()
        return result

    def run_apart(self, *args: str) -> pytest.RunResult:
        """Pytest in the project, in a process of its own."""
        return self.pytester.runpytest_subprocess(*PLUGIN, *args)

    def record(self, *args: str, **outcomes: int) -> pytest.RunResult:
        """Record anew. Every test passes unless ``outcomes`` say otherwise."""
        result = self.run("--record-tapes", *args)
        check(result, outcomes)
        return result

    def replay(self, *args: str, **outcomes: int) -> pytest.RunResult:
        """Replay, without a flag that says so, where PATH leads nowhere; no process is started.

        Every test passes unless ``outcomes`` say otherwise.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", "")
            result = self.run(*args)
        assert self.real == [], self.real
        check(result, outcomes)
        return result


def forget_what_was_left_open() -> None:
    """What a test has left open is not to be a warning of a test that comes later."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()
        # Children that nobody waited for are kept there, with their pipes, until the next one is started.
        subprocess._cleanup()  # type: ignore[attr-defined]


def check(result: pytest.RunResult, outcomes: dict[str, int]) -> None:
    """Hold the outcomes of a run against ``outcomes``; with none, everything has passed."""
    if outcomes:
        result.assert_outcomes(**outcomes)
    else:
        assert result.ret == pytest.ExitCode.OK, str(result.stdout)


def counted(result: pytest.RunResult) -> str:
    """The summary's line of counts; empty where there is no summary."""
    return next((line for line in result.outlines if line.startswith("tests: ")), "")


def summary(result: pytest.RunResult) -> list[str]:
    """The lines of the summary that do not depend on how fast the machine is."""
    lines = result.outlines
    starts = [index for index, line in enumerate(lines) if line.strip("- ") == "tapes" and line[:1] == "-"]
    if not starts:
        return []
    told = []
    for line in lines[starts[-1] + 1 :]:
        if line.startswith("="):
            break
        if line and not line.startswith("replayed "):
            told.append(line)
    return told


def one_error(result: pytest.RunResult) -> str:
    """The text of the only error of a run: one, with what to do next, and no insides of ours."""
    told = result.stdout.str()
    assert result.ret == pytest.ExitCode.TESTS_FAILED, told
    assert "INTERNALERROR" not in told, told
    outcomes = result.parseoutcomes()
    assert outcomes.get("failed", 0) + outcomes.get("errors", 0) + outcomes.get("error", 0) == 1, told
    assert "During handling of the above exception" not in told, told
    assert "The above exception was the direct cause" not in told, told
    assert foreign_frames(result) == []
    text = [line[4:] for line in result.outlines if line.startswith("E   ")]
    assert any(line.strip().startswith("next:") for line in text), told
    return "\n".join(text)


def foreign_frames(result: pytest.RunResult) -> list[str]:
    """Places in a failure's traceback that are not in the project's own files, told by short paths."""
    # Warnings of pytest's own, as 8.0 has one, have places, too.
    shown = takewhile(lambda line: "= warnings summary =" not in line, result.outlines)
    places = [line.partition(".py:") for line in shown]
    return ["".join(one) for one in places if one[0].startswith(("/", "../")) and one[2][:1].isdigit()]
