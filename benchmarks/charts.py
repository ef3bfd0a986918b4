"""Charts of a run as SVG text: bars for a row, lines for a curve. The command writes them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from .results import Result, shown_value

WIDTH, LEFT, RIGHT, TOP, BAR = 720, 170, 110, 44, 26
HEIGHT, BOTTOM = 320, 46
OURS, OTHERS = "#0969da", "#8c959f"
COLOURS = ("#8c959f", "#0969da", "#bf8700", "#8250df", "#1a7f37", "#cf222e")

_STYLE = "font-family: system-ui, sans-serif; font-size: 13px; fill: #57606a"
"""A grey that can be read on white and on black."""


def write(results: Iterable[Result], folder: Path) -> list[Path]:
    """One file for each result that has figures; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for result in results:
        if result.figures:
            path = folder / f"{result.name}.svg"
            path.write_text(chart(result), encoding="utf-8")
            written.append(path)
    return written


def chart(result: Result) -> str:
    """The medians of a result."""
    medians = {name: statistics.median(values) for name, values in result.figures.items()}
    lines = curves(medians) if result.curve else {}
    if lines:
        return _document(result.title, HEIGHT, _lines(lines, result))
    return _document(result.title, TOP + BAR * len(medians) + 12, _bars(medians, result.unit))


def curves(medians: dict[str, float]) -> dict[str, list[tuple[int, float]]]:
    """Points by contender, of names like ``replayed 100``; those with one point alone are left out."""
    found: dict[str, list[tuple[int, float]]] = {}
    for name, value in medians.items():
        contender, _, point = name.rpartition(" ")
        if contender and point.isdecimal():
            found.setdefault(contender, []).append((int(point), value))
    return {name: sorted(points) for name, points in found.items() if len(points) > 1}


def _document(title: str, height: int, parts: Iterable[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" style="{_STYLE}">'
    )
    name = f"<title>{escape(title)}</title>"
    return "\n".join([head, name, _text(12, 24, title, weight="600"), *parts, "</svg>", ""])


def _bars(medians: dict[str, float], unit: str) -> Iterator[str]:
    most = max(medians.values()) or 1
    for number, (name, value) in enumerate(medians.items()):
        y = TOP + number * BAR
        wide = max(1.0, value / most * (WIDTH - LEFT - RIGHT))
        colour = (
            OURS if name.startswith(("proctape", "replayed", "recorded", "taped", "with one")) else OTHERS
        )
        yield _text(LEFT - 8, y + 16, name, anchor="end")
        yield f'<rect x="{LEFT}" y="{y + 3}" width="{wide:.1f}" height="{BAR - 8}" rx="2" fill="{colour}"/>'
        yield _text(LEFT + wide + 6, y + 16, shown_value(value, unit))


def _lines(lines: dict[str, list[tuple[int, float]]], result: Result) -> Iterator[str]:
    points = [point for line in lines.values() for point in line]
    across = _Scale([x for x, _ in points], 90, WIDTH - RIGHT)
    up = _Scale([y for _, y in points], HEIGHT - BOTTOM, TOP + 10)
    for x in sorted({x for x, _ in points}):
        yield _text(across.at(x), HEIGHT - BOTTOM + 20, f"{x:,}", anchor="middle")
    yield _text((90 + WIDTH - RIGHT) / 2, HEIGHT - 6, result.curve, anchor="middle")
    for y in (up.least, up.most):
        yield _text(82, up.at(y) + 4, shown_value(y, result.unit), anchor="end")
        yield f'<path d="M90 {up.at(y):.1f} H{WIDTH - RIGHT}" stroke="#d0d7de" stroke-dasharray="3 4"/>'
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in line)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield from (
            f'<circle cx="{across.at(x):.1f}" cy="{up.at(y):.1f}" r="3" fill="{colour}"/>' for x, y in line
        )
        end = up.at(line[-1][1]) + 4
        yield _text(across.at(line[-1][0]) + 8, end, name, colour=colour)


class _Scale:
    """Logarithmic, as both ways span powers of ten."""

    def __init__(self, values: Iterable[float], low: float, high: float) -> None:
        found = [max(value, 1e-9) for value in values]
        self.least, self.most = min(found), max(found)
        self._low, self._high = low, high

    def at(self, value: float) -> float:
        span = math.log(self.most / self.least) or 1.0
        return self._low + math.log(max(value, 1e-9) / self.least) / span * (self._high - self._low)


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", weight: str = "400", colour: str = ""
) -> str:
    fill = f' fill="{colour}" style="fill: {colour}"' if colour else ""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"'
    return f"<text {place}{fill}>{escape(text)}</text>"
