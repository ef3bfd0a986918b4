"""The hooks for conftest files and plugins."""

from __future__ import annotations

import json

import pytest

from tests.options.project import Project, foreign_frames

TEST = r"""
    import subprocess

    def say(*words):
        return subprocess.run(["echo", *words], capture_output=True, text=True).stdout

    def test_it(tape):
        assert say("a") == "a\n"
        assert say("b") == "b\n"
"""


def conftest(project: Project, body: str, where: str = "conftest.py") -> None:
    project.write("import json, os\nimport pytest\n\n" + body, where)


# -- recording -----------------------------------------------------------------------------------


def test_an_entry_can_be_changed_before_it_is_recorded(project: Project) -> None:
    project.write(TEST)
    conftest(
        project,
        "def pytest_proctape_before_record(entry, nodeid):\n"
        "    assert nodeid == 'test_it.py::test_it'\n"
        "    if entry.args == ('b',):\n"
        "        return entry.model_copy(update={'stdout': ('changed\\n',), 'note': 'by hand'})\n",
    )
    project.record()
    assert [one.get("note") for one in project.entries()] == [None, "by hand"]
    project.edit('"b\\n"', '"changed\\n"')
    project.replay()


def test_a_hook_that_changes_entries_leaves_a_recording_that_did_not_change(project: Project) -> None:
    project.write(TEST)
    conftest(
        project,
        "def pytest_proctape_before_record(entry):\n"
        "    return entry.model_copy(update={'note': 'said'})\n"
        "def pytest_proctape_before_write(tape):\n"
        "    entries = [one.model_copy(update={'phase': 'setup'}) for one in tape.entries]\n"
        "    return tape.model_copy(update={'entries': tuple(entries)})\n",
    )
    project.record()
    before = project.tape().read_bytes()
    assert b"said" in before
    assert b"setup" in before
    project.record()
    assert project.tape().read_bytes() == before


def test_an_entry_can_be_dropped_and_is_then_not_on_the_tape(project: Project) -> None:
    project.write(TEST)
    conftest(
        project,
        "def pytest_proctape_before_record(entry):\n    return 'drop' if entry.args == ('b',) else None\n",
    )
    project.record()
    assert project.commands() == ["echo a"]
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(["*Exhaustion: *"])
    project.edit('    assert say("a")', '    tape.add(["echo", "b"], stdout="b\\n")\n    assert say("a")')
    project.replay()


def test_each_implementation_gets_what_the_one_before_it_made(project: Project) -> None:
    project.write(TEST)
    note = (
        "def pytest_proctape_before_record(entry):\n"
        "    return entry.model_copy(update={'note': (entry.note or '') + 'NAME'})\n"
    )
    conftest(project, note.replace("NAME", "conftest"))
    project.write(note.replace("NAME", "plugin "), "a_plugin.py")
    project.pytester.syspathinsert()
    project.record("-p", "a_plugin")
    assert {one["note"] for one in project.entries()} == {"conftestplugin "}


def test_the_whole_tape_is_shown_before_it_is_written(project: Project) -> None:
    project.write(TEST)
    conftest(
        project,
        "def pytest_proctape_before_write(tape, path, nodeid):\n"
        "    assert (tape.test, path.name, len(tape.entries)) == (nodeid, 'test_it.json', 2)\n"
        "    assert not path.exists()\n"
        "    return tape.model_copy(update={'entries': tape.entries[:1]})\n",
    )
    project.record()
    assert project.commands() == ["echo a"]


# -- replaying -----------------------------------------------------------------------------------


def test_a_tape_can_be_changed_when_it_has_been_loaded(project: Project) -> None:
    project.write(TEST)
    project.record()
    before = project.tape().read_bytes()
    conftest(
        project,
        "def pytest_proctape_loaded(tape, path, nodeid):\n"
        "    assert path.exists()\n"
        "    return tape.model_copy(update={'entries': tape.entries[1:]})\n",
    )
    project.edit('    assert say("a") == "a\\n"\n', "")
    project.replay()
    assert project.tape().read_bytes() == before


def test_an_entry_can_be_changed_before_it_is_replayed(project: Project) -> None:
    project.write(TEST)
    project.record()
    conftest(
        project,
        "def pytest_proctape_before_replay(entry, asked):\n"
        "    assert entry.args == asked.args\n"
        "    return entry.model_copy(update={'stdout': 'other\\n'})\n",
    )
    project.edit('"b\\n"', '"other\\n"')
    project.edit('"a\\n"', '"other\\n"')
    project.replay()


@pytest.mark.parametrize("order", ["strict", "any"])
def test_a_spawn_can_be_matched_by_a_rule_of_ones_own(project: Project, order: str) -> None:
    project.ini(f"tapes_order = {order}")
    project.write(TEST)
    project.record()
    conftest(
        project,
        "def pytest_proctape_match(asked, entry, differences):\n"
        "    if entry.args[0] == asked.args[0].lower():\n"
        "        assert [one.field for one in differences] in ([], ['args[0]'])\n"
        "        return True\n",
    )
    project.edit('say("a")', 'say("A")')
    project.replay()
    project.edit('say("A")', 'say("C")')
    project.replay(failed=1)


def test_a_match_can_be_refused(project: Project) -> None:
    project.write(TEST)
    project.record()
    conftest(project, "def pytest_proctape_match(entry):\n    return entry.args != ('b',)\n")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(["*Divergence*", "*matcher  tape: (a match)", "*test: (no match)"])


def test_a_matcher_of_the_test_comes_before_the_hook(project: Project) -> None:
    project.write(TEST)
    project.record()
    conftest(project, "def pytest_proctape_match():\n    return False\n")
    project.edit(
        '    assert say("a")',
        "    tape.matcher = lambda asked, entry, differences: asked.program == entry.program\n"
        '    assert say("a")',
    )
    project.edit('say("b")', 'say("x")')
    project.replay()


# -- reach ---------------------------------------------------------------------------------------


def test_a_conftest_file_is_for_the_tests_below_it(project: Project) -> None:
    for name in ("one", "two"):
        project.write(TEST, f"{name}/test_{name}.py")
    note = "def pytest_proctape_before_record(entry):\n    return entry.model_copy(update={'note': 'x'})\n"
    conftest(project, note, "one/conftest.py")
    project.record()
    tapes = {
        name: json.loads(project.tape("test_it", f"{name}/test_{name}").read_bytes())
        for name in ("one", "two")
    }
    notes = {name: [entry.get("note") for entry in tape["entries"]] for name, tape in tapes.items()}
    assert notes == {"one": ["x", "x"], "two": [None, None]}


def test_a_hook_that_is_misspelt_is_told_by_pytest(project: Project) -> None:
    project.write(TEST)
    conftest(project, "def pytest_proctape_befor_write(tape):\n    pass\n")
    result = project.run()
    assert result.ret != pytest.ExitCode.OK
    assert "unknown hook 'pytest_proctape_befor_write'" in result.stdout.str() + result.stderr.str()


def test_an_argument_that_no_hook_has_is_told_by_pytest(project: Project) -> None:
    project.write(TEST)
    conftest(project, "def pytest_proctape_before_write(tap):\n    pass\n")
    result = project.run()
    assert result.ret != pytest.ExitCode.OK
    assert "pytest_proctape_before_write" in result.stdout.str() + result.stderr.str()


# -- errors --------------------------------------------------------------------------------------

REPLAYING = ["loaded", "match", "before_replay"]
RECORDING = ["before_record", "before_write"]


@pytest.mark.parametrize("name", [*REPLAYING, *RECORDING])
def test_an_error_names_the_hook_and_its_file_and_loses_nothing(project: Project, name: str) -> None:
    project.write(TEST)
    project.record()
    before = project.tape().read_bytes()
    conftest(project, f"def pytest_proctape_{name}():\n    raise ValueError('of the hook')\n")
    if name in REPLAYING:
        result = project.replay(failed=1)
    else:
        result = project.run("--record-tapes")
        result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [f"*HookError: pytest_proctape_{name} of */conftest.py raised ValueError: of the hook"]
    )
    assert "INTERNALERROR" not in result.stdout.str()
    assert foreign_frames(result) == []
    assert project.tape().read_bytes() == before


@pytest.mark.parametrize("name", REPLAYING)
def test_an_error_that_the_test_swallows_fails_it_all_the_same(project: Project, name: str) -> None:
    project.write(TEST)
    project.record()
    project.write(
        """
        import subprocess

        def test_it(tape):
            try:
                subprocess.run(["echo", "a"])
            except Exception:
                pass
        """
    )
    conftest(project, f"def pytest_proctape_{name}():\n    raise ValueError('of the hook')\n")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines([f"*HookError: pytest_proctape_{name} *"])


def test_what_a_failed_hook_was_to_change_is_not_written_anywhere(project: Project) -> None:
    project.write(TEST)
    conftest(
        project,
        "def pytest_proctape_before_record(entry):\n    if entry.args == ('b',):\n        raise ValueError\n",
    )
    result = project.run("--record-tapes")
    result.assert_outcomes(passed=1, errors=1)
    assert project.tapes() == ["test_it/test_it.json.failed"]
    kept = json.loads((project.path / "tapes/test_it/test_it.json.failed").read_bytes())
    assert [one["args"] for one in kept["entries"]] == [["a"]]


@pytest.mark.parametrize(
    "name, given, told",
    [
        ("loaded", "3", "gave 3, which is neither Tape nor None"),
        ("before_replay", "'drop'", "gave 'drop', which is neither Entry nor None"),
        ("match", "'yes'", "gave 'yes', not a bool"),
        ("before_replay", "entry.model_copy(update={'exit_code': 'x'})", "gave what can't be on a tape"),
    ],
)
def test_what_a_hook_gives_is_checked(project: Project, name: str, given: str, told: str) -> None:
    project.write(TEST)
    project.record()
    argument = "tape" if name == "loaded" else "entry"
    conftest(project, f"def pytest_proctape_{name}({argument}):\n    return {given}\n")
    result = project.replay(failed=1)
    assert told in result.stdout.str()


def test_a_wrapper_is_refused(project: Project) -> None:
    project.write(TEST)
    project.record()
    conftest(project, "@pytest.hookimpl(wrapper=True)\ndef pytest_proctape_match():\n    return (yield)\n")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(["*is a wrapper, and there is nothing to wrap"])


def test_a_matcher_that_gives_neither_yes_nor_no_is_named(project: Project) -> None:
    project.write(TEST)
    project.record()
    project.edit('    assert say("a")', '    tape.matcher = lambda *_: "a"\n    assert say("a")')
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(
        ["*HookError: tape.matcher of test_it.<locals>.<lambda> gave 'a', which is neither a bool nor None"]
    )


def test_a_matcher_can_be_read_and_taken_away_between_two_commands(project: Project) -> None:
    project.write(TEST)
    project.record()
    project.edit(
        '    assert say("a")',
        "    assert tape.matcher is None\n"
        "    tape.matcher = mine = lambda asked, entry, _: asked.program == entry.program\n"
        "    assert tape.matcher is mine\n"
        '    assert say("x")',
    )
    project.edit('    assert say("b")', '    tape.matcher = None\n    assert say("b")')
    project.replay()
    project.edit('say("b")', 'say("x")')
    project.replay(failed=1).stdout.fnmatch_lines(["*args[[]0]  tape: b", "*test: x"])


def test_a_matcher_that_raises_is_named(project: Project) -> None:
    project.write(TEST)
    project.record()
    project.edit(
        '    assert say("a")',
        '    def mine(asked, entry, differences):\n        raise ValueError("of mine")\n'
        '    tape.matcher = mine\n    assert say("a")',
    )
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(
        ["*HookError: tape.matcher of test_it.<locals>.mine raised ValueError: of mine"]
    )
