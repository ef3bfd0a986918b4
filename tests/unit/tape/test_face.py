from __future__ import annotations

import ast
from pathlib import Path

from pytest_proctape import tape


def test_the_face_exports_what_it_imports_and_nothing_else() -> None:
    source = Path(tape.__file__).read_text(encoding="utf-8")
    imported = {
        alias.asname or alias.name
        for node in ast.parse(source).body
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }
    assert set(tape.__all__) == imported
    assert len(tape.__all__) == len(imported)
    assert all(hasattr(tape, name) for name in tape.__all__)
