"""What the parent sends is received, compared and drained, wherever it comes from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

import pytest

from pytest_proctape import UnsupportedSpawn

from .harness import Parity
from .observe import outcome, python

ECHO = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
COUNT = "import sys; print(len(sys.stdin.buffer.read()))"


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"two\nlines\n", b"\r\n\0\xff", b"y" * 65536, b"y" * 65537, b"0123456789abcdef" * 65536],
)
def test_input_of_any_size(parity: Parity, data: bytes) -> None:
    def body(folder: Path) -> Any:
        return subprocess.run(python(ECHO), input=data, capture_output=True)

    assert parity(body).stdout == data


@pytest.mark.parametrize(
    "kwargs", [{"text": True}, {"encoding": "utf-16"}, {"text": True, "bufsize": 1}], ids=str
)
def test_text_input(parity: Parity, kwargs: dict[str, Any]) -> None:
    def body(folder: Path) -> Any:
        return subprocess.run(python(ECHO), input="zwölf\nBoxkämpfer\n", capture_output=True, **kwargs)

    assert parity(body).stdout == "zwölf\nBoxkämpfer\n"


def test_input_from_a_file(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "in"
        path.write_bytes(b"0123456789")
        with path.open("rb", buffering=0) as source:
            source.seek(3)
            done = subprocess.run(python(ECHO), stdin=source, capture_output=True)
            return done, source.tell()

    done, position = parity(body)
    assert (done.stdout, position) == (b"3456789", 10)


def test_a_child_that_reads_a_part_of_a_file(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "in"
        path.write_bytes(b"0123456789")
        with path.open("rb", buffering=0) as source:
            code = "import os; print(os.read(0, 4))"
            done = subprocess.run(python(code), stdin=source, capture_output=True, text=True)
            return done, source.read()

    done, rest = parity(body)
    assert (done.stdout, rest) == ("b'0123'\n", b"456789")


def test_a_file_that_the_child_does_not_read(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "in"
        path.write_bytes(b"0123456789")
        with path.open("rb", buffering=0) as source:
            done = subprocess.run(["true"], stdin=source, capture_output=True)
            return done, source.tell()

    assert parity(body)[1] == 0


def test_an_empty_file(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "in"
        path.touch()
        with path.open("rb") as source:
            return subprocess.run(python(ECHO), stdin=source, capture_output=True)

    assert parity(body).stdout == b""


def test_two_children_share_a_file(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "in"
        path.write_bytes(b"0123456789")
        code = "import os; print(os.read(0, 4))"
        with path.open("rb", buffering=0) as source:
            one = subprocess.run(python(code), stdin=source, capture_output=True, text=True)
            two = subprocess.run(python(code), stdin=source, capture_output=True, text=True)
        return one.stdout, two.stdout

    assert parity(body) == ("b'0123'\n", "b'4567'\n")


def test_devnull(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return subprocess.run(python(ECHO), stdin=DEVNULL, capture_output=True)

    assert parity(body).stdout == b""


def test_inherited_input(parity: Parity) -> None:
    """Descriptor 0 of the test is a file here: what a child takes from it, the next one doesn't get."""

    def body(folder: Path) -> Any:
        path = folder / "in"
        path.write_bytes(b"one\ntwo\nthree\n")
        before = os.dup(0)
        try:
            with path.open("rb", buffering=0) as source:
                os.dup2(source.fileno(), 0)
                done = subprocess.run(
                    python("import os; print(os.read(0, 4))"), capture_output=True, text=True
                )
                return done.stdout, os.read(0, 100)
        finally:
            os.dup2(before, 0)
            os.close(before)

    assert parity(body) == ("b'one\\n'\n", b"two\nthree\n")


def test_input_from_a_pipe_of_the_parents_own(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        with open(reader, "rb") as source:
            with open(writer, "wb") as target:
                target.write(b"through a pipe")
            return subprocess.run(python(ECHO), stdin=source, capture_output=True)

    assert parity(body).stdout == b"through a pipe"


def test_written_in_pieces_and_closed(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(python(ECHO), stdin=PIPE, stdout=PIPE) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            for piece in (b"a", b"bb", b"", b"ccc\n"):
                child.stdin.write(piece)
                child.stdin.flush()
            child.stdin.close()
            return child.stdout.read(), child.wait()

    assert parity(body) == (b"abbccc\n", 0)


def test_closed_without_input(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(python(COUNT), stdin=PIPE, stdout=PIPE) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.close()
            return child.stdout.read(), child.wait()

    assert parity(body) == (b"0\n", 0)


def test_communicate_without_input_closes(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(python(COUNT), stdin=PIPE, stdout=PIPE) as child:
            return child.communicate()

    assert parity(body) == (b"0\n", None)


def test_leaving_the_context_closes(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(python("import sys; sys.exit(len(sys.stdin.read()))"), stdin=PIPE) as child:
            assert child.stdin is not None
            child.stdin.write(b"seven..")
        return child.returncode

    assert parity(body) == 7


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_a_child_that_reads_nothing(parity: Parity, size: int) -> None:
    def body(folder: Path) -> Any:
        return subprocess.run(python("print('done')"), input=b"x" * size, capture_output=True)

    assert parity(body).stdout == b"done\n"


def test_a_child_that_reads_a_part(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        code = "import os; print(os.read(0, 5))"
        return subprocess.run(python(code), input=b"x" * (1 << 20), capture_output=True)

    assert parity(body).stdout == b"b'xxxxx'\n"


def test_a_child_that_closes_its_input(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        code = "import os; os.close(0); os.write(1, b'closed'); os.close(1)"
        with subprocess.Popen(python(code), stdin=PIPE, stdout=PIPE, bufsize=0) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            told = child.stdout.read()
            result = outcome(child.stdin.write, b"too late"), told
            child.stdin.close()
            child.wait()
            return result, child.returncode

    (error, told), code = parity(body)
    assert isinstance(error, BrokenPipeError)
    assert (told, code) == (b"closed", 0)


def test_writing_to_a_child_that_has_gone(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["true"], stdin=PIPE, bufsize=0) as child:
            assert child.stdin is not None
            child.wait()
            result = outcome(child.stdin.write, b"anybody?")
            child.stdin.close()
            return result

    assert isinstance(parity(body), BrokenPipeError)


def test_communicate_with_a_child_that_has_gone(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["true"], stdin=PIPE, stdout=PIPE) as child:
            child.wait()
            return child.communicate(b"anybody?"), child.returncode

    assert parity(body) == ((b"", None), 0)


def test_a_large_exchange(parity: Parity) -> None:
    """Both pipes are full at times: neither side may wait for the other for ever."""

    def body(folder: Path) -> Any:
        data = bytes(range(256)) * 4096
        code = """
import json
import os
while data := os.read(0, 65536):
    while data:
        data = data[os.write(1, data):]
"""
        with subprocess.Popen(python(code), stdin=PIPE, stdout=PIPE) as child:
            out, _ = child.communicate(data)
            return out == data, len(out), child.returncode

    assert parity(body) == (True, 1 << 20, 0)


def test_sort(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return subprocess.run(
            ["sort"], input="pear\napple\nfig\n", capture_output=True, text=True, check=True
        )

    assert parity(body).stdout == "apple\nfig\npear\n"


def test_check_output_with_input(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        both = [subprocess.check_output(["cat"], input=data) for data in (b"given", None, b"")]
        return both, subprocess.check_output(["cat"], input="text", text=True)

    assert parity(body) == ([b"given", b"", b""], "text")


def test_writelines_and_line_buffering(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        command = [
            sys.executable,
            "-u",
            "-c",
            "import sys\nfor line in sys.stdin: print(line.strip().upper())",
        ]
        with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True, bufsize=1) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.writelines(["one\n", "two\n"])
            answers = [child.stdout.readline(), child.stdout.readline()]
            child.stdin.close()
            return answers, child.stdout.read(), child.wait()

    assert parity(body) == (["ONE\n", "TWO\n"], "", 0)


@pytest.mark.parametrize(
    "data",
    [bytearray(b"array"), memoryview(b"view"), memoryview(b"y" * 100_000)],
    ids=["bytearray", "small view", "large view"],
)
def test_kinds_of_input(parity: Parity, data: Any) -> None:
    def body(folder: Path) -> Any:
        return subprocess.run(["cat"], input=data, stdout=PIPE)

    assert parity(body).stdout == bytes(data)


def test_no_input_as_text(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return subprocess.run(["cat"], input="", text=True, stdout=PIPE)

    assert parity(body).stdout == ""


def test_communicate_twice(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE) as child:
            first = child.communicate(b"once")
            return first, outcome(child.communicate), outcome(child.communicate, b"again")

    assert parity(body)[0] == (b"once", None)


def test_many_children_that_do_not_read(parity: Parity) -> None:
    """Whether the input gets there before the child has gone is chance; that it may be sent is not.

    Nor is what stands on the tape: see `test_what_a_child_leaves_is_not_on_the_tape`.
    """

    def body(folder: Path) -> Any:
        return [subprocess.run(["true"], input=b"unread").returncode for _ in range(100)]

    assert parity(body) == [0] * 100


@pytest.mark.parametrize("count", [0, 2, 9])
def test_what_a_child_leaves_is_not_on_the_tape(parity: Parity, count: int) -> None:
    """The child has it at hand for sure, whoever of the two is the faster."""
    code = f"import os, select; select.select([0], [], []); os.write(1, os.read(0, {count}))"

    def body(folder: Path) -> Any:
        return subprocess.run([sys.executable, "-c", code], input=b"leftovers", stdout=PIPE).stdout

    assert parity(body) == b"leftovers"[:count]
    entry = json.loads(parity.tape)["entries"][0]
    sent = [step["stdin"] for step in (entry, *entry.get("timeline", [])) if "stdin" in step]
    assert sent == ([["leftovers"[:count]]] if count else [{"any": True}])


def test_many_children_that_read_a_part(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        done = [subprocess.run(["head", "-c", "3"], input=b"x" * 200_000, stdout=PIPE) for _ in range(30)]
        return [one.stdout for one in done]

    assert parity(body) == [b"xxx"] * 30


@pytest.mark.parametrize(
    "code", ["import os; os.write(1, os.read(0, 4).upper())", "import os; os.write(1, b'new')"]
)
@pytest.mark.parametrize("how", ["one descriptor", "a copy", "another", "appended"])
def test_a_file_that_is_input_and_output(parity: Parity, code: str, how: str) -> None:
    """One position for both, or one for each: what is written there is no input."""

    def body(folder: Path) -> Any:
        path = folder / "file"
        path.write_bytes(b"abcdabcdabcd89")
        append = os.O_APPEND if how == "appended" else 0
        fds = [os.open(path, os.O_RDWR | append)]
        fds.append(os.dup(fds[0]) if how == "a copy" else os.open(path, os.O_WRONLY | append))
        target = fds[0] if how in ("one descriptor", "appended") else fds[1]
        done = [subprocess.run(python(code), stdin=fds[0], stdout=target, stderr=PIPE) for _ in range(2)]
        seen = [os.lseek(fd, 0, os.SEEK_CUR) for fd in fds]
        for fd in fds:
            os.close(fd)
        return done, seen, path.read_bytes()

    assert len(parity(body)[2]) >= 14


def test_a_child_that_writes_to_its_input(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "file"
        path.write_bytes(b"0123456789")
        with path.open("r+b", buffering=0) as both:
            code = "import os; os.read(0, 4); os.write(0, b'4x'); os.write(1, b'done')"
            done = subprocess.run(python(code), stdin=both, stdout=PIPE)
            return done, both.tell(), path.read_bytes()

    assert parity(body)[1:] == (6, b"01234x6789")


def test_a_file_that_is_input_both_outputs_and_more_is_refused(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "file"
        path.touch()
        with path.open("rb") as one, path.open("ab") as two, path.open("ab") as three:
            subprocess.run(["true"], stdin=one, stdout=two, stderr=three)

    with pytest.raises(UnsupportedSpawn, match="one file"):
        parity(body)


def test_input_that_ends_while_nothing_can_be_opened(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(os, "open", _refused)
                child.stdin.write(b"x")
                child.stdin.close()
                return child.stdout.read()

    assert parity(body) == b"x"


def _refused(*_: object, **__: object) -> int:
    raise ValueError("a mock")
