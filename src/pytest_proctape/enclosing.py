"""The pytest run that this code is part of, if any: what it says holds for ``use_tape`` as well.

The plugin enters a run here and takes it away again; :mod:`.use` asks. Neither has to import the other, and
pytest need not be there at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .active import ActiveTape
    from .keys import Mode
    from .logfile import LogFile
    from .portable import Rules
    from .settings import Settings
    from .summary import Result


class Enclosing:
    """One run of pytest.

    Attributes:
        expect: is called before a block begins: there may be something to tell of it. The two that follow
            may be missing before.
        settings: of its ini file.
        mode: what its command line asks for.
        active: blocks of ``use_tape`` that are open.
        results: of those that have ended and are not reported yet.
        log: where the run wants events to go.
    """

    settings: Settings
    mode: Mode | None

    def __init__(self, expect: Callable[[], None]) -> None:
        self.expect = expect
        self.active: list[ActiveTape] = []
        self.results: list[Result] = []
        self.log: LogFile | None = None

    def take_results(self) -> list[Result]:
        """The results since the last call."""
        taken, self.results = self.results, []
        return taken


RUNS: list[Enclosing] = []
"""The innermost last: pytester runs pytest inside of pytest."""


def rules_of(settings: Settings, source: str) -> Rules | None:
    """The user's rules for what gets onto tapes, ``None`` if there are none.

    Args:
        settings: of the ini file.
        source: its path, for the message.

    Raises:
        UsageError: a line is not understood.
    """
    if not (settings.places or settings.redact or settings.env or settings.keep_unscanned):
        return None
    from .portable import rules_from

    return rules_from(
        settings.places,
        settings.redact,
        settings.env,
        keep_unscanned=settings.keep_unscanned,
        source=source,
    )
