"""What the benchmark makes of its figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import charts, measure, results
from benchmarks.measure import Figures, Row, Setting, Target, Turns
from benchmarks.results import Result, Run, shown_value


def row(figures: Figures, *targets: Target, curve: str = "") -> Result:
    return Result.of(Row("name", "what it is", "ns", lambda _: figures, targets, curve), figures)


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    # The second round was disturbed, for both.
    assert measure.ratio([1, 100, 2], [10, 1000, 10]) == 0.1


def test_targets_are_held_or_missed() -> None:
    figures = {"real": [100.0, 100.0], "proctape": [10.0, 10.0], "mock.patch": [3.0, 3.0]}
    result = row(
        figures,
        measure.at_most(1 / 5, "real"),
        measure.at_most_fastest(2.5, ("mock.patch", "one that is not here")),
        measure.more_by(5, "mock.patch", "proctape", "ns", "5 more"),
        measure.at_most(1, "one that is not here"),
    )
    assert [one.held for one in result.targets] == [True, False, False]
    assert [one.value for one in result.targets] == [pytest.approx(0.1), pytest.approx(10 / 3), 7]
    assert [line.split(":")[0] for line in results.missed([result])] == ["name", "name"]


def test_a_run_is_kept(tmp_path: Path) -> None:
    figures = {"real": [100.0], "proctape": [10.0]}
    run = Run({"python": "3"}, [row(figures, measure.at_most(1 / 5, "real"))])
    run.save(tmp_path / "run.json")
    assert Run.load(tmp_path / "run.json") == run


def test_two_runs_are_compared() -> None:
    before = Run({"python": "3.11"}, [row({"real": [100.0], "proctape": [10.0]})])
    after = Run({"python": "3.12"}, [row({"proctape": [5.0], "another": [1.0]})])
    assert list(results.compared(before, after)) == [
        "python: 3.11 | 3.12",
        "name: what it is",
        "    proctape       10 ns        5 ns  0.500",
    ]


def test_contenders_take_turns() -> None:
    seen: list[str] = []

    def contender(name: str) -> Callable[[], float]:
        def once() -> float:
            seen.append(name)
            return 1.0

        return once

    turns = Turns()
    turns.add("a", contender("a"))
    turns.add("b", contender("b"))
    assert turns.run(2) == {"a": [1.0, 1.0], "b": [1.0, 1.0]}
    assert seen == ["a", "b", "a", "b", "b", "a"]


def test_a_setting_chooses(tmp_path: Path) -> None:
    assert Setting(tmp_path).times(5) == 5
    assert Setting(tmp_path, full=True).times(5) == 10
    assert Setting(tmp_path, full=True, rounds=3).times(5, 60) == 3
    assert Setting(tmp_path).pick((1, 2), (1, 2, 3)) == [1, 2]


@pytest.mark.parametrize(
    "value, unit, shown",
    [
        (12, "ns", "12 ns"),
        (12_340, "ns", "12.3 us"),
        (1_500_000_000, "ns", "1.5 s"),
        (-2_000_000, "ns", "-2 ms"),
        (3 << 20, "B", "3.0 MiB"),
        (378, "n", "378"),
    ],
)
def test_values_are_shown_in_a_fitting_unit(value: float, unit: str, shown: str) -> None:
    assert shown_value(value, unit) == shown


@pytest.mark.parametrize("curve", ["", "spawns"])
def test_a_chart_is_drawn(tmp_path: Path, curve: str) -> None:
    figures = {"real 1": [100.0], "real 10": [90.0], "replayed 1": [10.0], "replayed 10": [9.0], "a<b": [1.0]}
    (path,) = charts.write([row(figures, curve=curve), Result("failed", "it", "ns", problem="so")], tmp_path)
    root = ET.parse(path).getroot()
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    kinds = {one.tag.rpartition("}")[2] for one in root.iter()}
    assert path.name == "name.svg"
    assert texts[0] == "what it is"
    if curve:
        assert {"1", "10", "spawns", "real", "replayed"} <= set(texts)
        assert "polyline" in kinds
    else:
        assert {"a<b", "real 10", "9 ns"} <= set(texts)
        assert "polyline" not in kinds


def test_all_rows_have_names_of_their_own() -> None:
    from benchmarks import rows
    from benchmarks.rows import clocks, curves, loads, runs, spawns, streams, suites

    modules = (clocks, curves, loads, runs, spawns, streams, suites)
    assert len(rows.ROWS) == sum(len(module.ROWS) for module in modules)
