"""A command that read its input when it was recorded, and ignores it when it is recorded again."""

from __future__ import annotations

import pytest

from tests.options.project import Project

RUN = 'done = subprocess.run(["./tool"], input=os.environ["SENT"], **options)'
POPEN = """with subprocess.Popen(["./tool"], stdin=subprocess.PIPE, **options) as done:
            done.communicate(os.environ["SENT"])"""


@pytest.mark.parametrize(
    "call, options, sent",
    [
        (RUN, "", ("two\n", "on", "")),
        (RUN, "stdout=subprocess.PIPE", ("two\n", "on", "")),
        # How much is on its way, and whether that is all, is known only in part here.
        (RUN, "bufsize=0", ("two\n",)),
        (POPEN, "", ("two\n",)),
        (POPEN, "stdout=subprocess.PIPE", ("two\n",)),
    ],
)
def test_an_old_entry_stays_only_for_the_same_input(
    project: Project, call: str, options: str, sent: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(
        f"""
    import os, subprocess

    def test_it(tape):
        options = dict(text=True, {options})
        {call}
        assert done.returncode == 0
    """
    )
    tool = project.write("#!/bin/sh\ncat > /dev/null\n", "tool")
    tool.chmod(0o755)
    monkeypatch.setenv("SENT", "one\n")
    project.record()
    before = project.tape().read_bytes()
    tool.write_text("#!/bin/sh\nexec < /dev/null\n")
    # It could be that it was faster than the test this time.
    project.record()
    assert project.tape().read_bytes() == before

    for other in sent:
        project.tape().write_bytes(before)
        monkeypatch.setenv("SENT", other)
        project.record()
        project.replay()
