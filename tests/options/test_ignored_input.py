"""A command that read its input when it was recorded, and ignores it when it is recorded again."""

from __future__ import annotations

import pytest

from tests.options.project import Project

RUN = 'done = subprocess.run(["./tool"], input=os.environ["SENT"], **options)'
POPEN = """with subprocess.Popen(["./tool"], stdin=subprocess.PIPE, **options) as done:
            with contextlib.suppress(BrokenPipeError):
                # A replayed command that ignores its input has ended by then.
                os.write(done.stdin.fileno(), os.environ["SENT"].encode())
            done.stdin.close()
            open("go", "w").close()
            done.wait()"""
IGNORES = {RUN: "exec < /dev/null", POPEN: "until [ -e go ]; do sleep 0.01; done"}
"""By run all is known that is to be sent; else what was, before the command ended."""


@pytest.mark.parametrize(
    "call, options, sent",
    [
        (RUN, "", ("two\n", "on", "")),
        (RUN, "stdout=subprocess.PIPE", ("two\n", "on", "")),
        (POPEN, "", ("two\n",)),
        (POPEN, "stdout=subprocess.PIPE", ("two\n",)),
    ],
)
def test_an_old_entry_stays_only_for_the_same_input(
    project: Project, call: str, options: str, sent: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(
        f"""
    import contextlib, os, subprocess

    def test_it(tape):
        options = dict(text=True, {options})
        {call}
        assert done.returncode == 0
    """
    )
    # The tool is what differs.
    project.ini("tapes_match_on = program args cwd env stdin")
    tool = project.write("#!/bin/sh\ncat > /dev/null\n", "tool")
    tool.chmod(0o755)
    monkeypatch.setenv("SENT", "one\n")
    project.record()
    before = project.tape().read_bytes()
    tool.write_text(f"#!/bin/sh\n{IGNORES[call]}\n")
    go = project.path / "go"
    go.unlink(missing_ok=True)
    # It could be that it was faster than the test this time.
    project.record()
    assert project.tape().read_bytes() == before

    for other in sent:
        project.tape().write_bytes(before)
        monkeypatch.setenv("SENT", other)
        go.unlink(missing_ok=True)
        project.record()
        project.replay()
