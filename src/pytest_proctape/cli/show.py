"""``proctape show``: show a tape, or one entry of it, in words, its timeline drawn.

Text is cut after some lines unless --full is given; what is no text is told by its size, its hash and
its first bytes. Payload files are resolved. In a timeline the marks stand where they happened:

  >  from the test to the child: input, closing stdin, a signal
  <  from the child: output, stopping, going on
  *  a file that the child made, changed or removed
  ~  a wait of the test that expired
  x  the child's end
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence

from ..errors import UsageError
from ..tape import Effect, Entry, Event, Tape
from .effects import effect_words
from .finding import Finder, TapeFile
from .screen import FINE, Screen, Style, counted, duration_text, visible
from .words import (
    STREAM_FIELDS,
    Decode,
    Shown,
    command_of,
    compact,
    end_of,
    input_about,
    plain,
    shown,
    step_of,
    untold,
    word_of,
)

_LINES = 12
"""Lines of a stream that are shown."""
_LANE = 30
"""Columns of a timeline."""
_MARKS: dict[str, Style] = {">": "blue", "<": "green", "~": "yellow", "*": "green", "x": "red", "?": "red"}


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("tape", metavar="TAPE", help="a tape's file, or its test's node id")
    parser.add_argument("entry", metavar="N", nargs="?", type=int, help="one entry, counted from 1")
    parser.add_argument("--full", action="store_true", help="every line of every stream")


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    """Show.

    Raises:
        UsageError: there is no such tape or entry.
        TapeError: the tape can't be read.
    """
    file = Finder().one(arguments.tape)
    tape = file.told()
    numbers = range(1, len(tape.entries) + 1)
    if arguments.entry is not None:
        if arguments.entry not in numbers:
            raise UsageError(f"{file.name} has {counted(len(tape.entries), 'entry')}, no {arguments.entry}")
        numbers = range(arguments.entry, arguments.entry + 1)
    chosen = [(number, tape.entries[number - 1]) for number in numbers]
    if arguments.json:
        screen.json(_as_json(file, tape, chosen, screen))
        return FINE
    _Drawing(screen, file.store.decode, arguments.full).tape(file, tape, chosen)
    return FINE


class _Drawing:
    """Draws entries on a screen."""

    def __init__(self, screen: Screen, decode: Decode, full: bool) -> None:
        self._screen = screen
        self._decode = decode
        self._full = full

    def tape(self, file: TapeFile, tape: Tape, chosen: Iterable[tuple[int, Entry]]) -> None:
        screen = self._screen
        screen.line(screen.paint(visible(file.name), "bold"))
        if tape.test:
            screen.line(f"test      {visible(tape.test)}")
        made = tape.recorded
        if made is None:
            screen.line("written   by hand")
        else:
            words = [made.at, f"Python {made.python}", made.platform, f"pytest-proctape {made.proctape}"]
            screen.line(f"recorded  {visible(', '.join(words))}")
        screen.line(f"entries   {len(tape.entries)}")
        for name, found in (tape.tools or {}).items():
            place = "not there" if found is None else word_of(found)
            screen.line(screen.cut(f"tool      {visible(name)}: {visible(place)}", 0))
        for number, entry in chosen:
            screen.line()
            self._entry(number, entry)

    def _entry(self, number: int, entry: Entry) -> None:
        screen = self._screen
        head = f"[{number}] "
        screen.line(screen.paint(head + screen.cut(command_of(entry), len(head)), "bold"))
        good = not (entry.exit_code or entry.signal or entry.spawn_error)
        screen.line("    " + screen.paint(end_of(entry), "green" if good else "red"))
        for name, value in self._about(entry):
            screen.line(f"    {name:<8}  {screen.cut(value, 14)}")
        if entry.timeline is not None:
            self._timeline(entry, entry.timeline)
        else:
            self._streams(entry)
        self._files(entry.effects or ())

    def _files(self, effects: Sequence[Effect]) -> None:
        """What it had done to files by its end."""
        screen = self._screen
        if effects:
            about = counted(len(effects), "change")
            screen.line(f"    {screen.paint('files   ', 'blue')}  {about} to the watched directories")
        limit = len(effects) if self._full or len(effects) == _LINES + 1 else _LINES
        for effect in effects[:limit]:
            told = screen.cut(effect_words(effect, self._decode), 8)
            screen.line(f"      {screen.paint('*', 'dim')} {told}")
        if len(effects) > limit:
            told_rest = f"... {counted(len(effects) - limit, 'more change')}; --full shows all"
            screen.line(f"      {screen.paint(told_rest, 'dim')}")

    def _about(self, entry: Entry) -> Iterator[tuple[str, str]]:
        """What else there is to say, field by field."""
        if entry.argv0 is not None:
            yield "argv[0]", visible(word_of(entry.argv0))
        if entry.cwd is not None:
            yield "in", visible(word_of(entry.cwd))
        for name, value in (entry.env or {}).items():
            yield "env", visible(f"{name}={value}") if value is not None else f"{visible(name)} is not set"
        for name, sha256 in (entry.inputs or {}).items():
            yield "given", f"{visible(name)} (sha256 {sha256[:16]}...)"
        if entry.phase != "call":
            yield "during", entry.phase
        if entry.stderr_to_stdout:
            yield "stderr", "goes where stdout goes"
        if entry.seen_running:
            yield "polled", "the first poll found it running"
        for name, other in untold(entry).items():
            yield name, compact(other)
        if entry.note is not None:
            yield "note", visible(entry.note)

    def _streams(self, entry: Entry) -> None:
        told = input_about(entry, self._decode)
        if entry.stdin is not None:
            self._stream("stdin", told)
        for name in ("stdout", "stderr"):
            stream = getattr(entry, name)
            if name == "stderr" and entry.stderr_to_stdout:
                continue
            if stream != "":
                self._stream(name, shown(stream, self._decode))
        for fd, stream in (entry.fds or {}).items():
            self._stream(f"fd {fd}", shown(stream, self._decode))

    def _stream(self, name: str, told: Shown) -> None:
        screen = self._screen
        if told.error is not None:
            screen.error(told.error)
        screen.line(f"    {screen.paint(f'{name:<8}', 'blue')}  {told.about}")
        lines = told.lines or ()
        limit = len(lines) if self._full else _LINES
        # One line more costs as much as saying that it is left out.
        limit = len(lines) if len(lines) == limit + 1 else limit
        for line in lines[:limit]:
            screen.line(f"      {screen.paint('|', 'dim')} {screen.cut(visible(line), 8)}")
        if len(lines) > limit:
            told_rest = f"... {counted(len(lines) - limit, 'more line')}; --full shows all"
            screen.line(f"      {screen.paint(told_rest, 'dim')}")
        elif told.unended and lines:
            screen.line(f"      {screen.paint('(no line end behind the last one)', 'dim')}")

    def _timeline(self, entry: Entry, timeline: tuple[Event, ...]) -> None:
        screen = self._screen
        end_ms = max([entry.duration_ms, *(event.at_ms or 0.0 for event in timeline)])
        wide = screen.width is None or screen.width >= 72
        lane = _LANE if wide and end_ms > 0 else 0
        last = 0.0
        for event in timeline:
            # Where nobody wrote down when, it comes with the one before.
            last = last if event.at_ms is None else event.at_ms
            if event.effects is not None:
                for effect in event.effects:
                    self._step("*", effect_words(effect, self._decode), last, end_ms, lane)
                continue
            mark, text = step_of(event, self._decode)
            self._step(mark, text, last, end_ms, lane)
        if not entry.running:
            self._step("x", end_of(entry), entry.duration_ms, end_ms, lane)

    def _step(self, mark: str, text: str, at_ms: float, end_ms: float, lane: int) -> None:
        screen = self._screen
        drawn = screen.paint(mark, _MARKS[mark], "bold")
        if lane:
            before = round((lane - 1) * at_ms / end_ms)
            drawn = f"|{'.' * before}{drawn}{'.' * (lane - 1 - before)}|"
        head = f"    {duration_text(at_ms):>9} "
        screen.line(f"{head}{drawn} {screen.cut(text, len(head) + (lane + 3 if lane else 2))}")


def _as_json(
    file: TapeFile, tape: Tape, chosen: Iterable[tuple[int, Entry]], screen: Screen
) -> dict[str, object]:
    return {
        "path": file.name,
        "test": tape.test,
        "version": tape.version,
        "recorded": plain(tape.recorded),
        "tools": None if tape.tools is None else {name: plain(found) for name, found in tape.tools.items()},
        "entries": [
            {
                "number": number,
                "command": [word_of(one) for one in (entry.program, *entry.args)],
                "cwd": None if entry.cwd is None else word_of(entry.cwd),
                "end": end_of(entry),
                "streams": dict(_streams_as_json(entry, file.store.decode, screen)),
                "entry": plain(entry),
            }
            for number, entry in chosen
        ],
    }


def _streams_as_json(entry: Entry, decode: Decode, screen: Screen) -> Iterator[tuple[str, object]]:
    for name in STREAM_FIELDS:
        if getattr(entry, name) is not None:
            told = input_about(entry, decode) if name == "stdin" else shown(getattr(entry, name), decode)
            if told.error is not None:
                screen.error(told.error)
            text = None if told.lines is None else "\n".join(told.lines)
            if told.lines and not told.unended:
                text = f"{text}\n"
            yield name, {"about": told.about, "text": text}
