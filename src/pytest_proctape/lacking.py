"""What a replay can't give a test: secrets that were taken out, a server that listens, and the time.

Lines for the test's failure, which :mod:`.failure` puts there: none of it is to be seen in what failed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pytest

from .clock import CLOCK
from .errors import Divergence, ProctapeError
from .session import Player
from .tape import Entry, Event, Payload, Stream

_REDACTED = re.compile(rb"<redacted(?::[^<>\s]+)?>")
_CAUSES = 16
_NO_PROCESS = "a command that is replayed is no process, and listens nowhere"
_LIVE = '@pytest.mark.tape(live=["its command"]) lets it run in every mode'
_ENDS = frozenset({"SIGTERM", "SIGKILL", "SIGINT", "SIGHUP", "SIGQUIT"})
_BASETEMP = b"/pytest-of-"
"""In the path of each directory that pytest makes for a test: another one in every run."""
_LEAST = 8
"""Letters of a captured name that stands for itself wherever it is met."""
_PAYLOAD = 1 << 20
"""Bytes of a payload file up to which it is looked into."""


def lack_told(session: Player, error: Exception | None, raised: BaseException | None) -> str:
    """A line about what the test can't have on replay, mostly none.

    Args:
        session: of the test that failed; it replayed commands.
        error: that it failed of, if that is one of ours.
        raised: that it failed of, whosever it is.
    """
    if error is None and _is_timeout(raised):
        where = "nor connects to anybody; if it waited for that"
        return f"the test has waited to a limit: {_NO_PROCESS}, {where}, {_LIVE}"
    if error is None and (session.refused_at or _is_refused(raised)):
        where = f" at {session.refused_at}" if session.refused_at else ""
        return f"a connection was refused{where}: {_NO_PROCESS}; if it is a server, {_LIVE}"
    try:
        secret = _secret_told(session)
        server = _server_told(session.entries) if not secret and _may_lack_server(error) else ""
        return secret or server or ("" if error is not None else _path_told(session))
    except ProctapeError:
        # What is wrong with the tape is told elsewhere.
        return ""


def time_told(session: Player, error: Exception | None, raised: BaseException | None) -> str:
    """A line about time, mostly none.

    Without a mock clock a replayed command has ended as soon as nothing holds it back, so a test that looks
    whether it still runs finds something else than in the recording.

    Args:
        session: of the test that failed; it replayed commands.
        error: that it failed of, if that is one of ours.
        raised: that it failed of, whosever it is.
    """
    if error is not None or not isinstance(raised, AssertionError) or CLOCK.is_looked_at:
        return ""
    try:
        looked_at = any(entry.seen_running for entry in session.entries)
    except ProctapeError:
        # What is wrong with the tape is told elsewhere.
        return ""
    if not looked_at:
        return ""
    return (
        "the test has looked whether a command still runs, and without a clock a replay takes no time: if it "
        "needs the time that was recorded, @pytest.mark.tape(clock=True), or tapes_clock = true for all tests"
    )


def _may_lack_server(error: Exception | None) -> bool:
    """Whether the test failed by itself, or gave the command up in another way than in the recording."""
    if error is None:
        return True
    return isinstance(error, Divergence) and {one.field for one in error.differences} == {"signal"}


def _server_told(entries: Iterable[Entry]) -> str:
    """Of a command that the test let run and sent nothing, unless by a socket, as to a kernel."""
    for index, entry in enumerate(entries, 1):
        timeline = entry.timeline or ()
        # Servers that are asked to end do so with an exit code, most of them.
        ended_by_test = any(event.signal in _ENDS for event in timeline)
        has_more = any(event.stdin is not None or event.timeout_ms is not None for event in timeline)
        if (entry.running or ended_by_test) and not has_more and not entry.stdin:
            how = "the test ended it" if ended_by_test else "its end"
            return (
                f"the command of entry {index} ran until {how}: {_NO_PROCESS}; "
                f"if the test reached it by a socket, {_LIVE}"
            )
    return ""


def _is_timeout(raised: BaseException | None) -> bool:
    """Whether a limit has ended the test that is no command's: Python's own, or one of pytest-timeout."""
    by_plugin = isinstance(raised, pytest.fail.Exception) and str(raised.msg).startswith("Timeout")
    return by_plugin or isinstance(raised, TimeoutError)


def _is_refused(raised: BaseException | None) -> bool:
    for _ in range(_CAUSES):
        if raised is None or isinstance(raised, ConnectionRefusedError):
            break
        raised = raised.__cause__ or raised.__context__
    return isinstance(raised, ConnectionRefusedError)


def _secret_told(session: Player) -> str:
    for index, entry in enumerate(session.entries, 1):
        for name, stream in _outputs(entry):
            if isinstance(stream, Payload) and stream.size > _PAYLOAD:
                continue
            found = _REDACTED.findall(session.store.decode(stream).bytes())
            missing = next((one for one in found if session.places.reveal(one) == one), None)
            if missing is not None:
                given = missing.decode(errors="replace")
                return (
                    f"a secret was taken out of {name} of entry {index}, and the test is given {given} in "
                    'its place: if it needs the secret, @pytest.mark.tape(mode="live") runs the real command'
                )
    return ""


def _path_told(session: Player) -> str:
    """Of a file with a path of the recording in it, as ``.git`` of a work tree has that of its repository."""
    names = {} if session.tape is None else session.tape.names or {}
    there = [_BASETEMP, *(name.encode() for name in names.values() if len(name) >= _LEAST)]
    for index, entry in enumerate(session.entries, 1):
        for effect in entry.effects or ():
            stream = effect.file
            if stream is None or (isinstance(stream, Payload) and stream.size > _PAYLOAD):
                continue
            data = session.store.decode(stream).bytes()
            if b"\0" not in data and any(name in data for name in there):
                return (
                    f"{effect.path}, which the command of entry {index} made, has a path of the recording in "
                    "it; if that is followed, tapes_effects_text = * records such files with placeholders"
                )
    return ""


def _outputs(entry: Entry) -> Iterator[tuple[str, Stream]]:
    """What the command wrote, and whereto."""
    parts: list[Entry | Event] = [entry, *(entry.timeline or ())]
    for part in parts:
        yield "stdout", part.stdout or ""
        yield "stderr", part.stderr or ""
    for number, stream in (entry.fds or {}).items():
        yield f"descriptor {number}", stream
    for event in entry.timeline or ():
        if event.data is not None:
            yield f"descriptor {event.fd}", event.data
    for effect in entry.effects or ():
        if effect.file is not None:
            yield str(effect.path), effect.file
