from __future__ import annotations

import errno
import signal

import pytest

from pytest_proctape.tape import (
    Anything,
    Base64,
    Effect,
    Entry,
    Event,
    Payload,
    SpawnError,
    signal_name,
    signal_number,
)
from pytest_proctape.tape.checks import is_errno, is_signal, problems
from pytest_proctape.tape.problem import Problem


def places(entry: Entry) -> list[str]:
    return [problem.place for problem in problems(entry)]


def with_event(event: Event) -> Entry:
    return Entry(program="bc", timeline=(Event(at_ms=0, stdin="1\n"), event))


THREE = Payload(sha256="0" * 64, size=3)
COUNTED = (Event(stream="stdin", size=2), Event(at_ms=1.0, stream="stdin", size=1), Event(close="stdin"))

GOOD = [
    Entry(program="git"),
    Entry(program="git", stdin="x", stdout=None, stderr=Base64(base64=""), exit_code=255, note="n"),
    Entry(program="git", stdout="both", stderr="", stderr_to_stdout=True),
    Entry(program="git", stdout="both", stderr=None, stderr_to_stdout=True),
    Entry(program="git", fds={3: "x"}, exit_code=0),
    Entry(program="git", signal="SIGKILL", core_dumped=True),
    Entry(program="git", signal="SIGRTMIN+1"),
    Entry(program="git", signal="SIG35"),
    Entry(program="git", running=True),
    Entry(program="git", running=False, exit_code=3),
    Entry(program="git", spawn_error=SpawnError(errno="ENOENT")),
    Entry(program="git", spawn_error=SpawnError(type="SubprocessError", message="in preexec_fn")),
    Entry(program="git", timeline=(), stdout="", stderr=None, exit_code=1),
    with_event(Event(stdout="")),
    with_event(Event(at_ms=5, fd=3, data="")),
    with_event(Event(close="stdin")),
    with_event(Event(signal="SIGTERM")),
    with_event(Event(stopped="SIGSTOP")),
    with_event(Event(continued=True)),
    with_event(Event(timeout_ms=0)),
    with_event(Event(terminal="")),
    with_event(Event(set_terminal="-echo rows 40")),
    Entry(program="a", terminal="rows 24 columns 80"),
    Entry(program="a", timeline=COUNTED, streams={"stdin": THREE}),
    Entry(program="a", timeline=COUNTED[:2], streams={"stdin": THREE}, stdout=None),
    Entry(program="a", timeline=(Event(stream="0", size=3),), streams={"0": THREE}),
    Entry(program="a", timeline=(), streams={}),
]


@pytest.mark.parametrize("entry", GOOD, ids=range(len(GOOD)))
def test_nothing_is_wrong_with(entry: Entry) -> None:
    assert list(problems(entry)) == []


@pytest.mark.parametrize(
    "entry, problem",
    [
        (
            Entry(program="a", exit_code=0, running=True),
            Problem(
                "running",
                "two ends: exit_code and running",
                "at most one of exit_code, signal, spawn_error and running",
            ),
        ),
        (
            Entry(program="a", exit_code=0, signal="SIGTERM"),
            Problem(
                "signal",
                "two ends: exit_code and signal",
                "at most one of exit_code, signal, spawn_error and running",
            ),
        ),
        (
            Entry(program="a", exit_code=1, core_dumped=True),
            Problem("core_dumped", "core_dumped without a signal", "signal, what killed the child"),
        ),
        (
            Entry(program="a", stderr="x", stderr_to_stdout=True),
            Problem(
                "stderr",
                "text beside stderr_to_stdout",
                "everything in stdout, in the order it came",
            ),
        ),
        (
            Entry(program="a", timeline=(Event(stdin="x"),), stdin=Anything(any=True)),
            Problem("stdin", "stdin beside a timeline", "stdin as events of the timeline, in their order"),
        ),
        (
            Entry(program="a", timeline=COUNTED[1:], streams={"stdin": THREE}),
            Problem("streams.stdin", "the events take 1 bytes", "all 3"),
        ),
        (
            Entry(program="a", timeline=(*COUNTED, COUNTED[0]), streams={"stdin": THREE}),
            Problem("streams.stdin", "the events take 5 bytes", "all 3"),
        ),
        (
            Entry(program="a", timeline=COUNTED),
            Problem("timeline[0].stream", "the entry has no stream 'stdin'", "one that is in streams"),
        ),
        (
            Entry(program="a", timeline=(Event(stream="stdin"),), streams={"stdin": THREE.but(size=0)}),
            Problem(
                "timeline[0]", "only one of stream and size", "both: how many bytes more of which stream"
            ),
        ),
        (
            Entry(program="a", streams={"stdin": THREE}),
            Problem("streams", "streams without a timeline", "stdout and the like, or a timeline"),
        ),
        (
            Entry(
                program="a", timeline=COUNTED, streams={"stdin": THREE}, stdin=Anything(any=True), stdout=None
            ),
            Problem("stdin", "stdin beside a timeline", "stdin as events of the timeline, in their order"),
        ),
        *(
            (
                Entry(program="a", timeline=(Event(stream=name, size=3),), streams={name: THREE}),
                Problem(
                    f"streams.{name}",
                    f"no stream: {name!r}",
                    "stdin, stdout or stderr, or 0, or 3 or more: the number of a descriptor",
                ),
            )
            for name in ("1", "2", "03", "", "out", "\u0663", "3\n")
        ),
        (
            Entry(program="a", timeline=(), stdout="x"),
            Problem("stdout", "stdout beside a timeline", "stdout as events of the timeline, in their order"),
        ),
    ],
)
def test_what_is_said(entry: Entry, problem: Problem) -> None:
    assert list(problems(entry)) == [problem]


@pytest.mark.parametrize(
    "entry, place",
    [
        (Entry(program="a", signal="SIGTERM", running=True), "running"),
        (Entry(program="a", signal="SIGTERM", spawn_error=SpawnError()), "spawn_error"),
        (Entry(program="a", spawn_error=SpawnError(), running=True), "running"),
        (Entry(program="a", signal="TERM"), "signal"),
        (Entry(program="a", signal=""), "signal"),
        (Entry(program="a", spawn_error=SpawnError(errno="ENOTHING")), "spawn_error.errno"),
        (Entry(program="a", spawn_error=SpawnError(errno="2")), "spawn_error.errno"),
        (Entry(program="a", spawn_error=SpawnError(type="OS:Error")), "spawn_error.type"),
        (Entry(program="a", spawn_error=SpawnError(type="")), "spawn_error.type"),
        (Entry(program="a", timeline=(), stdin="x"), "stdin"),
        (Entry(program="a", timeline=(), stderr="x"), "stderr"),
        (Entry(program="a", timeline=(), fds={3: "x"}), "fds"),
        (with_event(Event()), "timeline[1]"),
        (with_event(Event(at_ms=4)), "timeline[1]"),
        (with_event(Event(stdout="x", stderr="x")), "timeline[1]"),
        (with_event(Event(stdin="", close="stdin")), "timeline[1]"),
        (with_event(Event(timeout_ms=0, signal="SIGTERM")), "timeline[1]"),
        (with_event(Event(data="x")), "timeline[1]"),
        (with_event(Event(fd=3, stdout="x")), "timeline[1]"),
        (with_event(Event(stopped="SIGSTOP", continued=True)), "timeline[1]"),
        (with_event(Event(signal="SIGNOT")), "timeline[1].signal"),
        (with_event(Event(stopped="STOP")), "timeline[1].stopped"),
        (with_event(Event(terminal="loud")), "timeline[1].terminal"),
        (with_event(Event(set_terminal="rows many")), "timeline[1].set_terminal"),
        (with_event(Event(terminal="", set_terminal="-echo")), "timeline[1]"),
        (Entry(program="a", terminal="-echo"), "terminal"),
    ],
)
def test_what_is_wrong_is_found_and_placed(entry: Entry, place: str) -> None:
    assert places(entry) == [place]


def test_every_problem_is_named() -> None:
    entry = Entry(program="a", timeline=(Event(), Event()), stdin="x", signal="x", running=True)
    assert places(entry) == ["stdin", "timeline[0]", "timeline[1]", "running", "signal"]


def test_every_signal_of_this_platform_has_a_name_that_is_one() -> None:
    for number in range(1, signal.NSIG):
        name = signal_name(number)
        assert is_signal(name)
        assert signal_number(name) == number


@pytest.mark.parametrize("name", ["SIGTERM", "SIG1", "SIG64", "SIGRTMIN+0", "SIGRTMIN+15", "SIGRTMIN"])
def test_signal_names_that_are_known_can_be_sent(name: str) -> None:
    assert is_signal(name)
    assert 0 < signal_number(name) < signal.NSIG


@pytest.mark.parametrize(
    "name",
    [
        "",
        "TERM",
        "15",
        "sigterm",
        "SIG",
        "SIG0",
        "SIG65",
        "SIG-1",
        "SIG015",
        "SIG1\n",
        "SIG\u0663",
        "SIG_DFL",
        "SIG_IGN",
        "SIGRTMIN+",
        "SIGRTMIN+99",
        "SIGRTMIN+-1",
        "SIGTERM ",
    ],
)
def test_other_names_are_no_signals(name: str) -> None:
    assert not is_signal(name)


def test_error_numbers() -> None:
    assert all(is_errno(name) for name in errno.errorcode.values())
    assert is_errno("EWOULDBLOCK")
    assert is_errno("E2")
    for name in ("", "ENOTHING", "2", "E", "E0", "enoent", "errorcode", "E2\n", "E123456", "E\u0662"):
        assert not is_errno(name)


def test_an_input_that_is_not_looked_at_beside_a_timeline() -> None:
    entry = Entry(program="a", timeline=(Event(at_ms=20, stdout="x"),), stdin=Anything(any=True))
    assert list(problems(entry)) == []


@pytest.mark.parametrize(
    "effect, place, problem",
    [
        (Effect(path="<tmp>/a", file="", link="b"), "link", "an effect with file and link"),
        (Effect(path="<tmp>/a", kind="gone"), "was", "something is gone that was not there"),
        (Effect(path="<tmp>/a", in_place=True), "in_place", "in_place without file"),
        (Effect(path="<tmp>/a", pid=True), "pid", "pid without file"),
        (Effect(path="<tmp>/a", link=""), "link", "no text that a symbolic link can have"),
        (Effect(path="<tmp>/a", link="b\0"), "link", "no text that a symbolic link can have"),
        (Effect(path="<tmp>/a", file="", mode="9"), "mode", "no permissions: '9'"),
        (Effect(path="<tmp>/a", file="", was="door"), "was", "no kind of file: 'door'"),
        (Effect(path="<tmp>/a", file="", mtime="noon"), "mtime", "no time: 'noon'"),
        (Effect(path="<tmp>/a", file="", mtime=2**63), "mtime", "no time that a file can have"),
        (
            Effect(path="<tmp>/a", file="", mtime="2024-02-03T12:00:00Z", at_ms=1),
            "mtime",
            "two modification times: at_ms and mtime",
        ),
        (Effect(path="<tmp>/a", file="x", size=9, parts=((9, 1),)), "parts", "no part of the file: [9, 1]"),
        (Effect(path="<tmp>/a", file="", size=9, parts=((2, 0),)), "parts", "no part of the file: [2, 0]"),
        (
            Effect(path="<tmp>/a", file="xy", size=9, parts=((2, 1), (1, 1))),
            "parts",
            "no part of the file: [1, 1]",
        ),
        (Effect(path="<tmp>/../a"), "path", "'<tmp>/../a' is no path that an effect can have"),
        (
            Effect(path="<tmp>/a", same_as="b"),
            "same_as",
            "'b' is no path that an effect can have",
        ),
    ],
)
def test_an_effect_that_cannot_be(effect: Effect, place: str, problem: str) -> None:
    (found,) = problems(Entry(program="a", effects=(effect,)))
    assert (found.place, found.problem) == (f"effects[0].{place}", problem)


def test_a_path_that_stands_twice() -> None:
    effects = (Effect(path="<tmp>/a", file="x"), Effect(path="<tmp>/a", file="y"))
    (found,) = problems(Entry(program="a", effects=effects))
    assert (found.place, found.problem) == ("effects[1].path", "'<tmp>/a' stands twice")
