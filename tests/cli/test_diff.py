from __future__ import annotations

from pytest_proctape.tape import Entry, Event, Tape, dumps
from tests.cli.conftest import ONE, Project

TWO = "tests/test_tar.py::test_pack"
GIT = Entry(program="git", args=("log",), stdout=("one\n", "two\n", "three\n"), exit_code=0, duration_ms=1)


def two_tapes(project: Project, old: tuple[Entry, ...], new: tuple[Entry, ...]) -> tuple[str, str]:
    for name, entries in (("old.json", old), ("new.json", new)):
        project.path.joinpath(name).write_bytes(dumps(Tape(entries=entries)))
    return "old.json", "new.json"


def differing(project: Project, old: tuple[Entry, ...], new: tuple[Entry, ...], *arguments: str) -> list[str]:
    """The lines about the entries: without the names of the tapes, and without the counts."""
    result = project.run("diff", *arguments, *two_tapes(project, old, new))
    assert (result.code, result.err) == (1, "")
    assert result.lines[:2] == ["--- old.json", "+++ new.json"]
    return result.lines[2:-1]


def test_equal_tapes(project: Project) -> None:
    result = project.run("diff", *two_tapes(project, (GIT,), (GIT,)))
    assert (result.code, result.out, result.err) == (0, "", "")


def test_times_count_only_when_asked_for(project: Project) -> None:
    slow = GIT.model_copy(update={"duration_ms": 2.5})
    assert project.run("diff", *two_tapes(project, (GIT,), (slow,))).code == 0
    assert differing(project, (GIT,), (slow,), "--times") == [
        "~ [1] git log",
        "    duration_ms",
        "      - 1.0",
        "      + 2.5",
    ]
    timed = [Entry(program="bc", timeline=(Event(at_ms=at, stdout=("2\n",)),)) for at in (1.0, 2.0)]
    assert project.run("diff", *two_tapes(project, (timed[0],), (timed[1],))).code == 0
    assert differing(project, (timed[0],), (timed[1],), "--times")[2] == "      - 1.0 ms < stdout '2\\n'"


def test_the_same_bytes_written_otherwise_are_the_same(project: Project) -> None:
    joined = GIT.model_copy(update={"stdout": "one\ntwo\nthree\n"})
    assert project.run("diff", *two_tapes(project, (GIT,), (joined,))).code == 0


def test_entries_added_and_removed(project: Project) -> None:
    new = Entry(program="tar", args=("-x",))
    old = Entry(program="ls")
    assert differing(project, (old, GIT), (GIT, new)) == ["- [1] ls", "+ [2] tar -x"]


def test_a_changed_entry_and_its_first_differing_lines(project: Project) -> None:
    changed = GIT.model_copy(update={"stdout": ("one\n", "2\n", "three\n"), "exit_code": 1})
    assert differing(project, (GIT,), (changed,)) == [
        "~ [1] git log",
        "    stdout, line 2",
        "      - two",
        "      + 2",
        "    exit_code",
        "      - 0",
        "      + 1",
    ]


def test_a_changed_command_of_the_same_program_is_a_change(project: Project) -> None:
    before = (Entry(program="a"), Entry(program="git", args=("log", "-1", "x")), Entry(program="b"))
    after = (Entry(program="git", args=("log", "-2", "x")), Entry(program="b"))
    assert differing(project, before, after) == [
        "- [1] a",
        "~ [2 -> 1] git log -2 x",
        "    args, word 2",
        "      - -1",
        "      + -2",
    ]


def test_a_line_end_that_is_gone(project: Project) -> None:
    ended, unended = (Entry(program="a", stdout=text) for text in ("x\n", "x"))
    assert differing(project, (ended,), (unended,))[1:] == [
        "    stdout, line 2",
        "      + (no line end behind the last line)",
    ]


def test_a_step_of_a_timeline(project: Project) -> None:
    steps = (Event(at_ms=1, stdin=("1+1\n",)), Event(at_ms=2, stdout=("2\n",)), Event(at_ms=3, close="stdin"))
    other = (steps[0], Event(at_ms=2, stdout=("3\n",)), steps[2])
    lines = differing(project, (Entry(program="bc", timeline=steps),), (Entry(program="bc", timeline=other),))
    assert lines[1:] == ["    timeline, step 2", "      - < stdout '2\\n'", "      + < stdout '3\\n'"]


def test_long_changes_are_cut_unless_all_is_asked_for(project: Project) -> None:
    many = Entry(program="a", stdout=tuple(f"{n}\n" for n in range(100)))
    none = Entry(program="a")
    lines = differing(project, (none,), (many,))
    assert lines[2:] == [f"      + {n}" for n in range(5)] + ["      + ... 95 more lines; --full shows all"]
    assert len(differing(project, (none,), (many,), "--full")) == 102


def test_long_lines_are_cut_to_where_they_differ(project: Project) -> None:
    old, new = (Entry(program="a", stdout=("x" * 1000 + end + "z" * 1000,)) for end in "ab")
    lines = differing(project, (old,), (new,))
    assert [line[:20] for line in lines[2:]] == ["      - ...xxxxxxxxx", "      + ...xxxxxxxxx"]
    assert "xxxazzz" in lines[2]
    assert "xxxbzzz" in lines[3]
    assert lines[2].endswith("zzz... (at character 1,001)")


def test_binary_and_other_fields(project: Project) -> None:
    old = Entry(program="a", stdout="\0\0", env={"A": "1"})
    new = Entry(program="a", stdout="\0", env={"A": "2"})
    text = "\n".join(differing(project, (old,), (new,)))
    assert "2 bytes of binary" in text
    assert "1 byte of binary" in text.replace("1 bytes", "1 byte")
    assert ' "A": "2"' in text


def test_many_entries_are_compared_in_time(project: Project) -> None:
    old = tuple(Entry(program="git", args=("log", str(n))) for n in range(1000))
    new = (*old[:500], Entry(program="git", args=("log", "x")), *old[501:], Entry(program="ls"))
    assert differing(project, old, new) == [
        "~ [501] git log x",
        "    args, word 2",
        "      - 500",
        "      + x",
        "+ [1001] ls",
    ]


def test_as_json(project: Project) -> None:
    changed = GIT.model_copy(update={"exit_code": 1})
    result = project.run("diff", "--json", *two_tapes(project, (GIT,), (changed, Entry(program="ls"))))
    assert result.code == 1
    (tape,) = result.json
    assert (tape["old"], tape["new"]) == ("old.json", "new.json")
    first, second = tape["changes"]
    assert (first["kind"], first["old_index"], first["new_index"]) == ("changed", 0, 0)
    assert first["fields"] == [{"field": "exit_code", "line": 0, "old": ["0"], "new": ["1"]}]
    assert (second["kind"], second["old_index"], second["command"]) == ("added", None, "ls")
    assert project.run("diff", "--json", "old.json", "old.json").json == []


# Against git


def test_every_tape_that_differs_from_the_last_commit(project: Project) -> None:
    project.save(GIT)
    project.save(Entry(program="tar"), test=TWO)
    project.save(Entry(program="same"), test="tests/test_same.py::test_same")
    project.commit("first")
    assert project.run("diff").code == 0
    path = project.save(GIT.model_copy(update={"exit_code": 1}))
    project.store.delete(TWO)
    project.save(Entry(program="new"), test="tests/test_new.py::test_new")
    project.write("tapes/README.md", "no tape")
    result = project.run("diff")
    assert (result.code, result.err) == (1, "")
    assert result.lines == [
        "--- tapes/tests/test_git/test_log.json (HEAD)",
        "+++ tapes/tests/test_git/test_log.json",
        "~ [1] git log",
        "    exit_code",
        "      - 0",
        "      + 1",
        "1 changed",
        "--- (nothing)",
        "+++ tapes/tests/test_new/test_new.json",
        "+ [1] new",
        "1 added",
        "--- tapes/tests/test_tar/test_pack.json (HEAD)",
        "+++ (nothing)",
        "- [1] tar",
        "1 removed",
    ]
    assert project.run("diff", ONE).lines == project.run("diff", str(path)).lines == result.lines[:7]
    assert project.run("diff", "tapes/tests/test_tar").lines == result.lines[-4:]
    project.path.joinpath("tapes/tests/test_tar").rmdir()
    assert project.run("diff", "tapes/tests/test_tar/test_pack.json").lines == result.lines[-4:]
    assert project.run("diff", TWO).lines == result.lines[-4:]
    assert "test_tar.py::test_no has no tape" in project.run("diff", "tests/test_tar.py::test_no").err


def test_a_payload_that_is_only_in_git_any_more(project: Project) -> None:
    lines = [b"line %d\n" % n for n in range(20_000)]
    project.save(Entry(program="a", stdout=project.store.encode(b"".join(lines))))
    project.commit("first")
    next(project.store.payloads.iterdir()).unlink()
    lines[7] = b"changed\n"
    project.save(Entry(program="a", stdout=project.store.encode(b"".join(lines))))
    result = project.run("diff")
    assert result.err == ""
    assert result.lines[3:6] == ["    stdout, line 8", "      - line 7", "      + changed"]


def test_a_step_of_a_dialog_whose_bytes_are_only_in_git_any_more(project: Project) -> None:
    steps = [Event(stdout=(f"{number}\n",) * 100) for number in range(500)]
    project.save(Entry(program="a", timeline=tuple(steps)))
    project.commit("first")
    next(project.store.payloads.iterdir()).unlink()
    steps[7] = Event(stdout=("changed\n",))
    project.save(Entry(program="a", timeline=tuple(steps)))
    result = project.run("diff")
    assert result.err == ""
    assert result.lines[3] == "    timeline, step 8"
    assert result.lines[5].startswith("      + < stdout 'changed\\n'")


def test_against_another_revision(project: Project) -> None:
    project.save(GIT)
    project.commit("first")
    project.save(GIT.model_copy(update={"exit_code": 1}))
    project.commit("second")
    assert project.run("diff").code == 0
    result = project.run("diff", "--rev", "HEAD~1", ONE)
    assert result.code == 1
    assert result.lines[0] == "--- tapes/tests/test_git/test_log.json (HEAD~1)"


def test_a_tape_that_was_broken_in_git(project: Project) -> None:
    path = project.write("tapes/x.json", "{")
    project.commit("broken")
    path.write_bytes(dumps(Tape(entries=(GIT,))))
    project.save(GIT)
    result = project.run("diff")
    assert result.code == 1
    assert "HEAD:tapes/x.json: the file is truncated" in result.err
    assert "+++ tapes/tests/test_git/test_log.json" in result.lines


def test_no_repository_and_no_such_revision(project: Project) -> None:
    project.save(GIT)
    result = project.run("diff")
    assert result.code == 2
    assert "not a git repository" in result.err
    project.commit("first")
    for revision in ("v99", "--output=x", "HEAD:tapes"):
        result = project.run("diff", f"--rev={revision}")
        assert result.code == 2
        assert f"{revision!r} is no revision" in result.err
