"""Children that a replayed test has left running, and that are over with it: told where others fail of it.

In the recording they ran on, and other tests have talked to them. What is said to a child after its test is
on no tape, so those tests get a broken pipe or the end of a stream, and nothing in their failure says why.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from .summary import Result

_PARTED: pytest.StashKey[list[tuple[str, str]]] = pytest.StashKey()
"""Of a process that runs tests: the test that has started it, and the child in words."""


def note(config: pytest.Config, results: Iterable[Result]) -> None:
    """Remember the children that were over with these tapes, and could still be talked to."""
    found = [(one.test, child) for one in results if one.mode == "replay" for child in one.held]
    if found:
        config.stash.setdefault(_PARTED, []).extend(found)


def tell(report: pytest.TestReport, config: pytest.Config) -> None:
    """Add a line to ``report``, of a taped test that failed of no error of ours; mostly none."""
    known = config.stash.get(_PARTED, None)
    if not known:
        return
    test, child = known[-1]
    more = f" ({len(known) - 1} more were)" if len(known) > 1 else ""
    line = (
        f"left running by {test}, and over with it on replay{more}: {child}; what other tests say to it is "
        "on no tape: if this one needs it, let a fixture of wider scope start it, or "
        '@pytest.mark.tape(live=["its command"]) lets it run in every mode'
    )
    for index, (name, text) in enumerate(report.sections):
        if name == "tape":
            report.sections[index] = (name, f"{text}\n{line}")
            return
    report.sections.append(("tape", line))
