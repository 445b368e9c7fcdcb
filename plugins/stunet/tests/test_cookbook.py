"""The cookbook against the tables of the paper."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medtransfer_stunet.cookbook import Modality, Target, recommend


@pytest.mark.parametrize(
    ("modality", "target", "cases", "gain", "by_cases", "benefit"),
    [
        ("CT", "seen", 50, 2.27, 2.91, "clear"),
        ("CT", "unseen", 200, 5.04, 1.52, "clear"),
        ("CT", "lesion", 500, 4.56, 3.36, "clear"),
        ("MR", "seen", 100, 0.55, 2.91, "little"),
        ("MR", "unseen", 250, 1.03, 1.52, "some"),
        ("CT+PET", "lesion", 1000, 5.24, 3.36, "clear"),
        ("US", "lesion", 301, 2.47, 3.36, "clear"),
        ("US", "seen", 200, None, 1.52, "some"),
    ],
)
def test_gains_are_those_of_the_tables(
    modality: Modality, target: Target, cases: int, gain: float | None, by_cases: float, benefit: str
) -> None:
    advice = recommend(modality, target, cases)
    assert (advice.size, advice.fallback) == ("L", "B")
    assert (advice.gain, advice.gain_by_cases, advice.benefit) == (gain, by_cases, benefit)
    assert "2411.14525" in advice.citation


@pytest.mark.parametrize(
    ("cases", "group", "loss"), [(1, "small", 0.88), (120, "small", 0.88), (121, "medium", 0.64), (301, "large", 1.03)]
)
def test_the_number_of_cases_decides_the_group(cases: int, group: str, loss: float) -> None:
    advice = recommend("CT", "seen", cases)
    assert (advice.group, advice.fallback_loss) == (group, loss)


@given(st.sampled_from(get_args(Modality)), st.sampled_from(get_args(Target)), st.integers(1, 10**6))
def test_every_question_is_answered_with_figures(modality: Modality, target: Target, cases: int) -> None:
    advice = recommend(modality, target, cases)
    assert "nnU-Net" in advice.reasons[0]
    assert any("No data set" in reason for reason in advice.reasons) == (advice.gain is None)


def test_a_cohort_without_cases_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        recommend("CT", "seen", 0)
