"""What a fixture of wider scope has put in the place of a function stays there, as it does without tapes."""

from __future__ import annotations

from tests.options.project import Project

_TESTS = """
    import importlib, os, shutil, signal, subprocess, time
    from unittest import mock

    import pytest

    REAL_KILL = os.kill
    FUNCTIONS = [
        "subprocess.Popen", "os.fork", "os.kill", "os.killpg", "os.posix_spawn", "os.system", "os.waitpid",
        "shutil.which", "subprocess.call", "subprocess.run", "time.monotonic", "time.sleep",
    ]

    @pytest.fixture(scope="class", params=FUNCTIONS)
    def mocked(request):
        with mock.patch(request.param, return_value=7) as mocked:
            module, _, name = request.param.rpartition(".")
            yield mocked, vars(importlib.import_module(module)), name

    @pytest.mark.usefixtures("mocked")
    class TestMocked:
        def test_that_is_not_taped(self):
            pass

        @pytest.mark.tape
        def test_that_is_taped(self, mocked):
            mock, module, name = mocked
            assert module[name] is mock

    def ask():
        assert subprocess.run(["echo", "said"], capture_output=True).stdout == b"said\\n"
        sleeper = subprocess.Popen(["sleep", "60"])
        assert shutil.which("sleep")
        os.kill(sleeper.pid, signal.SIGTERM)
        assert sleeper.wait() == -signal.SIGTERM
        assert os.system("exit 3") == 3 << 8

    @pytest.mark.tape
    def test_what_comes_after():
        ask()
        # Some tests put back what a module has kept since its import.
        os.kill = REAL_KILL

    @pytest.mark.tape
    def test_what_comes_then():
        ask()
"""


def test_a_mock_of_a_wider_scope(project: Project) -> None:
    project.write(_TESTS)
    for arguments in (["--live-tapes"], ["--record-tapes"], []):
        project.run_apart(*arguments).assert_outcomes(passed=26)
