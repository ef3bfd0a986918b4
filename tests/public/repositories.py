"""``python tests/public/repositories.py``: suites that read what git made, replayed where there is no git.

Each is the source distribution of a public project, untouched. It is run bare, recorded with the files that
its commands make, and replayed in another directory with an empty PATH. A table is printed; the exit code is
0 if recording and replay equal bare test for test, but for the tests in :data:`KNOWN`.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SUITES: Final = {"dulwich": "tests/compat", "vcs-versioning": "testing_vcs"}
"""By project, where its tests are."""

LEFT_OUT: Final = ("aiohttp", "bundle_uri", "client", "dumb", "lfs", "partial_clone", "server", "web")
"""Files of dulwich's tests that talk to a server of the test, or are one."""

KNOWN: Final = {
    "test_index_v4_with_merge_conflicts": "writes an index anew in which git has noted the directory's path",
    "test_cgit_am_dulwich_format_patch": "writes the time of day into a repository, which git then reads",
}
"""By test, why it may differ."""

SETTINGS: Final = ("tapes_auto=true", "tapes_effects_text=*", "tapes_env=GIT_*")
_SPAWNS = re.compile(r"spawns: (.*)")
_SOURCE = Path(__file__).resolve().parents[2] / "src"
_LIMIT_S = 1200


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a suite.

    A test that fails by itself has no tape, and is not compared.

    Attributes:
        outcomes: by test.
        spawns: what the plugin says of them.
        took_s: seconds.
        told: what pytest printed.
    """

    outcomes: dict[str, str]
    spawns: str
    took_s: float
    told: str = field(repr=False)

    def differs(self, bare: Run) -> list[str]:
        """The tests with another outcome than there, without those that are known."""
        names = bare.outcomes.keys() | self.outcomes.keys()
        return sorted(
            name
            for name in names
            if bare.outcomes.get(name) != self.outcomes.get(name)
            and bare.outcomes.get(name) in {"passed", "skipped"}
            and name.rpartition("::")[2].partition("[")[0] not in KNOWN
        )


def fetch(project: str, folder: Path) -> Path:
    """The unpacked source distribution of the installed version.

    Raises:
        subprocess.CalledProcessError: pip can't get it.
    """
    version = importlib.metadata.version(project)
    command = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--no-binary", project]
    subprocess.run([*command, "--dest", str(folder), f"{project}=={version}"], check=True)
    (packed,) = folder.glob(f"{project.replace('-', '_')}-*.tar.gz")
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    return folder / packed.name.removesuffix(".tar.gz")


def tests_of(project: str, suite: Path) -> list[str]:
    """The files of its tests."""
    return [
        str(path.relative_to(suite))
        for path in sorted((suite / SUITES[project]).glob("test_*.py"))
        if project != "dulwich" or path.stem.removeprefix("test_") not in LEFT_OUT
    ]


def run(project: str, suite: Path, way: str, tapes: Path) -> Run:
    """Run a suite ``"bare"``, ``"record"`` or ``"replay"``, with a new directory for temporary files."""
    scratch = Path(tempfile.mkdtemp(prefix=f"{way}-", dir=suite.parent))
    report = scratch / "report.xml"
    for name in ("tmp", "home", "empty"):
        (scratch / name).mkdir()
    options = ["-p", "no:cacheprovider", "-p", "pytest_timeout", "-q", f"--junitxml={report}"]
    if way != "bare":
        # Tests that ask tempfile and not pytest for a directory say where their commands write.
        watched = scratch / "tmp" if project == "dulwich" else "true"
        settings = (*SETTINGS, f"tapes_dir={tapes}", f"tapes_effects={watched}")
        options += ["-p", "pytest_proctape.plugin", f"--{way}-tapes"]
        options += [part for setting in settings for part in ("-o", setting)]
    environment = {
        "PATH": str(scratch / "empty") if way == "replay" else os.environ["PATH"],
        "HOME": str(scratch / "home"),
        "TMPDIR": str(scratch / "tmp"),
        "PYTHONPATH": str(_SOURCE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "LC_ALL": "C.UTF-8",
    }
    command = [sys.executable, "-m", "pytest", *options, *tests_of(project, suite)]
    began_s = time.monotonic()
    done = subprocess.run(
        command, cwd=suite, env=environment, capture_output=True, encoding="utf-8", timeout=_LIMIT_S
    )
    took_s = time.monotonic() - began_s
    if not report.exists():
        sys.exit(f"{suite.name}, {way}: pytest ended with {done.returncode}\n{done.stdout}{done.stderr}")
    spawns = _SPAWNS.search(done.stdout)
    return Run(_outcomes(report), spawns[1] if spawns else "", took_s, done.stdout)


def _outcomes(report: Path) -> dict[str, str]:
    found = {}
    for case in ET.parse(report).iter("testcase"):
        parts = {part.tag for part in case}
        outcome = next((tag for tag in ("error", "failure", "skipped") if tag in parts), "passed")
        found[f"{case.get('classname')}::{case.get('name')}"] = outcome
    return found


def check(project: str, scratch: Path, *, verbose: bool) -> bool:
    """Run one suite the three ways, and print its line of the table; whether nothing differs."""
    (scratch / project).mkdir()
    suite = fetch(project, scratch / project)
    elsewhere = scratch / project / "else" / "where" / suite.name
    shutil.copytree(suite, elsewhere)
    tapes = scratch / project / "tapes"
    bare = run(project, suite, "bare", tapes)
    record = run(project, suite, "record", tapes)
    replay = run(project, elsewhere, "replay", tapes)
    outcomes = list(bare.outcomes.values())
    counts = [len(outcomes), outcomes.count("passed"), outcomes.count("skipped")]
    differs = record.differs(bare), replay.differs(bare)
    cells = [*counts, *map(len, differs), *(f"{one.took_s:.1f}" for one in (bare, record, replay))]
    print(f"{suite.name:<24}" + "".join(f"{cell:>9}" for cell in cells) + f"  {replay.spawns}", flush=True)
    for way, one, names in (("record", record, differs[0]), ("replay", replay, differs[1])):
        for name in names:
            print(f"  {way}: {name}: {bare.outcomes.get(name)}, now {one.outcomes.get(name)}")
        if names and verbose:
            print(one.told)
    return not any(differs)


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "suites", nargs="*", metavar="suite", help=f"of {', '.join(SUITES)}; all, if none is named"
    )
    parser.add_argument(
        "--verbose", action="store_true", help="print what pytest said where something differs"
    )
    given = parser.parse_args()
    if unknown := set(given.suites) - SUITES.keys():
        parser.error(f"no such suite: {', '.join(sorted(unknown))}")
    titles = ("tests", "passed", "skipped", "record!=", "replay!=", "bare s", "rec. s", "replay s")
    print(f"{'suite':<24}" + "".join(f"{title:>9}" for title in titles) + "  spawns of the replay")
    with tempfile.TemporaryDirectory(prefix="repositories-") as folder:
        right = [
            check(project, Path(folder).resolve(), verbose=given.verbose)
            for project in given.suites or SUITES
        ]
    for name, reason in KNOWN.items():
        print(f"may differ: {name}: {reason}")
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
