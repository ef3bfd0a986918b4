"""A test that has no tape because it was renamed: which tape was its, told by what is on it.

Made once a run, when the first tape is missed; the tapes of tests that are still there are not read.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Collection
from functools import cached_property
from pathlib import Path

from .errors import TapeError
from .match import Asked, asked_by, differences
from .tape import TapeStore, orphaned_tapes

_LIMIT = 1000
"""Tapes that are read at most, those nearest by name first."""


class Renamed:
    """Offers the tapes of tests that are gone to tests that have none."""

    def __init__(self, store: TapeStore, root: Path, shown_from: Path, collected: Collection[str]) -> None:
        """Look at nothing yet.

        Args:
            store: where the tapes are.
            root: of the project.
            shown_from: what paths are shown relative to.
            collected: the node ids of this run, be they all or some.
        """
        self._store = store
        self._root = root
        self._shown_from = shown_from
        self._collected = collected

    def offer(self, path: Path, asked: Asked) -> str:
        """The command that gives a tape that begins with ``asked`` to the test whose tape would be ``path``.

        Returns:
            ``""`` where there is no such tape.
        """
        folder = path.parent
        by_name = sorted(
            self._gone,
            key=lambda one: (
                one.parent != folder,
                -difflib.SequenceMatcher(None, one.name, path.name).quick_ratio(),
                one,
            ),
        )
        found = next((one for one in by_name[:_LIMIT] if self._begins_with(one, asked)), None)
        if found is None:
            return ""
        # Not git mv: it refuses a tape that was not added yet, and git finds a renamed file without it.
        old, new, into = (
            shlex.quote(os.path.relpath(one, self._shown_from)) for one in (found, path, folder)
        )
        made = "" if folder.is_dir() else f"mkdir -p {into} && "
        return f"{made}mv {old} {new}"

    @cached_property
    def _gone(self) -> list[Path]:
        sources: dict[str, str] = {}
        functions = {nodeid.partition("[")[0] for nodeid in self._collected}

        def keeps(owner: str) -> bool:
            """Whether the test is still there, as far as its source tells."""
            file, colons, name = owner.partition("::")
            if not colons or "@" in name.partition("[")[0]:
                return True
            if owner.partition("[")[0] in functions:
                # Its function was collected, and not with these parameters.
                return False
            if file not in sources:
                try:
                    sources[file] = (self._root / file).read_text(encoding="utf-8", errors="replace")
                except OSError:
                    sources[file] = ""
            parts = map(re.escape, name.partition("[")[0].split("::"))
            return all(re.search(rf"\b(?:def|class)\s+{part}\b", sources[file]) for part in parts)

        found = orphaned_tapes(self._store, self._collected, keeps)
        return [path for path, _ in found if path.suffix == ".json"]

    def _begins_with(self, path: Path, asked: Asked) -> bool:
        try:
            tape = self._store.load_file(path)
        except (TapeError, OSError):
            return False
        if not tape.entries:
            return False
        first = tape.entries[0]
        return not differences(asked, first) or asked_by(first).argv == asked.argv
