"""A watch of a directory and real commands in it: what the tests of this room work with."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from pytest_proctape.effects import Roots, Watch
from pytest_proctape.errors import EffectsLimitExceeded
from pytest_proctape.tape import FileEffect, Spool


class Watched:
    """A directory that is watched.

    Attributes:
        folder: it.
        roots: what is watched; it, unless the test says more.
        watch: the watch.
        refused: what the watch said of its limit.
    """

    def __init__(self, folder: Path, roots: Roots | None = None, *, limit: int = 1 << 20) -> None:
        self.folder = folder
        self.roots = Roots() if roots is None else roots
        if roots is None:
            self.roots.add(str(folder))
        self.refused: list[EffectsLimitExceeded] = []
        self.watch = Watch(
            self.roots,
            new_spool=lambda: Spool(folder / "spool", 1 << 20),
            conceal=lambda data: data,
            limit=limit,
            on_limit=self.refused.append,
        )

    def sh(self, command: str, meanwhile: Callable[[], object] | None = None) -> dict[str, str]:
        """What a command did, by path and kind; ``meanwhile`` is what the test does before its end."""
        effects = self.effects(command, meanwhile)
        return {one.path[len(str(self.folder)) + 1 :]: one.kind for one in effects if one.kind != "kept"}

    def effects(self, command: str, meanwhile: Callable[[], object] | None = None) -> tuple[FileEffect, ...]:
        """Everything that a command did."""
        since_ns = self.watch.before_spawn([])
        if meanwhile is not None:
            meanwhile()
        subprocess.run(["sh", "-c", command], cwd=self.folder, check=True)
        return self.watch.look(since_ns)
