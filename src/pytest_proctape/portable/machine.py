"""The values that the built-in placeholders have on this machine; a run asks for them when it begins."""

from __future__ import annotations

import os
import pwd
import socket
import sys
import tempfile
from pathlib import Path

MKTEMP, TEMP_NAME = "mktemp", "temp-name"
"""Of random names of temporary files, and of random parts of names, which are captured: see :mod:`.rules`."""

_PATHS = ("tmp", "basetemp", "cwd", "root", "tempdir", "home", "python", "venv", "python-prefix")
_WORDS = ("user-name", "host-name", "short-host-name")
# A command's usage may well say <user> or <prefix>, also on a tape that somebody wrote by hand.
NAMES = (*_PATHS, *(f"real-{name}" for name in _PATHS), *_WORDS, MKTEMP, TEMP_NAME)
"""The names that can stand on a tape; fixed, so that escaping does not depend on the machine.

A path with symbolic links in it has another text once they are followed, and tools print either, so the
two have placeholders of their own.
"""

_SHARED = frozenset(["/", "/usr", "/usr/local", "/opt", "/opt/local", "/opt/homebrew", "/System"])
"""Prefixes that Python has in common with everything else: what lies there is not the interpreter's own."""

_COMMON_TEXT = """
admin administrator agent azureuser build builder buildkite centos circleci codespace container daemon
debian default deploy desktop developer docker domain fedora github gitlab guest homebrew jenkins laptop
linux local localdomain localhost macbook master nobody nonroot oracle owner postgres python remote
runner server service staff student system travis ubuntu vagrant vscode windows worker
"""
_COMMON = frozenset(_COMMON_TEXT.split())
"""Names of users and hosts that mean something else just as often."""


def machine_values(root: str, invoked_in: str) -> dict[str, str]:
    """The values that are known when a run begins, by the names of their placeholders.

    Args:
        root: pytest's root directory.
        invoked_in: the working directory of the run; it has a name of its own only outside of ``root``.
    """
    values = {
        "root": root,
        "tempdir": tempfile.gettempdir(),
        "home": home(),
        "python": sys.executable,
        "venv": sys.prefix,
        "python-prefix": sys.base_prefix,
        "user-name": _user(),
        "host-name": socket.gethostname(),
        "short-host-name": socket.gethostname().partition(".")[0],
    }
    if not Path(invoked_in).is_relative_to(root):
        values["cwd"] = invoked_in
    return {name: value for name, value in values.items() if value}


def is_concealed(name: str, value: str) -> bool:
    """Whether ``value`` may be replaced by ``<name>``; if not, it is only put in where a tape says so.

    What several things share is nobody's: another machine's ``/usr/bin/git`` is no part of its Python. A name
    of a user or a host that is a common word, or is short, stands in texts for other reasons, too.
    """
    if name in _WORDS:
        long_enough = len(value) >= (5 if value.isalpha() else 4)
        return long_enough and value.lower() not in _COMMON and not value.isdecimal()
    return name not in ("venv", "python-prefix") or os.path.normpath(value) not in _SHARED


def is_path(name: str, value: bytes) -> bool:
    """Whether ``value`` ends where a path does, and not where a word does."""
    return name not in _WORDS and value.startswith(b"/")


def home() -> str:
    """Of the user; empty where nobody knows it, as in a container whose user has no name."""
    found = os.path.expanduser("~")
    return found if os.path.isabs(found) else ""


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return os.environ.get("USER", "")
