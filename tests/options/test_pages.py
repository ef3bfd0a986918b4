"""The examples of the pages on matching, answers and hooks are run as they stand there."""

from __future__ import annotations

import json
import re

from tests.docs import pages
from tests.options.project import Project


def example(name: str) -> str:
    """The code block behind the comment of that name."""
    found = re.search(rf"<!-- {name}-example -->\n```\w+\n(.*?)^```", pages.text(), re.DOTALL | re.MULTILINE)
    assert found, name
    return found[1]


def test_patterns(project: Project) -> None:
    project.write_tape(*json.loads(example("pattern")))
    project.write(
        """
        import subprocess

        def test_it(tape, tmp_path):
            words = ["/usr/bin/git", "commit", "-m", "whatever", "--date=2024-01-01", "-q", "-a"]
            (tmp_path / "repository").mkdir()
            result = subprocess.run(
                words, cwd=tmp_path / "repository", input=b"Signed-off-by: me", capture_output=True
            )
            assert result.stdout == b"committed\\n"
        """
    )
    project.replay()


def test_a_matcher(project: Project) -> None:
    project.write_tape({"program": "make", "args": ["-j4"]}, test="test_build")
    project.write("import subprocess\n\n" + example("matcher"))
    project.replay()
    project.edit('"-j8"', '"install"')
    project.replay(failed=1)


def test_an_answer(project: Project) -> None:
    project.write("import subprocess\n\n" + example("add"))
    project.replay()


def test_an_override(project: Project) -> None:
    project.write_tape({"program": "git", "args": ["fetch", "origin"], "stdout": "x"}, test="test_offline")
    project.write("import subprocess\n\n" + example("override"))
    project.replay()


def test_a_hook(project: Project) -> None:
    project.write(example("hook"), "conftest.py")
    project.write("import subprocess\n\ndef test_it(tape):\n    subprocess.run(['date'])\n")
    project.record()
    assert project.entries()[0]["stdout"] == "2024-01-01\n"
