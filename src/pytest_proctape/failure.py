"""An error of ours as pytest shows it: the user's frames and the message. Called by the plugin."""

from __future__ import annotations

import os
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
)

from .errors import ProctapeError, TapeError
from .session import is_ours, is_stdlib


def shown(item: pytest.Item, error: ProctapeError) -> TerminalRepr | str:
    """``error`` as a failure report shows it: the user's frames, and the message.

    Frames of this package, of the standard library and of pytest are left out. The traceback itself is
    made anew, as pytest cuts it by following its raw entries.
    """
    if isinstance(error, TapeError):
        # The system's own error is in the message.
        error.__cause__, error.__suppress_context__ = None, True
    entries = []
    entry = error.__traceback__
    while entry is not None:
        entries.append(entry)
        entry = entry.tb_next
    kept: TracebackType | None = None
    for entry in reversed(entries):
        filename = entry.tb_frame.f_code.co_filename
        if not is_ours(filename) and not is_stdlib(filename) and not filename.startswith(_RUNNER):
            kept = TracebackType(kept, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    if kept is None and error.__cause__ is None:
        return _message_only(item, error)
    return item.repr_failure(
        pytest.ExceptionInfo.from_exception(error.with_traceback(kept or error.__traceback__))
    )


_RUNNER = tuple(os.path.dirname(module.__file__ or "") + os.sep for module in (_pytest, pluggy))


def _message_only(item: pytest.Item, error: ProctapeError) -> TerminalRepr:
    path, line, _ = item.location
    place = ReprFileLocation(path, (line or 0) + 1, type(error).__name__)
    text = f"{type(error).__module__}.{type(error).__qualname__}: {error}"
    lines = [f"E   {one}".rstrip() for one in text.splitlines()]
    crash = ReprFileLocation(place.path, place.lineno, text)
    return ReprExceptionInfo(
        ReprTraceback([ReprEntry(lines, None, None, place, "long")], None, "long"), crash
    )
