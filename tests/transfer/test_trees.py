from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier

from medtransfer.transfer import trees
from medtransfer.transfer.threads import one_thread
from medtransfer.transfer.trees import Trees


def cases(seed: int, count: int = 80) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(count, 4)).astype(np.float32).astype(np.float64)
    return numbers, (numbers[:, 0] + generator.normal(size=count) > 0).astype(np.float64)


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
@given(seed=st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_a_forest_answers_as_scikit_learn_says(
    kind: type[RandomForestClassifier | ExtraTreesClassifier], seed: int
) -> None:
    numbers, truth = cases(seed)
    rising = [1] * 4 if seed % 2 else None
    forest = kind(12, min_samples_leaf=2, class_weight="balanced", monotonic_cst=rising, random_state=seed).fit(
        numbers, truth
    )
    found = Trees.of(trees.of_forest(forest).tensors())
    other = cases(seed + 1)[0]
    np.testing.assert_allclose(found.answers(other).mean(axis=1), forest.predict_proba(other)[:, 1], atol=1e-12)


@given(seed=st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_boosted_trees_answer_as_scikit_learn_says(seed: int) -> None:
    numbers, truth = cases(seed)
    boosting = HistGradientBoostingClassifier(max_iter=15, min_samples_leaf=3, early_stopping=False, random_state=seed)
    with one_thread():
        found, start = trees.of_boosting(boosting.fit(numbers, truth))
        other = cases(seed + 1)[0]
        expected = boosting.decision_function(other)
    np.testing.assert_allclose(found.answers(other).sum(axis=1) + start, expected, atol=1e-9)


def test_a_single_leaf_is_a_tree() -> None:
    forest = RandomForestClassifier(2, max_depth=1, min_samples_leaf=40, random_state=0).fit(*cases(3, 41))
    answers = trees.of_forest(forest).answers(np.zeros((3, 4)))
    assert answers.shape == (3, 2)
    assert ((answers >= 0) & (answers <= 1)).all()
