"""What commands did to files, as ``show`` and ``diff`` tell it."""

from __future__ import annotations

import pytest

from pytest_proctape.tape import Effect, Entry, Event, Tape, dumps
from tests.cli.conftest import ONE, Project


def told(project: Project, *effects: Effect, full: bool = False) -> list[str]:
    project.save(Entry(program="tar", began="2026-01-01T00:00:00Z", effects=effects))
    lines = project.run("show", ONE, *(("--full",) if full else ())).lines
    at = next(i for i, line in enumerate(lines) if line.startswith("    files"))
    return [line.strip() for line in lines[at:]]


@pytest.mark.parametrize(
    "effect, words",
    [
        (Effect(path="<tmp>/a", file="one\n"), "a new file, 1 line, 4 bytes"),
        (Effect(path="<tmp>/a", file="", mode="755"), "a new file, nothing, mode 755"),
        (
            Effect(path="<tmp>/a", file="x", size=9),
            "a new file, 1 line, 1 byte, 9 bytes with the holes in it",
        ),
        (
            Effect(path="<tmp>/a", file="x", was="file taped", in_place=True),
            "a file written anew, 1 line, 1 byte",
        ),
        (Effect(path="<tmp>/a", file="x", was="link"), "a file in the place of a link, 1 line, 1 byte"),
        (Effect(path="<tmp>/a", link="b"), "a link to b"),
        (Effect(path="<tmp>/a", same_as="<tmp>/b"), "another name of <tmp>/b"),
        (Effect(path="<tmp>/a", kind="directory"), "a new directory"),
        (Effect(path="<tmp>/a", kind="gone", was="file taped"), "removed, a file"),
        (Effect(path="<tmp>/a", mode="600", was="file"), "mode 600"),
        (Effect(path="<tmp>/a", at_ms=1, was="directory"), "touched"),
        (
            Effect(path="<tmp>/a", mtime="2020-01-01T00:00:00Z", was="file"),
            "touched, of 2020-01-01T00:00:00Z",
        ),
    ],
)
def test_what_became_of_a_file(project: Project, effect: Effect, words: str) -> None:
    assert told(project, effect) == ["files     1 change to the watched directories", f"* <tmp>/a: {words}"]


def test_many_are_cut_unless_all_are_asked_for(project: Project) -> None:
    effects = [Effect(path=f"<tmp>/{i:02}", kind="directory") for i in range(30)]
    assert told(project, *effects)[-1] == "... 18 more changes; --full shows all"
    assert len(told(project, *effects, full=True)) == 31


def test_a_timeline_has_them_where_they_happened(project: Project) -> None:
    events = (
        Event(at_ms=1, effects=(Effect(path="<tmp>/a", file="one\n", at_ms=1),)),
        Event(at_ms=2, stdout="done\n"),
    )
    project.save(Entry(program="make", timeline=events, duration_ms=2))
    lines = project.run("show", ONE).lines
    assert [line.split("| ")[-1] for line in lines if "|" in line][:2] == [
        "<tmp>/a: a new file, 1 line, 4 bytes",
        "stdout 'done\\n'",
    ]


def test_a_difference_names_the_file_and_the_line(project: Project) -> None:
    for name, content, at_ms in (("old.json", "a\nb\n", 1), ("new.json", "a\nc\n", 2)):
        effect = Effect(path="<tmp>/x", file=content, at_ms=at_ms)
        entry = Entry(program="make", began=f"2026-01-01T00:00:0{at_ms}Z", effects=(effect,))
        project.path.joinpath(name).write_bytes(dumps(Tape(entries=(entry,))))
    assert project.run("diff", "old.json", "new.json").lines[2:-1] == [
        "~ [1] make",
        "    effects, line 3",
        "      - <tmp>/x | b",
        "      + <tmp>/x | c",
    ]
