"""The events of ``--tapes-log``: what a child did, step by step, as JSON. Pure; :mod:`.log` asks.

Payloads are told by their size and their hash; those that are small stand in their event as well.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import ProctapeError
from ..match import Asked
from ..tape import STDERR, STDIN, STDOUT, Content, FileEffect, Script, SpawnError, script, signal_name

INLINE = 1024
"""Bytes up to which a payload stands in its event."""

_HASHED = INLINE * 1024
"""Bytes beyond which placeholders are not looked for."""
_FDS = {STDIN: "stdin", STDOUT: "stdout", STDERR: "stderr"}

# Any: an event is JSON.
Event = dict[str, Any]


class Eventful:
    """Makes events.

    Args:
        conceal: puts placeholders in a stream.
    """

    def __init__(self, conceal: Callable[[bytes], bytes]) -> None:
        self._conceal = conceal

    @staticmethod
    def of_spawn(asked: Asked, place: str, phase: str) -> Iterator[Event]:
        """The parent's request."""
        yield {
            "event": "spawn",
            "command": [_text(word) for word in asked.argv],
            "cwd": None if asked.cwd is None else _text(asked.cwd),
            "phase": phase,
            "place": place,
            "tape_ns": 0,
        }

    def of_child(self, child: object, heard: Script | None, limit: str) -> Iterator[Event]:
        """What came of it.

        Args:
            child: it, or why there is none.
            heard: what it did.
            limit: the kind of the limit that the recording ended it for.
        """
        if isinstance(child, SpawnError):
            yield {"event": "end", "end": "spawn failed", "errno": child.errno, "tape_ns": 0}
        if heard is None:
            return
        for step in heard.steps:
            if isinstance(step, script.Effects):
                for file in step.files:
                    # What only got another time, as a directory does, says no more than what is in it.
                    if file.kind != "kept" or file.mode is not None or not file.by_clock:
                        yield {"event": "effect", **self._of_file(file), "tape_ns": step.at_ns}
            else:
                yield {**self._of_step(step), "tape_ns": step.at_ns}
        yield {**_of_end(heard), "end": limit} if limit else _of_end(heard)

    def of_error(self, error: ProctapeError) -> Event:
        """What went wrong with the tape."""
        words = str(error).partition("\n")[0]
        hidden = self._conceal(words.encode("utf-8", "backslashreplace")).decode("utf-8", "replace")
        return {"event": "error", "error": type(error).__name__, "words": hidden}

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
            case script.TerminalSeen():
                return {"event": "terminal", "by": "child", "settings": step.words}
            case script.TerminalSet():
                return {"event": "terminal", "by": "test", "settings": step.words}
            case script.Timeout():
                return {"event": "timeout", "timeout_ns": step.timeout_ns}
            case _:
                return {"event": type(step).__name__.lower()}

    def _of_file(self, file: FileEffect) -> Event:
        """What became of a file; its times are left out, as they are chance."""
        told: Event = {"path": self._hidden(file.path), "became": file.kind}
        if file.target:
            told["target"] = self._hidden(file.target)
        if file.mode is not None:
            told["mode"] = f"{file.mode:03o}"
        if file.content is not None:
            told |= self._payload(file.content)
        return told

    def _payload(self, data: Content) -> Event:
        if data.size > _HASHED:
            return {"size": data.size, "sha256": data.sha256}
        content = Content.of(self._conceal(data.bytes()))
        told: Event = {"size": content.size, "sha256": content.sha256}
        if content.size <= INLINE:
            told["data"] = _inline(content.bytes())
        return told

    def _hidden(self, text: str) -> str:
        data = self._conceal(text.encode("utf-8", "surrogateescape"))
        return data.decode("utf-8", "backslashreplace")


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
