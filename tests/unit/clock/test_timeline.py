"""One time, whichever mock clock stands in for the real one, and a stopwatch that moves it."""

from __future__ import annotations

import threading

import pytest

import pytest_proctape.clock.timeline as timeline_module
from pytest_proctape.clock import Timeline
from pytest_proctape.clock.readings import OwnReading
from pytest_proctape.clock.timeline import FOREVER_NS

from .conftest import MS, Clocks


def test_what_passes_on_the_clock_passes_here(clocks: Clocks, timeline: Timeline) -> None:
    began_ns = timeline.now_ns()
    clocks.stack[0].add(5 * MS)
    assert timeline.now_ns() - began_ns == 5 * MS


def test_what_is_let_pass_here_passes_on_the_clock(clocks: Clocks, timeline: Timeline) -> None:
    timeline.add(5 * MS)
    assert clocks.stack[0].ns == 5 * MS
    assert timeline.skipped_ns == 5 * MS


def test_what_the_topmost_clock_shows(clocks: Clocks, timeline: Timeline) -> None:
    timeline.add(5 * MS)
    assert timeline.shown_ns() == clocks.stack[0].ns == 5 * MS
    clocks.stack.append(OwnReading(10**18))
    timeline.add(MS)
    assert timeline.shown_ns() == 10**18 + MS
    clocks.stack.clear()
    assert timeline.shown_ns() is None


def test_time_passes_by_whole_microseconds_rounded_up(clocks: Clocks, timeline: Timeline) -> None:
    timeline.add(1)
    timeline.add(1001)
    timeline.add(0)
    timeline.add(-5)
    assert clocks.stack[0].ns == 3000


def test_no_moment_is_zero(timeline: Timeline) -> None:
    assert timeline.now_ns() > 0


def test_no_moment_is_given_out_twice(timeline: Timeline) -> None:
    now_ns = timeline.now_ns()
    assert [timeline.moment_ns() for _ in range(3)] == [now_ns, now_ns + 1000, now_ns + 2000]
    assert timeline.now_ns() == now_ns
    timeline.add(MS)
    assert timeline.moment_ns() == now_ns + MS


def test_what_is_noted_once_somebody_gave_up_came_later(timeline: Timeline) -> None:
    now_ns = timeline.now_ns()
    assert timeline.noted_ns() == now_ns
    timeline.give_up()
    assert timeline.noted_ns() == now_ns + 1000
    assert timeline.moment_ns() == now_ns + 1000
    timeline.add(MS)
    assert timeline.noted_ns() == now_ns + MS


def test_a_clock_that_is_set_back_undoes_nothing(clocks: Clocks, timeline: Timeline) -> None:
    clocks.stack[0].add(10 * MS)
    before_ns = timeline.now_ns()
    clocks.stack[0].ns = 2 * MS
    assert timeline.now_ns() == before_ns
    clocks.stack[0].add(MS)
    assert timeline.now_ns() == before_ns + MS


def test_another_clock_goes_on_from_the_same_time(clocks: Clocks, timeline: Timeline) -> None:
    timeline.add(3 * MS)
    before_ns = timeline.now_ns()
    clocks.stack.append(OwnReading(10**18))
    assert timeline.now_ns() == before_ns
    timeline.add(2 * MS)
    assert clocks.stack[0].ns == 3 * MS
    assert clocks.stack[1].ns == 10**18 + 2 * MS
    clocks.stack.pop()
    assert timeline.now_ns() == before_ns + 2 * MS


def test_without_a_clock_everything_is_over(clocks: Clocks, timeline: Timeline) -> None:
    timeline.now_ns()
    clocks.stack.clear()
    seen = [(timeline.holds, timeline.now_ns() >= FOREVER_NS)]
    timeline.add(MS)
    clocks.stack.append(OwnReading(0))
    seen.append((timeline.holds, timeline.now_ns() >= FOREVER_NS))
    assert seen == [(False, True), (True, False)]


def test_the_stopwatch_counts_real_time(stopped: Clocks, timeline: Timeline) -> None:
    began_ns = timeline.now_ns()
    stopped.real_ns = 7 * MS
    timeline.run(None)
    running = [timeline.running]
    stopped.real_ns += 4 * MS
    assert timeline.now_ns() - began_ns == 4 * MS
    assert stopped.stack[0].ns == 0
    assert timeline.stop() - began_ns == 4 * MS
    assert stopped.stack[0].ns == 4 * MS
    running.append(timeline.running)
    assert running == [True, False]
    stopped.real_ns += 4 * MS
    assert timeline.now_ns() - began_ns == 4 * MS


def test_what_the_stopwatch_counts_was_not_skipped(stopped: Clocks, timeline: Timeline) -> None:
    timeline.run(None)
    stopped.real_ns += MS
    timeline.stop()
    assert timeline.skipped_ns == 0


def test_the_stopwatch_counts_up_to_its_limit(stopped: Clocks, timeline: Timeline) -> None:
    limit_ns = timeline.now_ns() + 3 * MS
    timeline.run(limit_ns)
    stopped.real_ns += 100 * MS
    assert timeline.now_ns() == limit_ns
    assert timeline.stop() == limit_ns


def test_the_limit_can_be_moved_while_it_runs(stopped: Clocks, timeline: Timeline) -> None:
    began_ns = timeline.now_ns()
    timeline.run(began_ns + 3 * MS)
    stopped.real_ns += 2 * MS
    timeline.run(None)
    stopped.real_ns += 3 * MS
    assert timeline.stop() - began_ns == 5 * MS


def test_a_limit_that_lies_behind_counts_nothing(stopped: Clocks, timeline: Timeline) -> None:
    began_ns = timeline.now_ns()
    timeline.run(began_ns - MS)
    stopped.real_ns += MS
    assert timeline.stop() == began_ns


def test_a_clock_that_flows_needs_no_stopwatch(stopped: Clocks, timeline: Timeline) -> None:
    stopped.stack[0].flows = True
    began_ns = timeline.now_ns()
    timeline.run(None)
    stopped.real_ns += 5 * MS
    assert timeline.stop() == began_ns


# -- moments -----------------------------------------------------------------------------------


def test_what_is_passed_on_is_seen_in_its_moment(timeline: Timeline) -> None:
    now_ns = timeline.now_ns()
    with timeline.passing_on(timeline) as at_ns:
        assert at_ns == now_ns
    timeline.give_up()
    with timeline.passing_on(timeline) as at_ns:
        assert at_ns is None
    assert timeline.noted_ns() == now_ns + 1000
    timeline.add(1000)
    with timeline.passing_on(timeline) as at_ns:
        assert at_ns == now_ns + 1000


def test_who_gives_up_waits_for_what_is_being_passed_on(timeline: Timeline) -> None:
    begun, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    def pass_on() -> None:
        with timeline.passing_on(timeline):
            begun.set()
            go_on.wait()
            done.append("passed on")

    def give_up() -> None:
        timeline.give_up()
        done.append("given up")

    first, second = threading.Thread(target=pass_on), threading.Thread(target=give_up)
    first.start()
    begun.wait()
    noted_ns = timeline.noted_ns()
    second.start()
    while timeline.noted_ns() == noted_ns:
        second.join(0.001)
    assert done == []
    go_on.set()
    first.join()
    second.join()
    assert done == ["passed on", "given up"]


def test_who_may_not_wait_is_told_that_it_is_too_soon(
    timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline_module, "_PASSING_S", 0.0)
    with timeline.passing_on(timeline):
        seen: list[int | None] = []

        def pass_on() -> None:
            with timeline.passing_on(timeline) as at_ns:
                seen.append(at_ns)
            timeline.give_up()

        thread = threading.Thread(target=pass_on)
        thread.start()
        thread.join()
        assert seen == [None]


def test_what_somebody_has_seen_is_told_apart_from_what_comes_now(timeline: Timeline) -> None:
    now_ns = timeline.now_ns()
    timeline.give_up()
    assert timeline.parted_ns == 0
    timeline.part()
    assert timeline.parted_ns == timeline.noted_ns() == now_ns + 1000


def test_what_two_pass_on_is_told_apart(timeline: Timeline) -> None:
    now_ns = timeline.now_ns()
    one, other = object(), object()
    seen: list[int | None] = []
    for whose in (one, one, other, one):
        with timeline.passing_on(whose) as at_ns:
            seen.append(at_ns)
    assert seen == [now_ns, now_ns, None, None]
    timeline.add(timeline.noted_ns() - now_ns)
    with timeline.passing_on(other) as at_ns:
        assert at_ns == now_ns + 1000
