"""A test without a tape has no session until it asks for something; then all is as if it had had one."""

from __future__ import annotations

import pytest

from tests.options.project import Project, one_error, summary

_SPAWN = 'subprocess.run(["echo", "one"], check=True)'
_COUNTING = """
    from pytest_proctape.run import Run

    made = []
    real = Run.begin

    def begin(self, item, settings, owner):
        made.append(item.name)
        return real(self, item, settings, owner)

    Run.begin = begin

    def pytest_unconfigure():
        Run.begin = real

    def pytest_terminal_summary(terminalreporter):
        terminalreporter.line(f"made: {' '.join(made)}.")
"""


@pytest.fixture
def taped(project: Project) -> Project:
    project.ini("tapes_auto = true")
    project.write(_COUNTING, "conftest.py")
    return project


def test_no_session_is_made_for_a_test_that_asks_for_nothing(taped: Project) -> None:
    taped.write(
        """
        import subprocess
        import pytest

        def test_nothing(tmp_path, capsys): (tmp_path / "file").write_text("x")

        @pytest.mark.parametrize("value", range(3))
        def test_values(value): assert value < 3

        @pytest.mark.skip
        def test_skipped(): pass

        @pytest.mark.xfail
        def test_expected(): assert False

        def test_recorded(): subprocess.run(["echo", "one"], check=True)
        """
    )
    taped.record("-k", "recorded")
    result = taped.replay(passed=5, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(["made: test_recorded."])


@pytest.mark.parametrize("asking", ["--tapes-report=report.json", "--tapes-log=log.jsonl"])
def test_who_wants_to_know_of_every_test_is_told(taped: Project, asking: str) -> None:
    taped.write("def test_it(): pass")
    taped.replay(asking).stdout.fnmatch_lines(["made: test_it."])


@pytest.mark.parametrize("place", ["setup", "call", "teardown"])
@pytest.mark.parametrize("swallowed", [False, True])
def test_what_is_asked_for_in_a_phase_fails_in_it(taped: Project, place: str, swallowed: bool) -> None:
    spawn = f"try: {_SPAWN}\n            except BaseException: pass" if swallowed else _SPAWN
    bodies = dict.fromkeys(("setup", "call", "teardown"), "pass") | {place: spawn}
    taped.write(
        f"""
        import subprocess
        import pytest

        @pytest.fixture
        def around():
            {bodies["setup"]}
            yield
            {bodies["teardown"]}

        def test_it(around):
            {bodies["call"]}
        """
    )
    result = taped.run()
    told = one_error(result)
    assert "tapes/test_it/test_it.json: the test asked for `echo one`" in told
    assert any(line.startswith("1 test has no tape") for line in summary(result))
    outcomes = result.parseoutcomes()
    assert (outcomes.get("failed"), outcomes.get("errors")) == ((1, None) if place == "call" else (None, 1))


def test_a_thread_wakes_it(taped: Project) -> None:
    taped.write(
        f"""
        import subprocess, threading

        def ask():
            try:
                {_SPAWN}
            except Exception:
                pass

        def test_it():
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
        """
    )
    assert "the test asked for `echo one`" in one_error(taped.run())


def test_a_thread_that_outlives_it_is_refused(taped: Project) -> None:
    taped.write(
        """
        import subprocess, threading

        over, told = threading.Event(), []

        def ask():
            over.wait(30)
            try:
                subprocess.run(["echo", "one"], check=True)
            except Exception as error:
                told.append(type(error).__name__)

        thread = threading.Thread(target=ask)

        def test_it(): thread.start()

        def test_that_comes_later():
            over.set()
            thread.join()
            assert told == ["UnsupportedSpawn"]
        """
    )
    taped.replay(passed=2).stdout.fnmatch_lines(["made: ."])


def test_a_forked_copy_wakes_it(taped: Project) -> None:
    taped.write(
        """
        import os

        def test_it():
            pid = os.fork()
            if not pid:
                os.execvp("echo", ["echo", "one"])
            os.waitpid(pid, 0)
        """
    )
    result = taped.run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*the test asked for `echo one` at test_it.py:4 in test_it()*"])


def test_what_is_never_taped_leaves_it_asleep(taped: Project) -> None:
    taped.ini("tapes_auto = true", "tapes_live = echo one")
    taped.write(f"import subprocess\n\ndef test_it(): {_SPAWN}\n")
    taped.run().stdout.fnmatch_lines(["made: ."])


def test_its_directories_are_known_to_it(taped: Project) -> None:
    taped.write(
        """
        import os, subprocess

        def test_it(tmp_path, request):
            os.chdir(tmp_path)
            tape = request.getfixturevalue("tape")
            tape.add(["make"], stdout="made")
            assert subprocess.run(["make"], capture_output=True).stdout == b"made"
            subprocess.run(["cat", tmp_path / "a"])
        """
    )
    assert "asked for `cat '<tmp>/a'`" in taped.run().stdout.str()


def test_what_the_test_replaces_before_it_asks_is_no_matter(taped: Project) -> None:
    taped.write(
        """
        import os, subprocess, time

        def test_it(monkeypatch):
            monkeypatch.setattr(os, "getcwd", lambda: "/nowhere")
            monkeypatch.setattr(time, "monotonic_ns", None)
            monkeypatch.setattr(time, "time_ns", None)
            subprocess.run(["echo", "one"])
        """
    )
    assert "the test asked for `echo one`" in taped.run().stdout.str()


def test_a_block_of_use_tape_goes_on_from_phase_to_phase(taped: Project) -> None:
    taped.write(
        """
        import subprocess
        import pytest
        from pytest_proctape import use_tape

        @pytest.fixture
        def block():
            with use_tape("block.json") as tape:
                yield tape

        def test_it(block):
            assert subprocess.run(["echo", "one"], capture_output=True).stdout == b"one\\n"
        """
    )
    taped.run("--record-tapes").assert_outcomes(passed=1)
    taped.replay(passed=1)


def test_it_is_no_matter_what_pytester_runs_inside_of_it(taped: Project) -> None:
    taped.write(
        """
        pytest_plugins = "pytester"

        def test_it(pytester):
            pytester.makepyfile(test_inside="def test_inside(): pass")
            pytester.makeini("[pytest]\\ntapes_auto = true")
            pytester.runpytest_inprocess().assert_outcomes(passed=1)
        """
    )
    taped.run().assert_outcomes(passed=1)


def test_the_handle_alone_makes_no_session(taped: Project) -> None:
    taped.write(
        """
        import pytest

        kept = []

        def test_it(tape): kept.append(tape)

        def test_that_looks(tape): assert (tape.mode, tape.spawns, tape.entries) == ("replay", [], ())

        @pytest.mark.tape(clock=True)
        def test_of_what_is_over():
            assert kept[0].path.name == "test_it.json"
            assert (kept[0].spawns, kept[0].children) == ([], [])
        """
    )
    taped.replay(passed=3).stdout.fnmatch_lines(["made: test_that_looks test_of_what_is_over."])


_HOOKS = ("setup", "call", "teardown", "makereport", "logreport")
_TELLING = f"""
    def ours(config):
        names = {_HOOKS!r}
        found = [
            name for name in names
            for one in getattr(config.hook, f"pytest_runtest_{{name}}").get_hookimpls()
            if type(one.plugin).__module__.startswith("pytest_proctape.")
        ]
        return " ".join(found)

    def pytest_terminal_summary(terminalreporter, config):
        terminalreporter.line(f"hooks: {{ours(config)}}.")
"""


@pytest.mark.parametrize(
    "auto, body, hooks",
    [
        (False, "pass", ""),
        (True, "pass", "setup call teardown"),
        (True, _SPAWN, "setup call teardown makereport logreport"),
    ],
)
def test_a_test_has_the_hooks_that_it_needs(project: Project, auto: bool, body: str, hooks: str) -> None:
    project.ini(f"tapes_auto = {auto}")
    project.write(_TELLING, "conftest.py")
    project.write(f"import subprocess\n\ndef test_it(): {body}")
    project.run().stdout.fnmatch_lines([f"hooks: {hooks}."])


def test_a_test_that_is_marked_when_its_turn_comes_is_taped(project: Project) -> None:
    project.write(
        """
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item):
            if item.name == "test_marked":
                item.add_marker(pytest.mark.tape)
        """,
        "conftest.py",
    )
    project.write(
        """
        import subprocess

        def test_first(): pass

        def test_marked(): subprocess.run(["echo", "one"], check=True)
        """
    )
    assert "the test asked for `echo one`" in one_error(project.run())


def test_a_block_in_a_run_without_taped_tests_is_told(project: Project) -> None:
    project.write(
        """
        import subprocess
        from pytest_proctape import use_tape

        def test_it():
            with use_tape("block.json"):
                subprocess.run(["echo", "one"], check=True)
        """
    )
    result = project.run()
    assert "block.json: the test asked for `echo one`" in one_error(result)
    assert any(line.startswith("1 ") and "no tape" in line for line in summary(result))
