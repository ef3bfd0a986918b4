"""Numbers of descriptors in arguments."""

from __future__ import annotations

import pytest

from pytest_proctape.portable import conceal_descriptors


@pytest.mark.parametrize(
    "argument, on_tape",
    [
        ("12", "<fd-1>"),
        ("--status-fd=12", "--status-fd=<fd-1>"),
        ("pipe:15", "pipe:<fd-2>"),
        ("/dev/fd/12", "/dev/fd/<fd-1>"),
        ("exec echo >&12 2>&15", "exec echo >&<fd-1> 2>&<fd-2>"),
        ("fds=12,15,16", "fds=<fd-1>,<fd-2>,16"),
        ("3", "3"),
        ("112", "112"),
        ("sleep 12", "sleep 12"),
        ("-n12", "-n12"),
        ("--max=12k", "--max=12k"),
        ("--ratio=12.5", "--ratio=12.5"),
        ("", ""),
    ],
)
def test_where_a_number_is_that_of_a_descriptor(argument: str, on_tape: str) -> None:
    assert conceal_descriptors(argument, (12, 15)) == on_tape
