"""Who owns the tape of a test: its node id, without the secrets that a parameter may have put into it.

:mod:`.run` asks. Looking through a text takes as long as all else that a quiet test costs, so the node ids
of a run are looked through together.
"""

from __future__ import annotations

import os

import pytest

from .portable import Places

_TOGETHER = 100
_PARTED = b"\n\n"
"""Behind it nothing goes on that a secret could be in, not even base64 with line breaks."""


class Owners:
    """The owners of the tapes of one run's tests."""

    def __init__(self, places: Places) -> None:
        """Know nothing yet.

        Args:
            places: of the run, with the secrets that are known.
        """
        self._places = places
        self._count = 0
        self._redacted: dict[str, str] = {}
        """Those that are not the node id; nearly always none."""

    def of(self, item: pytest.Item) -> str:
        """The owner of the tape of ``item``, one of its session's items."""
        items = item.session.items
        if len(items) != self._count:
            self._look_through([one.nodeid for one in items])
        if self._count == 0:
            return self._places.redact_text(item.nodeid)
        nodeid = item.nodeid
        return self._redacted.get(nodeid, nodeid) if self._redacted else nodeid

    def _look_through(self, nodeids: list[str]) -> None:
        self._count = len(nodeids)
        self._redacted = {}
        # A pattern of the user's may ask for the beginning or the end of a text.
        together = 1 if self._places.rules.redact else _TOGETHER
        for start in range(0, len(nodeids), together):
            some = nodeids[start : start + together]
            if self._places.secrets.are_in(_PARTED.join(map(os.fsencode, some))):
                pairs = ((one, self._places.redact_text(one)) for one in some)
                self._redacted.update((one, owner) for one, owner in pairs if one != owner)
