from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medtransfer.gui.canvas.furniture import length_text, scale_length


@given(st.floats(0.01, 5000.0))
def test_a_scale_bar_is_round_and_fits(longest: float) -> None:
    length = scale_length(longest)
    assert longest / 2.5 <= length <= longest * 1.000001
    digits = f"{length:.0e}"[0]
    assert digits in "125"


def test_lengths_are_said_in_the_unit_people_use() -> None:
    assert [length_text(mm) for mm in (0.5, 5.0, 10.0, 100.0)] == ["0.5 mm", "5 mm", "1 cm", "10 cm"]
