"""Processes that nobody has asked Python for: a run tells of each, and of nothing else."""

from __future__ import annotations

import json

import pytest

from tests.options.project import Project, summary
from tests.options.test_hermetic import WORKERS

LIVE = 'let it run for real, with @pytest.mark.tape(mode="live")'
TOLD = f"started in C, as by an extension, so on no tape, and real on replay, too: {LIVE}"
ENDED = "one or more that have ended"

HEAD = """
import atexit, ctypes, os, pathlib, signal, subprocess, sys, threading, types
import pytest
from pytest_proctape import use_tape

LIBC = ctypes.CDLL(None)
LEFT = []

def in_c(*argv):
    pid = ctypes.c_int()
    words = (ctypes.c_char_p * (len(argv) + 1))(*map(os.fsencode, argv), None)
    assert LIBC.posix_spawnp(ctypes.byref(pid), words[0], None, None, words, None) == 0
    return pid.value

def leave(*argv):
    LEFT.append(in_c(*argv))
    # It comes back a moment before the kernel gives the child its name.
    while pathlib.Path(f"/proc/{LEFT[-1]}/comm").read_text() != f"{argv[0]}\\n":
        pass

@atexit.register
def clear():
    for pid in LEFT:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

"""

WAYS = f"""
{HEAD}
def by_a_thread():
    thread = threading.Thread(target=LIBC.system, args=(b"true",))
    thread.start()
    thread.join()

WAYS = {{
    "system": lambda: LIBC.system(b"true"),
    "waited for in C": lambda: LIBC.waitpid(in_c("true"), None, 0),
    "waited for in Python": lambda: os.waitpid(in_c("true"), 0),
    "waited for by any": lambda: in_c("true") and os.wait(),
    "going on": lambda: leave("sleep", "60"),
    "both": lambda: (leave("sleep", "60"), LIBC.system(b"true")),
    "by a thread": by_a_thread,
    "none": lambda: None,
}}

@pytest.mark.parametrize("way", WAYS)
def test_alone(tape, way):
    WAYS[way]()

@pytest.mark.parametrize("way", WAYS)
def test_beside(tape, way):
    subprocess.run(["echo", "one"], stdout=subprocess.DEVNULL)
    WAYS[way]()
    subprocess.run(["echo", "two"], stdout=subprocess.DEVNULL)
"""


def told(*lines: str) -> list[str]:
    return [TOLD, *(f"  {line}" for line in lines)]


@pytest.mark.parametrize(
    "flag", ["--record-tapes", "--replay-tapes", "--record-tapes=new", "--verify-tapes", "--live-tapes"]
)
def test_what_c_starts_is_told(project: Project, flag: str) -> None:
    project.write(WAYS)
    project.run_apart("--record-tapes").assert_outcomes(passed=16)
    result = project.run_apart(flag, "-v")
    result.assert_outcomes(passed=16)
    ended = ["system", "waited for in C", "waited for in Python", "waited for by any", "by a thread"]
    names = {**dict.fromkeys(ended, ENDED), "going on": "sleep", "both": f"sleep, {ENDED}"}
    expected = {
        f"  test_it.py::{test}[{way}]: {name}"
        for test in ("test_alone", "test_beside")
        for way, name in names.items()
    }
    lines = summary(result)[1:]
    assert set(lines) == (set() if flag == "--live-tapes" else {TOLD, *expected})


def test_it_is_told_of_each_owner_once(project: Project) -> None:
    project.write(
        HEAD
        + """
@pytest.fixture(scope="module")
def wide():
    LIBC.system(b"true")
    yield
    LIBC.system(b"true")

@pytest.fixture
def narrow():
    LIBC.system(b"true")

def test_fixtures(tape, wide):
    pass

def test_its_own(tape, wide, narrow):
    pass

def test_a_block(tape):
    with use_tape("block.json"):
        LIBC.system(b"true")

@pytest.mark.tape(mode="live")
def test_live():
    LIBC.system(b"true")

def test_a_live_block(tape):
    with use_tape("live.json", mode="live"):
        LIBC.system(b"true")

def test_without_a_tape():
    LIBC.system(b"true")

def test_nothing(tape):
    pass
"""
    )
    # What the command line says of a mode holds for every block.
    for flags, others in ((("--record-tapes",), ["live.json"]), ((), [])):
        result = project.run_apart(*flags, "-v")
        result.assert_outcomes(passed=7)
        lines = summary(result)
        assert lines[0] == TOLD
        owners = sorted(line.strip().rpartition(": ")[0] for line in lines[1:])
        assert owners == ["block.json", *others, "test_it.py::@wide", "test_it.py::test_its_own"]


@pytest.mark.parametrize("name", ["conftest.py", "test_it.py"])
def test_an_import_tells_it_where_every_test_is_taped(project: Project, name: str) -> None:
    project.ini("tapes_auto = true")
    project.write("def test_it():\n    pass\n")
    project.write(f'{HEAD}\nLIBC.system(b"true")\n\ndef test_it():\n    pass\n', name)
    for flags in (("--record-tapes",), ()):
        assert summary(project.run_apart(*flags)) == told(f"while tests were collected: {ENDED}")


def test_of_many_the_first_are_named(project: Project) -> None:
    project.write(
        f'{HEAD}\n@pytest.mark.parametrize("n", range(5))\ndef test_it(tape, n):\n    LIBC.system(b"true")\n'
    )
    names = [f"test_it.py::test_it[{n}]: {ENDED}" for n in range(5)]
    assert summary(project.run_apart()) == told(*names[:3], "and 2 more (-v shows them)")
    assert summary(project.run_apart("-v")) == told(*names)


def test_workers_of_xdist_tell_it(project: Project) -> None:
    pytest.importorskip("xdist")
    project.write(f'{HEAD}\ndef test_it(tape):\n    LIBC.system(b"true")\n')
    assert summary(project.run_apart("-p", "xdist", "-n", "1")) == told(f"test_it.py::test_it: {ENDED}")


def test_a_failing_test_says_it_with_its_tape(project: Project) -> None:
    project.write(
        HEAD
        + """
def test_it(tape):
    subprocess.run(["echo", "one"])
    LIBC.system(b"true")
    assert tape.mode == "record"
"""
    )
    project.run_apart("--record-tapes").assert_outcomes(passed=1)
    result = project.run_apart()
    result.assert_outcomes(failed=1)
    section = result.outlines[
        next(i for i, line in enumerate(result.outlines) if line.strip("- ") == "tape") :
    ]
    assert f"started in C, for real and on no tape: {ENDED}" in section[:4]


def test_the_report_has_it(project: Project) -> None:
    project.write(f'{HEAD}\ndef test_it(tape):\n    leave("sleep", "60")\n')
    project.run_apart("--tapes-report=report.json").assert_outcomes(passed=1)
    tape = json.loads((project.path / "report.json").read_text())["tapes"][0]
    assert (tape["test"], tape["strays"]) == ("test_it.py::test_it", ["sleep"])


def test_a_block_outside_of_pytest_warns(project: Project) -> None:
    project.write(f'{HEAD}\nwith use_tape("block.json"):\n    LIBC.system(b"true")\n', "script.py")
    result = project.pytester.runpython(project.path / "script.py")
    assert result.ret == 0
    result.stderr.fnmatch_lines([f"*RuntimeWarning: started in C, for real and not on block.json: {ENDED}"])


# -- what is real and no stray -----------------------------------------------------------------

KNOWN = f"""
{HEAD}
ASK, DONE = threading.Event(), threading.Event()
EARLY = types.SimpleNamespace(system=os.system)
BEFORE = subprocess.Popen(["true"])

def work():
    ASK.wait(60)
    subprocess.run(["true"])
    os.system("true")
    os.waitpid(os.posix_spawnp("true", ["true"], os.environ), 0)
    os.spawnlp(os.P_WAIT, "true", "true")
    DONE.set()

threading.Thread(target=work, daemon=True).start()

def never_told():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    subprocess.run(["true"])
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)

WAYS = {{
    "a command that is never taped": lambda: subprocess.run(["true"]),
    "one by a shell": lambda: os.system("true"),
    "one that is left": lambda: LEFT.append(os.posix_spawnp("sleep", ["sleep", "60"], os.environ)),
    "one that waitid gets": lambda: os.waitid(os.P_PID, os.spawnlp(os.P_NOWAIT, "true", "true"), os.WEXITED),
    "one whose end nobody is told": never_told,
    "one that C waits for": lambda: LIBC.waitpid(os.spawnlp(os.P_NOWAIT, "true", "true"), None, 0),
    "one that is not there": lambda: pytest.raises(OSError, subprocess.run, ["not-there"]),
    "one by a copy of the real function": lambda: EARLY.system("true"),
    "one of a thread from outside": lambda: (ASK.set(), DONE.wait(60)),
    "a forked copy": lambda: os.waitpid(os.fork() or os._exit(0), 0),
    "a forked copy that is left": lambda: LEFT.append(os.fork() or signal.pause()),
    "what was there before": lambda: LIBC.waitpid(BEFORE.pid, None, 0),
    "nothing": lambda: None,
}}

@pytest.mark.parametrize("way", WAYS)
def test_it(tape, way):
    WAYS[way]()
    subprocess.run(["echo", "one"], stdout=subprocess.DEVNULL)
"""


@pytest.mark.parametrize("flag", ["--record-tapes", "--replay-tapes"])
def test_what_is_known_is_not_told(project: Project, flag: str) -> None:
    project.ini("tapes_live = true", "    sleep", "    not-there")
    project.write(KNOWN)
    ignored = ("-W", "ignore::ResourceWarning", "-W", "ignore::DeprecationWarning")
    project.run_apart("--record-tapes", *ignored).assert_outcomes(passed=13)
    result = project.run_apart(flag, *ignored)
    result.assert_outcomes(passed=13)
    kind = "replayed" if flag == "--replay-tapes" else "unchanged"
    how = "replayed" if flag == "--replay-tapes" else "real"
    assert summary(result) == [f"tests: 13 {kind}; spawns: 13 {how}, 4 real outside of tests"]


def test_a_shell_of_a_thread_from_outside_is_known_where_nothing_is_live(project: Project) -> None:
    project.write(
        f"""
{HEAD}
ASK, DONE = threading.Event(), threading.Event()

def work():
    ASK.wait(60)
    os.system("true")
    DONE.set()

threading.Thread(target=work, daemon=True).start()

def test_it(tape):
    subprocess.run(["echo", "one"], stdout=subprocess.DEVNULL)
    ASK.set()
    assert DONE.wait(60)
"""
    )
    for flags, kind, how in ((("--record-tapes",), "recorded", "real"), ((), "replayed", "replayed")):
        told = summary(project.run_apart(*flags))
        assert told == [f"tests: 1 {kind}; spawns: 1 {how}, 1 real outside of tests"]


def test_multiprocessing_is_known(project: Project) -> None:
    project.write(WORKERS)
    for flags in (("--record-tapes",), ()):
        result = project.run_apart(*flags, "-W", "ignore::DeprecationWarning")
        result.assert_outcomes(passed=10)
        assert [line.partition(":")[0] for line in summary(result)] == ["tests"]


def test_its_shared_memory_is_known(project: Project) -> None:
    project.write(
        """
        from multiprocessing import shared_memory

        def test_it(tape):
            memory = shared_memory.SharedMemory(create=True, size=10)
            memory.close()
            memory.unlink()
        """
    )
    for flags in (("--record-tapes",), ()):
        assert TOLD not in summary(project.run_apart(*flags))
