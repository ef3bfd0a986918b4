"""Lines of the ini file become rules, or an error that says which line is wrong."""

from __future__ import annotations

import pytest

from pytest_proctape.errors import UsageError
from pytest_proctape.portable import Places, Rules, rules_from


def test_values_and_patterns() -> None:
    rules = rules_from(
        ["", "data = /srv/data", "  ver= 1.2 ", "id = /x+/"], [r"a(b)", ""], ["LANG, LC_*", "TZ"]
    )
    assert rules.values == (("data", "/srv/data"), ("ver", "1.2"))
    assert [(one.name, one.pattern.pattern, one.group) for one in rules.captures] == [("id", b"x+", 0)]
    assert [one.pattern for one in rules.redact] == [b"a(b)"]
    assert rules.env == ("LANG", "LC_*", "TZ")
    assert rules.names == ("data", "ver", "id")
    assert [name for name in ("LANG", "LC_ALL", "LANGUAGE", "tz") if rules.keeps_variable(name)] == [
        "LANG",
        "LC_ALL",
    ]


def test_nothing_said_is_nothing() -> None:
    assert rules_from([], [], []) == Rules()


@pytest.mark.parametrize(
    "line, told",
    [
        ("data", "not understood: 'data'"),
        ("Data = x", "no name for a placeholder"),
        ("tmp = x", "<tmp> is a placeholder already"),
        ("real-home = x", "<real-home> is a placeholder already"),
        ("redacted = x", "<redacted> is a placeholder already"),
        ("a = /(/", "no regular expression"),
        ("a = /x*/", "matches nothing at all"),
    ],
)
def test_a_line_that_is_wrong(line: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        rules_from([line], [], [], source="pytest.ini")
    assert str(caught.value).startswith("tapes_places in pytest.ini: ")
    assert told in str(caught.value)


def test_a_pattern_of_secrets_that_is_wrong() -> None:
    with pytest.raises(UsageError, match=r"tapes_redact in pytest\.ini: .*no regular expression"):
        rules_from([], ["[a"], [], source="pytest.ini")


def test_places_of_the_users_own() -> None:
    here, there = (
        Places({"root": root}, rules_from([f"data = {data}", "ver = 1.2"], [], []))
        for root, data in (("/r", "/r/data"), ("/s", "/big disk/d"))
    )
    on_tape = here.conceal_text("cp /r/data/x /r/y # 1.2 but not 1.25 or v1.2")
    assert on_tape == "cp <data>/x <root>/y # <ver> but not 1.25 or v1.2"
    assert there.reveal_text(on_tape) == "cp /big disk/d/x /s/y # 1.2 but not 1.25 or v1.2"
    assert here.reveal_text(here.conceal_text("<data> <=ver>")) == "<data> <=ver>"
