"""``python tests/conformance/run.py``: the judge, as a command.

Runs suites that we did not write bare, recording and replaying, on the interpreter that runs this, and
prints what differs. Exits with 0 if recording and replaying equal bare but for
the tests in ``exceptions.toml`` and for at least 98% of CPython's four suites together, and no real process
was started on replay but by the tests that are listed for that. The table
shows each suite for itself, so a good one hides nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from tests.conformance import judge, sources, ways

SUITES: Mapping[str, tuple[str, bool]] = {
    "cpython_subprocess": ("test.test_subprocess", False),
    "cpython_asyncio": ("test.test_asyncio.test_subprocess", False),
    "cpython_posix": ("test.test_posix", True),
    "cpython_os": ("test.test_os", True),
    "cpython_cmd_line": ("test.test_cmd_line", False),
    "cpython_popen": ("test.test_popen", False),
    "cpython_wait": ("test.test_wait3", False),
    "trio_subprocess": ("trio._tests.test_subprocess", False),
    "anyio_subprocess": ("anyio", False),
}
"""Shim to the module that it borrows, and whether only the tests that start a process are of interest."""


def check(
    suite: str, scratch: Path, *, keyword: str = "", limit_s: float = ways.LIMIT_S
) -> tuple[judge.Verdict, dict[ways.Way, ways.WayResult]]:
    """Run one suite the three ways and judge it.

    Args:
        suite: a key of :data:`SUITES`.
        scratch: where tapes and logs go.
        keyword: as pytest's ``-k``.
        limit_s: real seconds after which a test counts as hanging.
    """
    module, starters_only = SUITES[suite]
    reason = ways.missing(sources.place_of(module)) or (sources.why_not() if module == "anyio" else "")
    if reason:
        return judge.Verdict(suite, skipped=reason), {}
    bare = ways.run(suite, "bare", scratch, keyword=keyword, limit_s=limit_s)
    only = None
    if starters_only:
        bare.tests = {test: outcome for test, outcome in bare.tests.items() if outcome.tried}
        only = list(bare.tests)
    results: dict[ways.Way, ways.WayResult] = {"bare": bare}
    for way in judge.TAPED:
        results[way] = ways.run(suite, way, scratch, keyword=keyword, only=only, limit_s=limit_s)
    return judge.judge(suite, results, judge.known(suite)), results


def row(verdict: judge.Verdict) -> str:
    """A line of the table."""
    if verdict.skipped:
        return f"{verdict.suite:<20} skipped: {verdict.skipped}"
    counts = verdict.counts
    other = sum(count for result, count in counts.items() if result not in ("passed", "skipped", "failed"))
    bare = [counts.get(result, 0) for result in ("passed", "skipped", "failed")]
    differs = [len(verdict.differs[way]) for way in judge.TAPED]
    cells = [sum(counts.values()), *bare, other, *differs, len(verdict.started)]
    return f"{verdict.suite:<20}" + "".join(f"{cell:>9}" for cell in cells)


_HEADER = f"{'suite':<20}" + "".join(
    f"{title:>9}"
    for title in ("tests", "passed", "skipped", "failed", "other", "record!=", "replay!=", "real")
)


def _show_details(verdict: judge.Verdict, results: Mapping[ways.Way, ways.WayResult]) -> None:
    """The failures that break the rule in full, and what the list of exceptions allows."""
    for way in judge.TAPED:
        for test, outcome in results[way].tests.items():
            name = judge.short(test)
            if any(name in problem for problem in verdict.problems) and outcome.detail:
                print(f"\n--- {way}: {name} ({outcome.result})\n{outcome.detail.strip()}\n")
    known = judge.known(verdict.suite)
    for found, reasons in (
        (verdict.differs["record"], known.record),
        (verdict.differs["replay"], known.replay),
        (verdict.started, known.processes),
    ):
        for test in found.keys() & reasons.keys():
            print(f"    {test}: {found[test]}: {reasons[test]}")


@contextlib.contextmanager
def _scratch(keep: str | None) -> Iterator[Path]:
    if keep is not None:
        yield Path(keep).resolve()
        return
    with tempfile.TemporaryDirectory(prefix="conformance-") as directory:
        yield Path(directory).resolve()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; the exit code."""
    parser = argparse.ArgumentParser(description="CPython's and trio's own tests as the judge of the tapes.")
    parser.add_argument("--suite", action="append", choices=SUITES, help="only this one; may be repeated")
    parser.add_argument("-k", dest="keyword", default="", help="only these tests, as with pytest's -k")
    parser.add_argument("--keep", metavar="DIR", help="keep tapes, logs and events here")
    parser.add_argument("--limit", type=float, default=ways.LIMIT_S, help="seconds until a test hangs")
    parser.add_argument("--fetch", action="store_true", help="get the suites that wheels leave out, with pip")
    parser.add_argument("--general-road", action="store_true", help="replay with nothing spared")
    parser.add_argument("-v", "--verbose", action="store_true", help="show failures and exceptions")
    options = parser.parse_args(arguments)
    if options.general_road:
        os.environ["PROCTAPE_SHORT_ROAD"] = "none"
    verdicts: list[judge.Verdict] = []
    print(f"{platform.python_implementation()} {platform.python_version()} on {platform.platform()}\n")
    print(_HEADER, flush=True)
    began_s = time.monotonic()
    with _scratch(options.keep) as scratch:
        if options.fetch:
            sources.fetch(scratch / "sources")
        for suite in options.suite or SUITES:
            verdict, results = check(suite, scratch / suite, keyword=options.keyword, limit_s=options.limit)
            verdicts.append(verdict)
            print(row(verdict), flush=True)
            if options.verbose and not verdict.skipped:
                _show_details(verdict, results)
    problems = [f"{verdict.suite}: {problem}" for verdict in verdicts for problem in verdict.problems]
    due = [verdict for verdict in verdicts if verdict.suite in judge.DUE]
    share = judge.share(due)
    if share < judge.SHARE and not options.keyword and len(due) == len(judge.DUE):
        problems.append(f"only {share:.2%} of the tests are equal on replay, {judge.SHARE:.0%} are due")
    print(
        f"\nequal on replay: {share:.2%} of the tests of {', '.join(one.suite for one in due) or 'nothing'};"
        f" {judge.share(verdicts):.2%} of all that run; {time.monotonic() - began_s:.0f} s"
    )
    if problems:
        print(f"\n{len(problems)} against the rule:")
        print("\n".join(f"  {problem}" for problem in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
