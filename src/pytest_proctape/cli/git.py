"""Versions of tapes in git, by the plumbing that neither pages nor colours nor runs filters.

The commands ``ls`` and ``diff`` ask. Without git, or outside a repository, there are no versions.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError

_HEADER = "\x01"
_FIELD = "\x1f"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit.

    Attributes:
        id: abbreviated.
        at: seconds since the epoch.
    """

    id: str
    at: int
    subject: str


class Repository:
    """The repository that ``folder`` is in. Paths are given and taken as they are on this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def last_commits(self) -> dict[Path, Commit]:
        """For each file below the folder the last commit that touched it; empty where there is no git."""
        try:
            log = self._git(
                "log",
                "--no-renames",
                f"--format={_HEADER}%h{_FIELD}%ct{_FIELD}%s",
                "--name-only",
                "-z",
                "--relative",
                "--",
                ".",
            )
        except UsageError:
            return {}
        found: dict[Path, Commit] = {}
        commit = None
        for token in log.split(b"\0"):
            text = os.fsdecode(token).lstrip("\n")
            if text.startswith(_HEADER):
                # With -z the header ends in a NUL of its own, or, before the first name, in a line end.
                header, _, text = text.removeprefix(_HEADER).partition("\n")
                abbreviated, at, subject = header.split(_FIELD, 2)
                commit = Commit(abbreviated, int(at), subject)
            if text and commit is not None:
                found.setdefault(self._folder / text, commit)
        return found

    def check(self, revision: str) -> None:
        """Make sure that there is such a revision.

        Raises:
            UsageError: there isn't, or this is no repository, or there is no git.
        """
        if revision.startswith("-"):
            raise UsageError(f"{revision!r} is no revision")
        self._git("rev-parse", "--git-dir")
        try:
            self._git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        except UsageError:
            raise UsageError(f"{revision!r} is no revision of this repository") from None

    def read(self, revision: str, path: Path) -> bytes | None:
        """The file as it was at a revision that :meth:`check` has seen; ``None`` if it wasn't there."""
        relative = os.path.relpath(os.path.realpath(path.parent), os.path.realpath(self._folder))
        try:
            return self._git("cat-file", "blob", f"{revision}:./{relative}/{path.name}")
        except UsageError:
            return None

    def changed(self, revision: str) -> list[Path]:
        """Files below the folder that are not what they were at ``revision``, new and removed ones too.

        Raises:
            UsageError: git can't tell.
        """
        seen = self._git(
            "diff", "--no-ext-diff", "--no-renames", "--name-only", "-z", "--relative", revision, "--", "."
        )
        new = self._git("ls-files", "--others", "--exclude-standard", "-z", "--", ".")
        names = {os.fsdecode(name) for name in (seen + new).split(b"\0") if name}
        return sorted(self._folder / name for name in names)

    def _git(self, *arguments: str) -> bytes:
        """What git prints.

        Raises:
            UsageError: it isn't there, or it failed; in its own words.
        """
        environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        try:
            done = subprocess.run(
                ["git", "--no-pager", *arguments],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except OSError as error:
            raise UsageError(f"git can't be run: {error.strerror}") from error
        if done.returncode:
            said = os.fsdecode(done.stderr).strip() or f"exit code {done.returncode}"
            raise UsageError(f"git: {said}")
        return done.stdout
