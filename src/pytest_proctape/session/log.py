"""What crossed the process boundary during one tape, event by event, for ``--tapes-log``.

The events of one child follow each other, and the children come in the order of their spawns: how children
that run at the same time take turns is chance, and two replays have to give the same log. All values are in
the terms of the tape; only ``monotonic_ns`` is of this run.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..child import RecordingChild, VirtualChild
from ..errors import ProctapeError
from ..match import Asked
from ..tape import STDERR, STDIN, STDOUT, Content, Script, SpawnError, script, signal_name

INLINE = 1024
"""Bytes up to which a payload stands in its event."""

_FDS = {STDIN: "stdin", STDOUT: "stdout", STDERR: "stderr"}

# Any: an event is JSON.
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Spawned:
    asked: Asked
    place: str
    phase: str
    at_ns: int
    child: RecordingChild | VirtualChild | SpawnError


class TapeLog:
    """Remembers the spawns of one tape, and tells their events when it has ended.

    Args:
        conceal: puts placeholders in a stream.
        write: where the events go.
    """

    def __init__(self, conceal: Callable[[bytes], bytes], write: Callable[[Iterable[Event]], None]) -> None:
        self._conceal = conceal
        self._write = write
        self._spawned: list[_Spawned] = []

    def add(
        self,
        asked: Asked,
        place: str,
        phase: str,
        at_ns: int,
        child: RecordingChild | VirtualChild | SpawnError,
    ) -> None:
        """One more spawn, at ``at_ns`` of the real monotonic clock."""
        self._spawned.append(_Spawned(asked, place, phase, at_ns, child))

    def tell(self, test: str, mode: str, errors: Iterable[ProctapeError]) -> None:
        """Write all events: the tape has ended.

        Args:
            test: who owns the tape.
            mode: of the session.
            errors: what went wrong.
        """
        self._write(self._events(test, mode, errors))

    def _events(self, test: str, mode: str, errors: Iterable[ProctapeError]) -> Iterator[Event]:
        for number, one in enumerate(self._spawned, 1):
            for event in self._of_child(one):
                yield {"test": test, "mode": mode, "spawn": number, **event}
        for error in errors:
            words = self._conceal(str(error).partition("\n")[0].encode("utf-8", "backslashreplace"))
            yield {
                "test": test,
                "mode": mode,
                "event": "error",
                "error": type(error).__name__,
                "words": words.decode("utf-8", "replace"),
            }

    def _of_child(self, one: _Spawned) -> Iterator[Event]:
        asked = one.asked
        yield {
            "event": "spawn",
            "command": [_text(word) for word in asked.argv],
            "cwd": None if asked.cwd is None else _text(asked.cwd),
            "phase": one.phase,
            "place": one.place,
            "tape_ns": 0,
            "monotonic_ns": one.at_ns,
        }
        if isinstance(one.child, SpawnError):
            yield {
                "event": "end",
                "end": "spawn failed",
                "errno": one.child.errno,
                "tape_ns": 0,
                "monotonic_ns": one.at_ns,
            }
            return
        recording = isinstance(one.child, RecordingChild)
        heard = one.child.script() if isinstance(one.child, RecordingChild) else one.child.so_far()
        passed = {} if isinstance(one.child, RecordingChild) else one.child.passed_ns
        at_ns = one.at_ns
        for index, step in enumerate(heard.steps):
            at_ns = one.at_ns + step.at_ns if recording else passed.get(index, at_ns)
            yield {**self._of_step(step), "tape_ns": step.at_ns, "monotonic_ns": at_ns}
        at_ns = one.at_ns + heard.end.duration_ns if recording else passed.get(len(heard.steps), at_ns)
        yield {**_of_end(heard), "monotonic_ns": at_ns}

    def _of_step(self, step: script.Step) -> Event:
        match step:
            case script.Input():
                return {"event": "input", "fd": "stdin", **self._payload(step.data)}
            case script.Output():
                return {"event": "output", "fd": _fd(step.fd), **self._payload(step.data)}
            case script.InputEnd():
                return {"event": "close", "fd": "stdin"}
            case script.OutputEnd():
                return {"event": "close", "fd": _fd(step.fd)}
            case script.Signal():
                return {"event": "signal", "signal": signal_name(step.number)}
            case script.Change():
                return {"event": "change", "status": step.status}
            case script.Timeout():
                return {"event": "timeout", "timeout_ns": step.timeout_ns}
            case _:
                return {"event": type(step).__name__.lower()}

    def _payload(self, data: Content) -> Event:
        if data.size > INLINE * 1024:
            return {"size": data.size, "sha256": data.sha256}
        content = Content.of(self._conceal(data.bytes()))
        told: Event = {"size": content.size, "sha256": content.sha256}
        if content.size <= INLINE:
            told["data"] = _inline(content.bytes())
        return told


def _of_end(heard: Script) -> Event:
    code = heard.end.exit_code
    if code is None:
        # For how long it has been running by now is another in every run.
        return {"event": "end", "end": "running"}
    told: Event = {"event": "end", "tape_ns": heard.end.duration_ns}
    if code < 0:
        return {**told, "end": "signalled", "signal": signal_name(-code)}
    return {**told, "end": "exited", "exit_code": code}


def _inline(data: bytes) -> object:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _fd(fd: int) -> str:
    return _FDS.get(fd, str(fd))


def _text(word: str) -> str:
    return word.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
