"""Files as they were in any revision, by a dialog with one `git cat-file` instead of a process for each."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from .tools import TIMEOUT_S, environment


class ObjectReader:
    """A running `git cat-file --batch`; use it in a `with` block."""

    def __init__(self, repo: Path) -> None:
        self._git = subprocess.Popen(
            ["git", "cat-file", "--batch"],
            cwd=repo,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._git:  # closes the pipes, which is how git is told to end
            assert self._git.stdin is not None
            self._git.stdin.close()
            try:
                self._git.wait(timeout=TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._git.kill()

    def read(self, revision: str, path: str) -> bytes | None:
        """The file's bytes; `None` where the revision has no such file."""
        assert self._git.stdin is not None
        assert self._git.stdout is not None
        self._git.stdin.write(f"{revision}:{path}\n".encode())
        self._git.stdin.flush()
        header = self._git.stdout.readline().split()
        if header[-1] == b"missing":
            return None
        size = int(header[-1])
        return self._git.stdout.read(size + 1)[:size]  # a line feed stands behind each object
