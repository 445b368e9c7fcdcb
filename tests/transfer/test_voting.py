from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC

from medtransfer.transfer import metrics, voting
from medtransfer.transfer.voting import Cases, Vote


def cases(seed: int, count: int = 120) -> Cases:
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(count, 5))
    doubt = generator.logistic(size=count)
    numbers[:, 3] *= -1.0
    truth = (2.0 * numbers[:, 0] + numbers[:, 3] + doubt > 0).astype(np.float64)
    return Cases(numbers, truth, np.arange(count) // 2)


def auroc(truth: np.ndarray, logits: np.ndarray) -> float:
    return float(metrics.auroc(metrics.rank(truth > 0.5, logits))[0])


@pytest.mark.parametrize("combination", ["mean", "stacked"])
def test_all_five_vote_on_cases_they_have_not_seen(combination: str) -> None:
    vote, unseen = voting.fit(cases(1), voting.LEARNERS, combination, 0), cases(2)
    said = vote.probabilities(unseen.numbers)
    assert said.shape == (120, 5)
    for index, kind in enumerate(vote.learners):
        assert auroc(unseen.truth, said[:, index]) > 0.8, kind
    assert auroc(unseen.truth, vote.logits(unseen.numbers)) > 0.85
    if combination == "mean":
        mean = said.mean(axis=1)
        np.testing.assert_allclose(vote.logits(unseen.numbers), np.log(mean / (1 - mean)))


@pytest.mark.parametrize("combination", ["mean", "stacked"])
def test_what_is_stored_answers_the_same(combination: str) -> None:
    vote, unseen = voting.fit(cases(1), voting.LEARNERS, combination, 0), cases(2)
    again = Vote.of(vote.tensors())
    assert tuple(again.learners) == voting.LEARNERS
    np.testing.assert_array_equal(again.logits(unseen.numbers), vote.logits(unseen.numbers))


def test_a_learner_can_be_left_out_of_a_vote() -> None:
    kinds = ("logistic-regression", "random-forest")
    unseen = cases(2)
    mean, stacked = (voting.fit(cases(1), kinds, combination, 0) for combination in ("mean", "stacked"))
    alone = mean.probabilities(unseen.numbers)[:, 1]
    np.testing.assert_allclose(mean.logits_without(unseen.numbers, kinds[0]), np.log(alone / (1 - alone)))
    said = stacked.probabilities(unseen.numbers)[:, 0]
    term = stacked.weights[0] * np.log(said / (1 - said))
    without = stacked.logits_without(unseen.numbers, kinds[0])
    np.testing.assert_allclose(stacked.logits(unseen.numbers) - without, term, atol=1e-9)


def test_learners_are_those_of_scikit_learn() -> None:
    given, unseen = cases(1), cases(2)
    vote = voting.fit(given, ("random-forest", "support-vectors"), "mean", 3)
    standard = (given.numbers - given.numbers.mean(axis=0)) / given.numbers.std(axis=0)
    asked = (unseen.numbers - given.numbers.mean(axis=0)) / given.numbers.std(axis=0)
    forest = RandomForestClassifier(
        voting._TREES, min_samples_leaf=5, class_weight="balanced_subsample", monotonic_cst=[1] * 5, random_state=3
    )
    expected = forest.fit(standard, given.truth).predict_proba(asked)[:, 1].clip(1e-4, 1 - 1e-4)
    # A number that lies on a threshold up to float32's precision may go the other way in single trees.
    np.testing.assert_allclose(vote.probabilities(unseen.numbers)[:, 0], expected, atol=0.02)
    machine = SVC(gamma=1.0 / (voting._SPREAD * 5), class_weight="balanced").fit(standard, given.truth)
    ranks = np.argsort(np.argsort(machine.decision_function(asked)))
    assert np.array_equal(np.argsort(np.argsort(vote.probabilities(unseen.numbers)[:, 1], kind="stable")), ranks)


@pytest.mark.parametrize("kind", ["random-forest", "extra-trees", "boosted-trees"])
def test_no_number_lowers_an_answer_of_trees_when_it_rises(kind: str) -> None:
    vote, unseen = voting.fit(cases(1), (kind,), "mean", 0), cases(2)
    for column in range(5):
        raised = unseen.numbers.copy()
        raised[:, column] += 1.0
        assert (vote.logits(raised) >= vote.logits(unseen.numbers) - 1e-9).all()


def test_a_constant_number_does_no_harm() -> None:
    given = cases(1)
    numbers = np.column_stack([given.numbers, np.full(120, 3.0)])
    vote = voting.fit(Cases(numbers, given.truth, given.patients), voting.LEARNERS, "mean", 0)
    assert np.isfinite(vote.logits(numbers)).all()
