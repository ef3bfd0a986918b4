"""How a tool is run, and what can go wrong with it. Every other module comes through here."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

TIMEOUT_S = 60.0
"""Seconds that a tool may take. None should, so one that does is waiting for somebody who isn't there."""


class ToolError(Exception):
    """A tool did not do what it was asked for; the message is fit for the user."""


class ToolMissing(ToolError):
    """The tool is not installed."""

    def __init__(self, tool: str) -> None:
        super().__init__(f"{tool} is not installed, or not on PATH")


class ToolStuck(ToolError):
    """The tool took longer than it may, and was killed."""

    def __init__(self, command: Sequence[str], timeout_s: float) -> None:
        super().__init__(f"{shlex.join(command)} was killed after {timeout_s:g} s")


class ToolFailed(ToolError):
    """The tool ended with an error.

    Attributes:
        returncode: its exit code.
        stderr: what it said about it.
    """

    def __init__(self, command: Sequence[str], returncode: int, stderr: str) -> None:
        self.returncode = returncode
        self.stderr = stderr.strip()
        super().__init__(f"{shlex.join(command)} failed with {returncode}: {self.stderr}")


def environment() -> dict[str, str]:
    """The caller's variables, with output that is the same for everybody, and no questions asked."""
    return {
        **os.environ,
        "LC_ALL": "C",
        "GIT_PAGER": "cat",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
    }


def run(command: Sequence[str], *, cwd: Path, text: str | None = None) -> str:
    """Run a tool to its end and return what it printed.

    Args:
        command: the tool and its arguments.
        cwd: where it runs.
        text: what it reads from its standard input.

    Raises:
        ToolError: it is missing, took too long or failed.
    """
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment(),
            input=text,
            capture_output=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
            check=True,
        )
    except FileNotFoundError as error:
        if error.filename != command[0]:  # then it is the directory that is missing
            raise
        raise ToolMissing(command[0]) from error
    except subprocess.TimeoutExpired as error:
        raise ToolStuck(command, TIMEOUT_S) from error
    except subprocess.CalledProcessError as error:
        raise ToolFailed(command, error.returncode, error.stderr) from error
    return done.stdout
