"""An error of ours as pytest shows it: the user's frames, the message, and the tape. Called by the plugin.

What is built here travels from a worker as plain data; :mod:`.markup` gives it colour where it is shown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType

import _pytest
import pluggy
import pytest
from _pytest._code.code import (
    ReprEntry,
    ReprExceptionInfo,
    ReprFileLocation,
    ReprTraceback,
    TerminalRepr,
    Traceback,
)

from .active import ActiveTape
from .clock import REAL
from .errors import ProctapeError, TapeError
from .lacking import lack_told, time_told
from .session import Player, Recording, Session, brief, is_ours, is_stdlib
from .summary import stray_names
from .unmade import files_told

_RUNNER = tuple(os.path.dirname(module.__file__ or "") + os.sep for module in (_pytest, pluggy))


@contextmanager
def told_by_pytest(raised: pytest.ExceptionInfo[BaseException]) -> Iterator[None]:
    """Around pytest's own report of an error of ours, which :func:`shown` takes the place of.

    pytest parses the whole file of each frame that it shows, :mod:`subprocess` among them: three quarters of
    what a test that diverges took. So it hears of the user's frames alone, or of the innermost one.
    """
    whole, innermost = raised.traceback, raised.traceback[-1:]
    kept = _without(raised.tb, _is_none_of_the_users)
    _leave_out_of_causes(raised.value)
    raised.traceback = Traceback(innermost if kept is None else kept)
    try:
        yield
    finally:
        # Whoever hears of the failure later, a debugger for one, is told of all of them.
        raised.traceback = whole


def shown(item: pytest.Item, error: ProctapeError) -> TerminalRepr | str:
    """``error`` as a failure report shows it: the user's frames, and the message.

    Frames of this package, of the standard library and of pytest are left out. The traceback itself is
    made anew, as pytest cuts it by following its raw entries.
    """
    cause = _leave_out_of_causes(error)
    kept = _without(error.__traceback__, _is_none_of_the_users)
    if item.config.getoption("tbstyle", "auto") == "line":
        longrepr: TerminalRepr | str = _located(item, error, kept)
    elif kept is None and cause is None:
        longrepr = _located(item, error, None, *_lines(error))
    else:
        longrepr = item.repr_failure(
            pytest.ExceptionInfo.from_exception(error.with_traceback(kept or error.__traceback__))
        )
    crash = getattr(longrepr, "reprcrash", None)
    if crash is not None:
        # Its first line is all that the short summary, --tb=line and an annotation have room for.
        crash.message = f"{brief(error)}\n\n{error}"
    return longrepr


# -- the tape of a failed test -----------------------------------------------------------------


def add_section(
    report: pytest.TestReport,
    tape: ActiveTape,
    error: ProctapeError | None,
    raised: BaseException | None,
) -> None:
    """Tell on ``report`` of a failed test which tape it has used.

    Args:
        report: of the phase that failed.
        tape: of the test.
        error: that it failed of, if that is one of ours. It says itself what to do next.
        raised: that it failed of, whosever it is.
    """
    if isinstance(error, TapeError):
        return
    session = tape.session
    told = _tape_told(session)
    if told and not isinstance(session, Recording):
        lines = [told, files_told(session, error, raised)]
        if not session.runs_commands and session.spawns:
            lines += [lack_told(session, error, raised), time_told(session, error, raised)]
        if error is None:
            lines.append(f"record it again: {session.record_command}")
        told = "\n".join(filter(None, lines))
    tape.look_for_strays()
    if tape.strays:
        strays = f"started in C, for real and on no tape: {stray_names(tape.strays)}"
        told = "\n".join(filter(None, (told, strays)))
    if told:
        report.sections.append(("tape", told))


def _tape_told(session: Session) -> str:
    """Which tape was used and how old it is; empty where there is nothing to tell."""
    if isinstance(session, Recording):
        if not session.takes:
            return ""
        if session.failed_of_a_limit and not session.path.exists():
            return f"recording: {session.shown_path} is made of it, and fails in the same way"
        if not session.path.exists():
            return f"recording: {session.shown_path} is not made, as the test failed"
        return f"recording: {session.shown_path} stays as it is, as the test failed"
    if not isinstance(session, Player) or not (session.spawns or session.errors or session.path.exists()):
        return ""
    try:
        tape = session.tape
    except ProctapeError:
        # Or a hook did not like it.
        return f"{session.shown_path} can't be read"
    if tape is None:
        return f"there is no tape at {session.shown_path}"
    recorded = tape.recorded
    if recorded is None:
        made = "which was not recorded but written by hand"
    else:
        day = recorded.at.partition("T")[0] + age(recorded.at, REAL.time_ns())
        made = f"recorded on {day} with Python {recorded.python} on {recorded.platform}"
    return f"replayed from {session.shown_path}, {made}"


def age(at: str, now_ns: int) -> str:
    """How long ago that was, in brackets and days; empty where ``at`` is no date, or is still to come.

    Args:
        at: ISO 8601.
        now_ns: nanoseconds since the epoch.
    """
    try:
        then = datetime.fromisoformat(at)
    except ValueError:
        return ""
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    days = int(now_ns // 10**9 - then.timestamp()) // 86_400
    if days < 0:
        return ""
    return f" ({'today' if days == 0 else '1 day ago' if days == 1 else f'{days} days ago'})"


# -- tracebacks --------------------------------------------------------------------------------


def _without(traceback: TracebackType | None, left_out: Callable[[str], bool]) -> TracebackType | None:
    """A copy of ``traceback`` without the frames of files that are to be left out."""
    entries = []
    while traceback is not None:
        entries.append(traceback)
        traceback = traceback.tb_next
    kept: TracebackType | None = None
    for entry in reversed(entries):
        if not left_out(entry.tb_frame.f_code.co_filename):
            kept = TracebackType(kept, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return kept


def _leave_out_of_causes(error: BaseException) -> BaseException | None:
    """What ``error`` was raised from, which keeps the frames that are not ours or pytest's."""
    if isinstance(error, TapeError):
        # The system's own error is in the message.
        error.__cause__, error.__suppress_context__ = None, True
    cause = error.__cause__
    if cause is not None:
        # With --tb=native pytest shows every frame.
        cause.__traceback__ = _without(cause.__traceback__, _is_machinery) or cause.__traceback__
    return cause


def _is_machinery(filename: str) -> bool:
    return is_ours(filename) or filename.startswith(_RUNNER)


def _is_none_of_the_users(filename: str) -> bool:
    return _is_machinery(filename) or is_stdlib(filename)


def _lines(error: ProctapeError) -> list[str]:
    text = f"{type(error).__module__}.{type(error).__qualname__}: {error}"
    return [f"E   {one}".rstrip() for one in text.splitlines()]


def _located(
    item: pytest.Item, error: ProctapeError, traceback: TracebackType | None, *lines: str
) -> TerminalRepr:
    """These lines and the place alone: the innermost frame that is kept, or where the test begins."""
    path, line, _ = item.location
    number = (line or 0) + 1
    while traceback is not None:
        path = os.path.relpath(traceback.tb_frame.f_code.co_filename, item.config.rootpath)
        number = traceback.tb_lineno
        traceback = traceback.tb_next
    place = ReprFileLocation(path, number, type(error).__name__)
    crash = ReprFileLocation(path, number, "")
    entries = [ReprEntry(lines, None, None, place, "long")] if lines else []
    return ReprExceptionInfo(ReprTraceback(entries, None, "long"), crash)
