from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pytest_proctape import tape


def imported(body: list[ast.stmt]) -> dict[str, str]:
    """The names that come from files of the room, and from which."""
    return {
        alias.asname or alias.name: node.module or ""
        for node in body
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }


def test_the_face_exports_what_it_imports_and_nothing_else() -> None:
    source = Path(tape.__file__).read_text(encoding="utf-8")
    at_once, later = imported(ast.parse(source).body), {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.If):
            later = imported(node.body)
    assert set(tape.__all__) == {*at_once, *later}
    assert len(tape.__all__) == len(at_once) + len(later)
    assert all(hasattr(tape, name) for name in tape.__all__)
    assert later == tape._HOMES


def test_the_face_has_nothing_that_it_does_not_export() -> None:
    with pytest.raises(AttributeError, match=r"'pytest_proctape\.tape' has no attribute 'Tapes'"):
        _ = tape.Tapes
