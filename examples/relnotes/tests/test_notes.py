"""The whole of the release notes, by function and by command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from relnotes.__main__ import main
from relnotes.notes import release_notes

pytestmark = [pytest.mark.tape, pytest.mark.needs("git")]

NOTES = """\
# v1.1.0

## Breaking changes

- **greeting**: greet somebody (ae2aa96d)

## Features

- a logo (c7841d4c)

## Fixes

- **greeting**: end with a full stop (0111c6cb)

Made by Ada Lovelace (2), Zoë Müller (1), Grace Hopper.
"""


def test_release_notes(repo: Path) -> None:
    assert release_notes(repo, "v1.0.0", "v1.1.0") == NOTES


def test_the_command_starts_from_the_latest_tag(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", str(repo), "notes"]) == 0

    printed = capsys.readouterr().out
    assert "## Documentation\n\n- say how to call it (" in printed
    assert "## Other changes\n\n- Tidy up (" in printed
    assert "greet somebody" not in printed


def test_the_command_reports_a_failure(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", str(repo), "notes", "v9.9.9"]) == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("relnotes: git log ")
    assert printed.err.endswith("failed with 128: fatal: bad revision 'v9.9.9..HEAD'\n")
