"""Files that a test may miss on replay: a line for its failure, which :mod:`.failure` puts there.

A command that is replayed makes no files but those on the tape. A test that goes on without them fails in
ways that say nothing of it: an assertion, an exception of the code under test, or another command than then.
"""

from __future__ import annotations

import os

from .cwd import working_directory
from .errors import ProctapeError, ReplayError
from .session import Player, Session

_TEMPORARY = tuple(f"<{real}{name}>" for name in ("tmp", "basetemp", "tempdir") for real in ("", "real-"))


def files_told(session: Session, error: Exception | None, raised: BaseException | None) -> str:
    """A line about files that commands may have made, mostly none.

    Args:
        session: of the test that failed.
        error: that it failed of, if that is one of ours.
        raised: that it failed of, whosever it is.
    """
    if not isinstance(session, Player) or not (session.spawns or error):
        return ""
    if error is not None and not isinstance(error, ReplayError):
        return ""
    recorded = session.files is not None and session.files.rules.on
    if isinstance(raised, FileNotFoundError):
        if _is_a_program(raised):
            # It is missing as it was in the recording.
            return ""
        place = _place_of(session, raised)
        if place and (place[1] or recorded):
            return _missing(session, *place)
        if not recorded:
            return (
                "a file is missing, and the commands on this tape were replayed without the files that they "
                "made: @pytest.mark.tape(effects=True) records these, too, and tapes_effects = true those of "
                "all tests"
            )
    folder = _unwatched(session)
    if folder is None:
        return ""
    if not recorded:
        return (
            f"its commands ran in {folder}, and were replayed without the files that they made there: "
            "if the test needs these, @pytest.mark.tape(effects=True) records them, too, and "
            "tapes_effects = true those of all tests"
        )
    return (
        f"its commands ran in {folder}, and files that they made there are on no tape: "
        "if the test needs these, let it make that directory below tmp_path"
    )


def _place_of(session: Player, raised: FileNotFoundError) -> tuple[str, str] | None:
    """What is missing, and the first name of it below the root; ``None`` where that is watched, or not known.

    The second is empty for what is missing elsewhere, in a temporary directory mostly.
    """
    name = raised.filename
    if not isinstance(name, str | bytes) or not name:
        return None
    path = os.path.normpath(os.path.join(working_directory(), os.fsdecode(name)))
    files = session.files
    if files is not None and files.rules.on and files.roots.root_of(path):
        return None
    taped = session.places.conceal_text(path)
    inside = path.removeprefix(f"{session.root}/")
    if inside == path or taped.startswith(_TEMPORARY):
        return taped, ""
    return inside, inside.partition("/")[0]


def _missing(session: Player, path: str, top: str) -> str:
    if not top:
        return (
            f"{path} is missing, and what commands make there is on no tape: "
            "if one of them made it, let the test have it below tmp_path"
        )
    wanted = () if session.files is None else session.files.rules.wanted
    places = ", ".join(f'"{one}"' for one in dict.fromkeys((*wanted, top)))
    return (
        f"{path} is missing, and what commands make there is on no tape: if one of them made it, "
        f"@pytest.mark.tape(effects=[{places}]) records that, too; or let the test have it below tmp_path"
    )


def _unwatched(session: Player) -> str | None:
    """The first temporary directory that a command of the tape ran in, and whose files are not recorded."""
    files = session.files
    try:
        entries = session.entries
    except ProctapeError:
        return None
    for entry in entries:
        cwd = entry.cwd
        if not isinstance(cwd, str) or not cwd.startswith(_TEMPORARY):
            continue
        if files is None or not files.rules.on or not files.roots.root_of(session.places.reveal_text(cwd)):
            return cwd
    return None


def _is_a_program(raised: FileNotFoundError) -> bool:
    innermost = raised.__traceback__
    while innermost is not None and innermost.tb_next is not None:
        innermost = innermost.tb_next
    return innermost is not None and innermost.tb_frame.f_globals.get("__name__") == "subprocess"
