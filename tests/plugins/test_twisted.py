"""twisted: it forks by itself, and waits by :func:`os.waitpid`. A reactor runs once in a process."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.options.project import Project

# Not imported: it would be there for all the tests of this process.
pytestmark = pytest.mark.skipif(find_spec("twisted") is None, reason="twisted is not installed")

SUITE = """
    import pytest

    @pytest.mark.tape
    def test_it():
        from twisted.internet import protocol, reactor

        got = []

        class Ended(protocol.ProcessProtocol):
            def __init__(self, name):
                self.name, self.out = name, b""

            def connectionMade(self):
                if self.name == "kill":
                    self.transport.signalProcess("KILL")
                if self.name == "cat":
                    self.transport.write(b"hi")
                    self.transport.closeStdin()

            def outReceived(self, data):
                self.out += data

            def processEnded(self, reason):
                got.append((self.name, self.out, reason.value.exitCode, reason.value.signal))
                if len(got) == 5:
                    reactor.stop()

        for name, command in (
            ("fail", ["sh", "-c", "echo a; exit 3"]),
            ("cat", ["cat"]),
            ("kill", ["sleep", "30"]),
            ("echo", ["echo", "b"]),
        ):
            reactor.spawnProcess(Ended(name), command[0], command, env=None)
        reactor.spawnProcess(Ended("tty"), "sh", ["sh", "-c", "echo tty; exit 2"], env=None, usePTY=True)
        reactor.callLater(30, reactor.crash)
        reactor.run()
        assert sorted(got) == [
            ("cat", b"hi", 0, None),
            ("echo", b"b\\n", 0, None),
            ("fail", b"a\\n", 3, None),
            ("kill", b"", None, 9),
            ("tty", b"tty\\r\\n", 2, None),
        ]
"""


def test_processes_of_a_reactor(project: Project) -> None:
    project.write(SUITE)
    project.run_apart("--live-tapes").assert_outcomes(passed=1)
    project.run_apart("--record-tapes").assert_outcomes(passed=1)
    result = project.run_apart("--replay-tapes")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines("tests: 1 replayed; spawns: 5 replayed")
    project.run_apart("--verify-tapes").assert_outcomes(passed=1)
