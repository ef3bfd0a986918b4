"""A small git repository for every test, the same to the last hash on any machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ADA = "Ada Lovelace"
ZOE = "Zoë Müller"
LOGO = bytes(range(256))
"""Not UTF-8, with NULs and every kind of line end: bytes have to come through as they are."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*tools): skipped where one of them has to run and is missing")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Only a run that starts processes needs the tools; on replay nothing is ever skipped."""
    options = ("--record-tapes", "--live-tapes")
    if not any(item.config.getoption(option, default=None) for option in options):
        return
    tools = [tool for mark in item.iter_markers("needs") for tool in mark.args]
    missing = sorted({tool for tool in tools if shutil.which(tool) is None})
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}, not installed here")


@pytest.fixture(autouse=True)
def _neutral(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep out what the user, the system or a git hook that runs the tests has set."""
    for name in list(os.environ):
        if name.startswith("GIT_") or name in {"XDG_CONFIG_HOME", "TAR_OPTIONS", "GZIP"}:
            monkeypatch.delenv(name)
    settings = {
        "HOME": "/nonexistent",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(tmp_path),  # a repository around tmp_path is none of ours
        "GIT_DEFAULT_HASH": "sha1",
        "LC_ALL": "C",
        "TZ": "UTC",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


class Builder:
    """Makes a repository: the files by Python, the rest by git."""

    def __init__(self, path: Path) -> None:
        path.mkdir()
        self.path = path
        self.git("-c", "init.defaultBranch=main", "init", "--quiet", "--template=")

    def git(self, *arguments: str, who: str = ADA, date: str = "2024-01-01", text: str | None = None) -> None:
        """Run git as somebody, at noon of a day."""
        mail = f"{who.partition(' ')[0].lower()}@example.org"
        person = {"NAME": who, "EMAIL": mail, "DATE": f"{date}T12:00:00Z"}
        variables = {f"GIT_{role}_{key}": person[key] for role in ("AUTHOR", "COMMITTER") for key in person}
        # As bytes, because the locale decides how text gets into an environment, and the hashes would differ.
        encoded = {name.encode(): value.encode() for name, value in variables.items()}
        subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env={**os.environb, **encoded},
            input=text,
            encoding="utf-8",
            check=True,
        )

    def commit(self, message: str, *, date: str, who: str = ADA, **files: str | bytes) -> None:
        """Write the files and commit them; `readme_md="..."` is the file `readme.md`."""
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            self.path.joinpath(name.replace("_", ".")).write_bytes(data)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--file=-", who=who, date=date, text=message)

    def tag(self, name: str, *, date: str) -> None:
        """Make an annotated tag of the latest commit."""
        self.git("tag", "--annotate", f"--message=Thimble {name}", name, date=date)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """The history of Thimble: six commits by two people, and two tags."""
    thimble = Builder(tmp_path / "thimble")
    thimble.commit("Begin", date="2024-01-01", readme_md="# Thimble\n", thimble_py="print('hello')\n")
    thimble.tag("v1.0.0", date="2024-01-02")
    thimble.commit("feat: a logo", date="2024-02-01", logo_png=LOGO)
    thimble.commit(
        "fix(greeting): end with a full stop\n\nPeople asked.\n\n"
        "Co-authored-by: Grace Hopper <grace@example.org>\n",
        date="2024-02-02",
        who=ZOE,
        thimble_py="print('hello.')\n",
    )
    thimble.commit(
        "feat(greeting)!: greet somebody\n\nBREAKING CHANGE: a name has to be given.\n",
        date="2024-02-03",
        thimble_py="import sys\n\nname = sys.argv[1]\nprint(f'hello, {name}.')\n",
    )
    thimble.tag("v1.1.0", date="2024-02-04")
    usage = "# Thimble\n\nthimble.py NAME\n"
    thimble.commit("docs: say how to call it", date="2024-03-01", who=ZOE, readme_md=usage)
    shorter = "import sys\n\nprint(f'hello, {sys.argv[1]}.')\n"
    thimble.commit("Tidy up", date="2024-03-02", who=ZOE, thimble_py=shorter)
    return thimble.path


@pytest.fixture
def fresh_repo(tmp_path: Path) -> Path:
    """A repository without a single commit."""
    return Builder(tmp_path / "fresh").path
