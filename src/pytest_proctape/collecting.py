"""What is started while pytest imports and collects, where every test is taped. The plugin calls it.

A module that asks ``git --version`` when it is imported, or a ``skipif`` that looks for a tool, runs
before any test. Its spawns are on the tape of the file that makes them, ``tapes/<file>/@import.json``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from . import effects, intercept
from .child import KIN
from .errors import ProctapeError
from .run import Run
from .session import IMPORT, Collecting, CollectingRecord, CollectingReplay, toolchain_of
from .settings import Settings
from .summary import strayed

_NOBODY = f"conftest.py::{IMPORT}"
"""Who owns a spawn that no file of the project can be named for."""
_BEFORE = "while tests were collected"


@contextmanager
def collecting(run: Run, settings: Settings) -> Iterator[None]:
    """Answer what this thread starts from the tapes of imports, or record it onto them.

    Raises:
        pytest.UsageError: something was not on them, and whoever asked for it swallowed the error.
    """
    session = _session_of(run, settings)
    told = len(session.errors)
    complete = False
    since = KIN.mark()

    def note(path: str, is_file: bool) -> None:
        run.made_early.append((path, is_file))

    try:
        intercept.install(session)
        if settings.effects:
            effects.follow(note)
        if isinstance(session, CollectingReplay):
            intercept.guard.install()
        with intercept.bound(session, lasting=True):  # type: ignore[arg-type]
            yield
        complete = True
    except Exception:
        # A conftest file that can't be imported is told with all the frames of ours that it went through.
        _tell(session, told)
        raise
    finally:
        if settings.effects:
            effects.follow_no_more(note)
        intercept.uninstall(session)
        strays = KIN.strays(since)
        if strays:
            run.results.append(strayed(_BEFORE, strays))
        run.settle(complete=complete)
    _tell(session, told)


def _tell(session: Collecting, told: int) -> None:
    if len(session.errors) > told:
        error = session.errors[told]
        raise pytest.UsageError(f"{type(error).__name__} before any test: {error}") from None


def _session_of(run: Run, settings: Settings) -> Collecting:
    """The one session of the run for collecting: a thread that an import started may use it later."""
    if run.collecting is None:
        kind = CollectingReplay if settings.mode == "replay" else CollectingRecord
        session = kind(run.store, _NOBODY, run.places, root=run.root)
        # No test alone imports what its file does.
        session.record_command = "pytest --record-tapes"
        session.live = run.live_patterns(settings)
        session.toolchain = toolchain_of(settings.wasi)
        session.tools = run.tools
        session.shared = run.way_into_commons(settings, _NOBODY)
        run.collecting = session
    return run.collecting


def conclude(run: Run, report: pytest.CollectReport, told: int) -> None:
    """A file or folder has been collected: store its tapes; fail it if something was not on them.

    Args:
        run: of the collector.
        report: what pytest is going to tell; changed in place.
        told: how many errors there were before.
    """
    session = run.collecting
    if session is None:
        return
    run.settle(complete=report.passed)
    errors: list[ProctapeError] = session.errors[told:]
    if errors:
        report.outcome = "failed"
        report.longrepr = f"{type(errors[0]).__name__}: {errors[0]}"
        # It is told; the whole collection need not tell it again.
        del session.errors[told:]
