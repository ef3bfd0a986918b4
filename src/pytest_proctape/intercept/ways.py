"""The names by which ``subprocess`` starts a child and reads of it: whether they still mean what they meant.

What a stand-in of :mod:`.short` or :mod:`.popen` leaves out of a call, a test can only miss where it has put
something in the place of one of these. Both ask before they leave anything out; :mod:`.patches` says when the
stand-ins are in place.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Collection
from operator import itemgetter
from typing import Any

from .known import POPEN, original

_VERSIONS = ((3, 11), (3, 12), (3, 13), (3, 14), (3, 15))
"""Their ``Lib/subprocess.py`` has been read for this."""

_STARTING_TEXT = "_fork_exec os"
_POPEN_TEXT = """
__init__ _execute_child _get_handles _close_pipe_fds communicate _communicate _internal_poll _wait wait poll
send_signal __enter__ __exit__
"""
_MODULE_TEXT = """
Popen CompletedProcess _fork_exec _PopenSelector _text_encoding _time io os selectors threading
"""
_OS_TEXT = "pipe read close waitpid fsencode get_exec_path"


def _looking(popen: str, module: str, system: str) -> Callable[[], bool]:
    """What tells whether all of these mean what they mean now."""
    of_popen, of_module, of_system = (itemgetter(*text.split()) for text in (popen, module, system))
    # Views: what is replaced later shows in them.
    in_popen, in_module, in_system = vars(POPEN), vars(subprocess), vars(os)
    real, opened = [of_popen(in_popen), of_module(in_module), of_system(in_system)], io.open

    def are_intact() -> bool:
        return [of_popen(in_popen), of_module(in_module), of_system(in_system)] == real and io.open is opened

    return are_intact


def _never() -> bool:
    return False


are_intact: Callable[[], bool] = _never
"""Whether a call would come where it usually comes."""
to_start: Callable[[], bool] = _never
"""The same of what ``Popen._execute_child`` calls."""


def are_known() -> bool:
    """Whether this is a CPython that has been read."""
    return sys.version_info[:2] in _VERSIONS


def remember(ours: Collection[Any]) -> None:
    """The stand-ins are in place: this is how it is as long as nobody else replaces one.

    Args:
        ours: the stand-ins. Where something else is in a place already, that is not how it is.
    """
    global are_intact, to_start
    if are_known() and _are_as_usual({id(one) for one in ours}):
        are_intact = _looking(_POPEN_TEXT, _MODULE_TEXT, _OS_TEXT)
        to_start = _looking("_close_pipe_fds", _STARTING_TEXT, _OS_TEXT)


def _are_as_usual(ours: Collection[int]) -> bool:
    places = (POPEN, _POPEN_TEXT), (subprocess, _MODULE_TEXT), (os, _OS_TEXT), (io, "open")
    found = ((where, name, vars(where).get(name)) for where, text in places for name in text.split())
    return all(value is original(where, name) or id(value) in ours for where, name, value in found)


def forget() -> None:
    """The stand-ins are about to be put in place."""
    global are_intact, to_start
    are_intact = to_start = _never
