from __future__ import annotations

import pytest

from medtransfer.gui.learn.recipe import span


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (3, 12, "10 seconds"),
        (23, 93, "20 seconds to 2 minutes"),
        (20, 44, "20 to 40 seconds"),
        (55, 70, "1 minute"),
        (40, 62, "40 seconds to 1 minute"),
        (61, 130, "1 to 2 minutes"),
        (180, 540, "3 to 9 minutes"),
        (840, 3360, "14 to 56 minutes"),
        (3000, 9000, "50 minutes to 2.5 hours"),
        (7200, 14400, "2 to 4 hours"),
    ],
)
def test_times_are_said_as_people_say_them(low: float, high: float, said: str) -> None:
    assert span(low, high) == said
