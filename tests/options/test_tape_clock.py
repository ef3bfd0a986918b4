"""The mock clock as a user meets it: fixture, marker, ini key, and clocks that the test made itself."""

from __future__ import annotations

import json

import pytest

from tests.options.project import ON_WORKERS, Project

SHOWS_TIMES = """
    import datetime, subprocess, time
    {imports}

    def waited():
        began, date = time.monotonic(), datetime.datetime.now()
        subprocess.run(["sleep", "0.3"])
        time.sleep(1.5)
        seconds = time.monotonic() - began
        assert abs((datetime.datetime.now() - date).total_seconds() - seconds) < 0.001
        print(f"waited {{seconds:.3f}} s at {{datetime.datetime.now():%Y-%m-%d %H:%M:%S}}.")

    {test}
"""
OWN = {
    "fixture": ("", "def test_it(tape, tape_clock): waited()", ()),
    "marker": ("import pytest", "@pytest.mark.tape(clock=True)\n    def test_it(): waited()", ()),
    "ini": ("", "def test_it(tape): waited()", ("tapes_clock = true",)),
}
THEIRS = {
    "freezegun's decorator": (
        "from freezegun import freeze_time",
        "@freeze_time('2031-02-03')\n    def test_it(tape): waited()",
    ),
    "freezegun inside the test": (
        "from freezegun import freeze_time",
        "def test_it(tape):\n        with freeze_time('2031-02-03'): waited()",
    ),
    "freezegun that ticks by itself": (
        # By so little that it does not matter how often the clock is looked at.
        "from freezegun import freeze_time",
        "def test_it(tape):\n        with freeze_time('2031-02-03', auto_tick_seconds=0.000001): waited()",
    ),
    "freezegun inside a tape's clock": (
        "from freezegun import freeze_time",
        "def test_it(tape_clock):\n        with freeze_time('2031-02-03'): waited()",
    ),
}


def shown(result: pytest.RunResult) -> list[str]:
    result.assert_outcomes(passed=1)
    return [line[line.index("waited") :] for line in result.outlines if "waited " in line]


@pytest.mark.parametrize("way", OWN)
def test_a_replay_reads_the_times_of_the_recording(project: Project, way: str) -> None:
    imports, test, ini = OWN[way]
    project.write(SHOWS_TIMES.format(imports=imports, test=test))
    project.ini(*ini)
    recorded = shown(project.run("-s", "--record-tapes"))
    assert len(recorded) == 1
    assert 1.7 < float(recorded[0].split()[1]) < 10
    assert shown(project.run("-s")) == recorded
    began = json.loads(project.tape().read_bytes())["recorded"]["at"]
    assert f"at {began[:10]}" in recorded[0]


@pytest.mark.parametrize("way", THEIRS)
def test_a_clock_that_the_test_made_is_the_one_that_moves(project: Project, way: str) -> None:
    imports, test = THEIRS[way]
    project.write(SHOWS_TIMES.format(imports=imports, test=test))
    recorded = shown(project.run("-s", "--record-tapes"))
    assert "at 2031-02-03" in recorded[0]
    assert shown(project.run("-s")) == recorded


def test_a_clock_of_time_machine_moves_by_what_is_waited_for(project: Project) -> None:
    pytest.importorskip("time_machine")
    project.write(
        """
        import datetime, subprocess, time, time_machine

        @time_machine.travel("2031-02-03", tick=False)
        def test_it(tape):
            began = datetime.datetime.now()
            subprocess.run(["sleep", "0.3"])
            time.sleep(1.5)
            # It leaves time.monotonic alone.
            print("waited", (datetime.datetime.now() - began).total_seconds(), "at", began)
        """
    )
    recorded = shown(project.run("-s", "--record-tapes"))
    assert "at 2031-02-03" in recorded[0]
    assert 1.7 < float(recorded[0].split()[1]) < 10
    assert shown(project.run("-s")) == recorded


def test_the_clock_of_a_recording_that_goes_on_starts_where_that_began(project: Project) -> None:
    project.write(
        """
        import datetime, subprocess

        def test_it(tape, tape_clock):
            print("began", datetime.datetime.now())
            subprocess.run(["true"])
        """
    )
    project.record()
    began = "2031-02-03T04:05:06Z"
    tape = json.loads(project.tape().read_bytes())
    tape["recorded"]["at"] = began
    project.tape().write_text(json.dumps(tape), encoding="utf-8")
    project.edit('["true"]', '["true", "again"]')
    result = project.run("-s", "--record-tapes=new")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*began 2031-02-03 04:05:06"])
    assert project.commands() == ["true again"]


def test_a_clock_whose_maker_is_imported_only_in_the_test_is_one_too(project: Project) -> None:
    project.write(
        """
        import subprocess, sys

        def test_it(tape):
            assert "freezegun" not in sys.modules
            from freezegun import freeze_time

            slow = ["sh", "-c", "sleep 0.2; echo x"]
            with freeze_time("2031-02-03 04:05:06"):
                assert subprocess.check_output(slow) == b"x\\n"
                with subprocess.Popen(slow, stdout=subprocess.PIPE) as child:
                    assert child.stdout.read() == b"x\\n"
        """
    )
    # In a process of its own: here it is imported already.
    project.run_apart("--record-tapes").assert_outcomes(passed=1)
    project.run_apart().assert_outcomes(passed=1)


def test_the_clock_starts_where_the_recording_did_however_late_the_replay(project: Project) -> None:
    project.write(
        """
        import datetime, subprocess

        def test_it(tape, tape_clock):
            command = ["date", "-u", "+%Y-%m-%dT%H:%M:%S"]
            printed = subprocess.run(command, capture_output=True, text=True).stdout.strip()
            age = datetime.datetime.now() - datetime.datetime.fromisoformat(printed)
            assert abs(age.total_seconds()) < 60
        """
    )
    project.run("--record-tapes").assert_outcomes(passed=1)
    tape = json.loads(project.tape().read_bytes())
    tape["recorded"]["at"] = "2019-05-06T07:08:09Z"
    for step in (tape["entries"][0], *tape["entries"][0].get("timeline", ())):
        if "stdout" in step:
            step["stdout"] = ["2019-05-06T07:08:09\n"]
    project.tape().write_text(json.dumps(tape), encoding="utf-8")
    project.run().assert_outcomes(passed=1)


def test_a_test_without_a_tape_starts_at_a_fixed_time(project: Project) -> None:
    project.write(
        """
        import datetime, time

        def test_it(tape_clock):
            assert datetime.datetime.now() == datetime.datetime(2000, 1, 1)
            assert tape_clock.now == datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
            tape_clock.advance(1.5)
            tape_clock.advance(datetime.timedelta(minutes=1))
            time.sleep(7200)
            assert (time.gmtime().tm_hour, time.gmtime().tm_min, time.gmtime().tm_sec) == (2, 1, 1)
            assert tape_clock.sleeps == (7200.0,)
        """
    )
    project.run().assert_outcomes(passed=1)


def test_a_clock_does_not_go_back(project: Project) -> None:
    project.write(
        """
        import pytest

        def test_it(tape_clock):
            with pytest.raises(ValueError, match="can't go back: -1"):
                tape_clock.advance(-1)
        """
    )
    project.run().assert_outcomes(passed=1)


def test_before_and_after_a_clocked_test_time_is_real(project: Project) -> None:
    project.write(
        """
        import datetime, logging, subprocess, threading, time, uuid
        from time import monotonic, sleep

        def everything():
            return (
                time.time, time.time_ns, time.monotonic, time.perf_counter, time.sleep, time.localtime,
                monotonic, sleep, datetime.datetime, datetime.date, threading.Thread.join,
                threading._allocate_lock, logging.time, uuid._generate_time_safe, subprocess.io,
                time.get_clock_info,
            )

        REAL = everything()

        def test_before():
            assert everything() == REAL

        def test_clocked(tape, tape_clock):
            import asyncio.events
            assert time.time is not REAL[0]
            assert monotonic is not REAL[6] and sleep is not REAL[7]
            # A module that comes meanwhile takes its copies.
            import taker
            assert taker.now is time.time

        def test_after():
            import taker
            assert everything() == REAL
            assert taker.now is REAL[0]
        """
    )
    project.write("from time import time as now", "taker.py")
    project.run("--replay-tapes").assert_outcomes(passed=3)


def test_logs_and_durations_stay_real(project: Project) -> None:
    project.write(
        """
        import logging, time

        def test_it(tape_clock, caplog):
            time.sleep(1000)
            logging.warning("now")
            assert caplog.records[0].created > 1_700_000_000
        """
    )
    result = project.run("--durations=0", "-vv")
    result.assert_outcomes(passed=1)
    calls = [float(line.split("s ")[0]) for line in result.outlines if "s call " in line]
    assert calls
    assert max(calls) < 500


def test_the_fixture_asked_for_too_late_says_what_to_do(project: Project) -> None:
    project.write("def test_it(request, tape): request.getfixturevalue('tape_clock')")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*asks for the fixture `tape_clock` while it runs*",
        ]
    )
    assert "@pytest.mark.tape(clock=True)" in result.stdout.str()


def test_a_tape_that_does_not_say_when_it_was_recorded_is_told(project: Project) -> None:
    project.write("def test_it(tape, tape_clock): __import__('subprocess').run(['true'])")
    project.run("--record-tapes").assert_outcomes(passed=1)
    tape = json.loads(project.tape().read_bytes())
    tape["recorded"]["at"] = "yesterday"
    project.tape().write_text(json.dumps(tape), encoding="utf-8")
    result = project.run()
    result.assert_outcomes(errors=1)
    assert "recorded.at" in result.stdout.str()
    assert "'yesterday'" in result.stdout.str()


def test_without_a_clock_nothing_of_time_is_replaced(project: Project) -> None:
    project.write(
        """
        import threading, time

        def everything():
            return (time.time, time.sleep, time.monotonic, threading.Thread.join, threading._allocate_lock)

        REAL = everything()

        def test_it(tape):
            __import__("subprocess").run(["true"])
            assert everything() == REAL
        """
    )
    project.run("--record-tapes").assert_outcomes(passed=1)
    project.run().assert_outcomes(passed=1)


def test_a_fixture_of_wider_scope_moves_no_test_s_clock(project: Project) -> None:
    project.ini("tapes_clock = true", "tapes_auto = true")
    project.write(
        """
        import subprocess, time
        import pytest

        @pytest.fixture(scope="module")
        def slow():
            began = time.monotonic()
            subprocess.run(["sleep", "0.2"])
            assert 0.15 < time.monotonic() - began

        def test_one(tape, slow, request):
            assert time.monotonic() % 1 == 0

        def test_two(tape, slow):
            assert time.monotonic() % 1 == 0
        """
    )
    project.run("--record-tapes").assert_outcomes(passed=2)
    project.run().assert_outcomes(passed=2)
    project.run("test_it.py::test_two").assert_outcomes(passed=1)
    project.run(*ON_WORKERS).assert_outcomes(passed=2)


def test_a_tape_recorded_without_a_clock_replays_with_one(project: Project) -> None:
    project.write(
        """
        import subprocess, time
        import pytest

        def test_it(tape{clock}):
            began = time.monotonic()
            with pytest.raises(subprocess.TimeoutExpired):
                subprocess.run(["sleep", "5"], timeout=0.25)
            subprocess.run(["sleep", "0.25"])
            assert 0.49 < time.monotonic() - began{bound}
        """.format(clock="", bound="")
    )
    project.run("--record-tapes").assert_outcomes(passed=1)
    project.edit("(tape)", "(tape, tape_clock)")
    project.run().assert_outcomes(passed=1)


AS_THEY_ARE = """
    import copy, dataclasses, datetime, pickle, subprocess, sys
    from datetime import datetime as Copied

    @dataclasses.dataclass
    class Event:
        at: datetime.datetime
        on: datetime.date

    class Own(datetime.datetime):
        pass

    UNFROZEN = "import pickle, sys; print(repr(pickle.load(sys.stdin.buffer)))"

    def looks(now, event):
        of = type(now), type(now.date()), datetime.datetime, Copied
        yield [(repr(one), one.__module__, one.__qualname__, one.__name__) for one in of]
        yield repr(event), str(event.at), f"{event.on!r}", repr(dataclasses.asdict(event))
        yield repr([now + datetime.timedelta(1), now.replace(tzinfo=datetime.timezone.utc), now.date()])
        yield repr([copy.copy(now), copy.deepcopy(now), Own(2020, 1, 2), type(Own(2020, 1, 2))])
        yield repr([datetime.datetime.min, datetime.date.max, now - now, now.time()])
        yield isinstance(now, Copied), isinstance(now, datetime.date), issubclass(type(now), Copied)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            data = pickle.dumps([event.at, event.on, datetime.datetime], protocol)
            assert b"freezegun" not in data
            again = pickle.loads(data)
            assert again == [event.at, event.on, datetime.datetime]
            assert [one.timestamp() for one in again[:1]] == [event.at.timestamp()]
            yield repr(again)
            yield subprocess.run([sys.executable, "-c", UNFROZEN], input=data, capture_output=True).stdout

    def seen(now):
        return list(looks(now, Event(now, now.date())))

    NOW = 2060, 1, 2, 3, 4, 5, 678
    REAL = seen(datetime.datetime(*NOW))
"""


def test_times_look_as_they_do_without_a_clock(project: Project) -> None:
    project.write(
        AS_THEY_ARE
        + """
    def test_it(tape, tape_clock):
        tape_clock.advance((datetime.datetime(*NOW) - datetime.datetime.now()).total_seconds())
        shown = datetime.datetime.now()
        assert shown == datetime.datetime(*NOW)
        for real, told in zip(REAL, seen(shown), strict=True):
            assert told == real

    def test_afterwards():
        from freezegun import api, freeze_time

        assert "__repr__" not in vars(api.FakeDatetime)
        with freeze_time("2031-02-03"):
            assert repr(datetime.datetime.now()) == "FakeDatetime(2031, 2, 3, 0, 0)"
            assert repr(datetime.date.today()) == "FakeDate(2031, 2, 3)"
            assert repr(type(datetime.date.today())) == "<class 'freezegun.api.FakeDate'>"
    """
    )
    project.record(passed=2)
    project.replay(passed=2)


def test_a_test_that_looks_whether_a_command_still_runs_is_told_of_the_clock(project: Project) -> None:
    project.write(
        """
        import subprocess, time

        def test_it(tape, tmp_path):
            script = 'until [ -e "$0" ]; do sleep 0.02; done'
            with subprocess.Popen(["sh", "-c", script, tmp_path / "gate"]) as child:
                time.sleep(0.1)
                assert child.poll() is None
                time.sleep(0.1)
                assert child.poll() is None
                (tmp_path / "gate").touch()
            assert child.returncode == 0
        """
    )
    told = "the test has looked whether a command still runs, *@pytest.mark.tape(clock=True)*"
    project.record()
    project.replay(failed=1).stdout.fnmatch_lines([told, "record it again: *"])

    project.edit("(tape, ", "(tape, tape_clock, ")
    project.record()
    project.replay()
    project.edit("returncode == 0", "returncode == 1")
    project.replay(failed=1).stdout.no_fnmatch_line(told)


def test_a_thread_that_an_earlier_test_has_left_behind_moves_no_time_while_the_test_is_busy(
    project: Project,
) -> None:
    project.ini("tapes_clock = true", "tapes_auto = true")
    project.write(
        """
        import os, queue, subprocess, threading, time

        limits = queue.Queue()

        def watch():
            limit = None
            while limit != 0:
                try:
                    limit = limits.get(timeout=limit)
                except queue.Empty:
                    return

        watcher = threading.Thread(target=watch, daemon=True)

        def test_first():
            watcher.start()
            assert subprocess.run(["true"]).returncode == 0

        def test_second():
            before, end = time.monotonic(), os.times().elapsed + 0.2
            limits.put(30)
            while os.times().elapsed < end:
                pass
            assert time.monotonic() == before
            assert subprocess.run(["true"]).returncode == 0
            # It would go on in the process of whoever runs this.
            limits.put(0)
            watcher.join()
        """
    )
    project.record(passed=2)
    project.replay(passed=2)
