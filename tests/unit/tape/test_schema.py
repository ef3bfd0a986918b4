"""The published schema is that of the models, and says of every committed tape that it is one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_proctape.errors import TapeError
from pytest_proctape.tape import loads
from pytest_proctape.tape.model import FORMAT_VERSION, OLDEST_VERSION
from pytest_proctape.tape.schema import SCHEMA_FILE, schema

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).parents[3]
TAPES = [*(ROOT / "tests/unit/tape/data").glob("*.json"), *(ROOT / "tapes").rglob("*.json")]


@pytest.fixture(scope="module")
def validator() -> Any:
    published = json.loads(SCHEMA_FILE.read_bytes())
    jsonschema.Draft202012Validator.check_schema(published)
    return jsonschema.Draft202012Validator(published)


def test_the_published_schema_is_current() -> None:
    assert json.loads(SCHEMA_FILE.read_bytes()) == schema(), "run python -m pytest_proctape.tape.schema"


@pytest.mark.parametrize("path", TAPES, ids=lambda path: path.stem)
def test_committed_tapes_are_valid(path: Path, validator: Any) -> None:
    assert list(validator.iter_errors(json.loads(path.read_bytes()))) == []


@pytest.mark.parametrize(
    "document",
    [
        5,
        {"entries": [{}]},
        {"entries": [{"program": 5}]},
        {"entries": [{"program": "a", "exit_code": 256}]},
        {"entries": [{"program": "a", "exitcode": 0}]},
        {"entries": [{"program": "a", "stdout": [1]}]},
        {"entries": [{"program": "a", "stdout": {"sha256": "../x", "size": 1}}]},
        {"entries": [{"program": "a", "timeline": [{"close": "fd"}]}]},
        {"entrys": []},
        {"version": FORMAT_VERSION + 1},
        {"version": OLDEST_VERSION - 1},
        [{"program": "a", "duration_ms": -1}],
    ],
    ids=str,
)
def test_what_the_loader_refuses_the_schema_refuses(document: object, validator: Any) -> None:
    with pytest.raises(TapeError):
        loads(json.dumps(document).encode(), Path("x.json"))
    assert not validator.is_valid(document)


def test_every_field_has_a_description() -> None:
    definitions = schema()["$defs"]
    bare = [
        f"{name}.{field}"
        for name in ("Tape", "Entry", "Event", "SpawnError")
        for field, value in definitions[name]["properties"].items()
        if not value.get("description")
    ]
    assert bare == []
    assert "`null` matches any" in definitions["Entry"]["properties"]["cwd"]["description"]
