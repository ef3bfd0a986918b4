"""What a random program has at hand: its commands, its files, the values of its options."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_proctape import ProctapeError

from .telling import told

COMMANDS: dict[str, Any] = {
    "true": ["true"],
    "false": ["false"],
    "echo": ["echo", "a b"],
    "both": ["sh", "-c", "echo out; echo err >&2; exit 3"],
    "lines": ["printf", "a\\nb\\r\\nc\\rd"],
    "cat": ["cat"],
    "count": ["wc", "-c"],
    "bytes": ["printf", "\\344\\377\\n"],
    "much": ["head", "-c", "70000", "/dev/zero"],
    "nothing read": ["sh", "-c", "exec <&-; echo done"],
    "killed": ["sh", "-c", "echo x; kill -9 $$"],
    "tuple": ("echo", "x"),
    "str": "true",
    "path word": [Path("/bin/echo"), Path("x")],
    "env": ["sh", "-c", "echo $A-$B"],
    "pwd": ["pwd"],
    "nap": ["sleep", "1000"],
    "missing": ["no-such-program", "x"],
    "no path": ["/no/such/program"],
    "directory": ["/etc"],
    "not executable": ["/etc/passwd"],
    "not a program": ["./plain"],
    "nul": ["echo", "a\0b"],
    "number": ["echo", 5],
    "none": None,
    "empty": [],
    "empty str": "",
    "bytes word": ["echo", b"\xff x"],
    "accented": ["echo", "\xe4"],
    "surrogate": ["echo", "\udcff"],
    "iterator": "iterator",
    "plain object": 3.5,
}
_LINES = {
    "true": "true", "false": "false", "echo": "echo 'a b'", "both": "echo out; echo err >&2; exit 3",
    "lines": "printf 'a\\nb\\r\\nc\\rd'", "cat": "cat", "count": "wc -c", "bytes": "printf '\\344\\377\\n'",
    "killed": "kill -9 $$", "missing": "no-such-program", "number": 5, "none": None, "nul": "a\0b",
    "empty str": "", "env": "echo $A-$B", "pwd": "pwd", "bytes word": b"echo \xff",
    "much": "head -c 70000 /dev/zero",
}  # fmt: skip
"""For a shell; others are ``true``."""


class Bench:
    """What a program has at hand, and what it sees.

    Attributes:
        folder: a fresh one.
        seen: all that was seen so far.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: list[object] = []
        self._files: list[Any] = []
        self._pipes: list[tuple[str, int, int]] = []
        (folder / "input").write_bytes(b"one\ntwo\n")
        (folder / "plain").write_bytes(b"nothing\0\n")
        (folder / "plain").chmod(0o755)

    def see(self, what: str, value: object) -> None:
        """Note it."""
        self.seen.append([what, told(value)])

    def tries(self, what: str, call: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
        """Call it and note what it gave, or raised."""
        try:
            value = call(*args, **options)
        except ProctapeError:
            raise
        except Exception as error:
            self.see(what, error)
            return None
        self.see(what, value)
        return value

    def file(self, mode: str, name: str) -> Any:
        """An open one that is closed at the end."""
        file = open(self.folder / name, mode)  # noqa: SIM115
        self._files.append(file)
        return file

    def _pipe(self, name: str) -> int:
        """One that the child reads or writes."""
        reader, writer = os.pipe()
        if name == "stdin":
            os.write(writer, b"p\nq\n")
            os.close(writer)
            self._files.append(open(reader, "rb"))  # noqa: SIM115
            return reader
        self._pipes.append((name, reader, writer))
        return writer

    def empty(self) -> None:
        """See what is in the pipes that were written to."""
        for name, reader, writer in self._pipes:
            os.close(writer)
            with open(reader, "rb") as file:
                self.see(f"pipe of {name}", file.read())
        self._pipes.clear()

    def close(self) -> None:
        """Close all of them."""
        for file in self._files:
            file.close()

    def command(self, name: str) -> Any:
        """What is run."""
        return iter(["echo", "x"]) if name == "iterator" else COMMANDS[name]

    def line(self, name: str) -> Any:
        """What a shell runs."""
        return _LINES.get(name, "true")

    def value(self, name: str, key: str) -> Any:
        """An option's value by its name."""
        if name in ("stdin", "stdout", "stderr") and key in ("file", "fd", "closed file"):
            file = self.file("rb", "input") if name == "stdin" else self.file("ab", f"{name}.txt")
            if key == "closed file":
                file.close()
            return file.fileno() if key == "fd" else file
        if key == "pipe":
            return self._pipe(name)
        path = os.environ.get("PATH", os.defpath)
        special = {
            "PIPE": subprocess.PIPE, "DEVNULL": subprocess.DEVNULL, "STDOUT": subprocess.STDOUT,
            "folder": str(self.folder), "Path": self.folder, "bytes folder": os.fsencode(self.folder),
            "file path": str(self.folder / "input"), "nul": "a\0b", "PATH": {"PATH": path},
            "A": {"PATH": path, "A": "1", "B": "\xe4"}, "equals": {"A=B": "1"}, "no name": {"": "1"},
            "nul value": {"A": "\0"}, "number": {"A": 1}, "bytes": {b"A": b"1", b"PATH": os.fsencode(path)},
            "list": [("A", "1")], "bytearray": bytearray(b"abc"), "memoryview": memoryview(b"abc"),
            "big": b"x" * 100_000, "lines": "a\nb\r\nc\n", "nothing": _nothing,
        }  # fmt: skip
        if key in special:
            return special[key]
        if key == "(fd,)":
            return (self.file("rb", "input").fileno(),)
        return eval(key, {"Path": Path})


def _nothing() -> None:
    """For ``preexec_fn``."""
