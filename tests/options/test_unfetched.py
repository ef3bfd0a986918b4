"""A tape or a payload that git-lfs has not fetched says so, and nothing of JSON or of bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.options.project import Project, one_error

POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    b"size 12345\n"
)
ONE = """
    import subprocess

    def test_it(tape):
        assert subprocess.run(["echo", "one"], capture_output=True).stdout == b"one\\n"
"""


def put_pointer(project: Project, what: str) -> Path:
    """A recorded project of which one file is a pointer."""
    if what == "payload":
        project.ini("tapes_payload_threshold = 1")
    project.write(ONE)
    project.record(passed=1)
    path = project.tape()
    if what == "payload":
        (path,) = (project.path / "tapes" / "_payloads").iterdir()
    path.write_bytes(POINTER)
    return path


@pytest.mark.parametrize("what", ["tape", "payload"])
def test_a_pointer_says_what_fetches_it(project: Project, what: str) -> None:
    path = put_pointer(project, what)
    text = one_error(project.replay(failed=1))
    assert f"{path}: a pointer of git-lfs, whose file has not been fetched" in text
    assert "next:     fetch the files of git-lfs: git lfs pull" in text
    assert path.read_bytes() == POINTER


@pytest.mark.parametrize("what", ["tape", "payload"])
def test_recording_anew_replaces_it(project: Project, what: str) -> None:
    path = put_pointer(project, what)
    project.record(passed=1)
    assert path.read_bytes() != POINTER
    project.replay(passed=1)
