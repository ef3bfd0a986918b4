"""Suites that are elsewhere: modules of CPython that have moved, and what wheels leave out.

anyio's tests are in its source distribution only.

``CONFORMANCE_ANYIO`` names the unpacked source distribution; :func:`fetch` gets the one that belongs to the
installed version and sets it, for :mod:`.run` when it is asked to.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tarfile
from pathlib import Path

VARIABLE = "CONFORMANCE_ANYIO"
_TESTS = Path("tests", "test_subprocesses.py")

_MOVED = {
    "test.test_os": ((3, 15), "test.test_os.test_os"),
    "test.test_posix": ((3, 15), "test.test_os.test_posix"),
}
"""Module of a suite to the first version that has it elsewhere, and where."""


def place_of(module: str) -> str:
    """The name that ``module`` has in this interpreter."""
    since, place = _MOVED.get(module, ((3,), module))
    return place if sys.version_info >= since else module


def anyio_tests() -> Path | None:
    """The file with anyio's subprocess tests, if it is here."""
    folder = os.environ.get(VARIABLE)
    if not folder or not Path(folder, _TESTS).is_file():
        return None
    return Path(folder, _TESTS)


def why_not() -> str:
    """Why anyio's tests can't be run, ``""`` if they can."""
    if anyio_tests() is not None:
        return ""
    return f"no source distribution of anyio in {VARIABLE}; --fetch gets it"


def fetch(folder: Path) -> None:
    """Get the source distribution of the installed anyio with pip, and unpack it into ``folder``.

    Raises:
        subprocess.CalledProcessError: pip can't get it.
    """
    version = importlib.metadata.version("anyio")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "anyio"]
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([*command, "--dest", str(folder), f"anyio=={version}"], check=True)
    with tarfile.open(folder / f"anyio-{version}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    os.environ[VARIABLE] = str(folder / f"anyio-{version}")
