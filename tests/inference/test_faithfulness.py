"""Deletion and insertion on a network whose evidence is known exactly."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor

from medtransfer.inference.faithfulness import RANDOM_ORDERS, STEPS, measure

PATCH = (slice(32, 64), slice(64, 96))


def _patch_mean(batch: Tensor) -> Tensor:
    """Two answers: the brightness of a known patch, and its opposite corner's."""
    return torch.stack([batch[:, 0, *PATCH].mean((1, 2)), batch[:, 0, 80:, :32].mean((1, 2))], dim=1)


def _picture() -> Tensor:
    image = torch.zeros(1, 112, 112)
    image[0, *PATCH] = 1.0
    return image


def _map_at(row: int, column: int) -> NDArray[np.float32]:
    """Return a hill with its top at the given pixel."""
    rows, columns = np.mgrid[:112, :112]
    hill: NDArray[np.float32] = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 60.0**2).astype(np.float32)
    return hill


def test_a_true_map_beats_chance_and_a_wrong_map_does_not() -> None:
    maps = np.stack([_map_at(48, 80), _map_at(96, 16)])
    (true, _) = measure(_patch_mean, _picture(), maps, seed=1)
    (wrong, _) = measure(_patch_mean, _picture(), maps[::-1], seed=1)
    assert true.score > true.random_score + 0.3
    assert true.insertion_auc > 0.85
    assert true.deletion_auc < 0.6
    assert wrong.score < wrong.random_score - 0.1
    assert true.score == pytest.approx(true.insertion_auc - true.deletion_auc)
    assert abs(true.random_score) < 0.25
    assert true.steps == STEPS


def test_the_inverted_map_mirrors_the_score() -> None:
    """The insertion curve of an order is the deletion curve of the reversed one: the figure has no preferred side."""
    rising = np.arange(112 * 112, dtype=np.float32).reshape(112, 112)
    only = np.repeat(rising[None], 2, axis=0)
    (up, _), (down, _) = (measure(_patch_mean, _picture(), maps) for maps in (only, -only))
    assert up.score == pytest.approx(-down.score, abs=1e-6)
    assert up.score != 0


def test_an_answer_that_ignores_the_image_scores_nothing() -> None:
    flat = measure(lambda batch: torch.full((len(batch), 1), 0.7), _picture(), _map_at(48, 80)[None])
    assert flat[0].score == pytest.approx(0)
    assert flat[0].insertion_auc == pytest.approx(0.7)


def test_the_same_seed_gives_the_same_figures() -> None:
    maps = np.zeros((2, 112, 112), np.float32)
    first, again, other = (measure(_patch_mean, _picture(), maps, seed=seed) for seed in (4, 4, 5))
    assert first == again
    assert first != other


@pytest.mark.parametrize("shape", [(9, 7), (30, 45), (1, 14), (14, 1)])
def test_pictures_smaller_than_the_grid(shape: tuple[int, int]) -> None:
    image = torch.rand(3, *shape, generator=torch.Generator().manual_seed(0))
    maps = image[:1].numpy()
    (found,) = measure(lambda batch: batch.mean((1, 2, 3))[:, None], image, maps)
    assert -1 <= found.score <= 1


def test_the_cost_is_as_stated() -> None:
    network = timm.create_model("resnet18", num_classes=2).eval()
    seen: list[int] = []

    def predict(batch: Tensor) -> Tensor:
        seen.append(len(batch))
        probabilities: Tensor = network(batch).sigmoid()
        return probabilities

    measure(predict, torch.rand(3, 64, 64), np.random.default_rng(0).random((2, 64, 64)).astype(np.float32))
    assert sum(seen) == 2 + (2 + RANDOM_ORDERS) * 2 * (STEPS - 1)
    assert max(seen) == 2 * (STEPS - 1)
