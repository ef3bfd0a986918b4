"""The options and ini keys; :mod:`.plugin` has them among its hooks."""

from __future__ import annotations

import pytest

from .config import RecordTapes
from .counting import EXIT_DRIFT
from .parsing import ORPHANS, RECORD_CHOICES
from .settings import KEYS


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add them.

    https://docs.pytest.org/en/stable/reference/reference.html#pytest.hookspec.pytest_addoption
    """
    group = parser.getgroup("tapes", "record and replay of processes (pytest-proctape)")
    # Each spelling is an option of its own: an option with an optional value would swallow the file that
    # comes behind it, as in `pytest --record-tapes tests/test_git.py`.
    group.addoption(
        "--record-tapes",
        *(f"--record-tapes={which}" for which in RECORD_CHOICES),
        action=RecordTapes,
        help="run the real commands and record them: all (the default) records the selected tests anew; "
        "missing records tests that have no tape and replays the others; new replays what is on the tapes, "
        "and runs and records what is not, in its place",
    )
    group.addoption(
        "--replay-tapes",
        action="store_true",
        help="start no process, replay everything from the tapes (the default)",
    )
    group.addoption(
        "--live-tapes", action="store_true", help="use no tapes: real processes, nothing is written"
    )
    group.addoption(
        "--verify-tapes",
        action="store_true",
        help="run the real commands and hold what they do against the tapes, which stay as they are; where "
        f"that alone differs, the exit code is {EXIT_DRIFT}",
    )
    group.addoption(
        "--tapes-log",
        metavar="FILE",
        help="write a line of JSON for everything that crosses the process boundary; see `proctape compare`",
    )
    group.addoption(
        "--tapes-spawn-timeout",
        metavar="SECONDS",
        help="end a command that runs longer than this while it is recorded; a marker wins over it",
    )
    group.addoption(
        "--tapes-orphans",
        choices=ORPHANS,
        help="when the whole suite ran, what is done about tapes and payloads that no test owns: report "
        "counts them in the summary, fail also fails the run, delete removes them",
    )
    group.addoption(
        "--tapes-report",
        metavar="FILE",
        help="write what became of each tape to FILE, as JSON for tools",
    )
    for key in KEYS:
        if key.ini:
            parser.addini(key.ini_name, key.help, type=key.kind, default=None)
