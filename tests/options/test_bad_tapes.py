"""A tape that can't be read: one readable error, never taken for a missing one, never overwritten unasked."""

from __future__ import annotations

import json

import pytest

from tests.options.project import Project, one_error

ONE = r"""
    import subprocess

    def test_it(tape):
        assert subprocess.run(["echo", "one"], capture_output=True, text=True).stdout == "one\n"
"""
ENTRY = {"program": "echo", "args": ["one"], "stdout": "one\n"}


def with_entry(**changes: object) -> bytes:
    return json.dumps({"version": 1, "entries": [ENTRY, {**ENTRY, **changes}]}, indent=1).encode()


BAD: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", ["TapeCorrupt", "the file is empty"]),
    "not JSON": (b"version: 1\n", ["TapeCorrupt", "not JSON", "line 1, column 1"]),
    "truncated": (with_entry()[:-30], ["TapeCorrupt", "truncated", "line "]),
    "truncated in a string": (b'{"version": 1, "entries": [{"prog', ["TapeCorrupt", "truncated", "line 1"]),
    "binary": (b"\x00\xff\xfe\x80", ["TapeCorrupt", "not UTF-8"]),
    "a merge conflict": (
        b'{"version": 1,\n<<<<<<< ours\n"entries": []\n=======\n"entries": []\n>>>>>>> theirs\n}',
        ["TapeCorrupt", "not JSON: it has the marks of a merge conflict", "line 2, column 1"],
    ),
    "a number": (b"3", ["TapeCorrupt", "neither an object nor a list"]),
    "a wrong type": (with_entry(args="one"), ["TapeCorrupt", "entries[1].args", "'one'", "a list"]),
    "a wrong type inside": (with_entry(args=["a", 3]), ["TapeCorrupt", "entries[1].args[1]", "text", "3"]),
    "a wrong exit code": (with_entry(exit_code=256), ["TapeCorrupt", "entries[1].exit_code", "255"]),
    "an unknown field": (
        with_entry(exit_cod=1),
        ["TapeCorrupt", "unknown field 'exit_cod'", "entries[1]", "did you mean 'exit_code'"],
    ),
    "an unknown field of the tape": (
        b'{"version": 1, "entires": []}',
        ["TapeCorrupt", "unknown field 'entires'", "did you mean 'entries'"],
    ),
    "no program": (b'[{"args": ["one"]}]', ["TapeCorrupt", "[0].program", "missing"]),
    "two ends": (with_entry(exit_code=1, signal="SIGTERM"), ["TapeCorrupt", "entries[1]", "at most one"]),
    "an unknown signal": (with_entry(signal="SIGWHAT"), ["TapeCorrupt", "entries[1].signal", "SIGWHAT"]),
    "not base64": (with_entry(stdout={"base64": "*"}), ["TapeCorrupt", "entries[1].stdout", "base64"]),
    "a newer version": (b'{"version": 99, "entries": []}', ["TapeVersionError", "newer", "version 1 to 2"]),
    "an older version": (b'{"version": 0, "entries": []}', ["TapeVersionError", "version 1 to 2"]),
}
bad = pytest.mark.parametrize("kind", BAD)
some_bad = pytest.mark.parametrize("kind", ["empty", "truncated", "an unknown field", "a newer version"])


def broken(project: Project, kind: str) -> tuple[bytes, list[str]]:
    """A project whose only tape is bad; its bytes, and what its error has to say."""
    project.write(ONE)
    data, told = BAD[kind]
    path = project.write_tape()
    path.write_bytes(data)
    return data, ["tapes/test_it/test_it.json", *told]


@bad
def test_replay_tells_the_file_the_place_what_was_expected_and_what_to_do(
    project: Project, kind: str
) -> None:
    data, told = broken(project, kind)
    text = one_error(project.replay(failed=1))
    for words in told:
        assert words in text
    assert "expected:" in text
    assert "--record-tapes" in text
    assert project.tape().read_bytes() == data


@some_bad
@pytest.mark.parametrize("flag", ["--record-tapes=missing", "--record-tapes=new"])
def test_it_is_not_missing_and_not_overwritten(project: Project, kind: str, flag: str) -> None:
    data, told = broken(project, kind)
    result = project.run(flag)
    text = one_error(result)
    for words in told:
        assert words in text
    assert project.real == []
    assert project.tape().read_bytes() == data
    assert project.tapes() == ["test_it/test_it.json"]


@some_bad
def test_recording_anew_replaces_it(project: Project, kind: str) -> None:
    broken(project, kind)
    project.record(passed=1)
    assert project.commands() == ["echo one"]
    project.replay(passed=1)


def test_a_failed_recording_leaves_it_as_it_was(project: Project) -> None:
    data, _ = broken(project, "truncated")
    project.edit('"one\\n"', '"two\\n"')
    project.run("--record-tapes").assert_outcomes(failed=1)
    assert project.tape().read_bytes() == data


def test_a_test_that_never_spawns_but_has_a_bad_tape_fails(project: Project) -> None:
    broken(project, "truncated")
    project.write("def test_it(tape): pass")
    assert "truncated" in one_error(project.replay(failed=1))


def test_it_fails_also_when_the_error_is_swallowed(project: Project) -> None:
    broken(project, "truncated")
    project.write(
        """
        import subprocess

        def test_it(tape):
            try:
                subprocess.run(["echo", "one"])
            except Exception:
                pass
        """
    )
    assert "truncated" in one_error(project.replay(failed=1))


def test_the_entries_of_a_bad_tape_are_an_error_too(project: Project) -> None:
    broken(project, "an unknown field")
    project.write("def test_it(tape): tape.entries")
    result = project.replay(failed=1)
    assert "exit_cod" in one_error(result)


def test_other_tests_do_not_care(project: Project) -> None:
    project.write(ONE + ONE.replace("test_it", "test_other"))
    project.record(passed=2)
    project.tape().write_bytes(b"{")
    project.replay(passed=1, failed=1)


def test_a_directory_in_its_place_is_one_readable_error(project: Project) -> None:
    project.write(ONE)
    project.tape().mkdir(parents=True)
    assert "not a regular file" in one_error(project.replay(failed=1))
    assert "TapeWriteError" in one_error(project.run("--record-tapes"))
    assert project.tape().is_dir()


def test_a_damaged_payload_is_one_readable_error(project: Project) -> None:
    project.write(
        r"""
        import subprocess, sys

        def test_it(tape):
            done = subprocess.run([sys.executable, "-c", "print('x' * 1_000_000)"], capture_output=True)
            assert len(done.stdout) == 1_000_001
        """
    )
    project.record()
    (payload,) = list((project.path / "tapes" / "_payloads").iterdir())
    data = payload.read_bytes()
    payload.write_bytes(data[:-2] + b"y\n")
    text = one_error(project.replay(failed=1))
    assert payload.name in text
    payload.unlink()
    assert payload.name in one_error(project.replay(failed=1))
    project.record(passed=1)
    assert payload.read_bytes() == data
    project.replay(passed=1)
