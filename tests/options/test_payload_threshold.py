"""How long output has to be for a file of its own: the ini key tapes_payload_threshold."""

from __future__ import annotations

import hashlib
import textwrap

import pytest

from tests.options.project import Project

SAYS = """
    import subprocess

    def test_it(tape):
        printed = subprocess.run(["printf", "0123456789"], capture_output=True, text=True).stdout
        assert printed == "0123456789"
"""
PAYLOAD = f"_payloads/{hashlib.sha256(b'0123456789').hexdigest()}"


@pytest.mark.parametrize("threshold, files", [("9", [PAYLOAD]), ("10", []), ("1K", []), ("", [])])
def test_longer_output_has_a_file_of_its_own(project: Project, threshold: str, files: list[str]) -> None:
    project.write(SAYS)
    project.ini(f"tapes_payload_threshold = {threshold}")
    project.run("--record-tapes").assert_outcomes(passed=1)
    assert project.tapes() == [*files, "test_it/test_it.json"]
    project.run().assert_outcomes(passed=1)


ASKS = """
    import subprocess

    LINES = [f"token {KEY} of {number}\\n" for number in range(9)]

    def test_it(tape):
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            for line in LINES:
                child.stdin.write(line)
                child.stdin.flush()
                assert child.stdout.readline() == line
"""
KEY = "ghp_" + "aB3dE5fG7h" * 3 + "J9kL1m"


def test_a_dialog_that_is_longer_in_all_has_a_file_of_its_own(project: Project) -> None:
    project.write(f"KEY = 'no secret'\n{textwrap.dedent(ASKS)}")
    project.ini("tapes_payload_threshold = 50")
    project.run("--record-tapes").assert_outcomes(passed=1)
    payload, _ = project.tapes()
    assert '"stream": "stdin"' in project.tape().read_text()
    project.run().assert_outcomes(passed=1)
    before = project.tape().read_bytes()
    project.run("--record-tapes").assert_outcomes(passed=1)
    assert project.tape().read_bytes() == before
    project.edit("of {number}", "to {number}")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Divergence: *stdin*"])
    (project.path / "tapes" / payload).unlink()
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*TapeCorrupt: *{payload}*"])


def test_nor_is_a_secret_in_that_file(project: Project) -> None:
    project.write(f"KEY = {KEY!r}\n{textwrap.dedent(ASKS)}")
    project.ini("tapes_payload_threshold = 50")
    project.run("--record-tapes")
    payload, tape = project.tapes()
    assert "<redacted" in (project.path / "tapes" / payload).read_text()
    for name in (payload, tape):
        assert KEY not in (project.path / "tapes" / name).read_text()


def test_what_is_recorded_stays_as_it_is_when_the_threshold_changes(project: Project) -> None:
    project.write(SAYS)
    project.run("--record-tapes").assert_outcomes(passed=1)
    before = project.tape().read_bytes()
    project.ini("tapes_payload_threshold = 1")
    project.run("--record-tapes").assert_outcomes(passed=1)
    assert project.tape().read_bytes() == before


def test_a_threshold_that_is_no_size_is_told(project: Project) -> None:
    project.write(SAYS)
    project.ini("tapes_payload_threshold = some")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*tapes_payload_threshold in *pytest.ini is a number of bytes, as in 64M, not 'some'*"]
    )
