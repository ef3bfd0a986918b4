"""An input that the child has left alone: nobody looks at it, with a timeline on the tape and without."""

from __future__ import annotations

import pytest

from pytest_proctape.tape import Anything, Content, End, Entry, Script, Stream, fields_of, script, script_of


def _encode(content: Content) -> Stream:
    return content.bytes().decode()


def _decode(stream: Stream) -> Content:
    assert isinstance(stream, str)
    return Content.of(stream.encode())


@pytest.mark.parametrize("pause_ns", [None, 10**6], ids=["whole", "timeline"])
def test_it_is_not_looked_at(pause_ns: int | None) -> None:
    said = (script.Output(1, Content.of(b"x\n"), 20_000_000),)
    played = Script(said, End(0, None, 20_000_000), has_input=False, pause_ns=pause_ns)
    entry = Entry(program="a", **fields_of(played, _encode))
    assert (entry.timeline is not None) is (pause_ns is not None)
    assert entry.stdin == Anything(any=True)
    assert not script_of(entry, _decode, strict_input=True).has_input
