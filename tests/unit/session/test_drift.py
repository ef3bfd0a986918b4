"""What differs between a tape and the tools: pure."""

from __future__ import annotations

from pytest_proctape.match import Asked
from pytest_proctape.session.drift import Finding, Heard, find_drift
from pytest_proctape.session.sides import Normaliser
from pytest_proctape.tape import Content, End, Entry, Script, SpawnError, Stream
from pytest_proctape.tape.script import Output


def decode(stream: Stream) -> Content:
    assert isinstance(stream, str)
    return Content.of(stream.encode())


def entry(program: str, stdout: str = "", **fields: object) -> Entry:
    return Entry.model_validate({"program": program, "stdout": stdout, "stdin": {"any": True}, **fields})


def heard(
    program: str, stdout: bytes = b"", status: int | None = 0, error: SpawnError | None = None
) -> Heard:
    steps = (Output(1, Content.of(stdout)),) if stdout else ()
    return Heard(Asked(program, (), None, None), Script(steps, End(status, error), has_input=False))


def found(
    entries: list[Entry], made: list[Heard], *patterns: str, complete: bool = True
) -> list[tuple[str, int, str, str, str]]:
    told = find_drift(entries, made, decode, Normaliser(patterns), complete=complete)
    return [(one.kind, one.entry, one.field, one.tape, one.now) for one in told]


def test_nothing_differs() -> None:
    assert found([entry("a", "x\n")], [heard("a", b"x\n")]) == []


def test_a_final_newline_is_told() -> None:
    assert found([entry("a", "x\n")], [heard("a", b"x")]) == [("output_mismatch", 1, "stdout", "x", "'x'")]


def test_bytes_that_are_no_text_are_told() -> None:
    assert found([entry("a", "x\n")], [heard("a", b"\xff\n")])[0][3:] == ("x", "\\xff")


def test_patterns_apply_to_both_sides_and_to_commands() -> None:
    tape, now = [entry("/run/17/a", "pid 17\n")], [heard("/run/4/a", b"pid 4\n")]
    assert len(found(tape, now)) == 1
    assert found(tape, now, r"\d+") == []


def test_another_working_directory_is_told() -> None:
    tape = [entry("a", cwd="<tmp>/x")]

    def told(cwd: str | None, *patterns: str) -> list[tuple[str, int, str, str, str]]:
        made = Heard(Asked("a", (), None, cwd), Script((), End(0), has_input=False))
        return found(tape, [made], *patterns)

    assert told("<tmp>/x") == []
    assert told("<tmp>/y") == [("spawn_mismatch", 1, "cwd", "<tmp>/x", "<tmp>/y")]
    assert told(None) == [("spawn_mismatch", 1, "cwd", "<tmp>/x", "(the test's own)")]
    assert told("<tmp>/y", r"/[xy]\Z") == []


def test_the_order_does_not_count() -> None:
    assert found([entry("a", "1"), entry("b", "2")], [heard("b", b"2"), heard("a", b"1")]) == []


def test_one_that_is_missing_does_not_blame_the_others() -> None:
    tape = [entry("a"), entry("b"), entry("c")]
    assert found(tape, [heard("a"), heard("c")]) == [("length_mismatch", 0, "entries", "3", "2")]
    assert found(tape, [heard("a"), heard("c")], complete=False) == []


def test_signals_and_errors_are_ends() -> None:
    assert found([entry("a")], [heard("a", status=9)]) == [
        ("end_mismatch", 1, "end", "exit code 0", "ended by SIGKILL")
    ]
    refused = SpawnError(errno="EACCES")
    assert found([entry("a")], [heard("a", status=None, error=refused)]) == [
        ("end_mismatch", 1, "end", "exit code 0", "could not be started (EACCES)")
    ]


def test_a_tool_that_is_missing_now_is_skipped_and_one_that_always_was_is_not() -> None:
    missing = SpawnError(errno="ENOENT")
    assert found([entry("a")], [heard("a", status=None, error=missing)])[0][0] == "skipped"
    assert found([entry("a", spawn_error=missing)], [heard("a", status=None, error=missing)]) == []
    assert found([entry("a", spawn_error=missing)], [heard("a")])[0][0] == "end_mismatch"


def test_a_finding_is_plain_data() -> None:
    finding = Finding("end_mismatch", 2, "a b", "end", "exit code 0", "exit code 1")
    assert finding.as_data()["kind"] == "end_mismatch"
    assert finding.as_data()["entry"] == 2
