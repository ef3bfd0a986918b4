"""Times on a tape."""

from __future__ import annotations

import pytest

from pytest_proctape.tape.times import ns_of, time_of


@pytest.mark.parametrize(
    "ns, told",
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (1_500_000_000, "1970-01-01T00:00:01.5Z"),
        (2**63 - 1, "2262-04-11T23:47:16.854775807Z"),
    ],
)
def test_a_time_is_that_of_a_calendar(ns: int, told: str) -> None:
    assert time_of(ns) == told
    assert ns_of(told) == ns


@pytest.mark.parametrize("ns", [10**21, -(10**21)])
def test_a_time_that_no_calendar_has_is_a_number(ns: int) -> None:
    assert time_of(ns) == ns == ns_of(ns)


@pytest.mark.parametrize("text", ["", "noon", "2024-02-03", "2024-02-03T12:00:00"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="no time"):
        ns_of(text)
