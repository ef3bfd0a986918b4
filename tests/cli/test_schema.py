from __future__ import annotations

from pytest_proctape.tape.schema import schema
from tests.cli.conftest import Project


def test_the_schema_is_printed(project: Project) -> None:
    result = project.run("schema")
    assert (result.code, result.err) == (0, "")
    assert result.json == schema() == project.run("schema", "--json").json
