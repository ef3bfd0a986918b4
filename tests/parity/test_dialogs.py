"""Output that followed input waits for that input, however both are read and written."""

from __future__ import annotations

import asyncio
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import IO, Any

import pytest

from .harness import Parity
from .observe import python

UPPER = """
import sys
print("ready", flush=True)
for line in sys.stdin:
    if line == "quit\\n":
        print("bye", flush=True)
        break
    print(line.strip().upper(), flush=True)
sys.exit(5)
"""


def _ask(child: subprocess.Popen[Any], question: Any) -> Any:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(question)
    child.stdin.flush()
    return child.stdout.readline()


def test_by_line(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(python(UPPER), stdin=PIPE, stdout=PIPE, text=True) as child:
            assert child.stdout is not None
            greeting = child.stdout.readline()
            answers = [_ask(child, f"{word}\n") for word in ("one", "two", "quit")]
            return greeting, answers, child.wait()

    assert parity(body) == ("ready\n", ["ONE\n", "TWO\n", "bye\n"], 5)


def test_by_read1(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(python(UPPER), stdin=PIPE, stdout=PIPE) as child:
            stdin: IO[bytes] | None = child.stdin
            stdout: Any = child.stdout
            assert stdin is not None
            seen = [stdout.read1(100)]
            for word in (b"one\n", b"two\n", b"quit\n"):
                stdin.write(word)
                stdin.flush()
                seen.append(stdout.read1(100))
            return seen, stdout.read1(100), child.wait()

    assert parity(body) == ([b"ready\n", b"ONE\n", b"TWO\n", b"bye\n"], b"", 5)


def test_by_os_read_and_write(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(python(UPPER), stdin=PIPE, stdout=PIPE, bufsize=0) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            to, out = child.stdin.fileno(), child.stdout.fileno()
            seen = [os.read(out, 100)]
            for word in (b"one\n", b"quit\n"):
                os.write(to, word)
                seen.append(os.read(out, 100))
            return seen, os.read(out, 100), child.wait()

    assert parity(body) == ([b"ready\n", b"ONE\n", b"bye\n"], b"", 5)


def test_a_line_sent_in_pieces(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(python(UPPER), stdin=PIPE, stdout=PIPE, bufsize=0) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            seen = [child.stdout.readline()]
            for piece in (b"o", b"n", b"e\ntwo\n"):
                child.stdin.write(piece)
            seen += [child.stdout.readline(), child.stdout.readline()]
            child.stdin.close()
            return seen, child.stdout.read(), child.wait()

    assert parity(body) == ([b"ready\n", b"ONE\n", b"TWO\n"], b"", 5)


def test_all_at_once_by_communicate(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(python(UPPER), stdin=PIPE, stdout=PIPE, text=True) as child:
            return child.communicate("one\ntwo\nquit\n"), child.returncode

    assert parity(body) == (("ready\nONE\nTWO\nbye\n", None), 5)


def test_some_by_line_and_the_rest_by_communicate(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(python(UPPER), stdin=PIPE, stdout=PIPE, text=True, bufsize=1) as child:
            assert child.stdout is not None
            return child.stdout.readline(), _ask(child, "one\n"), child.communicate("two\n"), child.returncode

    assert parity(body) == ("ready\n", "ONE\n", ("TWO\n", None), 5)


def test_answers_on_stderr(parity: Parity) -> None:
    code = "import sys\nfor line in sys.stdin: print(len(line), file=sys.stderr, flush=True)"

    def body(folder: Path) -> Any:
        with subprocess.Popen(python(code), stdin=PIPE, stderr=PIPE, text=True) as child:
            assert child.stdin is not None
            assert child.stderr is not None
            seen = []
            for word in ("a\n", "bcd\n"):
                child.stdin.write(word)
                child.stdin.flush()
                seen.append(child.stderr.readline())
            child.stdin.close()
            return seen, child.wait()

    assert parity(body) == (["2\n", "4\n"], 0)


def test_cat_is_an_echo(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE) as child:
            return [_ask(child, word) for word in (b"one\n", b"two\n")], child.communicate(b"rest")

    assert parity(body) == ([b"one\n", b"two\n"], (b"rest", None))


def test_the_same_question_twice(parity: Parity) -> None:
    code = "import sys\nfor n, line in enumerate(sys.stdin): print(n, line.strip(), flush=True)"

    def body(folder: Path) -> Any:
        with subprocess.Popen(python(code), stdin=PIPE, stdout=PIPE, text=True) as child:
            answers = [_ask(child, "same\n") for _ in range(3)]
            assert child.stdin is not None
            child.stdin.close()
            return answers, child.wait()

    assert parity(body) == (["0 same\n", "1 same\n", "2 same\n"], 0)


def test_two_dialogs_at_once(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with (
            subprocess.Popen(python(UPPER), stdin=PIPE, stdout=PIPE, text=True) as one,
            subprocess.Popen(python(UPPER), stdin=PIPE, stdout=PIPE, text=True) as two,
        ):
            assert one.stdout is not None
            assert two.stdout is not None
            seen = [one.stdout.readline(), two.stdout.readline()]
            for n in range(3):
                seen += [_ask(one, f"one {n}\n"), _ask(two, f"two {n}\n")]
            seen += [_ask(two, "quit\n"), _ask(one, "quit\n")]
            return seen, one.wait(), two.wait()

    assert parity(body)[0][-4:] == ["ONE 2\n", "TWO 2\n", "bye\n", "bye\n"]


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_git_cat_file_batch(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
        ids = [
            subprocess.run(
                ["git", "hash-object", "-w", "--stdin"],
                cwd=folder,
                input=data,
                capture_output=True,
                check=True,
            ).stdout.strip()
            for data in (b"first\n", b"second \0 \xff")
        ]
        command = ["git", "cat-file", "--batch"]
        with subprocess.Popen(command, cwd=folder, stdin=PIPE, stdout=PIPE) as child:
            assert child.stdout is not None
            seen = []
            for name in (*ids, b"0" * 40):
                header = _ask(child, name + b"\n")
                seen.append(header)
                if b"missing" not in header:
                    seen.append(child.stdout.read(int(header.split()[2]) + 1))
            return seen, child.communicate(), child.returncode

    seen, rest, code = parity(body)
    assert seen[1:4:2] == [b"first\n\n", b"second \0 \xff\n"]
    assert (rest, code) == ((b"", None), 0)


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_git_check_ignore(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
        (folder / ".gitignore").write_text("*.o\n")
        command = ["git", "check-ignore", "--stdin", "-v", "-n"]
        with subprocess.Popen(command, cwd=folder, stdin=PIPE, stdout=PIPE, text=True) as child:
            answers = [_ask(child, f"{name}\n") for name in ("a.c", "a.o")]
            return answers, child.communicate(), child.returncode

    assert parity(body)[0] == ["::\ta.c\n", ".gitignore:1:*.o\ta.o\n"]


@pytest.mark.skipif(not shutil.which("bc"), reason="needs bc")
def test_bc(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["bc", "-q"], stdin=PIPE, stdout=PIPE, text=True) as child:
            answers = [_ask(child, f"{sum_}\n") for sum_ in ("1 + 2", "2 ^ 64", "scale=3; 2 / 3")]
            return answers, child.communicate("quit\n"), child.returncode

    assert parity(body)[0] == ["3\n", "18446744073709551616\n", ".666\n"]


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="needs sqlite3")
def test_sqlite3(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        command = ["sqlite3", "-batch", ":memory:"]
        with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True, bufsize=1) as child:
            assert child.stdin is not None
            child.stdin.write("create table t (x); insert into t values (41);\n")
            return _ask(child, "select x + 1 from t;\n"), child.communicate(".quit\n"), child.returncode

    assert parity(body) == ("42\n", ("", ""), 0)


def test_python_interactive(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        command = [sys.executable, "-I", "-S", "-q", "-i", "-u", "-c", "import sys; sys.ps1 = ''"]
        with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True) as child:
            answers = [_ask(child, f"{line}\n") for line in ("1 + 1", "'a' * 3", "print(_)")]
            out, _ = child.communicate("sys.exit(4)\n")
            return answers, out, child.returncode

    assert parity(body) == (["2\n", "'aaa'\n", "aaa\n"], "", 4)


def test_by_asyncio_streams(parity: Parity) -> None:
    async def talk() -> Any:
        child = await asyncio.create_subprocess_exec(*python(UPPER), stdin=PIPE, stdout=PIPE)
        assert child.stdin is not None
        assert child.stdout is not None
        seen = [await child.stdout.readline()]
        for word in (b"one\n", b"two\n", b"quit\n"):
            child.stdin.write(word)
            await child.stdin.drain()
            seen.append(await child.stdout.readline())
        return seen, await child.stdout.read(), await child.wait()

    def body(folder: Path) -> Any:
        return asyncio.run(talk())

    assert parity(body) == ([b"ready\n", b"ONE\n", b"TWO\n", b"bye\n"], b"", 5)


def test_large_questions_and_answers(parity: Parity) -> None:
    code = """
import sys
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(line[-2::-1] + b"\\n")
    sys.stdout.buffer.flush()
"""

    def body(folder: Path) -> Any:
        with subprocess.Popen(python(code), stdin=PIPE, stdout=PIPE) as child:
            answers = [_ask(child, bytes([65 + n]) * (30_000 * (n + 1)) + b"z\n") for n in range(4)]
            assert child.stdin is not None
            child.stdin.close()
            return answers, child.wait()

    assert [len(answer) for answer in parity(body)[0]] == [30_002, 60_002, 90_002, 120_002]


def test_many_lines_that_are_large_together(parity: Parity) -> None:
    lines = [f"line {number} {'-' * 80}\n" for number in range(1000)]

    def body(folder: Path) -> Any:
        with subprocess.Popen(python(UPPER), stdin=PIPE, stdout=PIPE, text=True) as child:
            assert child.stdout is not None
            child.stdout.readline()
            answers = [_ask(child, line) for line in lines]
            return answers, _ask(child, "quit\n"), child.wait()

    assert parity(body) == ([line.upper() for line in lines], "bye\n", 5)
    # All that was said is beside the tape, which says how much of it came when.
    assert "line 7" not in parity.tape.lower()
    assert parity.tape.count('"stream": "stdin"') == 1001


def test_many_pieces_that_are_no_text_and_large_together(parity: Parity) -> None:
    code = "import os\nwhile data := os.read(0, 100): os.write(1, data); os.write(2, data[:5])"
    pieces = [bytes([number % 256, 0x80, 10]) * 33 + b"." for number in range(700)]

    def body(folder: Path) -> Any:
        with subprocess.Popen(python(code), stdin=PIPE, stdout=PIPE, stderr=PIPE, bufsize=0) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            assert child.stderr is not None
            answers = []
            for piece in pieces:
                child.stdin.write(piece)
                answers.append((child.stdout.read(100), child.stderr.read(5)))
            child.stdin.close()
            return answers, child.wait()

    assert parity(body) == ([(piece, piece[:5]) for piece in pieces], 0)
    assert '"stream": "stdin"' in parity.tape
    assert "base64" in parity.tape, "what is small in all stays where it is"


def test_another_child_in_the_middle(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE) as child:
            seen = [_ask(child, b"before\n")]
            seen.append(subprocess.run(["echo", "between"], stdout=PIPE, check=True).stdout)
            seen.append(_ask(child, b"after\n"))
            return seen, child.communicate(), child.returncode

    assert parity(body) == ([b"before\n", b"between\n", b"after\n"], (b"", None), 0)


def test_what_one_child_said_is_asked_of_another(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        upper = [sys.executable, "-u", "-c", "import sys\nfor line in sys.stdin: print(line.strip().upper())"]
        with (
            subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE, text=True, bufsize=1) as one,
            subprocess.Popen(upper, stdin=PIPE, stdout=PIPE, text=True, bufsize=1) as two,
        ):
            word, seen = "start\n", []
            for _ in range(3):
                word = _ask(two, _ask(one, f"{word.strip()}x\n"))
                seen.append(word)
            return seen

    assert parity(body) == ["STARTX\n", "STARTXX\n", "STARTXXX\n"]


def test_silence_is_silence(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE) as child:
            assert child.stdout is not None
            silent = select.select([child.stdout], [], [], 0.05)[0]
            answer = _ask(child, b"word\n")
            silent += select.select([child.stdout], [], [], 0.05)[0]
            return silent, answer, child.communicate()

    assert parity(body) == ([], b"word\n", (b"", None))


def test_both_directions_large_without_threads(parity: Parity) -> None:
    """As ``communicate`` does it, by hand: whoever can move moves."""

    def body(folder: Path) -> Any:
        data = bytes(range(256)) * 2048
        with subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE, bufsize=0) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            to, out = child.stdin.fileno(), child.stdout.fileno()
            os.set_blocking(to, False)
            sent, got = 0, b""
            while len(got) < len(data):
                readable, writable, _ = select.select([out], [to] if sent < len(data) else [], [], 20)
                if writable:
                    sent += os.write(to, data[sent : sent + 65536])
                if readable:
                    got += os.read(out, 65536)
            child.stdin.close()
            return got == data, child.stdout.read(), child.wait()

    assert parity(body) == (True, b"", 0)
