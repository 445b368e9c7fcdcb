from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtransfer.cohort.published.columns import OLDEST, age_band, person


@pytest.mark.parametrize(
    ("text", "band"),
    [("058Y", "40 to 59"), ("58", "40 to 59"), ("17.0", "under 18"), ("40", "40 to 59"), ("80", "80 and older"),
     ("414", ""), ("0", ""), ("", ""), ("old", "")],
)  # fmt: skip
def test_bands_of_age(text: str, band: str) -> None:
    assert age_band(text) == band


@given(years=st.integers(1, OLDEST))
def test_every_age_has_one_band_however_it_is_written(years: int) -> None:
    assert age_band(str(years)) == age_band(f"{years:03d}Y") == age_band(f"{float(years)}") != ""


def test_what_is_not_known_is_no_attribute() -> None:
    assert person("F", "") == {"sex": "female"}
    assert person("Unknown", "0") == {}
