"""Time that a test may miss on replay: a line for its failure, which :mod:`.failure` puts there.

Without a mock clock a replayed command has ended as soon as nothing holds it back. A test that looks
whether it still runs finds something else than in the recording, and nothing in its failure says so.
"""

from __future__ import annotations

from .clock import CLOCK
from .errors import ProctapeError
from .session import Player


def time_told(session: Player, error: Exception | None, raised: BaseException | None) -> str:
    """A line about time, mostly none.

    Args:
        session: of the test that failed; it replayed commands.
        error: that it failed of, if that is one of ours.
        raised: that it failed of, whosever it is.
    """
    if error is not None or not isinstance(raised, AssertionError) or CLOCK.is_looked_at:
        return ""
    try:
        looked_at = any(entry.seen_running for entry in session.entries)
    except ProctapeError:
        # What is wrong with the tape is told elsewhere.
        return ""
    if not looked_at:
        return ""
    return (
        "the test has looked whether a command still runs, and without a clock a replay takes no time: if it "
        "needs the time that was recorded, @pytest.mark.tape(clock=True), or tapes_clock = true for all tests"
    )
