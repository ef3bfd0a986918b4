"""Which processes are the test run's own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pytest_proctape.child import TABLE
from pytest_proctape.intercept import kin

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every process counts as ours")

FAMILY = """
import os, subprocess, sys
below = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
print(below.pid, flush=True)
sys.stdin.read()
below.communicate()
"""


def test_we_and_our_ancestors() -> None:
    assert kin.is_ours(os.getpid())
    assert kin.is_ours(os.getppid())
    assert kin.is_our_group(os.getpgrp())


def test_what_descends_from_us() -> None:
    command = [sys.executable, "-c", FAMILY]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        grandchild = int(child.stdout.readline())
        assert kin.is_ours(child.pid)
        assert kin.is_ours(grandchild)
        assert kin.is_our_group(child.pid)
        assert not kin.is_our_group(grandchild)
        child.stdin.close()
    assert not kin.is_ours(grandchild)
    assert not kin.is_ours(child.pid)
    assert not kin.is_our_group(child.pid)


def test_what_descends_from_a_recorded_command(monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-c", FAMILY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        grandchild = int(child.stdout.readline())
        monkeypatch.setattr(TABLE, "get", {child.pid: object()}.get)
        assert not kin.is_ours(child.pid)
        assert not kin.is_ours(grandchild)
        child.stdin.close()
