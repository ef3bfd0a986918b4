"""One child's output is another one's input, in all mixes."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import Any

import pytest

from pytest_proctape import UnsupportedSpawn

from .harness import Parity
from .observe import outcome, python

UPPER = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read().upper())"
REVERSE = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])"


def _piped(first: list[str], second: list[str], **kwargs: Any) -> tuple[Any, Any]:
    """As in the documentation of ``subprocess``: Replacing shell pipeline."""
    one = subprocess.Popen(first, stdout=PIPE)
    two = subprocess.Popen(second, stdin=one.stdout, stdout=PIPE, **kwargs)
    assert one.stdout is not None
    one.stdout.close()
    return one, two


def test_two(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        one, two = _piped(["printf", "b\\na\\n"], ["sort"])
        return two.communicate(), one.wait(), two.returncode

    assert parity(body) == ((b"a\nb\n", None), 0, 0)


def test_three(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        one = subprocess.Popen(["printf", "b\\na\\nb\\n"], stdout=PIPE)
        two = subprocess.Popen(["sort"], stdin=one.stdout, stdout=PIPE)
        three = subprocess.Popen(["uniq", "-c"], stdin=two.stdout, stdout=PIPE, text=True)
        for child in (one, two):
            assert child.stdout is not None
            child.stdout.close()
        out, _ = three.communicate()
        return out.split(), one.wait(), two.wait(), three.returncode

    assert parity(body) == (["1", "a", "2", "b"], 0, 0, 0)


def test_the_second_is_read_before_the_first_is_waited_for(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        one, two = _piped(python("import os; os.write(1, b'data')"), python(UPPER))
        assert two.stdout is not None
        out = two.stdout.read()
        two.stdout.close()
        return out, two.wait(), one.wait()

    assert parity(body) == (b"DATA", 0, 0)


def test_large(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        code = "import sys; sys.stdout.buffer.write(b'abcdefgh' * 65536)"
        one, two = _piped(python(code), python(UPPER))
        return two.communicate(), one.wait(), two.returncode

    assert parity(body)[0][0] == b"ABCDEFGH" * 65536


def test_the_first_gets_input(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        one = subprocess.Popen(python(UPPER), stdin=PIPE, stdout=PIPE)
        two = subprocess.Popen(python(REVERSE), stdin=one.stdout, stdout=PIPE)
        assert one.stdin is not None
        assert one.stdout is not None
        one.stdout.close()
        one.stdin.write(b"live")
        one.stdin.close()
        return two.communicate(), one.wait(), two.returncode

    assert parity(body) == ((b"EVIL", None), 0, 0)


def test_the_second_does_not_read(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        one, two = _piped(["printf", "unread"], ["true"])
        return two.communicate(), two.returncode, one.wait() in (0, -13)

    assert parity(body) == ((b"", None), 0, True)


def test_the_second_reads_a_part_and_the_first_dies_of_it(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        one, two = _piped(["yes"], ["head", "-n", "2"])
        return two.communicate(), one.wait(), two.returncode

    assert parity(body) == ((b"y\ny\n", None), -13, 0)


def test_the_first_fails(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        one, two = _piped(["sh", "-c", "echo part; exit 3"], ["cat"])
        return two.communicate(), one.wait(), two.returncode

    assert parity(body) == ((b"part\n", None), 3, 0)


def test_the_second_can_not_be_started(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["printf", "x"], stdout=PIPE) as one:
            error = outcome(subprocess.Popen, ["no-such-program-anywhere"], stdin=one.stdout)
            return error, one.communicate()

    error, rest = parity(body)
    assert isinstance(error, FileNotFoundError)
    assert rest == (b"x", None)


def test_stderr_of_the_first_goes_along(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["sh", "-c", "echo out; echo err >&2"], stdout=PIPE, stderr=STDOUT) as one:
            two = subprocess.run(["sort"], stdin=one.stdout, stdout=PIPE)
        return two.stdout, one.returncode

    assert parity(body) == (b"err\nout\n", 0)


def test_stderr_of_the_first_alone(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["sh", "-c", "echo out; echo err >&2"], stdout=DEVNULL, stderr=PIPE) as one:
            two = subprocess.run(["cat"], stdin=one.stderr, stdout=PIPE)
        return two.stdout, one.returncode

    assert parity(body) == (b"err\n", 0)


def test_through_a_pipe_of_the_parents_own(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        one = subprocess.Popen(python("import os; os.write(1, b'through')"), stdout=writer)
        os.close(writer)
        two = subprocess.Popen(python(UPPER), stdin=reader, stdout=PIPE)
        os.close(reader)
        return two.communicate(), one.wait(), two.returncode

    assert parity(body) == ((b"THROUGH", None), 0, 0)


def test_the_reader_is_started_first(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        two = subprocess.Popen(python(UPPER), stdin=reader, stdout=PIPE)
        os.close(reader)
        one = subprocess.Popen(python("import os; os.write(1, b'late')"), stdout=writer)
        os.close(writer)
        return two.communicate(), one.wait(), two.returncode

    assert parity(body) == ((b"LATE", None), 0, 0)


def test_two_writers_one_after_the_other_into_one_reader(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE) as reader:
            for word in ("one ", "two "):
                subprocess.run(["printf", "%s", word], stdout=reader.stdin, check=True)
            return reader.communicate(b"parent"), reader.returncode

    assert parity(body) == ((b"one two parent", None), 0)


def test_a_circle(parity: Parity) -> None:
    """Two children that talk to each other, as with a coprocess."""
    asks = "import os\nos.write(1, b'ping')\nos.write(2, os.read(0, 4))"
    answers = "import os\nquestion = os.read(0, 4)\nos.write(1, question.replace(b'i', b'o'))"

    def body(folder: Path) -> Any:
        there, back = os.pipe(), os.pipe()
        one = subprocess.Popen(python(asks), stdin=back[0], stdout=there[1], stderr=PIPE)
        two = subprocess.Popen(python(answers), stdin=there[0], stdout=back[1])
        for fd in (*there, *back):
            os.close(fd)
        return one.communicate(), two.wait(), one.returncode

    assert parity(body) == ((None, b"pong"), 0, 0)


def test_in_a_shell(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return subprocess.run(
            "printf 'b\\na\\n' | sort | tr ab AB", shell=True, capture_output=True, text=True
        )

    assert parity(body).stdout == "A\nB\n"


def test_a_real_file_between(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "between"
        with path.open("wb") as target:
            subprocess.run(["printf", "stored"], stdout=target, check=True)
        with path.open("rb") as source:
            return subprocess.run(python(UPPER), stdin=source, stdout=PIPE).stdout

    assert parity(body) == b"STORED"


@pytest.mark.parametrize("size", [10, 1 << 18])
def test_asyncio(parity: Parity, size: int) -> None:
    async def main() -> Any:
        reader, writer = os.pipe()
        code = f"import sys; sys.stdout.write('x' * {size})"
        one = await asyncio.create_subprocess_exec(*python(code), stdout=writer)
        os.close(writer)
        two = await asyncio.create_subprocess_exec(*python(UPPER), stdin=reader, stdout=PIPE)
        os.close(reader)
        out, _ = await two.communicate()
        return out, await one.wait(), two.returncode

    def body(folder: Path) -> Any:
        return asyncio.run(main())

    assert parity(body) == (b"X" * size, 0, 0)


@pytest.mark.parametrize("closed", ["before", "after", "never"])
def test_a_pipe_that_child_and_parent_read(parity: Parity, closed: str) -> None:
    """What the child leaves is there for whoever reads next, another child or the parent."""

    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        os.write(writer, b"0123456789")
        if closed == "before":
            os.close(writer)
        command = python("import os; print(os.read(0, 3).decode())")
        seen = [subprocess.run(command, stdin=reader, stdout=PIPE).stdout for _ in range(2)]
        if closed != "before":
            os.write(writer, b"more")
        if closed == "after":
            os.close(writer)
        rest = os.read(reader, 100)
        if closed == "never":
            os.close(writer)
        rest += os.read(reader, 100)
        os.close(reader)
        return seen, rest

    seen, rest = parity(body)
    assert seen == [b"012\n", b"345\n"]
    assert rest == (b"6789" if closed == "before" else b"6789more")


def test_a_full_pipe_that_child_and_parent_read(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        one = subprocess.Popen(python("print('0123456789' * 30_000, end='')"), stdout=PIPE)
        assert one.stdout is not None
        two = subprocess.run(
            python("import os; print(os.read(0, 5).decode())"), stdin=one.stdout, stdout=PIPE
        )
        with one.stdout:
            rest = one.stdout.read()
        return two, rest, one.wait()

    two, rest, code = parity(body)
    assert (two.stdout, code) == (b"01234\n", 0)
    assert rest == (b"0123456789" * 30_000)[5:]


def test_one_pipe_for_two_children_at_once_is_refused(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        try:
            one = subprocess.Popen(["cat"], stdin=reader, stdout=PIPE)
            try:
                subprocess.run(["true"], stdin=reader)
            finally:
                os.close(writer)
                one.communicate()
        finally:
            os.close(reader)

    with pytest.raises(UnsupportedSpawn, match="two children"):
        parity(body)
