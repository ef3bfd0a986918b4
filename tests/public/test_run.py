"""How the runs of a public suite are held against each other."""

from __future__ import annotations

from pathlib import Path

from tests.public.run import SUITES, Ran, _outcomes, judge, line, ways


def ran(way: str, real: int = 0, **outcomes: str) -> Ran:
    return Ran(way, outcomes, 1, real, 0.5)


def test_the_same_is_the_same() -> None:
    bare = ran("bare", a="passed", b="skipped")
    same = ran("replay -n 0", b="skipped", a="passed")
    assert judge(same, bare) == []
    told = "distro replay -n 0 1 0 1 1 0 0.5 same"
    assert line("distro", same, []).split() == told.split()


def test_another_outcome_a_test_too_few_and_one_too_many_are_told() -> None:
    wrong = judge(ran("record", a="failed", c="passed"), ran("bare", a="passed", b="passed"))
    assert wrong == ["a: failed, bare passed", "b: not run, bare passed", "c: passed, bare not run"]
    assert line("distro", ran("record", a="failed"), wrong).endswith("DIFFERS")


def test_a_replay_starts_nothing_and_a_recording_may() -> None:
    bare = ran("bare", a="passed")
    assert judge(ran("replay -n 2", real=2, a="passed"), bare) == ["2 processes were started"]
    assert judge(ran("record", real=2, a="passed"), bare) == []


def test_outcomes_are_read_from_junit(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text(
        '<testsuites><testsuite><testcase classname="t.T" name="a"/>'
        '<testcase classname="t" name="b"><failure/></testcase>'
        '<testcase classname="t" name="c"><skipped/></testcase>'
        '<testcase classname="t" name="d"><error/></testcase></testsuite></testsuites>'
    )
    assert dict(_outcomes(path)) == {
        "t.T::a": "passed",
        "t::b": "failed",
        "t::c": "skipped",
        "t::d": "error",
    }


def test_suites_and_ways_have_names_of_their_own() -> None:
    assert len({one.name for one in SUITES}) == len(SUITES)
    names = [name for name, _ in ways()]
    assert len({*names}) == len(names) == 6
