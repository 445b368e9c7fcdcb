"""RandAugment: timm's own operations with the published numbers, and views that only their key and number decide."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from timm.data.transforms_factory import create_transform
from torch import Tensor

from medtransfer.transfer import randaugment
from medtransfer.transfer.augment import Augmentation, views
from medtransfer.transfer.randaugment import RandAugment

KEYS = ["00000000000000a1", "ffffffffffffffff", "0123456789abcdef", "5eed"]
PUBLISHED = Augmentation(mirror=True).at("randaugment")


@pytest.fixture(scope="module")
def unit() -> Tensor:
    generator = np.random.default_rng(3)
    rows, columns = np.indices((48, 48))
    pictures = [(rows * 3 + columns * 2 + generator.integers(60)) % 256 for _ in KEYS]
    return torch.from_numpy(np.stack([np.repeat(p[None], 3, axis=0) for p in pictures]) / 255).float()


def test_operations_and_numbers_are_those_of_timms_training_transform() -> None:
    """What Medical-MAE's fine-tuning calls: create_transform with rand-m6-mstd0.5-inc1 and bicubic interpolation."""
    make: Any = create_transform
    theirs = make(
        224,
        is_training=True,
        auto_augment="rand-m6-mstd0.5-inc1",
        interpolation="bicubic",
        mean=(0.5019,) * 3,
        re_prob=0,
    ).transforms
    crop, policy = theirs[0], next(step for step in theirs if hasattr(step, "ops"))
    own = RandAugment(224, randaugment.POLICY, randaugment.SMALLEST_CROP, mirror=True)
    assert own.policy.num_layers == policy.num_layers == 2
    assert [_numbers(op) for op in own.policy.ops] == [_numbers(op) for op in policy.ops]
    assert {(op.magnitude, op.magnitude_std, op.prob) for op in own.policy.ops} == {(6, 0.5, 0.5)}
    assert (own._crop.scale, own._crop.ratio, own._crop.interpolation) == (crop.scale, crop.ratio, crop.interpolation)


def _numbers(op: Any) -> tuple[Any, ...]:
    return op.name, op.prob, op.magnitude, op.magnitude_std, op.hparams, op.kwargs


def test_a_recipe_asks_for_it_by_name() -> None:
    assert (PUBLISHED.policy, PUBLISHED.smallest_crop) == ("rand-m6-mstd0.5-inc1", 0.08)
    assert not Augmentation(mirror=False).at("randaugment").mirror


@pytest.mark.parametrize("view", [1, 2, 75])
def test_a_view_is_the_same_in_any_batch_and_order(unit: Tensor, view: int) -> None:
    together = views(unit, KEYS, view, PUBLISHED)
    for order in ([3, 1, 0, 2], [2], [0, 3]):
        alone = views(unit[order], [KEYS[index] for index in order], view, PUBLISHED)
        assert torch.equal(alone, together[order])


def test_views_differ_and_stay_pictures(unit: Tensor) -> None:
    drawn = [views(unit, KEYS, view, PUBLISHED) for view in range(1, 9)]
    assert len({one.numpy().tobytes() for one in drawn}) == 8
    for one in drawn:
        assert one.shape == unit.shape
        assert one.dtype == torch.float32
        assert 0 <= float(one.min()) <= float(one.max()) <= 1


def test_view_zero_is_the_picture_itself(unit: Tensor) -> None:
    assert torch.equal(views(unit, KEYS, 0, PUBLISHED), unit)


def test_chance_elsewhere_is_left_as_it_was(unit: Tensor) -> None:
    before = random.getstate()
    views(unit, KEYS, 1, PUBLISHED)
    assert random.getstate() == before


def test_nothing_is_mirrored_where_the_side_carries_meaning() -> None:
    """A picture that grows brighter to the right does so in every view, whatever is cut, turned or shaded."""
    ramp = torch.linspace(0.2, 0.8, 48).repeat(3, 48, 1)[None]
    plain = Augmentation(mirror=False, policy="rand-m0-p0", smallest_crop=0.5)
    both = Augmentation(mirror=True, policy="rand-m0-p0", smallest_crop=0.5)
    rising: dict[bool, list[bool]] = {False: [], True: []}
    for view in range(1, 25):
        for augmentation in (plain, both):
            seen = views(ramp, ["5eed"], view, augmentation)[0, 0]
            rising[augmentation.mirror].append(bool(seen[:, -8:].mean() > seen[:, :8].mean()))
    assert all(rising[False])
    assert 4 < sum(rising[True]) < 20
