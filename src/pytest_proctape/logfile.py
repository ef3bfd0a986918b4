"""The file of ``--tapes-log``: one JSON object a line. Knows neither sessions nor tapes.

Each worker of a distributed run writes a file of its own beside it, and the controller puts them together,
test by test, so that it does not matter which worker ran what.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from .errors import UsageError

Event = Mapping[str, object]


class LogFile:
    """Writes events and numbers them.

    Args:
        path: of the file.
        worker: name of the worker that writes, ``""`` for the process that the user started.
    """

    def __init__(self, path: Path, worker: str = "") -> None:
        self.path = path
        self._own = path.with_name(f"{path.name}.{worker}") if worker else path
        self._count = 0

    def begin(self, source: str = "--tapes-log") -> None:
        """Make the file, empty; remove what workers of another run have left.

        Args:
            source: who named it, for the message.

        Raises:
            UsageError: it can't be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(b"")
        except OSError as error:
            raise UsageError(f"{source}: {self.path} can't be written: {error.strerror}") from None
        for left in self._of_workers():
            left.unlink()

    def write(self, events: Iterable[Event]) -> None:
        """Add ``events`` at the end."""
        with open(self._own, "a", encoding="utf-8") as file:
            for event in events:
                self._count += 1
                file.write(json.dumps({"seq": self._count, **event}, ensure_ascii=True) + "\n")

    def merge(self) -> None:
        """Add what the workers have written, by test; within a test the order stays."""
        of_test: dict[str, list[Event]] = {}
        for path in self._of_workers():
            with open(path, encoding="utf-8") as file:
                for line in file:
                    # A worker that crashed may have left half a line.
                    with contextlib.suppress(ValueError):
                        event = json.loads(line)
                        del event["seq"]
                        of_test.setdefault(event["test"], []).append(event)
            path.unlink()
        self.write(event for test in sorted(of_test) for event in of_test[test])

    def _of_workers(self) -> list[Path]:
        return sorted(self.path.parent.glob(f"{self.path.name}.gw*"))
