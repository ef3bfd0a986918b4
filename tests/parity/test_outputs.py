"""What a child writes arrives as it was written, whatever it is and however it is read."""

from __future__ import annotations

import fcntl
import hashlib
import os
import select
import selectors
import subprocess
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import Any

import pytest

from .harness import Parity
from .observe import outcome, python

KIB64 = 65536


def _writes(data: bytes, fd: int = 1) -> list[str]:
    return python(f"import os; os.write({fd}, {data!r})")


# -- size and shape ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 4096, KIB64 - 1, KIB64, KIB64 + 1, 1 << 20])
def test_output_of_any_size(parity: Parity, size: int) -> None:
    code = f"import sys; sys.stdout.buffer.write(bytes(range(256)) * ({size} // 256) + b'.' * ({size} % 256))"

    def body(folder: Path) -> Any:
        return subprocess.run(python(code), capture_output=True)

    assert len(parity(body).stdout) == size


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\x80 not UTF-8",
        "Grüße, 世界\n".encode(),
        b"one\r\ntwo\r\n",
        b"\r",
        b"nul\0nul\n",
        b"no final newline",
        b"\n",
        b"\n\n\n",
        b"form\x0cfeed\x1cand\x85friends\n",
        "line\u2028separator\n".encode(),
        b"<tmp> <=tmp> <python> <==root>",
        b'{"base64": "AAAA"}',
        b" ",
        b"\xef\xbb\xbfbom",
    ],
)
def test_bytes_of_any_shape(parity: Parity, data: bytes) -> None:
    def body(folder: Path) -> Any:
        one = subprocess.run(_writes(data), capture_output=True)
        two = subprocess.run(_writes(data, 2), capture_output=True)
        return one.stdout, one.stderr, two.stdout, two.stderr

    assert parity(body) == (data, b"", b"", data)


def test_both_streams_large_at_once(parity: Parity) -> None:
    code = """
import os, threading
def write(fd, byte):
    for _ in range(64):
        data = byte * 16384
        while data:
            data = data[os.write(fd, data):]
threads = [threading.Thread(target=write, args=a) for a in ((1, b'o'), (2, b'e'))]
[t.start() for t in threads]
[t.join() for t in threads]
"""

    def body(folder: Path) -> Any:
        return subprocess.run(python(code), capture_output=True)

    done = parity(body)
    assert (len(done.stdout), len(done.stderr)) == (1 << 20, 1 << 20)


def test_stderr_to_stdout_keeps_the_order(parity: Parity) -> None:
    code = "import os\nfor i in range(50): os.write(1, b'out%d ' % i); os.write(2, b'err%d\\n' % i)"

    def body(folder: Path) -> Any:
        return subprocess.run(python(code), stdout=PIPE, stderr=STDOUT)

    done = parity(body)
    assert done.stdout.startswith(b"out0 err0\nout1 err1\n")
    assert done.stderr is None


def test_stdout_to_the_pipe_of_stderr(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        with open(reader, "rb") as source:
            with open(writer, "wb") as target:
                code = "import os; os.write(2, b'e1 '); os.write(1, b'o1 '); os.write(2, b'e2')"
                done = subprocess.run(python(code), stdout=target, stderr=target)
            return done, source.read()

    assert parity(body)[1] == b"e1 o1 e2"


def test_two_hundred_megabytes(parity: Parity) -> None:
    code = "import sys\nfor _ in range(3200): sys.stdout.buffer.write(bytes(65536))"

    def body(folder: Path) -> Any:
        digest, size = hashlib.sha256(), 0
        with subprocess.Popen(python(code), stdout=PIPE, bufsize=0) as child:
            assert child.stdout is not None
            while data := child.stdout.read(1 << 20):
                digest.update(data)
                size += len(data)
        return size, digest.hexdigest(), child.returncode

    assert parity(body)[0] == 3200 * 65536


# -- text --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kwargs",
    [
        {"text": True},
        {"universal_newlines": True},
        {"encoding": "utf-8"},
        {"encoding": "latin-1"},
        {"encoding": "utf-16"},
        {"errors": "replace"},
        {"encoding": "ascii", "errors": "backslashreplace"},
        {"text": True, "bufsize": 1},
        {"bufsize": 0},
        {"bufsize": 1 << 20},
    ],
    ids=str,
)
def test_decoding(parity: Parity, kwargs: dict[str, Any]) -> None:
    data = b"one\r\ntwo\rthree\n\xc3\xa9\n"

    def body(folder: Path) -> Any:
        return outcome(subprocess.run, _writes(data), capture_output=True, **kwargs)

    parity(body)


def test_undecodable_output_raises_the_same(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return outcome(subprocess.run, _writes(b"ab\xffcd"), stdout=PIPE, encoding="utf-8")

    assert isinstance(parity(body), UnicodeDecodeError)


def test_undecodable_output_of_a_child_that_goes_on(parity: Parity) -> None:
    """``run`` reads a single pipe as text, and ends the child where that can't be, before it waits for it."""
    command = ["sh", "-c", r"printf 'ab\377cd'; exec >&-; exec sleep 100"]

    def body(folder: Path) -> Any:
        return outcome(subprocess.run, command, stdout=PIPE, encoding="utf-8")

    assert isinstance(parity(body), UnicodeDecodeError)


def test_two_undecodable_outputs(parity: Parity) -> None:
    """Two pipes are decoded behind the wait, so the child comes to its own end."""
    command = ["sh", "-c", r"printf 'ab\377'; echo it >&2; exec >&- 2>&-; echo done >done"]

    def body(folder: Path) -> Any:
        return outcome(subprocess.run, command, capture_output=True, encoding="utf-8", cwd=folder)

    assert isinstance(parity(body), UnicodeDecodeError)


# -- ways to read ------------------------------------------------------------------------------

LINES = "import sys\nfor i in range(5): print('line', i, flush=True)"


def test_iterating_over_lines(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(python(LINES), stdout=PIPE, text=True) as child:
            assert child.stdout is not None
            return list(child.stdout), child.wait()

    assert parity(body) == ([f"line {i}\n" for i in range(5)], 0)


@pytest.mark.parametrize("bufsize", [-1, 0])
def test_read_readline_and_read1(parity: Parity, bufsize: int) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(_writes(b"abcdef\nghi\njkl"), stdout=PIPE, bufsize=bufsize) as child:
            child.wait()
            stream: Any = child.stdout
            seen = [stream.read(2), stream.readline(), stream.readline(2)]
            seen.append(stream.read1(100) if bufsize else stream.read(100))
            return [*seen, stream.read(), stream.read()]

    assert parity(body) == [b"ab", b"cdef\n", b"gh", b"i\njkl", b"", b""]


def test_reading_the_descriptor(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(_writes(b"x" * 1000), stdout=PIPE) as child:
            assert child.stdout is not None
            fd, data = child.stdout.fileno(), b""
            while part := os.read(fd, 100):
                data += part
            return data

    assert parity(body) == b"x" * 1000


def test_select_and_poll_say_when_it_is_readable(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(_writes(b"ready"), stdout=PIPE) as child:
            assert child.stdout is not None
            fd = child.stdout.fileno()
            readable, _, _ = select.select([fd], [], [], 20)
            data = os.read(fd, 100)
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            child.wait()
            events = [event for _, event in poll.poll(20_000)]
            return len(readable), data, events, os.read(fd, 10)

    assert parity(body) == (1, b"ready", [select.POLLHUP], b"")


def test_non_blocking_reads(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        code = "import sys; sys.stdin.read(1); print('answer')"
        with subprocess.Popen(python(code), stdin=PIPE, stdout=PIPE, bufsize=0) as child:
            assert child.stdout is not None
            assert child.stdin is not None
            os.set_blocking(child.stdout.fileno(), False)
            early = child.stdout.read(10)
            child.stdin.write(b"x")
            child.stdin.close()
            select.select([child.stdout], [], [], 20)
            return early, child.stdout.read(100), child.wait(), child.stdout.read(100)

    assert parity(body) == (None, b"answer\n", 0, b"")


@pytest.mark.skipif(not hasattr(fcntl, "F_GETPIPE_SZ"), reason="a pipe's size can be asked for on Linux only")
def test_pipesize(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(
            _writes(b"x" * 10_000), stdin=PIPE, stdout=PIPE, stderr=PIPE, pipesize=4096
        ) as child:
            sizes = [
                fcntl.fcntl(stream, fcntl.F_GETPIPE_SZ)
                for stream in (child.stdin, child.stdout, child.stderr)
                if stream is not None
            ]
            return sizes, child.communicate()

    assert parity(body) == ([4096] * 3, (b"x" * 10_000, b""))


def test_a_selector_over_several_children(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        children = [
            subprocess.Popen(["sh", "-c", f"echo {n}; echo {n}{n}; exit {n}"], stdout=PIPE) for n in range(4)
        ]
        seen = [b""] * 4
        with selectors.DefaultSelector() as selector:
            for number, child in enumerate(children):
                assert child.stdout is not None
                selector.register(child.stdout, selectors.EVENT_READ, number)
            while selector.get_map():
                for key, _ in selector.select(20):
                    data = os.read(key.fd, 100)
                    seen[key.data] += data
                    if not data:
                        selector.unregister(key.fileobj)
        for child in children:
            assert child.stdout is not None
            child.stdout.close()
        return seen, [child.wait() for child in children]

    assert parity(body) == ([b"0\n00\n", b"1\n11\n", b"2\n22\n", b"3\n33\n"], [0, 1, 2, 3])


def test_the_same_command_with_other_output_each_time(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        command = ["sh", "-c", "echo x >> log; cat log"]
        return [subprocess.run(command, cwd=folder, stdout=PIPE).stdout for _ in range(3)]

    assert parity(body) == [b"x\n", b"x\nx\n", b"x\nx\nx\n"]


def test_the_same_command_at_the_same_time(parity: Parity) -> None:
    """Two that run at once never swap their outputs, whoever is read first."""

    def body(folder: Path) -> Any:
        command = ["sh", "-c", "read turn < turn; echo $turn; read line; echo $line"]
        children, turns = [], []
        for turn in ("first\n", "second\n"):
            (folder / "turn").write_text(turn)
            child = subprocess.Popen(command, cwd=folder, stdin=PIPE, stdout=PIPE)
            assert child.stdout is not None
            children.append(child)
            turns.append(child.stdout.readline())
        return turns, [child.communicate(b"%d\n" % n) for n, child in enumerate(reversed(children))]

    assert parity(body) == ([b"first\n", b"second\n"], [(b"0\n", None), (b"1\n", None)])


# -- where it goes -----------------------------------------------------------------------------

BOTH = "import os; os.write(1, b'to stdout\\n'); os.write(2, b'to stderr\\n')"


@pytest.mark.parametrize("stdout", [None, PIPE, DEVNULL])
@pytest.mark.parametrize("stderr", [None, PIPE, DEVNULL, STDOUT])
def test_every_pair_of_targets(
    parity: Parity, capfd: pytest.CaptureFixture[str], stdout: int | None, stderr: int | None
) -> None:
    def body(folder: Path) -> Any:
        done = subprocess.run(python(BOTH), stdout=stdout, stderr=stderr)
        return done, tuple(capfd.readouterr())

    done, captured = parity(body)
    out = b"to stdout\n" + (b"to stderr\n" if stderr == STDOUT else b"")
    assert done.stdout == (out if stdout == PIPE else None)
    assert captured[0] == (out.decode() if stdout is None else "")
    assert captured[1] == ("to stderr\n" if stderr is None else "")


def test_inherited_output_keeps_its_place_among_the_parents_own(
    parity: Parity, capfd: pytest.CaptureFixture[str]
) -> None:
    def body(folder: Path) -> Any:
        print("before", flush=True)
        subprocess.run(["printf", "between\\n"], check=True)
        print("after", flush=True)
        return capfd.readouterr().out

    assert parity(body) == "before\nbetween\nafter\n"


def test_a_file_keeps_its_position(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "out"
        path.write_bytes(b"0123456789abcdef")
        with path.open("r+b", buffering=0) as target:
            target.seek(4)
            subprocess.run(["printf", "XY"], stdout=target, check=True)
            position = target.tell()
            target.write(b"!")
        return position, path.read_bytes()

    assert parity(body) == (6, b"0123XY!789abcdef")


def test_a_file_that_is_appended_to(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "out"
        path.write_bytes(b"old ")
        for word in ("one ", "two "):
            with path.open("ab") as target:
                subprocess.run(["printf", "%s", word], stdout=target, check=True)
        return path.read_bytes()

    assert parity(body) == b"old one two "


def test_both_streams_in_one_file(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "log"
        with path.open("wb") as target:
            done = subprocess.run(python(BOTH), stdout=target, stderr=STDOUT)
        return done, path.read_bytes()

    assert parity(body)[1] == b"to stdout\nto stderr\n"


def test_a_large_output_into_a_file(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        path = folder / "large"
        with path.open("wb") as target:
            subprocess.run(python("print('0123456789abcdef' * 32768, end='')"), stdout=target, check=True)
        return path.read_bytes()

    assert len(parity(body)) == 1 << 19


def test_closing_unread_output_early(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        code = "import os, signal; signal.signal(13, signal.SIG_DFL)\nwhile True: os.write(1, b'y\\n')"
        with subprocess.Popen(python(code), stdout=PIPE) as child:
            assert child.stdout is not None
            first = child.stdout.readline()
            child.stdout.close()
            return first, child.wait()

    assert parity(body) == (b"y\n", -13)
