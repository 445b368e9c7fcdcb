from __future__ import annotations

import pytest

from medtransfer.cohort.uncertainty import Uncertainty, settled


@pytest.mark.parametrize(
    ("policy", "answers"),
    [("unknown", (None, None)), ("positive", (1, 1)), ("negative", (0, 0)), ("mixed", (1, 0))],
)
def test_policies(policy: Uncertainty, answers: tuple[int | None, int | None]) -> None:
    assert (settled("edema", policy), settled("cardiomegaly", policy)) == answers
