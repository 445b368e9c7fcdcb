"""The loss of networks for volumes, against sums written out in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from medtransfer.transfer.volume_loss import SMOOTHING, deep_supervision, level_weights


def logits_for(classes: Tensor, certainty: float) -> Tensor:
    return certainty * torch.nn.functional.one_hot(classes, 3).movedim(-1, 1).float()


def test_five_outputs_get_the_published_weights() -> None:
    assert level_weights(5) == pytest.approx([8 / 15, 4 / 15, 2 / 15, 1 / 15, 0])
    assert level_weights(1) == [1.0]


def test_the_loss_is_nothing_for_the_truth_and_grows_with_the_error() -> None:
    classes = torch.randint(3, (1, 8, 8, 8), generator=Generator().manual_seed(1))
    right, unsure, wrong = (
        float(deep_supervision([logits], classes))
        for logits in (logits_for(classes, 50), logits_for(classes, 0), logits_for((classes + 1) % 3, 50))
    )
    assert right == pytest.approx(0, abs=1e-3)
    assert right < unsure < wrong


@pytest.mark.parametrize("shown", [(0, 1, 2), (0, 1), (2, 2)])
def test_equals_the_sums_written_out(shown: tuple[int, ...]) -> None:
    random = np.random.default_rng(3)
    logits = random.normal(size=(2, 3, 4, 5, 6))
    classes = random.choice(shown, size=(2, 4, 5, 6))
    said = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    dice = []
    for value in sorted(set(shown) - {0}):
        true = classes == value
        both = said[:, value].sum() + true.sum()
        dice.append((2 * said[:, value][true].sum() + SMOOTHING) / (both + SMOOTHING))
    entropy = -np.log(np.take_along_axis(said, classes[:, None], axis=1)).mean()
    loss = deep_supervision([torch.from_numpy(logits)], torch.from_numpy(classes))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(entropy + 1 - np.mean(dice), rel=1e-5)


def test_a_patch_without_structures_teaches_the_background_alone() -> None:
    classes = torch.zeros(1, 4, 4, 4, dtype=torch.int64)
    loss = deep_supervision([torch.zeros(1, 3, 4, 4, 4, requires_grad=True)], classes)
    assert loss.item() == pytest.approx(np.log(3), rel=1e-5)
    torch.autograd.backward(loss)


def test_half_precision_is_summed_in_single_precision() -> None:
    logits = torch.zeros(1, 2, 64, 64, 64, dtype=torch.float16)
    loss = deep_supervision([logits], torch.ones(1, 64, 64, 64, dtype=torch.int64))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(np.log(2) + 1 / 3, rel=1e-4)  # the Dice of one half against one is two thirds


def test_levels_are_weighted_and_the_coarsest_teaches_nothing() -> None:
    classes = torch.zeros(1, 8, 8, 8, dtype=torch.int64)
    classes[:, 4:] = 1
    outputs = [torch.randn(1, 2, n, n, n, generator=Generator().manual_seed(n), requires_grad=True) for n in (8, 4, 2)]
    loss = deep_supervision(outputs, classes)
    halved = torch.zeros(1, 4, 4, 4, dtype=torch.int64)
    halved[:, 2:] = 1
    expected = 2 / 3 * deep_supervision(outputs[:1], classes) + 1 / 3 * deep_supervision(outputs[1:2], halved)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    torch.autograd.backward(loss)
    assert [output.grad is None for output in outputs] == [False, False, True]
