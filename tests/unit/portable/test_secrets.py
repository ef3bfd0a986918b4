"""What is taken for a secret, and in which writings it is found."""

from __future__ import annotations

import base64
import bz2
import gzip
import html
import json
import lzma
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_proctape.portable import Places, Rules, looks_secret, secrets
from pytest_proctape.portable.secrets import Secrets, is_secret_value

VALUE = "kX9/+ 'q\"&é" + "zW7"


def knowing(**environment: str) -> Places:
    places = Places()
    places.secrets.learn(environment)
    return places


@pytest.mark.parametrize(
    "name",
    [
        "GITHUB_TOKEN",
        "TOKEN",
        "npm_config__authToken",
        "CLIENT_SECRET",
        "DB_PASSWORD",
        "MYSQL_PWD",
        "PGPASSWORD",
        "PASSWD",
        "API_KEY",
        "OPENAI_APIKEY",
        "AWS_SECRET_ACCESS_KEY",
        "SSH_PRIVATE_KEY",
        "GCP_CREDENTIALS",
        "NPM_AUTH",
        "sshKey",
        "STRIPE_KEY",
        "SENTRY_DSN",
    ],
)
def test_a_name_that_looks_secret(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "HOME",
        "PWD",
        "OLDPWD",
        "KEYBOARD",
        "AUTHOR",
        "MONKEY",
        "TOKEN_FILE",
        "SSH_AUTH_SOCK",
        "AUTH_URL",
        "_",
    ],
)
def test_a_name_that_does_not(name: str) -> None:
    assert not looks_secret(name)


@pytest.mark.parametrize(
    "name, value",
    [
        ("MY_TOKEN", ""),
        ("MY_TOKEN", "abc12"),
        ("MY_TOKEN", "true"),
        ("MY_TOKEN", "1234567"),
        ("POSTGRES_PASSWORD", "postgres"),
        ("DB_PASSWORD", "changeme"),
        ("SORT_KEY", "created_at"),
        ("AUTH_BACKEND", "ldap-plain"),
    ],
)
def test_values_that_protect_nothing_stay(name: str, value: str) -> None:
    places = knowing(**{name: value})
    assert places.conceal_text(f"a {value} b") == f"a {value} b"


@pytest.mark.parametrize(
    "name, value",
    [
        ("MY_TOKEN", "abc123"),
        ("MY_TOKEN", "12345678"),
        ("DB_PASSWORD", "gardener"),
        ("SORT_KEY", "created_at_1"),
        ("SORT_KEY", "created_at_it"),
    ],
)
def test_values_that_may_protect_something_do_not(name: str, value: str) -> None:
    places = knowing(**{name: value})
    assert places.conceal_text(f"a {value} b") == f"a <redacted:{name}> b"


def test_a_shape_within_base64_is_found_in_a_long_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_HEAD", 1 << 8)
    token = "ghp_" + "a1B2c3D4" * 5
    for text in (f"it is {token}", "words " * 100 + token, "\n" * 256 + token):
        packed = base64.b64encode(text.encode()).decode()
        assert packed not in Places().conceal_text(f"x {packed} y")
    # Of what is no text nobody asks.
    packed = base64.b64encode(b"\0" * 300 + token.encode()).decode()
    assert Places().conceal_text(f"x {packed} y") == f"x {packed} y"


@pytest.mark.parametrize("name, told", [("A_TOKEN", ":A_TOKEN"), ("1_TOKEN", ""), ("A TOKEN", ":A_TOKEN")])
def test_a_name_that_no_placeholder_can_have_is_left_out(name: str, told: str) -> None:
    assert knowing(**{name: VALUE}).conceal_text(VALUE) == f"<redacted{told}>"


def test_a_variable_that_names_a_file_is_no_secret(tmp_path: Path) -> None:
    places = knowing(GOOGLE_CREDENTIALS=str(tmp_path / "key.json"), AWS_SECRET="/k3yWith/Slashes+inIt")
    assert places.conceal_text(str(tmp_path / "key.json")) == str(tmp_path / "key.json")
    assert places.conceal_text("/k3yWith/Slashes+inIt") == "<redacted:AWS_SECRET>"


def _base64(before: str, *, urlsafe: bool = False) -> Callable[[str], str]:
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    return lambda value: encode((before + value + "tail").encode()).decode()


WRITINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "in a word": lambda value: f"--token={value}&x",
    "percent": lambda value: quote(value, safe=""),
    "percent, with slashes": quote,
    "form": quote_plus,
    "JSON": json.dumps,
    "JSON, not ASCII": lambda value: json.dumps(value, ensure_ascii=False),
    "JSON, slashes": lambda value: json.dumps(value).replace("/", r"\/"),
    "repr": repr,
    "shell": shlex.quote,
    "HTML": html.escape,
    "hex": lambda value: value.encode().hex(),
    "HEX": lambda value: value.encode().hex().upper(),
    "base64, 0": _base64(""),
    "base64, 1": _base64("x"),
    "base64, 2": _base64("xy"),
    "base64, 3": _base64("xyz"),
    "base64, URL": _base64("u:", urlsafe=True),
    "base64, wrapped": lambda value: base64.encodebytes((value * 9).encode()).decode(),
}


@pytest.mark.parametrize("writing", WRITINGS)
def test_a_value_is_found_in_every_writing(writing: str) -> None:
    text = f"before {WRITINGS[writing](VALUE)} after"
    on_tape = knowing(MY_TOKEN=VALUE).conceal_text(text)
    assert on_tape != text
    assert on_tape.startswith("before ")
    assert on_tape.endswith(" after")
    for written in WRITINGS.values():
        assert written(VALUE).strip("'\"") not in on_tape
    decoded = [base64.b64decode(run + "===") for run in re.findall(r"[A-Za-z0-9+/]{8,}", on_tape)]
    assert not any(VALUE.encode() in one for one in decoded)


def test_what_stands_there_as_it_is_is_read_back_where_it_is_known() -> None:
    places = knowing(MY_TOKEN=VALUE)
    on_tape = places.conceal_text(f"a {VALUE} b")
    assert on_tape == "a <redacted:MY_TOKEN> b"
    assert places.reveal_text(on_tape) == on_tape
    places.environment = {"MY_TOKEN": "another"}
    assert places.reveal_text(on_tape) == "a another b"


def test_only_variables_that_look_secret_are_read_back() -> None:
    places = Places()
    places.environment = {"HOME": "/home/me"}
    assert places.reveal_text("<redacted:HOME> <redacted>") == "<redacted:HOME> <redacted>"


def test_text_that_looks_redacted_survives() -> None:
    places = Places()
    for text in ("<redacted>", "<redacted:A_TOKEN>", "<=redacted>"):
        assert places.reveal_text(places.conceal_text(text)) == text
        assert places.conceal_text(text) != text


def test_a_key_of_several_lines_is_found_line_by_line() -> None:
    value = "first-line-of-the-key-4711\nsecond-line-of-the-key-0815\n"
    places = knowing(MY_SECRET=value)
    assert places.conceal_text("x second-line-of-the-key-0815 y") == "x <redacted:MY_SECRET> y"
    assert places.conceal_text(value) == "<redacted:MY_SECRET>\n"


def test_the_password_in_a_url_of_the_environment_is_found_alone() -> None:
    places = knowing(DATABASE="postgres://me:s3cr3t-pw@host/db")
    assert places.conceal_text("PGPASSWORD=s3cr3t-pw") == "PGPASSWORD=<redacted:PASSWORD_OF_DATABASE>"


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN {0}PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nabc+/def=\n-----END {0}PRIVATE KEY-----"
SHAPES = {
    "aws id": "AKIA" + "ABCDEFGH23456789",
    "github": "ghp_" + "a1B2c3D4" * 5,
    "github oauth": "gho_" + "a1B2c3D4" * 5,
    "github fine": "github_pat_" + "11ABCDEFG0" * 4,
    "gitlab": "glpat-" + "xY9_xY9-xY9_xY9-xY9_",
    "slack": "xoxb-" + "123456789012-abcdefABCDEF",
    "google": "AIza" + "SyA-1234567890_abcdefghijklmnopqrst",
    "stripe": "sk_live_" + "51H8abcdEFGHijklMNOPqrst",
    "npm": "npm_" + "a1B2c3" * 6,
    "pypi": "pypi-" + "AgEIcHlwaS5vcmcCJDU3NDM",
    "jwt": JWT,
    "pem": PEM.format("RSA "),
    "pem, plain": PEM.format(""),
}


@pytest.mark.parametrize("kind", SHAPES)
def test_a_known_shape_is_found_whoever_holds_it(kind: str) -> None:
    places = Places()
    assert places.conceal_text(f"is: {SHAPES[kind]} !") == "is: <redacted> !"
    inside = base64.b64encode(f"{{'x': '{SHAPES[kind]}'}}".encode()).decode()
    assert places.conceal_text(f"b {inside} !") == "b <redacted> !"
    assert places.conceal_text(json.dumps({"key": SHAPES[kind]})) == '{"key": "<redacted>"}'


@pytest.mark.parametrize(
    "text, on_tape",
    [
        ("Authorization: Bearer abc.def-123456", "Authorization: Bearer <redacted>"),
        ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic <redacted>"),
        ('{"Authorization": "token abcd1234"}', '{"Authorization": "token <redacted>"}'),
        ("Bearer abcdef0123456789", "Bearer <redacted>"),
        ("PRIVATE-TOKEN: abcdefgh1", "PRIVATE-TOKEN: <redacted>"),
        ("https://me:pa55@host/x", "https://me:<redacted>@host/x"),
        ("https://0123456789abcdef0123@host/x", "https://<redacted>@host/x"),
        (
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "aws_secret_access_key = <redacted>",
        ),
    ],
)
def test_what_a_label_says(text: str, on_tape: str) -> None:
    assert Places().conceal_text(text) == on_tape


@pytest.mark.parametrize(
    "text",
    [
        "basic authentication is used",
        "authorization failed: access denied",
        "secret key not found: x",
        "the bearer of good news",
        "https://host:8080/a@b",
        "git@github.com:me/repo.git",
        "ssh://git@host/repo",
        "3f786850e387550fdab836ed7e6dc881de23001b",
        "/usr/lib/python3/dist-packages/Some/Module/file.py",
        "npm_config_registry pypi-publish sk-learn",
        "-----BEGIN PUBLIC KEY-----",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Places().conceal_text(text) == text


def test_a_private_key_that_is_cut_short_is_a_secret() -> None:
    on_tape = Places().conceal_text(PEM.format("")[:60])
    assert on_tape == "<redacted>"


def test_patterns_of_the_users_own() -> None:
    rules = Rules(redact=(re.compile(rb"sesame-\w+"), re.compile(rb"pin=(\d+)")))
    places = Places(rules=rules)
    assert places.conceal_text("sesame-open pin=42;") == "<redacted> pin=<redacted>;"


def test_where_two_overlap_there_is_one() -> None:
    places = knowing(A_TOKEN="abcdef-123456", B_TOKEN="123456-ghijkl")
    assert places.conceal_text("x abcdef-123456-ghijkl y") == "x <redacted> y"
    assert places.conceal_text("x abcdef-123456 y") == "x <redacted:A_TOKEN> y"


def test_a_secret_wins_over_a_place() -> None:
    places = Places({"root": "/srv/repo"})
    places.secrets.learn({"MY_TOKEN": "srv/repo/key1"})
    assert places.conceal_text("/srv/repo/key1 /srv/repo") == "/<redacted:MY_TOKEN> <root>"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_stream_is_packed_anew_without_its_secrets(pack: Callable[[bytes], bytes]) -> None:
    places = knowing(MY_TOKEN="abcdef-123456")
    unpack = {gzip.compress: gzip.decompress, bz2.compress: bz2.decompress, lzma.compress: lzma.decompress}[
        pack
    ]
    clean = pack(b"nothing in it")
    assert places.conceal(clean) is clean
    packed = pack(b"a abcdef-123456 b" * 99)
    on_tape = places.conceal_pieces([packed[:10], packed[10:]])
    assert unpack(places.reveal(b"".join(on_tape))) == b"a <redacted:MY_TOKEN> b" * 99
    assert places.conceal(packed) == b"".join(on_tape)
    assert places.conceal(packed[:20]) == packed[:20]


def test_what_one_copy_learns_the_other_does_not_know() -> None:
    places = Places()
    twin = places.copy()
    assert twin.conceal_text("abcdef-123456") == "abcdef-123456"
    twin.secrets.learn({"MY_TOKEN": "abcdef-123456"})
    assert twin.conceal_text("abcdef-123456") == "<redacted:MY_TOKEN>"
    assert places.conceal_text("abcdef-123456") == "abcdef-123456"


def test_the_value_of_a_variable_that_is_kept() -> None:
    places = Places({"home": "/home/me"})
    assert places.conceal_variable("MY_TOKEN", "1") == "<redacted:MY_TOKEN>"
    assert places.conceal_variable("CACHE", "/home/me/.cache") == "<home>/.cache"
    assert places.conceal_variable("ODD", os.fsdecode(b"a\xffb")) == r"a\xffb"


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="<>:_"), min_size=12, max_size=30),
    st.binary(max_size=40),
    st.binary(max_size=40),
)
def test_no_secret_gets_through(value: str, before: bytes, behind: bytes) -> None:
    assume(is_secret_value("MY_TOKEN", value.strip()))
    places = knowing(MY_TOKEN=value)
    raw = os.fsencode(value.strip())
    for written in (raw, json.dumps(value.strip())[1:-1].encode(), quote(value.strip(), safe="").encode()):
        assert written not in places.conceal(before + written + behind)


def test_a_variable_that_is_set_later_is_learnt_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_TOKEN", raising=False)
    secrets = Secrets()
    secrets.learn(os.environ)
    twin = secrets.copy()
    assert not secrets.are_in(b"opensesame+77")
    monkeypatch.setenv("MY_TOKEN", "opensesame+77")
    for one in (secrets, twin):
        one.learn(os.environ)
        one.learn(os.environ)
        assert one.are_in(b"opensesame+77")
    monkeypatch.delenv("MY_TOKEN")
    secrets.learn(os.environ)
    assert secrets.are_in(b"opensesame+77"), "it may still be printed by a child that was started before"
