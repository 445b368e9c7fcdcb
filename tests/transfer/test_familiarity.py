from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from medtransfer.transfer.familiarity import Reference, describe


def features(count: int, seed: int, dimensions: int = 80) -> NDArray[np.float32]:
    """Features near a plane of five dimensions, of very different spreads."""
    mixing = np.random.default_rng(0).normal(size=(5, dimensions)) * np.array([[30.0], [10], [3], [1], [0.5]])
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(count, 5)) @ mixing + 0.1 * generator.normal(size=(count, dimensions)) + 4
    return np.asarray(values, dtype=np.float32)


@pytest.mark.parametrize("count", [24, 200])
def test_pictures_of_the_same_kind_are_familiar_and_others_are_not(count: int) -> None:
    reference = describe(features(count, 1), features(60, 2))
    unseen = reference.distance(features(400, 3))
    assert (unseen <= reference.limit).mean() > 0.97
    assert np.median(unseen) == pytest.approx(1.0, abs=0.5)
    rotated = features(50, 4)[:, ::-1]
    noise = np.random.default_rng(5).normal(4, features(60, 2).std(), (50, 80)).astype(np.float32)
    shifted = features(50, 4) + 5
    for strange in (rotated, noise, shifted):
        assert (reference.distance(strange) > reference.limit).all()


def test_a_picture_far_out_along_a_common_direction_is_unfamiliar_too() -> None:
    reference = describe(features(200, 1), features(60, 2))
    far = reference.mean + 30 * reference.spread[0] * reference.axes[:1]
    assert reference.distance(far)[0] > reference.limit


def test_what_is_stored_says_the_same() -> None:
    reference = describe(features(50, 1), features(20, 2))
    again = Reference.of(reference.tensors())
    assert np.array_equal(again.distance(features(9, 3)), reference.distance(features(9, 3)))
    assert again.limit == pytest.approx(reference.limit, rel=1e-6)
    assert all(value.is_contiguous() for value in reference.tensors().values())


@pytest.mark.parametrize(("training", "validation"), [(2, 2), (3, 0), (5, 1)])
def test_few_pictures_give_finite_distances(training: int, validation: int) -> None:
    reference = describe(features(training, 1), features(validation, 2))
    assert np.isfinite(reference.distance(features(4, 3))).all()
    assert 0 < reference.limit < np.inf


def test_pictures_that_are_all_alike_do_no_harm() -> None:
    same = np.ones((10, 6), np.float32)
    reference = describe(same, same)
    assert np.isfinite(reference.distance(np.zeros((1, 6), np.float32))).all()
    assert reference.distance(np.zeros((1, 6), np.float32))[0] > reference.limit
