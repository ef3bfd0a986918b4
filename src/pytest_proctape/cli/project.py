"""The project around a directory: its root, and where its tapes are, as its ini file tells pytest."""

from __future__ import annotations

import configparser
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..settings import Settings

_KEY = "tapes_dir"
_PLACES = "tapes_places"


@dataclass(frozen=True, slots=True)
class Project:
    """What pytest would take for the root directory, and the directory of the tapes.

    Attributes:
        root: absolute; node ids are relative to it.
        tapes: absolute; it need not exist.
        placeholders: names of the user's own.
    """

    root: Path
    tapes: Path
    placeholders: tuple[str, ...] = ()


def project_of(folder: Path) -> Project:
    """The project that ``folder`` is in; where there is no ini file it is one itself.

    The nearest file that has a section for pytest decides, of those in one directory the first in pytest's
    own order: https://docs.pytest.org/en/stable/reference/customize.html#initialization-determining-rootdir-and-configfile

    Raises:
        UsageError: an ini file can't be read.
    """
    here = folder.resolve()
    bare = None
    for directory in (here, *here.parents):
        for name, read in _FILES.items():
            path = directory / name
            if not path.is_file():
                continue
            section = _read(path, read)
            if section is not None:
                written = section.get(_KEY)
                value = written if isinstance(written, str) and written else Settings().dir
                tapes = Path(os.path.abspath(directory / value))
                return Project(directory, tapes, tuple(_names(section.get(_PLACES))))
        if bare is None and any(directory.joinpath(name).exists() for name in ("pyproject.toml", ".git")):
            bare = directory
    root = bare or here
    return Project(root, root / Settings().dir)


def _names(lines: object) -> Iterator[str]:
    """What stands in front of each ``=``; a list of an ini file is one text."""
    for line in lines.splitlines() if isinstance(lines, str) else lines if isinstance(lines, list) else ():
        name, separator, _ = str(line).partition("=")
        if separator:
            yield name.strip()


def _read(path: Path, read: Callable[[str], Mapping[str, object] | None]) -> Mapping[str, object] | None:
    try:
        return read(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, configparser.Error) as error:
        first = str(error).splitlines()[0]
        raise UsageError(f"{path} can't be read: {first}") from None


def _ini(section: str, always: bool = False) -> Callable[[str], Mapping[str, object] | None]:
    def read(text: str) -> Mapping[str, object] | None:
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(text)
        if parser.has_section(section):
            return dict(parser.items(section))
        return {} if always else None

    return read


def _toml(*sections: tuple[str, ...], always: bool = False) -> Callable[[str], Mapping[str, object] | None]:
    def read(text: str) -> Mapping[str, object] | None:
        document = tomllib.loads(text)
        for section in sections:
            found: object = document
            for name in section:
                found = found.get(name) if isinstance(found, dict) else None
            if isinstance(found, dict):
                return found
        return {} if always else None

    return read


_FILES: Mapping[str, Callable[[str], Mapping[str, object] | None]] = {
    "pytest.toml": _toml(("pytest",), always=True),
    ".pytest.toml": _toml(("pytest",), always=True),
    "pytest.ini": _ini("pytest", always=True),
    ".pytest.ini": _ini("pytest", always=True),
    "pyproject.toml": _toml(("tool", "pytest", "ini_options"), ("tool", "pytest")),
    "tox.ini": _ini("pytest"),
    "setup.cfg": _ini("tool:pytest"),
}
