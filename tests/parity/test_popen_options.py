"""What ``Popen`` can be asked for beside its streams: descriptors to pass on, users, signals, a umask."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .harness import Parity
from .observe import outcome, python


def test_preexec_fn(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        code = "import os; print(os.environ.get('X'), os.getsid(0) == os.getpid())"
        return subprocess.run(
            python(code), preexec_fn=os.setsid, capture_output=True, text=True, env={"X": "1"}
        )

    assert parity(body).stdout == "1 True\n"


def test_umask(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return subprocess.run(["sh", "-c", "umask"], umask=0o027, capture_output=True, text=True)

    assert parity(body).stdout.strip().endswith("027")


def test_user_and_groups(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        me = {"user": os.getuid(), "group": os.getgid()}
        return outcome(subprocess.run, ["true"], **me), outcome(subprocess.run, ["true"], user=-1)

    assert isinstance(parity(body)[1], ValueError)


@pytest.mark.parametrize("restore", [True, False])
def test_restore_signals(parity: Parity, restore: bool) -> None:
    def body(folder: Path) -> Any:
        return subprocess.run(
            ["sh", "-c", "kill -13 $$; echo survived"], restore_signals=restore, capture_output=True
        )

    assert parity(body).returncode == (-13 if restore else 0)


def test_close_fds_false(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        code = "import os, sys; os.write(int(sys.argv[1]), b'through the back door')"
        fd = fcntl.fcntl(writer, fcntl.F_DUPFD, 50)
        os.set_inheritable(fd, True)
        subprocess.run(python(code, "50" if fd == 50 else str(fd)), close_fds=False, check=True)
        os.close(fd)
        os.close(writer)
        with open(reader, "rb") as source:
            return source.read()

    assert parity(body) == b"through the back door"


def test_a_status_descriptor(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        code = (
            "import os, sys; fd = int(sys.argv[1]); os.write(1, b'out'); os.write(fd, b'[GNUPG:] GOODSIG\\n')"
        )
        done = subprocess.run(python(code, str(writer)), pass_fds=[writer], capture_output=True)
        os.close(writer)
        with open(reader, "rb") as source:
            return done.stdout, source.read()

    assert parity(body) == (b"out", b"[GNUPG:] GOODSIG\n")


def test_a_large_status_descriptor(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        code = "import sys; open(int(sys.argv[1]), 'wb').write(b'status' * 40_000)"
        with subprocess.Popen(python(code, str(writer)), pass_fds=[writer]) as child:
            os.close(writer)
            with open(reader, "rb") as source:
                return source.read(), child.wait()

    assert len(parity(body)[0]) == 240_000


def test_a_passphrase_descriptor(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        os.write(writer, b"secret")
        os.close(writer)
        code = "import os, sys; print(os.read(int(sys.argv[1]), 100))"
        done = subprocess.run(python(code, str(reader)), pass_fds=[reader], capture_output=True, text=True)
        os.close(reader)
        return done.stdout

    assert parity(body) == "b'secret'\n"
