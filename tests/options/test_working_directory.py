"""Commands start in the working directory, whatever the test has made of its own idea of it."""

from __future__ import annotations

import sys

import pytest

from tests.options.project import Project


def test_something_else_stands_for_getcwd(project: Project) -> None:
    project.write(
        """
        import os, subprocess
        from unittest import mock

        def ask():
            assert subprocess.run(["echo", "one"], capture_output=True).stdout == b"one\\n"
            with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cat:
                assert cat.communicate(b"two")[0] == b"two"

        def test_it(tape, tmp_path):
            with mock.patch("os.getcwd", side_effect=AssertionError("nobody else asks")):
                ask()
            with mock.patch("os.getcwd", return_value=str(tmp_path)):
                ask()
            with mock.patch("os.environ.get", return_value=None):
                ask()
            ask()
        """
    )
    project.record()
    assert not any("cwd" in entry for entry in project.entries())
    project.replay()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how it was called")
def test_it_has_been_removed(project: Project) -> None:
    project.write(
        """
        import os, subprocess

        def test_it(tape, tmp_path, monkeypatch):
            gone = tmp_path / "gone"
            gone.mkdir()
            monkeypatch.chdir(gone)
            gone.rmdir()
            assert subprocess.run(["echo", "one"], capture_output=True).stdout == b"one\\n"
            with subprocess.Popen(["echo", "two"], stdout=subprocess.PIPE) as child:
                assert child.communicate()[0] == b"two\\n"
        """
    )
    project.record()
    assert [entry["cwd"] for entry in project.entries()] == ["<tmp>/gone (deleted)"] * 2
    project.replay()
