from __future__ import annotations

import sys

import pytest

from pytest_proctape.live import LivePatterns

MEANT = [
    ("docker", ["docker", "ps"]),
    ("docker", ["/usr/bin/docker"]),
    ("docker", ["sh", "-c", "docker ps"]),
    ("docker", ["/bin/sh", "-c", "/usr/local/bin/docker ps 'a b'"]),
    ("git push", ["git", "push", "origin"]),
    ("docker*", ["docker-compose", "up"]),
    ("python -m mypkg.*", [sys.executable, "-m", "mypkg.tool", "x"]),
    ("python -m mypkg.*", ["python", "-m", "mypkg.tool"]),
    ("/opt/*/run", ["/opt/one/run"]),
    ("tool 'a b'", ["tool", "a b"]),
]
NOT_MEANT = [
    ("docker", ["dockerd"]),
    ("docker", ["git", "docker"]),
    ("git push", ["git"]),
    ("git push", ["git", "-C", "x", "push"]),
    ("/opt/tool", ["tool"]),
    ("docker", ["sh", "-c", "git push; docker ps"]),
    ("docker", ["sh", "-c", "docker ps | git push"]),
    ("docker", ["sh", "-c", "X=1 docker ps"]),
    ("docker", ["sh", "-c", "docker 'unended"]),
    ("docker", ["sh", "docker"]),
    ("python -m mypkg.*", ["python3.99", "-m", "mypkg.tool"]),
]


@pytest.mark.parametrize("pattern, argv", MEANT)
def test_a_command_that_is_meant(pattern: str, argv: list[str]) -> None:
    assert LivePatterns([pattern]).match(argv)
    assert LivePatterns(["other", pattern]).match(argv)


@pytest.mark.parametrize("pattern, argv", NOT_MEANT)
def test_a_command_that_is_not_meant(pattern: str, argv: list[str]) -> None:
    assert not LivePatterns([pattern]).match(argv)


def test_no_pattern_means_no_command() -> None:
    assert not LivePatterns([])
    assert not LivePatterns([]).match(["docker"])


@pytest.mark.parametrize("pattern", ["", "  ", "a 'b"])
def test_a_pattern_that_is_none(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"quotation|no command"):
        LivePatterns([pattern])
