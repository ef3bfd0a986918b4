"""The ini option tapes_env: variables that are kept on the tape and compared; without it there are none."""

from __future__ import annotations

import pytest

from tests.options.project import Project

SOURCE = """
    import os, subprocess

    def test_it(tape):
        subprocess.run(["true"], check=True)
        subprocess.run(["true"], env={"PATH": os.environ.get("PATH", ""), "LANG": "C", "APP_MODE": "fast"})
"""


def test_no_variable_is_kept_by_itself(project: Project) -> None:
    project.write(SOURCE)
    project.record()
    assert all("env" not in entry for entry in project.entries())
    project.edit("fast", "slow")
    project.replay()


def test_names_and_globs(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_HOME", str(project.path / "x"))
    monkeypatch.setenv("APP_TOKEN", "t0ken-value")
    monkeypatch.delenv("NOT_SET", raising=False)
    project.ini("tapes_env =", "    APP_*", "    NOT_SET")
    project.write(SOURCE)
    project.record()
    first, second = (entry["env"] for entry in project.entries())
    assert first == {"APP_HOME": "<root>/x", "APP_TOKEN": "<redacted:APP_TOKEN>", "NOT_SET": None}
    assert second == {"APP_MODE": "fast", "NOT_SET": None}
    monkeypatch.setenv("APP_TOKEN", "another")
    project.replay()


@pytest.mark.parametrize(
    "old, new, told",
    [
        ('"fast"', '"slow"', "env[[]APP_MODE]  tape: fast"),
        (', "APP_MODE": "fast"', "", "env[[]APP_MODE]  tape: fast"),
        ('"APP_MODE": "fast"', '"APP_MODE": "fast", "APP_MORE": "1"', "env[[]APP_MORE]  tape: (nothing)"),
    ],
)
def test_a_kept_variable_is_compared(project: Project, old: str, new: str, told: str) -> None:
    project.ini("tapes_env = APP_*, LANG")
    project.write(SOURCE)
    project.record()
    project.edit(old, new)
    project.replay(failed=1).stdout.fnmatch_lines([f"*{told}*"])


def test_what_an_entry_has_is_compared_on_the_list_or_not(project: Project) -> None:
    project.ini("tapes_env = APP_*")
    project.write(SOURCE)
    project.record()
    project.ini()
    project.replay()
    project.edit('"fast"', '"slow"')
    project.replay(failed=1)
    project.ini("tapes_match_on = program, args")
    project.replay()


def test_a_tape_of_the_time_before_says_nothing_about_variables(project: Project) -> None:
    project.write(SOURCE)
    project.record()
    project.ini("tapes_env = APP_*")
    project.replay()


def test_a_random_name_that_only_a_variable_says_is_known_from_there(project: Project) -> None:
    project.ini("tapes_env = APP_HOME")
    project.write("""
        import os, subprocess, tempfile

        def test_it(tape):
            with tempfile.TemporaryDirectory() as home:
                env = {**os.environ, "APP_HOME": home}
                said = subprocess.check_output(["sh", "-c", "echo $APP_HOME"], env=env)
                assert os.fsdecode(said.strip()) == home
    """)
    project.record()
    assert project.entries()[0]["env"] == {"APP_HOME": "<tempdir>/<mktemp:1>"}
    project.replay()
