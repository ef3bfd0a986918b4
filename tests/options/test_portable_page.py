"""The examples of docs/portable.md do what is said beside them."""

from __future__ import annotations

import json
import re

import pytest

from tests.docs.pages import ROOT
from tests.options.project import Project

PAGE = ROOT / "docs" / "portable.md"
IMPORTS = "import os, subprocess, uuid\n\n\n"


def blocks(name: str) -> dict[str, str]:
    """The fenced blocks of an example, by their language."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->(.*?)<!-- /{name} -->", text, re.DOTALL)
    assert found is not None
    return dict(re.findall(r"```(\w+)\n(.*?)```", found[1], re.DOTALL))


@pytest.mark.parametrize("name, test", [("places-example", "test_remove"), ("redact-example", "test_deploy")])
def test_the_example(project: Project, monkeypatch: pytest.MonkeyPatch, name: str, test: str) -> None:
    parts = blocks(name)
    project.write(parts["ini"], "pytest.ini")
    project.write(IMPORTS + parts["python"])
    monkeypatch.setenv("DEPLOY_TOKEN", "tok-1234567890")
    project.record()
    (entry,) = project.entries(test)
    shown = json.loads("{" + parts["json"].strip().rstrip(",") + "}")
    assert {key: entry[key] for key in shown} == shown
    monkeypatch.delenv("DEPLOY_TOKEN")
    project.replay()
