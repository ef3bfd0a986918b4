"""A write to a child that has gone: how the child ended leads the report, and not the broken pipe.

The plugin calls it for each failed phase of a taped test.
"""

from __future__ import annotations

import pytest

from .session import Session, TapedChild, shorten, visible

_SAID = 3
"""Lines of a child's stderr that are told, its last ones."""


def lead(report: pytest.TestReport, session: Session, error: BaseException) -> None:
    """Tell, ahead of a broken pipe, who was at its other end and how that ended.

    Args:
        report: of the phase that failed.
        session: of the test.
        error: that it failed of.
    """
    if not isinstance(error, BrokenPipeError | ConnectionResetError):
        return
    gone = _gone(session)
    if not gone:
        return
    lines = [line for child in gone for line in _told(session, child)]
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = f"{lines[0]}: {crash.message}"
    # A pipe that breaks once breaks again when the block around it closes it; the first one is shown first.
    chain = getattr(report.longrepr, "chain", None)
    traceback = chain[0][0] if chain else getattr(report.longrepr, "reprtraceback", None)
    entries = getattr(traceback, "reprentries", None)
    if not entries:
        return
    shown = entries[-1].lines
    at = next((i for i, line in enumerate(shown) if line.startswith("E ")), None)
    if at is None:
        # With --tb=native it is Python's own traceback.
        shown[:0] = [f"{line}\n" for line in lines]
    else:
        depth = len(shown[at]) - 1 - len(shown[at][1:].lstrip())
        shown[at:at] = [f"E{' ' * depth}{line}" for line in lines]


def _gone(session: Session) -> list[TapedChild]:
    """Who has ended and may have been written to; of several, those that ended badly."""
    ended = [child for child in session.roll if child.ended]
    badly = [child for child in ended if child.ended != "exit code 0"]
    return badly or ended


def _told(session: Session, child: TapedChild) -> list[str]:
    hide = session.places.redact_text
    lines = [f"{child.ended}: {child.words(hide)}, before it was written to"]
    said = (child.stderr or b"").decode("utf-8", "backslashreplace").splitlines()[-_SAID:]
    return [*lines, *(f"  its stderr: {shorten(visible(hide(line)))}" for line in said)]
