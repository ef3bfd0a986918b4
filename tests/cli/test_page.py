"""What docs/command.md shows of the command is what it prints."""

from __future__ import annotations

import re
import shlex

from pytest_proctape.tape import Entry, Event
from tests.cli.conftest import Project
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "command.md"
TEST = "tests/test_calc.py::test_sum"


def sessions() -> list[tuple[list[str], list[str]]]:
    """Arguments and output of each command that the page shows being run."""
    blocks = re.findall(r"```\n\$ proctape (.*)\n((?:.*\n)*?)```", PAGE.read_text(encoding="utf-8"))
    return [(shlex.split(arguments), output.splitlines()) for arguments, output in blocks]


def saved(project: Project, answer: str) -> None:
    timeline = (
        Event(at_ms=0.8, stdin=("1+1\n",)),
        Event(at_ms=2.1, stdout=(answer,)),
        Event(at_ms=2.2, close="stdin"),
    )
    entry = Entry(program="bc", args=("-q",), cwd="<tmp>", timeline=timeline, exit_code=0, duration_ms=2.9)
    version = Entry(program="bc", args=("--version",), stdout=("bc 1.07.1\n",), exit_code=0, duration_ms=1.5)
    project.save(version, entry, test=TEST)


def test_what_the_page_shows(project: Project) -> None:
    saved(project, "3\n")
    project.commit("The tape")
    saved(project, "2\n")
    shown = sessions()
    assert [arguments[0] for arguments, _ in shown] == ["show", "diff"]
    for arguments, output in shown:
        assert project.run(*arguments).lines == output
