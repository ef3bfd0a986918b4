"""The watch of a recording: it looks before a spawn and at a child's end, and tells what came between.

The session asks for the look before a spawn, the recorded child for the others. What the parent wrote
between two spawns is in the look before the second, and so is no effect of anybody.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable

from ..clock import REAL
from ..errors import EffectsLimitExceeded
from ..genuine import threading
from ..tape import FileEffect, Spool
from .changes import Changes, Digests, needed_parents
from .contents import HASHED, Conceal
from .parent import OwnDoings
from .roots import Roots
from .shutting import shut_kept
from .snapshot import Snapshot, list_names, look_again, lstat, top_status
from .stamp import stamp

FileIdentity = tuple[int, int]
"""Device and inode."""

_BUDGET = 8 << 20
"""Bytes that are read before a spawn, to know what the test itself had written."""

_STILL_NS = 2_500_000_000
"""Longer than any file system's clock stands still: FAT's goes in steps of two seconds, that of a virtual
machine stands for as long as the processor that keeps it is away."""

_TICK_NS = 20_000_000
"""So long for one that never goes on."""

_LOOKS = 2_000_000
"""Names that are looked at in a recording besides those before a spawn and at an end."""


class Watch:
    """What happens to the watched directories while a tape is recorded.

    Attributes:
        roots: what is watched.
        began_ns: the file system's time at the last spawn.
        notes: sentences for the tape's reader, of the last look.
    """

    def __init__(
        self,
        roots: Roots,
        *,
        new_spool: Callable[[], Spool],
        conceal: Conceal,
        limit: int,
        on_limit: Callable[[EffectsLimitExceeded], object],
    ) -> None:
        """Begin to watch.

        Args:
            roots: what is watched; may grow.
            new_spool: makes what collects a content.
            conceal: takes out of contents what belongs to this machine, before they are compared.
            limit: bytes that the tape may keep.
            on_limit: told when that is not enough.
        """
        self.roots = roots
        self.began_ns = 0
        self.notes: list[str] = []
        self._new_spool = new_spool
        self._digests = Digests(conceal)
        self._limit = limit
        self._on_limit = on_limit
        self._kept: dict[str, int] = {}
        self._last = Snapshot(exact=False)
        self._read_ns = 0
        self._led: set[FileIdentity] = set()
        self._looked = 0
        self._patience_ns = _STILL_NS
        self._own = OwnDoings()
        self._lock = threading.RLock()

    def before_spawn(self, outputs: Iterable[FileIdentity]) -> int:
        """Look, so that what comes later is known to be later; the file system's time.

        Args:
            outputs: files that the child's outputs are led into; what goes there is no effect.
        """
        with self._lock:
            self._led |= set(outputs)
            fresh_ns = self._stamp() or 0
            self._last = list_names(self.roots, self._last, fresh_ns)
            self._look_at_own()
            self._read_new_contents(fresh_ns)
            self._settle()
            self.began_ns = self._last.stamp_ns
            self._own.begin()
            return self.began_ns

    def join(self, outputs: Iterable[FileIdentity]) -> int:
        """As :meth:`before_spawn`, while another child is at work: what is new is not the test's own."""
        with self._lock:
            self._led |= set(outputs)
            self.began_ns = self._stamp() or REAL.time_ns()
            return self.began_ns

    def look(self, since_ns: int, *, between: bool = False, deletions: bool = True) -> tuple[FileEffect, ...]:
        """What happened since the last look.

        Args:
            since_ns: what :meth:`before_spawn` gave for the child.
            between: the child goes on; such looks are left out where they would cost too much.
            deletions: tell of what is gone, too.
        """
        with self._lock:
            if between and self._looked > _LOOKS:
                return ()
            now, touched, gone = look_again(self.roots, self._last, self._stamp() or 0)
            self._looked += len(now.stats) if between else 0
            now.stamp_ns = self._stamp() or REAL.time_ns()
            changes = Changes(
                self._last, now, touched, gone if deletions else [], self._digests, self._new_spool
            )
            changes.without(self._is_output, self._own.hold)
            effects: tuple[FileEffect, ...] = ()
            if self._within_limit(changes.sizes()):
                effects = self._only_watched(changes.effects(since_ns))
            self.notes = [f"{path} could not be kept" for path in changes.unread]
            self._last = now
            self._own.clear()
            if between:
                self._settle()
            return effects

    # -- what is no effect ---------------------------------------------------------------------

    def _is_output(self, status: os.stat_result) -> bool:
        return stat.S_ISREG(status.st_mode) and (status.st_dev, status.st_ino) in self._led

    def forget_outputs(self, outputs: Iterable[FileIdentity]) -> None:
        """The child is over; its output files are files as others."""
        with self._lock:
            self._led -= set(outputs)

    def end(self) -> None:
        """The recording is over."""
        self._own.end()
        shut_kept()

    def _only_watched(self, effects: tuple[FileEffect, ...]) -> tuple[FileEffect, ...]:
        """Without what is only on the way to a watched file, unless it was made on the way."""
        if all(root.pattern is None for root in self.roots):
            return effects
        kept = [one.path for one in effects if self.roots.root_of(one.path)]
        parents = needed_parents(kept)
        return tuple(
            one
            for one in effects
            if self.roots.root_of(one.path) or (one.path in parents and one.kind == "directory")
        )

    # -- limits --------------------------------------------------------------------------------

    def _within_limit(self, sizes: dict[str, int]) -> bool:
        self._kept.update(sizes)
        total = sum(self._kept.values())
        if total <= self._limit:
            return True
        biggest = sorted(self._kept.items(), key=lambda item: (-item[1], item[0]))[:5]
        self._on_limit(EffectsLimitExceeded(self._limit, total, biggest))
        return False

    def _look_at_own(self) -> None:
        """What the test has written to since the last command is not as that had left it."""
        if self._last.exact:
            return
        for path in self._own.paths | self._own.trees:
            status = lstat(path) if self._last.kind(path) is not None else None
            if status is not None:
                self._last.stats[path] = status

    def _read_new_contents(self, fresh_ns: int) -> None:
        """Know what the test itself wrote, so that a replay can tell whether it is the same."""
        if not self._last.exact:
            return
        left = _BUDGET
        since_ns, self._read_ns = self._read_ns, fresh_ns
        for path, status in self._last.stats.items():
            if status.st_ctime_ns < since_ns or status.st_size > HASHED or self._digests.of(path, status):
                continue
            if status.st_size > left:
                # The next time, then.
                self._read_ns = since_ns
            elif stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
                left -= self._digests.read(path, status)

    # -- the file system's clock ---------------------------------------------------------------

    def _settle(self) -> None:
        """Wait until what happens from now on has a later time than all that was seen; rarely over 4 ms.

        File systems count in ticks of the kernel's clock, and a child may well write in the tick in which
        the parent wrote.
        """
        stamp_ns = self._stamp()
        self._last.stamp_ns = stamp_ns or REAL.time_ns()
        if stamp_ns is None or (self._last.exact and self._last.newest_ns() < stamp_ns):
            return
        end_ns = REAL.monotonic_ns() + self._patience_ns
        pause = threading.Event()
        while (self._stamp() or 0) <= stamp_ns:
            if REAL.monotonic_ns() >= end_ns:
                self._patience_ns = _TICK_NS
                return
            pause.wait(0.0005)

    def _stamp(self) -> int | None:
        """The file system's time."""
        for root in self.roots:
            status = top_status(root)
            try:
                if status is not None and stat.S_ISDIR(status.st_mode):
                    with self._own.unnoted(root.path):
                        return stamp(root.path)
            except OSError:
                continue
        return None


def regular_files(descriptors: Iterable[int]) -> list[FileIdentity]:
    """Which of these descriptors are of regular files, and which ones."""
    found = []
    for fd in descriptors:
        try:
            status = os.fstat(fd)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            found.append((status.st_dev, status.st_ino))
    return found
