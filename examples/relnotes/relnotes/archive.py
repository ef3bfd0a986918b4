"""Source releases: `git archive | gzip`, and the checks before one is published."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import IO

from .tools import TIMEOUT_S, ToolFailed, ToolStuck, environment, run


def write_archive(repo: Path, revision: str, prefix: str, target: Path) -> None:
    """Write the files of a revision to a `.tar.gz`, each below the directory `prefix`.

    The same revision gives the same bytes every time: neither the clock nor a file name gets in.

    Raises:
        ToolError: there is no such revision, or a tool got stuck; `target` is not left behind.
    """
    command = ["git", "archive", "--format=tar", f"--prefix={prefix}/", revision]
    with target.open("wb") as file, tempfile.TemporaryFile() as complaint:
        try:
            with subprocess.Popen(
                command, cwd=repo, env=environment(), stdout=subprocess.PIPE, stderr=complaint
            ) as git:
                assert git.stdout is not None
                try:
                    compress(git.stdout, file)
                except BaseException:
                    git.kill()
                    raise
            if git.returncode != 0:
                complaint.seek(0)
                raise ToolFailed(command, git.returncode, complaint.read().decode("utf-8", "replace"))
        except BaseException:
            target.unlink()
            raise


def compress(source: IO[bytes], target: IO[bytes], timeout_s: float = TIMEOUT_S) -> None:
    """Pass a stream through gzip until it ends.

    Raises:
        ToolError: gzip failed, or the stream did not end within `timeout_s` seconds.
    """
    command = ["gzip", "-n", "-9"]
    with subprocess.Popen(
        command,
        stdin=source,
        stdout=target,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(),
    ) as gzip:
        try:
            _, complaint = gzip.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            gzip.kill()
            raise ToolStuck(command, timeout_s) from error
    if gzip.returncode != 0:
        raise ToolFailed(command, gzip.returncode, complaint)


def verify(archive: Path) -> None:
    """Have gzip check the archive's checksum.

    Raises:
        ToolFailed: it is damaged or cut off.
    """
    command = ["gzip", "-t"]
    done = subprocess.run(
        command,
        input=archive.read_bytes(),
        capture_output=True,
        env=environment(),
        timeout=TIMEOUT_S,
    )
    if done.returncode != 0:
        raise ToolFailed(command, done.returncode, done.stderr.decode("utf-8", "replace"))


def members(archive: Path) -> list[str]:
    """The names of the files in the archive, in their order.

    Raises:
        ToolFailed: it is not a `.tar.gz`.
    """
    command = "gzip -dc | tar -tf -"
    with archive.open("rb") as file:
        done = subprocess.run(
            command,
            shell=True,
            stdin=file,
            capture_output=True,
            encoding="utf-8",
            env=environment(),
            timeout=TIMEOUT_S,
        )
    if done.returncode != 0:
        raise ToolFailed(["sh", "-c", command], done.returncode, done.stderr)
    return [name for name in done.stdout.splitlines() if not name.endswith("/")]


def read_member(archive: Path, name: str) -> bytes:
    """One file out of the archive, unpacked to nowhere.

    Raises:
        ToolFailed: it has no such file.
    """
    command = ["tar", "-xzOf", "-", name]
    with archive.open("rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, env=environment(), timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise ToolFailed(command, done.returncode, done.stderr.decode("utf-8", "replace"))
    return done.stdout


def differences(repo: Path, revision: str, prefix: str, archive: Path) -> list[str]:
    """What the archive lacks of the revision, and what it has beyond it; empty is good."""
    tracked = run(["git", "ls-tree", "-r", "-z", "--name-only", revision], cwd=repo).split("\0")
    wanted = {f"{prefix}/{name}" for name in tracked if name}
    found = set(members(archive))
    missing = [f"missing: {name}" for name in sorted(wanted - found)]
    return missing + [f"unexpected: {name}" for name in sorted(found - wanted)]
