"""``effects=`` and its ini keys: files that commands make are recorded, and are there on replay."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from tests.options.project import Project, one_error

SHELL = """
    import os, subprocess
    from pathlib import Path
    import pytest

    def sh(command, **options):
        subprocess.run(["sh", "-c", command], check=True, **options)
"""


def test_files_of_a_command_are_there_on_replay(project: Project, run_options: tuple[str, ...]) -> None:
    project.write(
        SHELL
        + """
    @pytest.mark.tape(effects=True)
    def test_it(tmp_path):
        (tmp_path / "own").write_text("mine")
        sh("mkdir d; echo made > d/a; chmod 755 d/a; ln -s a d/l; mv own d/moved", cwd=tmp_path)
        assert (tmp_path / "d/l").read_text() == "made\\n"
        assert os.access(tmp_path / "d/a", os.X_OK)
        assert (tmp_path / "d/moved").read_text() == "mine"
        sh("rm -r d", cwd=tmp_path)
        assert os.listdir(tmp_path) == []
    """
    )
    project.record(*run_options)
    project.replay(*run_options)
    project.replay(*run_options)


def test_without_it_nothing_is_kept(project: Project) -> None:
    project.write(
        SHELL
        + """
    @pytest.mark.tape
    def test_it(tmp_path):
        sh("echo made > a", cwd=tmp_path)
    """
    )
    project.record()

    assert "effects" not in project.entries()[0]


def test_the_ini_file_turns_it_on_and_the_marker_off(project: Project) -> None:
    project.ini("tapes_effects = true")
    project.write(
        SHELL
        + """
    def test_it(tape, tmp_path):
        sh("echo made > a", cwd=tmp_path)
        assert (tmp_path / "a").exists()

    @pytest.mark.tape(effects=False)
    def test_off(tmp_path):
        sh("echo made > a", cwd=tmp_path)
    """
    )
    project.record()
    project.replay()

    (_, made) = project.entries()[0]["effects"]
    assert (made["path"], made["file"]) == ("<tmp>/a", ["made\n"])
    assert "effects" not in project.entries("test_off")[0]


def test_directories_of_the_factory_are_watched_for_fixtures_and_tests(project: Project) -> None:
    project.ini("tapes_effects = true", "tapes_auto = true")
    project.write(
        SHELL
        + """
    @pytest.fixture(scope="module")
    def made(tmp_path_factory):
        folder = tmp_path_factory.mktemp("made")
        sh("echo fixture > a", cwd=folder)
        return folder

    def test_it(made):
        assert (made / "a").read_text() == "fixture\\n"
        sh("echo test >> a", cwd=made)

    def test_other(made, tmp_path_factory):
        assert (made / "a").read_text() == "fixture\\ntest\\n"
        folder = tmp_path_factory.mktemp("more")
        sh("echo x > x", cwd=folder)
        assert (folder / "x").exists()
    """
    )
    project.record()
    project.replay()


def test_what_tempfile_makes_below_the_tests_own_directory_is_watched(project: Project) -> None:
    project.ini("tapes_effects = true", "tapes_auto = true")
    project.write(
        SHELL
        + """
    import tempfile

    @pytest.fixture(autouse=True)
    def temporary_files(tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def test_it():
        with tempfile.TemporaryDirectory() as outer, tempfile.TemporaryDirectory(dir=outer) as inner:
            sh("mkdir d; echo made > d/a; pwd > '" + outer + "/where'", cwd=inner)
            assert Path(inner, "d/a").read_text() == "made\\n"
            said = subprocess.run(["cat", outer + "/where"], capture_output=True, text=True).stdout
            assert said == inner + "\\n"
    """
    )
    project.record()
    paths = {one["path"] for one in project.entries()[0]["effects"]}
    outer, inner = "<tmp>/<mktemp:1>", "<tmp>/<mktemp:1>/<mktemp:2>"
    assert paths == {outer, f"{outer}/where", inner, f"{inner}/d", f"{inner}/d/a"}
    project.replay()


def test_other_places_are_named(project: Project) -> None:
    project.write(
        SHELL
        + """
    @pytest.mark.tape(effects=["build", "*.log"])
    def test_it():
        sh("mkdir build; echo o > build/x.o; echo log > a.log; echo no > b.txt")
        assert Path("build/x.o").read_text() == "o\\n"
        assert Path("a.log").read_text() == "log\\n"
    """
    )
    project.record()
    for name in ("build/x.o", "a.log", "b.txt"):
        (project.path / name).unlink()
    (project.path / "build").rmdir()
    project.replay()

    assert sorted(name for name in os.listdir(project.path) if name[:1] in "ab") == ["a.log", "build"]


def test_patterns_are_left_out(project: Project) -> None:
    project.ini("tapes_effects = true", "tapes_effects_ignore =", "    *.pyc", "    cache")
    project.write(
        SHELL
        + """
    def test_it(tape, tmp_path):
        sh("mkdir cache; echo x > cache/x; echo x > a.pyc; echo x > a", cwd=tmp_path)
    """
    )
    project.record()

    assert [one["path"] for one in project.entries()[0]["effects"]] == ["<tmp>", "<tmp>/a"]


def test_a_limit_refuses_the_recording_and_names_the_biggest(project: Project) -> None:
    project.ini("tapes_effects = true", "tapes_effects_limit = 2K")
    project.write(
        SHELL
        + """
    def test_it(tape, tmp_path):
        sh("head -c 1500 /dev/zero > small; head -c 9000 /dev/zero > big", cwd=tmp_path)
    """
    )
    result = project.run("--record-tapes")

    told = one_error(result)
    assert "EffectsLimitExceeded" in told
    assert told.index("big") < told.index("small")
    assert not project.tape().exists()


@pytest.mark.parametrize(
    "line", ["tapes_effects_limit = much", "tapes_effects_limit = -1"], ids=["words", "negative"]
)
def test_a_limit_has_to_be_a_number(project: Project, line: str) -> None:
    project.ini(line)
    project.write("def test_it(): pass")

    result = project.run()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*tapes_effects_limit in * is a number of bytes, as in 64M, not *"])


def test_a_file_in_the_way_is_a_divergence(project: Project) -> None:
    project.write(
        SHELL
        + """
    @pytest.mark.tape(effects=True)
    def test_it(tmp_path):
        try:
            sh("echo made > a", cwd=tmp_path)
        except Exception:
            pass
    """
    )
    project.record()
    project.edit("    try:", "    (tmp_path / 'a').write_text('mine')\n    try:")

    result = project.run()

    told = result.stdout.str()
    assert "Divergence: a file is in the way of one that a command had made" in told
    assert "<tmp>/a  tape: nothing" in told
    assert "test: a file of 4 bytes" in told


def test_a_file_that_the_test_wrote_differently_is_a_divergence(project: Project) -> None:
    project.write(
        SHELL
        + """
    @pytest.mark.tape(effects=True, match_on=["program", "args"])
    def test_it(tmp_path):
        (tmp_path / "a").write_text("one " + str(tmp_path))
        sh("echo more >> a", cwd=tmp_path)
    """
    )
    project.record()
    project.replay()
    project.edit('"one "', '"two "')

    result = project.run()

    assert "SHA-256" in result.stdout.str()
    result.assert_outcomes(failed=1)


@pytest.mark.parametrize(
    "path",
    ["/etc/proctape-evil", "<root>/x", "<tmp>/../x", "<basetemp>/x"],
    ids=["etc", "root", "dots", "above"],
)
def test_a_tape_writes_nowhere_else(project: Project, path: str) -> None:
    project.write(
        SHELL
        + """
    @pytest.mark.tape(effects=True)
    def test_it(tmp_path):
        sh("true")
    """
    )
    project.write_tape({"program": "sh", "args": ["-c", "true"], "effects": [{"path": path, "file": "evil"}]})

    result = project.run()

    assert "TapeCorrupt" in one_error(result)
    assert not os.path.lexists("/etc/proctape-evil")
    assert not (project.path / "x").exists()


def test_text_gets_placeholders_where_that_is_asked_for(project: Project) -> None:
    project.ini("tapes_effects = true", "tapes_effects_text = *.cfg")
    project.write(
        SHELL
        + """
    def test_it(tape, tmp_path):
        sh("pwd > a.cfg; pwd > b.txt", cwd=tmp_path)
        assert (tmp_path / "a.cfg").read_text() == f"{tmp_path}\\n"
    """
    )
    project.record()
    project.replay("--basetemp", str(project.path / "elsewhere"))

    files = {one["path"]: one.get("file") for one in project.entries()[0]["effects"]}
    assert files["<tmp>/a.cfg"] == ["<tmp>\n"]
    assert files["<tmp>/b.txt"] != ["<tmp>\n"]


def test_recording_again_leaves_the_tape_as_it_is(project: Project) -> None:
    project.write(
        SHELL
        + """
    @pytest.mark.tape(effects=True)
    def test_it(tmp_path):
        (tmp_path / "own").write_text("x")
        sh("echo made > a; gzip -c a > a.gz; cp -p own copy; touch -d 2020-01-01 old", cwd=tmp_path)
        sh("seq 999 > b; gzip b", cwd=tmp_path)
    """
    )
    project.record()
    before = {name: (project.path / "tapes" / name).read_bytes() for name in project.tapes()}
    project.record()

    assert {name: (project.path / "tapes" / name).read_bytes() for name in project.tapes()} == before


def test_three_hundred_tests_keep_one_copy(project: Project) -> None:
    project.write(
        SHELL
        + """
    @pytest.mark.parametrize("number", range(5))
    @pytest.mark.tape(effects=True)
    def test_it(tmp_path, number):
        sh("head -c 5000 /dev/zero > big", cwd=tmp_path)
    """
    )
    project.record()

    assert len(list((project.path / "tapes/_payloads").iterdir())) == 1


def test_a_pid_file_of_a_server_is_there_while_it_runs(project: Project) -> None:
    project.write(
        SHELL
        + """
    import time

    @pytest.mark.tape(effects=True)
    def test_it(tmp_path):
        server = subprocess.Popen(["sh", "-c", "echo up > up.pid; exec sleep 60"], cwd=tmp_path)
        while not (tmp_path / "up.pid").exists() or not (tmp_path / "up.pid").read_text():
            time.sleep(0.01)
        (tmp_path / "own").mkdir()
        sh("echo other > b", cwd=tmp_path)
        server.terminate()
        assert server.wait() == -15
        assert (tmp_path / "b").exists()
    """
    )
    project.record()
    project.replay()


def test_a_dialog_makes_files_answer_by_answer(project: Project) -> None:
    project.write(
        SHELL
        + """
    @pytest.mark.tape(effects=True)
    def test_it(tmp_path):
        shell = subprocess.Popen(
            ["sh"], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        for name in ("a", "b"):
            shell.stdin.write(f"echo made > {name}; echo done\\n")
            assert shell.stdout.readline() == "done\\n"
            assert (tmp_path / name).read_text() == "made\\n"
            if name == "a":
                assert not (tmp_path / "b").exists()
        shell.communicate()
    """
    )
    project.record()
    project.replay()


def test_an_output_file_is_no_effect(project: Project) -> None:
    project.write(
        SHELL
        + """
    @pytest.mark.tape(effects=True)
    def test_it(tmp_path):
        with (tmp_path / "out").open("wb") as out:
            sh("echo said", cwd=tmp_path, stdout=out)
        assert (tmp_path / "out").read_text() == "said\\n"
        sh("echo more >> out", cwd=tmp_path)
        assert (tmp_path / "out").read_text() == "said\\nmore\\n"
    """
    )
    project.record()
    project.replay()

    entries = json.loads(project.tape().read_bytes())["entries"]
    assert "effects" not in entries[0]
    assert [one["path"] for one in entries[1]["effects"]] == ["<tmp>/out"]


def test_a_secret_in_a_file_stays_off_the_tape(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "hunter2-hunter2-hunter2")
    project.write(
        SHELL
        + """
    @pytest.mark.tape(effects=True)
    def test_it(tmp_path):
        sh('echo "token=$DEPLOY_TOKEN" > a; (seq 500; echo "$DEPLOY_TOKEN") > b', cwd=tmp_path)
        assert "token=" in (tmp_path / "a").read_text()
    """
    )
    project.record()
    project.replay()

    kept = [path for path in (project.path / "tapes").rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if b"hunter2" in path.read_bytes()]


def test_the_status_of_files_in_an_index_that_the_test_wrote_is_no_matter(project: Project) -> None:
    project.write(
        SHELL
        + """
    import struct

    @pytest.mark.tape(effects=True, match_on=["program", "args"])
    def test_it(tmp_path):
        status = tmp_path.stat()
        head = struct.pack(">4sII", b"DIRC", 2, 1)
        times = struct.pack(">II", status.st_mtime_ns & 0xFFFFFFFF, status.st_ino & 0xFFFFFFFF)
        index = head + times + bytes(16) + b"mode" + bytes(32) + b"NAME\\0\\0\\0\\0\\0\\0" + bytes(20)
        (tmp_path / "index").write_bytes(index)
        sh("echo > index", cwd=tmp_path)
        assert (tmp_path / "index").read_text() == "\\n"
    """
    )
    project.record()
    project.replay()
    project.edit("NAME", "LAST")

    result = project.run()

    assert "<tmp>/index  tape: a file with other content, SHA-256" in result.stdout.str()


HINT = "*a file is missing, and the commands on this tape were replayed without the files that they made*"


def test_a_missing_file_of_a_tape_without_files_is_explained(
    project: Project, run_options: tuple[str, ...]
) -> None:
    project.write(
        SHELL
        + """
    @pytest.mark.tape
    def test_it(tmp_path):
        sh("echo made > a", cwd=tmp_path)
        (tmp_path / "a").read_text()
    """
    )
    project.record()

    project.replay(*run_options, failed=1).stdout.fnmatch_lines([HINT, "record it again: *"])
    project.edit("tape\n", "tape(effects=True)\n")
    assert "a file is missing" not in project.replay(failed=1).stdout.str()
    project.record()
    project.replay()


IN_A_TEMPORARY = "*its commands ran in <tmp>, and were replayed without the files that they made there*"


def test_a_test_that_goes_another_way_without_the_files_is_told_of_them(
    project: Project, run_options: tuple[str, ...]
) -> None:
    project.write(
        SHELL
        + """
    pytestmark = pytest.mark.tape

    def test_asserts(tmp_path):
        sh("echo made > a", cwd=tmp_path)
        assert (tmp_path / "a").exists()

    def test_asks_for_another(tmp_path):
        sh("echo made > a", cwd=tmp_path)
        sh("true" if (tmp_path / "a").exists() else "false", cwd=tmp_path)

    def test_asks_for_less(tmp_path):
        sh("echo made > a", cwd=tmp_path)
        if (tmp_path / "a").exists():
            sh("true")

    def test_has_nothing_to_do_with_files():
        sh("true")
        assert "SURE" in os.environ
    """
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SURE", "1")
        project.record()

    told = project.replay(*run_options, failed=4).stdout
    told.fnmatch_lines([IN_A_TEMPORARY, "record it again: *test_asserts"])
    assert told.str().count(IN_A_TEMPORARY.strip("*")) == 3
    project.edit("pytest.mark.tape\n", "pytest.mark.tape(effects=True)\n")
    project.record("-k", "not nothing")
    project.replay("-k", "not nothing")


def test_a_directory_whose_files_are_on_no_tape_is_told(project: Project) -> None:
    project.ini("tapes_effects = true", "tapes_auto = true")
    project.write(
        SHELL
        + """
    import shutil, tempfile

    def test_it():
        folder = os.path.join(tempfile.gettempdir(), "tmpabcdefgh")
        os.makedirs(folder)
        try:
            sh("echo made > a", cwd=folder)
            assert Path(folder, "a").exists()
        finally:
            shutil.rmtree(folder)
    """
    )
    project.record()

    told = project.replay(failed=1).stdout
    told.fnmatch_lines(
        [
            "*its commands ran in <tempdir>/<mktemp:1>, and files that they made there are on no tape: *",
            "record it again: *",
        ]
    )


@pytest.mark.parametrize(
    "effects, told",
    [
        ("", 'effects=["build"]'),
        ("(effects=True)", 'effects=["build"]'),
        ("(effects=['*.log'])", 'effects=["*.log", "build"]'),
    ],
)
def test_a_file_that_is_missing_in_the_checkout_is_told_with_its_place(
    project: Project, effects: str, told: str
) -> None:
    project.write(
        SHELL
        + f"""
    @pytest.mark.tape{effects}
    def test_it():
        sh("mkdir build; echo made > build/out")
        assert Path("build/out").read_text() == "made\\n"
    """
    )
    project.record()
    shutil.rmtree(project.path / "build")

    said = project.replay(failed=1).stdout.str()
    assert "build/out is missing, and what commands make there is on no tape: " in said
    assert f"@pytest.mark.tape({told}) records that, too" in said
    project.edit(f"tape{effects}\n", f"tape({told.replace(chr(34), chr(39))})\n")
    project.record()
    shutil.rmtree(project.path / "build")
    project.replay()


def test_a_file_that_is_missing_where_nobody_looks_is_told(project: Project) -> None:
    project.write(
        SHELL
        + """
    import tempfile

    @pytest.mark.tape(effects=True)
    def test_it():
        name = tempfile.mktemp()
        sh(f"echo made > {name}")
        os.unlink(name)
    """
    )
    project.record()

    said = "*<tempdir>/tmp* is missing, and what commands make there is on no tape: *below tmp_path*"
    project.replay(failed=1).stdout.fnmatch_lines([said])


def test_a_missing_program_is_no_missing_file(project: Project) -> None:
    project.write(
        SHELL
        + """
    @pytest.mark.tape
    def test_it():
        sh("true")
        try:
            subprocess.run(["no-such-program"])
        except FileNotFoundError:
            if "SURE" not in os.environ:
                raise
    """
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SURE", "1")
        project.record()

    assert "a file is missing" not in project.replay(failed=1).stdout.str()


def test_what_commands_of_many_threads_make_is_all_on_the_tape(project: Project) -> None:
    """Also what one makes while another is being started."""
    project.write(
        """
        import subprocess
        from concurrent.futures import ThreadPoolExecutor
        import pytest

        @pytest.mark.tape(effects=True, order="any")
        def test_it(tmp_path):
            def make(number):
                subprocess.run(["ln", "-s", "anywhere", f"{number}"], cwd=tmp_path, check=True)

            with ThreadPoolExecutor(8) as pool:
                list(pool.map(make, range(80)))
            assert len(list(tmp_path.iterdir())) == 80
        """
    )
    project.record()
    steps = [step for entry in project.entries() for step in (entry, *entry.get("timeline", ()))]
    made = {effect["path"] for step in steps for effect in step.get("effects", ())} - {"<tmp>"}
    assert made == {f"<tmp>/{number}" for number in range(80)}
    project.replay()
