"""The counts of a run, and the lines that tell them."""

from __future__ import annotations

import json

import pytest

from pytest_proctape.summary import Result, Totals, lines, seconds, strayed

COMMAND = "pytest --record-tapes=missing"


def told(*results: Result, verbose: bool = False) -> list[str]:
    totals = Totals()
    for result in results:
        totals.add(result)
    return list(lines(totals, record_command=COMMAND, verbose=verbose))


def replayed(test: str = "t", spawns: int = 1, process_ns: int = 0, test_ns: int = 0) -> Result:
    return Result(test, "replay", spawns=spawns, replayed=spawns, process_ns=process_ns, test_ns=test_ns)


def test_nothing_is_told_of_nothing() -> None:
    assert not Totals()
    assert told() == []
    assert told(Result("t", "replay")) == []
    assert told(Result("t", "record", outcome="nothing")) == []
    assert told(Result("t", "live")) == []


def test_one_replay() -> None:
    assert told(replayed(spawns=2, process_ns=41_300_000_000, test_ns=8_200_000)) == [
        "tests: 1 replayed; spawns: 2 replayed",
        "replayed 41.3 s of processes in 8.2 ms of tests: 41.3 s saved",
    ]


def test_sums_of_many() -> None:
    results = [
        *(replayed(process_ns=10**9, test_ns=10**6) for _ in range(3)),
        Result("a", "record", outcome="recorded", spawns=4),
        Result("b", "update", outcome="recorded", spawns=5, replayed=2, process_ns=10**9, test_ns=10**9),
        Result("c", "record", outcome="unchanged", spawns=1),
        Result("d", "record", outcome="removed"),
        Result("e", "live", spawns=1),
    ]
    assert told(*results) == [
        "tests: 3 replayed, 2 recorded, 1 unchanged, 1 removed, 1 live; spawns: 5 replayed, 9 real",
        "replayed 3 s of processes in 3 ms of tests: 3 s saved",
    ]


def test_a_removed_tape_alone_is_told() -> None:
    assert told(Result("d", "record", outcome="removed")) == ["tests: 1 removed; spawns: 0"]


@pytest.mark.parametrize(
    "kept, end", [("", ""), ("tapes/t.json.failed", "; this attempt is kept in tapes/t.json.failed")]
)
def test_a_failed_recording_is_named(kept: str, end: str) -> None:
    assert told(Result("t", "record", outcome="failed", spawns=1, kept=kept)) == [
        "tests: 1 failed to record; spawns: 1 real",
        f"not recorded, as the test did not pass: t{end}",
    ]


def test_a_recording_that_could_not_be_written_says_why() -> None:
    result = Result("t", "record", outcome="failed", spawns=1)
    result.unwritten = "it can't be written: No space left on device"
    assert told(result)[1] == "not recorded, as it can't be written: No space left on device: t"


def test_of_many_recordings_that_were_not_kept_the_first_are_named() -> None:
    results = [Result(test, "record", outcome="failed", spawns=1) for test in "abcde"]
    lines = [f"not recorded, as the test did not pass: {test}" for test in "abcde"]
    assert told(*results)[1:] == [*lines[:3], "and 2 more not kept (-v shows them)"]
    assert told(*results[:3])[1:] == lines[:3]
    assert told(*results, verbose=True)[1:] == lines


def test_of_many_that_still_run_the_first_are_named() -> None:
    result = replayed("t")
    result.leaked = [f"`sleep {number}`" for number in range(5)]
    lines = [f"still running when t ended: `sleep {number}`" for number in range(5)]
    assert told(result)[1:] == [*lines[:3], "and 2 more still running (-v shows them)"]
    assert told(result, verbose=True)[1:] == lines


LIVE = 'let it run for real, with @pytest.mark.tape(mode="live")'


def test_what_c_code_has_started_is_named() -> None:
    results = [replayed("a"), strayed("b", ["sleep", "", "cat", "sleep"]), strayed("c", [""]), replayed("d")]
    assert told(*results)[-3:] == [
        f"started in C, as by an extension, so on no tape, and real on replay, too: {LIVE}",
        "  b: cat, sleep, one or more that have ended",
        "  c: one or more that have ended",
    ]
    assert results[1].counts
    assert told(results[2])[1:] == ["  c: one or more that have ended"]


def test_tests_whose_workers_have_started_something_are_named() -> None:
    results = [Result(f"t{number}", "record") for number in range(4)]
    for result in results:
        result.by_workers = True
    assert all(result.counts for result in results)
    assert told(*results) == [
        f"started by workers and forked processes, so on no tape, and refused on replay: {LIVE}",
        *("  t0", "  t1", "  t2", "  and 1 more (-v shows them)"),
    ]


def test_what_was_started_outside_of_tests_is_counted() -> None:
    assert told(Result("", "live")) == []
    result = Result("", "live")
    result.outside = 2
    assert result.counts
    assert told(result) == ["spawns: 2 real outside of tests"]
    assert told(replayed(), result, Result("e", "live", spawns=1)) == [
        "tests: 1 replayed, 1 live; spawns: 1 replayed, 1 real, 2 real outside of tests",
    ]


def test_missing_tapes_are_named_up_to_three() -> None:
    results = [Result(f"t{number}", "replay", missing=True) for number in range(5)]
    assert told(*results[:1]) == [f"1 test has no tape; record with: {COMMAND}", "  t0"]
    assert told(*results) == [
        f"5 tests have no tape; record with: {COMMAND}",
        "  t0",
        "  t1",
        "  t2",
        "  and 2 more (-v shows them)",
    ]
    assert told(*results, verbose=True)[1:] == ["  t0", "  t1", "  t2", "  t3", "  t4"]


def test_a_result_travels_as_plain_data() -> None:
    result = Result("t", "record", "failed", 3, 1, 5, test_ns=7, missing=True, kept="kept")
    data = json.loads(json.dumps(result.as_data()))
    assert vars(Result.from_data(data)) == vars(result)


@pytest.mark.parametrize(
    "ns, text",
    [
        (0, "0 ms"),
        (1_000, "0.001 ms"),
        (8_234_567, "8.23 ms"),
        (999_000_000, "999 ms"),
        (1_000_000_000, "1 s"),
        (41_300_000_000, "41.3 s"),
        (3_600_000_000_000, "3600 s"),
        (123_456_000_000_000, "123456 s"),
    ],
)
def test_times_have_three_digits_that_matter(ns: int, text: str) -> None:
    assert seconds(ns) == text


def test_times_never_have_an_exponent() -> None:
    for exponent in range(3, 16):
        for digits in (1, 4, 9, 95, 995, 9995, 99995):
            text = seconds(digits * 10**exponent)
            assert "e" not in text.partition(" ")[0], (digits, exponent)
