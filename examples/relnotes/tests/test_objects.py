"""A dialog: one git process is asked, answers, and is asked again."""

from __future__ import annotations

from pathlib import Path

import pytest

from relnotes.objects import ObjectReader

pytestmark = [pytest.mark.tape, pytest.mark.needs("git")]


def test_files_of_several_revisions_from_one_process(repo: Path) -> None:
    with ObjectReader(repo) as objects:
        assert objects.read("v1.0.0", "readme.md") == b"# Thimble\n"
        assert objects.read("v1.0.0", "logo.png") is None
        assert objects.read("v1.1.0", "logo.png") == bytes(range(256))
        assert objects.read("HEAD", "readme.md") == b"# Thimble\n\nthimble.py NAME\n"
