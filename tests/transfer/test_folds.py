from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medtransfer.errors import InternalError
from medtransfer.transfer import folds
from medtransfer.transfer.folds import Fold


@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(6, 30))
@settings(max_examples=40, deadline=None)
def test_nobody_is_on_both_sides_and_everybody_is_held_out_once(seed: int, count: int, people: int) -> None:
    generator = np.random.default_rng(seed)
    patients = generator.integers(people, size=3 * people)
    labels = np.where(generator.random((3 * people, 3)) < 0.2, np.nan, generator.integers(2, size=(3 * people, 3)))
    found = folds.shared(labels, patients, count, seed)
    assert sorted(np.concatenate([fold.held for fold in found])) == list(range(3 * people))
    for fold in found:
        assert not set(patients[fold.train]) & set(patients[fold.held])
        assert fold.train.size + fold.held.size == 3 * people


def test_the_rarest_label_is_spread_first() -> None:
    labels = np.zeros((40, 2))
    labels[:4, 0] = 1
    labels[::2, 1] = 1
    found = folds.shared(labels, np.arange(40), 4, 1)
    assert [int(labels[fold.held, 0].sum()) for fold in found] == [1, 1, 1, 1]
    assert all(3 <= labels[fold.held, 1].sum() <= 7 for fold in found)


def test_a_class_with_one_patient_has_no_folds() -> None:
    assert folds.grouped(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0, 0, 1, 2]), 1) == []
    assert len(folds.grouped(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0, 1, 2, 3]), 1)) == 2


def test_every_case_is_answered_by_what_has_not_seen_it() -> None:
    parts = folds.grouped(np.tile([0.0, 1.0], 10), np.arange(20), 1)
    learnt_from: dict[int, set[int]] = {}

    def answer(fold: Fold) -> np.ndarray:
        learnt_from.update({int(case): set(fold.train.tolist()) for case in fold.held})
        return fold.held.astype(np.float64)

    assert np.array_equal(folds.out_of_fold(parts, np.arange(20), answer), np.arange(20.0))
    assert all(case not in seen for case, seen in learnt_from.items())


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [Fold(np.array([0, 1]), np.array([1])), Fold(np.array([1]), np.array([0]))],
        [Fold(np.array([1]), np.array([0])), Fold(np.array([1]), np.array([0]))],
        [Fold(np.array([1]), np.array([0])), Fold(np.array([0]), np.array([2]))],
    ],
    ids=["nobody", "seen", "twice", "a gap"],
)
def test_a_leak_is_refused(parts: list[Fold]) -> None:
    with pytest.raises(InternalError, match="learnt from"):
        folds.out_of_fold(parts, np.arange(2), lambda fold: np.zeros(fold.held.size))


def test_two_pictures_of_a_patient_on_both_sides_are_a_leak() -> None:
    parts = [Fold(np.array([0, 1]), np.array([2, 3])), Fold(np.array([2, 3]), np.array([0, 1]))]
    asked: list[Fold] = []

    def answer(fold: Fold) -> np.ndarray:
        asked.append(fold)
        return np.zeros(fold.held.size)

    folds.out_of_fold(parts, np.array([7, 7, 8, 9]), answer)
    assert len(asked) == 2
    with pytest.raises(InternalError, match="learnt from") as caught:
        folds.out_of_fold(parts, np.array([7, 8, 8, 9]), answer)
    assert caught.value.code == "folds.leak"
    assert len(asked) == 2, "nothing is learnt before it is refused"
