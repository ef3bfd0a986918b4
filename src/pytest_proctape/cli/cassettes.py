"""Cassettes of subprocess-vcr: YAML to a tape. The command ``convert`` calls :func:`read_cassette`.

The format, version 1, as ``core.py`` of subprocess-vcr 0.1.0 writes it: a mapping of ``version``,
``interactions`` and ``metadata``. An interaction has ``args`` (a list, or text for ``shell=True``),
``kwargs``, ``duration`` in seconds, ``returncode``, ``stdout`` and ``stderr`` (text, ``{_binary: true,
data: base64}``, or null). The file is ``_vcr_cassettes/<module>.<test>.yaml`` beside the module.

Its stdin is not on a cassette. Its environment is, wholly, and stays there: it may hold secrets.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import TapeCorrupt, UsageError
from ..tape import Base64, Entry, Stream, Tape, encode
from .reading import Owned, Unconvertible, end_fields, node_id, read_source

_FOLDER = "_vcr_cassettes"
_STDOUT = -2
_DEEPEST = 50
_EXPECTED = "a cassette of subprocess-vcr: a mapping with a list of interactions"


def read_cassette(path: Path, root: Path) -> tuple[list[Owned], list[Unconvertible]]:
    """The tape of a cassette, and the interactions that could not be converted.

    Args:
        path: the file.
        root: of the project, which node ids are relative to.

    Raises:
        TapeCorrupt: this is no cassette.
        UsageError: the file is not there, or PyYAML isn't.
    """
    document = _load(path)
    interactions = document.get("interactions") if isinstance(document, dict) else None
    if not isinstance(interactions, list):
        raise TapeCorrupt(path, "no interactions", expected=_EXPECTED)
    entries, problems = [], []
    for index, interaction in enumerate(interactions):
        try:
            entries.append(_entry(interaction))
        except ValueError as error:
            problem = str(error).splitlines()[0]
            problems.append(Unconvertible(str(path), 0, f"interactions[{index}]: {problem}"))
    remark = ""
    if any(_has_environment(one) for one in interactions):
        remark = "environments were left out: a cassette has all variables, and with them what is secret"
    return [Owned(_owner(path, document, root), Tape(entries=tuple(entries)), remark)], problems


def _load(path: Path) -> Any:  # noqa: ANN401  # YAML
    """The document, by PyYAML's safe loader, which makes plain values only; aliases are refused.

    A few lines of aliases of aliases can stand for more than any memory holds, and no cassette has one.
    """
    data = read_source(path)
    try:
        yaml: Any = importlib.import_module("yaml")  # Any: PyYAML has no types of its own
    except ImportError:
        raise UsageError("cassettes are YAML: pip install 'pytest-proctape[yaml]'") from None
    depth = 0
    try:
        for event in yaml.parse(data, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise TapeCorrupt(path, "an alias", expected="YAML without aliases", place=_place(event))
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise TapeCorrupt(path, "nested too deep", expected=_EXPECTED, place=_place(event))
        return yaml.safe_load(data)
    except TapeCorrupt:
        raise
    except Exception as error:  # `!!int ''` is an IndexError, `!!bool x` a KeyError, and so on
        first = " ".join(str(error).split())
        raise TapeCorrupt(path, f"not YAML: {first[:300]}", expected=_EXPECTED) from None


def _place(event: Any) -> str:  # noqa: ANN401  # PyYAML
    return f"line {event.start_mark.line + 1}, column {event.start_mark.column + 1}"


def _owner(path: Path, document: Mapping[str, Any], root: Path) -> str:
    """The node id: the file's name tells the module, and the name behind it, or the metadata, the test."""
    metadata = document.get("metadata")
    module, _, test = path.stem.partition(".")
    known = metadata.get("test_name") if isinstance(metadata, dict) else None
    folder = path.parent.parent if path.parent.name == _FOLDER else path.parent
    return node_id(folder / f"{module}.py", root, known if isinstance(known, str) and known else test)


def _has_environment(interaction: object) -> bool:
    kwargs = interaction.get("kwargs") if isinstance(interaction, dict) else None
    return isinstance(kwargs, dict) and bool(kwargs.get("env"))


def _entry(interaction: object) -> Entry:
    if not isinstance(interaction, dict):
        raise ValueError("no mapping")
    kwargs = interaction.get("kwargs") or {}
    if not isinstance(kwargs, dict):
        raise ValueError("kwargs is no mapping")
    program, *args = _argv(interaction.get("args"))
    returncode = interaction.get("returncode")
    if type(returncode) is not int:
        raise ValueError(f"returncode is {returncode!r}: no exit code was seen")
    end = end_fields(returncode)
    if end is None:
        raise ValueError(f"returncode is {returncode}: no process ends with it")
    merged = kwargs.get("stderr") == _STDOUT
    cwd = kwargs.get("cwd")
    duration = interaction.get("duration", 0)
    return Entry.model_validate(
        {
            "program": program,
            "args": tuple(args),
            "cwd": str(cwd) if cwd is not None else None,
            "stdout": _stream(interaction.get("stdout"), "stdout"),
            "stderr": "" if merged else _stream(interaction.get("stderr"), "stderr"),
            "stderr_to_stdout": merged,
            "duration_ms": round(duration * 1000, 6) if isinstance(duration, int | float) else 0.0,
            **end,
        }
    )


def _argv(args: object) -> list[str]:
    """The command line; text was run by the shell, as ``Popen(text, shell=True)`` does."""
    if isinstance(args, str) and args:
        return ["/bin/sh", "-c", args]
    if isinstance(args, list) and args and all(isinstance(one, str) for one in args):
        return args
    raise ValueError("args is neither text nor a list of texts")


def _stream(value: object, name: str) -> Stream | None:
    if value is None:
        return None
    if isinstance(value, str):
        return encode(value.encode())
    if isinstance(value, bytes):
        return encode(value)
    if isinstance(value, dict) and value.get("_binary") is True and isinstance(value.get("data"), str):
        return encode(Base64(base64=value["data"]).decoded())
    raise ValueError(f"{name} is neither text nor binary")
