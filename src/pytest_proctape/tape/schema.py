"""The JSON Schema of tapes: made from the models, published as ``schema.json`` beside this file.

``python -m pytest_proctape.tape.schema`` writes the file anew; a test says when it is out of date. The
command ``proctape schema`` prints it.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any, Union

from pydantic import TypeAdapter

from ..later import later
from .base import Model
from .judge import JUDGES, judge_of
from .model import FORMAT_VERSION, OLDEST_VERSION, Entry, Tape

SCHEMA_FILE = Path(__file__).with_name("schema.json")

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ATTRIBUTE = later(r"^    (\w[\w, ]*): (.*(?:\n {8}.*)*)", re.MULTILINE)
_ROLE = later(r":\w+:`~?\.?([^`]*)`")

# Any: JSON as pydantic gives it, without a type.
_Schema = dict[str, Any]


def schema() -> _Schema:
    """The schema of a tape file: a tape, or a bare list of entries."""
    # Any: pydantic made these classes, and a type checker knows of none of them.
    tape: Any = judge_of(Tape)
    entry: Any = judge_of(Entry)
    found = TypeAdapter(Union[tape, tuple[entry, ...]]).json_schema()  # noqa: UP007  # as above
    definitions: dict[str, _Schema] = found.pop("$defs")
    models = {one.__name__: one for one in JUDGES}
    for name, definition in definitions.items():
        if name in models:
            _describe(definition, models[name])
    definitions["Tape"]["properties"]["version"].update(minimum=OLDEST_VERSION, maximum=FORMAT_VERSION)
    plain: _Schema = _tidy({"$defs": dict(sorted(definitions.items())), "anyOf": found["anyOf"]})
    return {
        "$schema": _DIALECT,
        "title": "A tape of pytest-proctape",
        "description": "The processes of one test: an object, or a bare list of entries.",
        **plain,
    }


def text() -> str:
    """The file's text."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _describe(definition: _Schema, of: type[Model]) -> None:
    """Take the descriptions from the model's docstring, so that editors show them where they belong."""
    told = inspect.getdoc(of) or ""
    before, _, attributes = told.partition("\nAttributes:\n")
    definition["description"] = _plain_text(before)
    for names, words in _ATTRIBUTE.findall(attributes):
        for name in names.split(", "):
            if name in definition["properties"]:
                definition["properties"][name]["description"] = _plain_text(words)


def _plain_text(text: str) -> str:
    words = _ROLE.sub(r"\1", " ".join(text.split())).replace("``", "`")
    for python, json_word in (("None", "null"), ("True", "true"), ("False", "false")):
        words = words.replace(f"`{python}`", f"`{json_word}`")
    return words


def _tidy(value: Any) -> Any:  # noqa: ANN401  # JSON
    """Drop what says nothing and what releases of pydantic put differently."""
    if isinstance(value, list):
        return [_tidy(one) for one in value]
    if not isinstance(value, dict):
        return value
    tidied = {
        name: {one: _tidy(below) for one, below in inner.items()} if name == "properties" else _tidy(inner)
        for name, inner in value.items()
        if name != "title"
    }
    if "const" in tidied:
        tidied.pop("enum", None)
        tidied.pop("type", None)
    if tidied.get("default", "") is None:
        del tidied["default"]
    return tidied


if __name__ == "__main__":
    SCHEMA_FILE.write_text(text(), encoding="utf-8")
