"""The options and ini keys: :mod:`.plugin` declares them, and asks whether anybody uses one.

Every start of pytest reads this file, so it knows no more than their names.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .keys import EXIT_DRIFT, INI_PREFIX, KEYS, ORPHANS, RECORD_CHOICES

if TYPE_CHECKING:
    import pytest


def declare(parser: pytest.Parser) -> None:
    """Let pytest know them.

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
    for name, kind, told, _ in KEYS:
        parser.addini(INI_PREFIX + name, told, type=kind, default=None)


def are_used(config: pytest.Config, options: argparse.Namespace) -> bool:
    """Whether any of them is given, be it understood or not.

    Args:
        config: of the run.
        options: those of the command line, which pytest knows before it is configured.
    """
    # All of ours have the word, and if another plugin's has it, no harm is done.
    if any(value not in (None, False) for name, value in vars(options).items() if "tapes" in name):
        return True
    return any(name.startswith(INI_PREFIX) for name in (*in_file(config), *overridden(config)))


def in_file(config: pytest.Config) -> list[str]:
    """The keys of the ini file. Pytest has no public way to list them; up to 9.0 the name is another."""
    if hasattr(config, "_inicfg"):
        return list(config._inicfg)
    return list(config.inicfg)  # type: ignore[deprecated]  # and deprecated from 9.1 on


def overridden(config: pytest.Config) -> list[str]:
    """The keys that ``-o`` gives."""
    # Up to pytest 8 the options are not in place while the first conftest files are imported.
    given = config.known_args_namespace.override_ini
    return [one.partition("=")[0] for one in given or ()]


class RecordTapes(argparse.Action):
    """Collects what ``--record-tapes`` asked for, be it said twice."""

    def __init__(self, option_strings: Sequence[str], dest: str, **kwargs: Any) -> None:  # noqa: ANN401
        # What argparse itself passes to an action is untyped.
        super().__init__(option_strings, dest, nargs=0, **kwargs)

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        _values: object,
        option_string: str | None = None,
    ) -> None:
        """Add one."""
        said = [*(getattr(namespace, self.dest) or ()), (option_string or "").partition("=")[2] or "all"]
        setattr(namespace, self.dest, said)
