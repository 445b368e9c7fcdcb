from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from medtransfer.transfer.augment import Augmentation, views

KEYS = ["00000000000000a1", "ffffffffffffffff", "0123456789abcdef", "5eed", "0" * 16]
EVERYTHING = Augmentation(mirror=True, rotation=25.0, scale=0.2, brightness=0.3, colour=0.2)
MIRROR = Augmentation(mirror=True, rotation=0.0, scale=0.0, brightness=0.0, colour=0.0)


@pytest.fixture(scope="module")
def unit() -> Tensor:
    return torch.from_numpy(np.random.default_rng(3).random((5, 3, 24, 24), dtype=np.float32))


def test_view_zero_is_the_picture_itself(unit: Tensor) -> None:
    assert torch.equal(views(unit, KEYS, 0, EVERYTHING), unit)


@pytest.mark.parametrize("view", [1, 2, 17])
def test_a_view_is_the_same_in_any_batch_and_order(unit: Tensor, view: int) -> None:
    together = views(unit, KEYS, view, EVERYTHING)
    for order in ([4, 2, 0, 1, 3], [3], [1, 0]):
        alone = views(unit[order], [KEYS[index] for index in order], view, EVERYTHING)
        assert torch.equal(alone, together[order])


def test_views_and_pictures_are_changed_differently(unit: Tensor) -> None:
    same = unit[:1].repeat(5, 1, 1, 1)
    changed = views(same, KEYS, 1, EVERYTHING)
    assert len({changed[index].numpy().tobytes() for index in range(5)}) == 5
    assert not torch.equal(changed, views(same, KEYS, 2, EVERYTHING))


@settings(max_examples=30, deadline=None)
@given(
    rotation=st.floats(0, 180),
    scale=st.floats(0, 0.5),
    brightness=st.floats(0, 0.5),
    colour=st.floats(0, 0.5),
    view=st.integers(1, 50),
)
def test_values_stay_between_zero_and_one(
    rotation: float, scale: float, brightness: float, colour: float, view: int
) -> None:
    unit = torch.from_numpy(np.random.default_rng(view).random((2, 3, 9, 9), dtype=np.float32))
    changed = views(unit, KEYS[:2], view, Augmentation(True, rotation, scale, brightness, colour))  # noqa: FBT003
    assert changed.shape == unit.shape
    assert changed.min() >= 0
    assert changed.max() <= 1


def test_the_sides_change_places_only_where_they_may(unit: Tensor) -> None:
    same = unit[:1]
    keys = [f"{number:016x}" for number in range(40)]
    mirrored = 0
    for key in keys:
        changed = views(same, [key], 1, MIRROR)
        turned = torch.allclose(changed, same.flip(-1), atol=1e-4)
        assert turned or torch.allclose(changed, same, atol=1e-4)
        mirrored += turned
    assert 8 < mirrored < 32
    sides = Augmentation(mirror=False, rotation=0.0, scale=0.0, brightness=0.0, colour=0.0)
    assert all(torch.allclose(views(same, [key], 1, sides), same, atol=1e-4) for key in keys)


def test_a_rotation_turns_about_the_middle_by_no_more_than_allowed() -> None:
    bar = torch.zeros(1, 3, 65, 65)
    bar[..., 30:35, 45:60] = 1.0  # right of the middle
    for number in range(20):
        changed = views(bar, [f"{number:016x}"], 1, Augmentation(rotation=30.0, scale=0.0, brightness=0.0))[0, 0]
        rows, columns = torch.meshgrid(torch.arange(65.0), torch.arange(65.0), indexing="ij")
        y = float((rows * changed).sum() / changed.sum()) - 32
        x = float((columns * changed).sum() / changed.sum()) - 32
        assert np.hypot(y, x) == pytest.approx(20.0, abs=0.3)
        assert abs(np.degrees(np.arctan2(y, x))) <= 30.5


def test_the_recipe_decides_how_strong(unit: Tensor) -> None:
    assert EVERYTHING.at("light") == EVERYTHING
    strong = EVERYTHING.at("strong")
    assert (strong.mirror, strong.rotation) == (True, 37.5)
    assert (strong.scale, strong.brightness, strong.colour) == pytest.approx((0.3, 0.45, 0.3))
    assert torch.allclose(views(unit, KEYS, 3, EVERYTHING.at("none")), unit, atol=1e-5)
