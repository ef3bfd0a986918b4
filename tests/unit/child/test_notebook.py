"""What of a stream is one piece."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_proctape.child.notebook import Notebook
from pytest_proctape.child.notes import Run, step_of
from pytest_proctape.child.timing import ChildTime
from pytest_proctape.tape import Spool, script


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    return Notebook(lambda: Spool(tmp_path), ChildTime(None), timed=False)


def pieces(notebook: Notebook) -> list[tuple[int, bytes]]:
    steps = [step_of(one) if isinstance(one, Run) else one for one in notebook.log]
    return [(one.fd, one.data.bytes()) for one in steps if isinstance(one, script.Output)]


def test_the_end_of_another_output_parts_nothing(notebook: Notebook) -> None:
    notebook.data(1, b"one ")
    notebook.add(script.OutputEnd(2))
    notebook.add(script.OutputEnd(3))
    notebook.data(1, b"two")
    notebook.add(script.OutputEnd(1))
    assert pieces(notebook) == [(1, b"one two")]
    assert [one.fd for one in notebook.log if isinstance(one, script.OutputEnd)] == [2, 3, 1]


def test_what_the_parent_did_parts_them(notebook: Notebook) -> None:
    notebook.data(1, b"one ")
    notebook.add(script.Signal(15, 0))
    notebook.add(script.OutputEnd(2))
    notebook.data(1, b"two")
    assert pieces(notebook) == [(1, b"one "), (1, b"two")]


def test_words_of_another_stream_part_them(notebook: Notebook) -> None:
    notebook.data(1, b"one ")
    notebook.data(2, b"error")
    notebook.add(script.OutputEnd(2))
    notebook.data(1, b"two")
    assert pieces(notebook) == [(1, b"one "), (2, b"error"), (1, b"two")]


def test_where_time_matters_the_end_stays_where_it_was(tmp_path: Path) -> None:
    notebook = Notebook(lambda: Spool(tmp_path), ChildTime(None), timed=True)
    notebook.data(1, b"one ")
    notebook.add(script.OutputEnd(2))
    notebook.data(1, b"two")
    assert pieces(notebook) == [(1, b"one "), (1, b"two")]
