"""pyfakefs: a test has a file system in memory, and its commands, tapes and pipes go on with the real one.

It fakes the pipes of :mod:`subprocess` as well, so whoever starts commands has it leave that alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.options.project import Project

# Not imported: it would be there for all the tests of this process.
pytestmark = pytest.mark.skipif(find_spec("pyfakefs") is None, reason="pyfakefs is not installed")

PLUGIN = ("-p", "pyfakefs.pytest_plugin")
"""It has pyfakefs leave pytest alone."""
FIXTURE = """
    import pytest
    from pyfakefs.fake_filesystem_unittest import Patcher

    @pytest.fixture
    def fs():
        with Patcher(additional_skip_names=["subprocess"]) as patcher:
            yield patcher.fs
"""
SUITE = """
    import shutil
    import subprocess
    from pathlib import Path

    def output(*command, **options):
        return subprocess.run(command, capture_output=True, check=True, **options).stdout

    def body(fs):
        fs.create_file("/data/x", contents="abc")
        assert output("sh", "-c", "echo out; echo err >&2; cat", input=b"in") == b"out\\nin"
        assert len(output("seq", "200000")) == 1288895
        with subprocess.Popen(["cat"], stdin=-1, stdout=-1) as child:
            child.stdin.write(b"line\\n")
            child.stdin.flush()
            assert child.stdout.readline() == b"line\\n"
        with subprocess.Popen(["sleep", "600"]) as child:
            try:
                child.wait(0.01)
            except subprocess.TimeoutExpired:
                child.terminate()
            assert child.wait() == -15
        assert Path("/data/x").read_text() == "abc"
        assert shutil.which("sh") is None
"""


@pytest.mark.parametrize("arguments", ["", "tape, fs", "fs, tape"])
def test_a_test_with_files_in_memory(project: Project, arguments: str) -> None:
    project.write(FIXTURE, "conftest.py")
    project.write(SUITE)
    given = arguments or "fs"
    with (project.path / "test_it.py").open("a") as file:
        file.write(f"\ndef test_it({given}):\n    body(fs)\n")
    if not arguments:
        project.run_apart(*PLUGIN).assert_outcomes(passed=1)
        return
    project.run_apart(*PLUGIN, "--record-tapes").assert_outcomes(passed=1)
    assert [entry["program"] for entry in project.entries()] == ["sh", "seq", "cat", "sleep"]
    assert any(name.startswith("_payloads/") for name in project.tapes())
    result = project.run_apart(*PLUGIN)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines("*1 replayed; spawns: 4 replayed*")


def test_a_block_amid_files_in_memory(project: Project) -> None:
    project.write(SUITE, "commands.py")
    project.write("""
        import os
        import subprocess
        import unittest
        from pyfakefs import fake_filesystem_unittest
        from pytest_proctape import use_tape
        from commands import body

        class Tests(fake_filesystem_unittest.TestCase):
            def setUp(self):
                self.setUpPyfakefs(additional_skip_names=["subprocess"])

            def test_it(self):
                with use_tape("deep/er/block.json", mode=os.environ["MODE"]) as tape:
                    body(self.fs)
                    self.fs.pause()
                    assert subprocess.check_output(["echo", "paused"]) == b"paused\\n"
                    self.fs.resume()
                    import colorsys  # what comes in is found
                    assert len(tape.spawns) == 5
                assert not os.path.exists("deep")

        if __name__ == "__main__":
            result = unittest.main(exit=False).result
            # pyfakefs has taken out what it had put in, and nothing of anybody else's.
            import tarfile
            raise SystemExit(not result.wasSuccessful())
    """)
    for mode in ("live", "record", "replay"):
        environment = os.environ | {"MODE": mode}
        done = subprocess.run([sys.executable, "test_it.py"], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert (project.path / "deep/er/block.json").is_file() is (mode != "live")
