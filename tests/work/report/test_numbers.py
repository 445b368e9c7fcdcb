from __future__ import annotations

import pytest

from medtransfer.contract.evaluation import Interval
from medtransfer.work.report import numbers
from tests.result.results import passport


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (Interval(value=0.914, low=0.8499, high=0.961), "0.91 (0.85\u20130.96)"),
        (Interval(value=0.5), "0.50"),
        (Interval(value=-0.034, low=-0.1, high=0.02), "\u22120.03 (\u22120.10\u20130.02)"),
        (None, "not defined"),
    ],
)
def test_intervals(entry: Interval | None, words: str) -> None:
    assert numbers.interval(entry) == words


def test_differences_carry_their_sign() -> None:
    assert [numbers.signed(value) for value in (0.121, -0.05, -0.001)] == ["+0.12", "\u22120.05", "+0.00"]


def test_moments() -> None:
    assert numbers.moment("2026-11-23T10:00:00+02:00") == "2026-11-23 08:00 UTC"
    assert numbers.moment("some day") == "some day"


def test_what_computed_is_written_as_its_makers_write_it() -> None:
    assert numbers.computed_by(passport()) == "OpenVINO"
    torch = passport().model_copy(update={"runtime": "torch in fp32, 1 thread"})
    assert numbers.computed_by(torch) == "PyTorch in fp32, 1 thread"
