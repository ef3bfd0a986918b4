"""Signals to processes that the test did not start itself: a grandchild, what a daemon's pid file names.

They are no children of the test, so no entry tells of them. But a number that was such a process in the
recording may be anybody's on replay, so none is signalled then: the tape has what came of it.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence

from ..tape import SentSignal, errno_name, errno_number, signal_name


class SentSignals:
    """Those of a recording, in order."""

    def __init__(self) -> None:
        """None so far."""
        self._sent: list[SentSignal] = []

    def add(self, pid: int, number: int, *, group: bool, error: int) -> None:
        """One was sent. A question that has the same answer as before is no news.

        Args:
            pid: of the process, or of the group.
            number: of the signal; 0 asks whether it is there.
            group: it is a group.
            error: number of the error that came of it, or 0.
        """
        known = [one for one in self._sent if (one.pid, one.group) == (pid, group)]
        if error == errno.ESRCH and not known:
            # That it is not there is what replay says as well.
            return
        made = SentSignal(
            pid=pid,
            group=group,
            signal=signal_name(number) if number else None,
            error=errno_name(error) if error else None,
        )
        if number or not known or known[-1] != made:
            self._sent.append(made)

    @property
    def on_tape(self) -> tuple[SentSignal, ...] | None:
        """As a tape keeps them; ``None`` if there are none."""
        return tuple(self._sent) or None


class RecordedSignals:
    """What came of the signals of a recording, for those who send them again."""

    def __init__(self, signals: Iterable[SentSignal] | None) -> None:
        """For the signals of a tape."""
        self._left: dict[tuple[int, bool], list[SentSignal]] = {}
        self._state: dict[tuple[int, bool], int] = {}
        for one in signals or ():
            self._left.setdefault((one.pid, one.group), []).append(one)

    def knows(self, pid: int, *, group: bool) -> bool:
        """Whether the recording sent one there."""
        return (pid, group) in self._left

    def send(self, pid: int, number: int, *, group: bool) -> int:
        """What comes of a signal: the number of an error, or 0.

        Asking again has the next answer of the recording, unless something else happened before that.
        """
        key = (pid, group)
        left = self._left.get(key)
        if left is None:
            return errno.ESRCH
        wanted = signal_name(number) if number else None
        found = next((index for index, one in enumerate(left) if one.signal == wanted), None)
        if found is not None and (number or found == 0):
            self._state[key] = _error_of(left[found])
            del left[: found + 1]
        return self._state.get(key, 0)


def _error_of(sent: SentSignal) -> int:
    return 0 if sent.error is None else errno_number(sent.error)


def are_alike(one: tuple[SentSignal, ...] | None, other: tuple[SentSignal, ...] | None) -> bool:
    """Whether the two differ in nothing but the numbers of processes, which are others in every run."""
    return [_numbered(sent, one or ()) for sent in one or ()] == [
        _numbered(sent, other or ()) for sent in other or ()
    ]


def _numbered(sent: SentSignal, among: Sequence[SentSignal]) -> SentSignal:
    first = next(index for index, one in enumerate(among) if one.pid == sent.pid)
    return sent.model_copy(update={"pid": first + 2})
