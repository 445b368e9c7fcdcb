from __future__ import annotations

import numpy as np
import pytest
import torch

from medtransfer.transfer import siamese
from medtransfer.transfer.siamese import Examples, Siamese, Space

WIDTH = 40


def examples(seed: int = 1, count: int = 60) -> Examples:
    """Features of which three numbers in many tell the answer, and another disease beside."""
    generator = np.random.default_rng(seed)
    positive = np.arange(count) % 3 == 0
    features = generator.normal(size=(count, WIDTH)).astype(np.float32)
    features[positive, :3] += 2.0
    return Examples(features, positive, np.arange(count), positive | (np.arange(count) % 3 == 1))


def share_in_order(found: Siamese, unseen: Examples) -> float:
    """The share of pairs in which the positive case lies nearer to positive cases than the negative one does."""
    nearer = found.likeness(unseen.features)
    return float((nearer[unseen.positive][:, None] > nearer[~unseen.positive]).mean())


def positive_neighbours(found: Siamese, unseen: Examples) -> np.ndarray:
    """The share of positive cases among the five nearest of the support set."""
    alike = found.embed(unseen.features) @ found.support.T
    return np.asarray(found.positive[np.argsort(-alike, axis=1)[:, :5]].mean(axis=1))


def test_cases_that_it_has_not_seen_lie_nearer_to_their_like() -> None:
    given, unseen = examples(1), examples(2)
    found = siamese.fit(given, Space.around(given.features), 0)
    standard = (given.features - found.mean) / found.spread
    on_sphere = standard / np.linalg.norm(standard, axis=1, keepdims=True)
    untrained = Siamese(found.mean, found.spread, np.eye(WIDTH, dtype=np.float32), on_sphere, given.positive)
    assert share_in_order(found, unseen) > 0.85
    trained, before = (positive_neighbours(one, unseen) for one in (found, untrained))
    gain = (trained - before) * np.where(unseen.positive, 1.0, -1.0)
    assert gain.mean() > 0.05, "more neighbours of the same kind than by the features as they came"


def test_likeness_is_a_difference_of_distances() -> None:
    support = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], dtype=np.float32)
    flat = np.zeros(2, np.float32), np.ones(2, np.float32)
    found = Siamese(*flat, np.eye(2, dtype=np.float32), support, np.array([True, True, False, False]))
    middle = np.sqrt(0.5)
    expected = np.hypot(middle + 0.5, middle + 0.5) - np.hypot(middle - 0.5, middle - 0.5)
    assert found.likeness(np.array([[3.0, 3.0], [-2.0, -2.0]], dtype=np.float32)) == pytest.approx(
        [expected, -expected]
    )
    near = found.nearest(np.array([[0.1, 3.0]], dtype=np.float32), 2)
    assert [position for position, _ in near] == [1, 0]
    assert near[0][1] < near[1][1]


def test_the_loss_is_zero_when_everything_lies_where_it_should() -> None:
    apart = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    positive, patients = np.array([True, True, False]), np.array([0, 1, 2])
    assert float(siamese.contrastive_loss(apart, positive, patients)) == pytest.approx(0.0, abs=1e-4)
    together = torch.tensor([[1.0, 0.0]] * 3)
    assert float(siamese.contrastive_loss(together, positive, patients)) == pytest.approx(1.0, abs=1e-3)


def test_pictures_of_one_patient_are_no_pair() -> None:
    far = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    both = np.array([True, True])
    assert float(siamese.contrastive_loss(far, both, np.array([7, 7]))) == 0.0
    assert float(siamese.contrastive_loss(far, both, np.array([7, 8]))) == pytest.approx(4.0)


def test_it_does_not_collapse_and_is_stored_exactly() -> None:
    given = examples()
    found = siamese.fit(given, Space.around(given.features), 0)
    assert found.support.std(axis=0).mean() > 1e-2
    again = Siamese.of(found.tensors())
    assert np.array_equal(again.likeness(given.features), found.likeness(given.features))


def test_three_positive_cases_are_enough_to_learn_from() -> None:
    given, unseen = examples(3), examples(4)
    few = np.flatnonzero(given.positive)[3:]
    kept = np.setdiff1d(np.arange(60), few)
    some = Examples(*(values[kept] for values in vars(given).values()))
    assert some.positive.sum() == 3
    assert share_in_order(siamese.fit(some, Space.around(some.features), 0), unseen) > 0.7
