"""What may be said of tapes, and by which names: the table of settings as pytest is told of it.

Every start of pytest reads this file, taped or not, so it is a table and nothing else. What a value means,
and how it is checked, is said by :mod:`.settings`.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Mode = Literal["replay", "record", "missing", "new", "live", "verify"]
MODES: tuple[Mode, ...] = get_args(Mode)
Order = Literal["strict", "any"]
ORDERS: tuple[Order, ...] = get_args(Order)
MATCH_ON = ("program", "args", "cwd", "env", "stdin", "inputs")
"""What of a spawn is held against the tape; env and inputs only where the tape has some."""
RECORD_CHOICES = ("all", "missing", "new")
"""What may stand behind ``--record-tapes=``."""
OrphansAction = Literal["report", "fail", "delete"]
ORPHANS: tuple[OrphansAction, ...] = get_args(OrphansAction)
DIRECTORY = "tapes"
"""Where tapes are, unless somebody says otherwise; relative to the root directory."""
EXIT_DRIFT = 8
"""Pytest ends with it where every test has passed and a tool no longer does what its tape says."""

INI_PREFIX = "tapes_"
IniType = Literal["string", "bool", "linelist"]

KEYS: Final[tuple[tuple[str, IniType, str, bool], ...]] = (
    # the setting; how pytest reads its ini key; one line of help; whether the marker takes it, too
    ("mode", "string", f"mode of taped tests, one of {', '.join(MODES)}", True),
    ("auto", "bool", "every test is taped, without marker or fixture", False),
    ("dir", "string", "directory of the tapes, relative to the root directory", False),
    ("spawn_timeout", "string", "seconds that a command may run while recording", True),
    ("test_timeout", "string", "seconds that a test's commands may run while recording", True),
    ("max_output", "string", "bytes that a command may write, as in 64M", True),
    ("max_children", "string", "commands of a test that may run at once while recording", True),
    ("kill_leaked", "bool", "end commands that still run when their test ends", True),
    ("volatile", "linelist", "what --verify-tapes must not compare", False),
    ("live", "linelist", "commands that are never taped, as in `docker` or `git push`", True),
    ("orphans", "string", f"tapes no test owns: {', '.join(ORPHANS)}", False),
    ("order", "string", "strict: spawns come in the order of the tape; any: in any order", True),
    ("match_on", "linelist", f"what has to be as on the tape: {', '.join(MATCH_ON)}", True),
    ("clock", "bool", "time starts with the recording and moves by what the test waits for", True),
    ("places", "linelist", "placeholders: name = value, or name = /pattern/", False),
    ("redact", "linelist", "patterns of secrets, besides those known", False),
    ("env", "linelist", "names and globs of variables to keep and compare", False),
    ("keep_unscanned", "bool", "keep output too large to search for secrets", False),
    ("effects", "linelist", "record files that commands make: true, false, or where else", True),
    ("effects_ignore", "linelist", "patterns of files that are not recorded", False),
    ("effects_limit", "string", "most bytes of files that a tape keeps", False),
    ("effects_text", "linelist", "files whose text holds placeholders", False),
    ("payload_threshold", "string", "bytes above which what goes through a stream has its own file", False),
    ("wasi", "string", "directory of modules run as programs: <program>.wasm", False),
)


def marker_help() -> str:
    """What ``pytest --markers`` tells of the marker."""
    taken = [(name, told) for name, _, told, marker in KEYS if marker]
    arguments = ", ".join(f"{name}=None" for name, _ in taken)
    told = "; ".join(f"{name}: {told}" for name, told in taken)
    return (
        f"tape({arguments}): the processes that this test starts are recorded on a tape of its own and "
        f"replayed from it. {told}. The command line overrules the marker, the marker the "
        "fixture tape_config, and that the ini file."
    )
