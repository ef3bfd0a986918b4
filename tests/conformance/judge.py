"""Holds the three ways of a suite against each other and against the list of known exceptions. Pure."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.ways import Way, WayResult

SHARE = 0.98
"""Of the tests of :data:`DUE` that run bare, at least this many must be equal on replay."""

DUE = frozenset({"cpython_subprocess", "cpython_asyncio", "cpython_posix", "cpython_os"})
"""The suites that the share is due for; the others are judged test by test only."""

TAPED: tuple[Way, ...] = ("record", "replay")
_FILE = Path(__file__).with_name("exceptions.toml")
_ABSENT = "absent"
_RAN = frozenset({"passed", "failed", "xfailed", "hung", "crashed"})


@dataclass(frozen=True)
class Known:
    """What ``exceptions.toml`` says of one suite on this interpreter.

    Attributes:
        replay: test to the reason why its replay differs from bare.
        processes: test to the reason why it starts real processes on replay.
        record: test to the reason why its recording differs from bare.
    """

    replay: Mapping[str, str]
    processes: Mapping[str, str]
    record: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Verdict:
    """What is to be said of one suite.

    Attributes:
        suite: its name.
        skipped: why there is nothing to say, ``""`` if there is.
        counts: bare outcomes to how many.
        ran: tests that were not skipped bare.
        differs: by way, test to its two outcomes.
        started: tests that started real processes on replay, to the calls.
        problems: what breaks the rule, a line each; none if it is kept.
    """

    suite: str
    skipped: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    ran: int = 0
    differs: dict[Way, dict[str, str]] = field(default_factory=dict)
    started: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


_KINDS = ("record", "replay", "process")


def suites_with_exceptions(file: Path = _FILE) -> set[str]:
    """The suites that ``exceptions.toml`` names."""
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    return {entry["suite"] for kind in _KINDS for entry in data.get(kind, [])}


def known(suite: str, version: tuple[int, ...] = sys.version_info[:2], file: Path = _FILE) -> Known:
    """The exceptions of ``suite`` for an interpreter.

    Raises:
        ValueError: an exception without a reason, or the same test twice.
    """
    lists: dict[str, dict[str, str]] = {kind: {} for kind in _KINDS}
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    for kind, found in lists.items():
        for entry in data.get(kind, []):
            if not entry.get("reason", "").strip():
                raise ValueError(f"{file.name}: {entry['tests']} stands there without a reason")
            if entry["suite"] != suite or not _holds(entry, version):
                continue
            for test in entry["tests"]:
                if test in found:
                    raise ValueError(f"{file.name}: {test} of {suite} stands there twice")
                found[test] = entry["reason"]
    return Known(lists["replay"], lists["process"], lists["record"])


def _holds(entry: Mapping[str, str], version: tuple[int, ...]) -> bool:
    first, last = (_version(entry.get(name)) for name in ("first", "last"))
    return (first is None or version >= first) and (last is None or version <= last)


def _version(text: str | None) -> tuple[int, ...] | None:
    return None if text is None else tuple(int(part) for part in text.split("."))


def judge(suite: str, results: Mapping[Way, WayResult], exceptions: Known) -> Verdict:
    """The verdict on one suite that was run in all three ways."""
    verdict = Verdict(suite)
    bare = results["bare"]
    for way, result in results.items():
        if result.broken:
            verdict.problems.append(f"{way}: the suite does not run: {result.broken.strip()[-500:]}")
    for outcome in bare.tests.values():
        verdict.counts[outcome.result] = verdict.counts.get(outcome.result, 0) + 1
        verdict.ran += outcome.result in _RAN
    for way in TAPED:
        verdict.differs[way] = dict(_differences(bare, results[way]))
    verdict.started = {
        short(test): " ".join(f"{name} x{count}" for name, count in outcome.started.items())
        for test, outcome in results["replay"].tests.items()
        if outcome.started
    }
    ran = {short(test) for test, outcome in bare.tests.items() if outcome.result in _RAN}
    verdict.problems += _unlisted("record", verdict.differs["record"], exceptions.record, ran)
    verdict.problems += _unlisted("replay", verdict.differs["replay"], exceptions.replay, ran)
    verdict.problems += _unlisted("real process", verdict.started, exceptions.processes, ran)
    if results["replay"].children and not verdict.started:
        verdict.problems.append("replay: the kernel has seen a child of the worker that nobody counted")
    return verdict


def short(test: str) -> str:
    """A node id without the file."""
    return test.partition("::")[2]


def _differences(bare: WayResult, other: WayResult) -> Iterable[tuple[str, str]]:
    for test, outcome in bare.tests.items():
        found = other.tests.get(test)
        result = _ABSENT if found is None else found.result
        if result != outcome.result:
            yield short(test), f"{outcome.result} bare, {result} now"
    for test in other.tests.keys() - bare.tests.keys():
        yield short(test), f"{_ABSENT} bare, {other.tests[test].result} now"


def _unlisted(
    kind: str, found: Mapping[str, str], listed: Mapping[str, str], ran: Iterable[str]
) -> Iterable[str]:
    for test, what in found.items():
        if test not in listed:
            yield f"{kind}: {test}: {what}"
    for test in ran:
        if test in listed and test not in found:
            yield f"{kind}: {test} is in exceptions.toml and needs to be no more: take it out"


def share(verdicts: Iterable[Verdict]) -> float:
    """How many of the tests that run bare are equal on replay."""
    ran = equal = 0
    for verdict in verdicts:
        ran += verdict.ran
        equal += verdict.ran - len(verdict.differs.get("replay", {}))
    return equal / ran if ran else 1.0
