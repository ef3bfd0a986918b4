"""Plugins that run tests in their own way: in another order, a process, threads, parts, against a clock."""

from __future__ import annotations

import pytest

from tests.options.project import Project
from tests.patience import patiently

SUITE = """
    import subprocess
    import pytest

    def ask(word):
        return subprocess.check_output(["echo", word], text=True)

    @pytest.fixture(scope="module")
    def wide():
        yield ask("wide")
        ask("end")

    @pytest.mark.parametrize("word", ["a", "b", "c", "d"])
    def test_it(tape, wide, word):
        assert wide == "wide\\n"
        assert ask(word) == word + "\\n"
        assert len(tape.spawns) == 1
"""


@pytest.fixture
def suite(project: Project) -> Project:
    project.write(SUITE)
    return project


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pytest_randomly(suite: Project, seed: int) -> None:
    pytest.importorskip("pytest_randomly")
    options = ("-p", "pytest_randomly", "-p", "no:cacheprovider")
    suite.record(*options, f"--randomly-seed={seed}", passed=4)
    suite.replay(*options, f"--randomly-seed={seed + 1}", passed=4)
    suite.replay(passed=4)


def test_pytest_timeout(suite: Project) -> None:
    pytest.importorskip("pytest_timeout")
    for method in ("signal", "thread"):
        options = ("-p", "timeout", "--timeout=600", f"--timeout-method={method}")
        suite.record(*options, passed=4)
        suite.replay(*options, passed=4)


def test_a_recording_that_times_out_replaces_no_tape(suite: Project) -> None:
    pytest.importorskip("pytest_timeout")
    suite.record(passed=4)
    before = suite.tape("test_it[a]").read_bytes()
    suite.edit("assert ask(word)", 'subprocess.run(["sleep", "600"], timeout=900)\n    assert ask(word)')

    def attempt(limit_s: float) -> pytest.RunResult:
        limit = f"--timeout={limit_s}"
        return suite.run("-p", "timeout", limit, "--record-tapes", "-k", "a", "test_it.py::test_it[a]")

    # Before its time is over the test has to come to its command.
    begun = suite.tape("test_it[a]").with_name("test_it[a].json.failed")
    result = patiently(attempt, lambda _: begun.exists() and b'"sleep"' in begun.read_bytes(), 0.5)
    result.assert_outcomes(failed=1)
    assert suite.tape("test_it[a]").read_bytes() == before
    assert suite.tape("test_it[a]").with_name("test_it[a].json.failed").exists()


def test_subtests(project: Project) -> None:
    if not hasattr(pytest, "Subtests"):
        pytest.importorskip("pytest_subtests")
    project.write(
        """
        import subprocess, unittest

        def ask(word):
            return subprocess.check_output(["echo", word], text=True)

        def test_it(tape, subtests):
            for word in ("a", "b"):
                with subtests.test(word):
                    assert ask(word) == word + "\\n"
            assert len(tape.spawns) == 2

        import pytest

        @pytest.mark.tape
        class TestOld(unittest.TestCase):
            def test_old(self):
                for word in ("a", "b"):
                    with self.subTest(word):
                        self.assertEqual(ask(word), word + "\\n")
        """
    )
    options = () if hasattr(pytest, "Subtests") else ("-p", "pytest_subtests")
    project.record(*options)
    assert project.commands() == ["echo a", "echo b"]
    assert project.commands("TestOld.test_old") == ["echo a", "echo b"]
    project.replay(*options)
    project.edit('("a", "b")', '("a", "c")')
    result = project.run(*options)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["E *Divergence: *"])


def test_pytest_forked(suite: Project) -> None:
    pytest.importorskip("pytest_forked")
    options = ("-p", "pytest_forked", "--forked", "-W", "ignore")
    if suite.run_apart(*options, "--live-tapes").parseoutcomes() != {"passed": 4}:
        pytest.skip("pytest-forked does not work with this pytest")
    suite.run_apart(*options, "--record-tapes").assert_outcomes(passed=4)
    assert suite.commands("test_it[a]") == ["echo a"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        suite.run_apart(*options).assert_outcomes(passed=4)
        suite.run_apart().assert_outcomes(passed=4)


_FORKING = """
    import os
    from _pytest.runner import runtestprotocol

    def pytest_runtest_protocol(item, nextitem):
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            hook = item.config.hook
            given = [
                hook.pytest_report_to_serializable(config=item.config, report=one)
                for one in runtestprotocol(item, log=False, nextitem=nextitem)
            ]
            with open(writer, "w") as out:
                out.write(repr(given))
            os._exit(0)
        os.close(writer)
        with open(reader) as received:
            given = eval(received.read())
        os.waitpid(pid, 0)
        for one in given:
            report = item.config.hook.pytest_report_from_serializable(config=item.config, data=one)
            item.ihook.pytest_runtest_logreport(report=report)
        return True
"""


def test_another_plugin_that_forks_for_each_test(suite: Project) -> None:
    """Nothing of ours happens in the process that shows the summary, before the reports come."""
    suite.record(passed=4)
    suite.write(_FORKING, "conftest.py")
    options = ("-p", "no:cacheprovider", "-W", "ignore::DeprecationWarning")
    result = suite.replay(*options, passed=4)
    result.stdout.fnmatch_lines(["tests: 4 replayed; fixtures: 1 replayed; spawns: 6 replayed"])


def test_pytest_run_parallel(suite: Project) -> None:
    pytest.importorskip("pytest_run_parallel")
    suite.record(passed=4)
    # Every thread asks for everything, which is not what one thread asked for: told, not passed over.
    result = suite.run("-p", "pytest_run_parallel.plugin", "--parallel-threads=2")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["E *Exhaustion: *"])
    suite.replay("-p", "pytest_run_parallel.plugin", "--parallel-threads=1", passed=4)
