"""Runs one suite one way in a process of its own; :mod:`.ways` starts it as a script.

``python worker.py JOB`` where ``JOB`` is a JSON file with the fields of :class:`Job`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Job:
    """What to run.

    Attributes:
        suite: file of the shim.
        events: file to append events to.
        arguments: for pytest.
        only: node ids, or ``None`` for all.
        limit_s: real seconds that a test may take.
    """

    suite: str
    events: str
    arguments: list[str]
    only: list[str] | None
    limit_s: float


def main(path: str) -> int:
    """Run the job in ``path``; pytest's exit code."""
    job = Job(**json.loads(Path(path).read_text(encoding="utf-8")))
    sys.path[0] = str(_PROJECT)
    from tests.conformance.probe import Counter, Probe

    counter = Counter()
    counter.install()
    _name_files_alike()

    import pytest

    only = None if job.only is None else frozenset(job.only)
    probe = Probe(counter, Path(job.events), only, job.limit_s)
    return pytest.main([*job.arguments, job.suite], plugins=[probe])


def _name_files_alike() -> None:
    """Let ``test.support`` put the same number into its file names in every process.

    It takes that of the process, and a test with another file name in a command is another test to a tape.
    """
    real, os.getpid = os.getpid, lambda: 1
    with contextlib.suppress(ImportError):
        importlib.import_module("test.support.os_helper")
    os.getpid = real


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
