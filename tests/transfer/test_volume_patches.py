from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medtransfer.errors import UserError
from medtransfer.transfer.volume_augment import VolumeAugmentation, may_mirror
from medtransfer.transfer.volume_cases import LearntVolume
from medtransfer.transfer.volume_patches import Patch, draw

Triple = tuple[int, int, int]


def volume(shape: Triple, *marked: tuple[int, Triple]) -> LearntVolume:
    """Return a volume whose every value is its own place in it, from 1 on, with single voxels marked."""
    values = np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(1, *shape)
    classes = np.zeros(shape, np.uint16)
    for output, place in marked:
        classes[place] = output
    places = np.array([[output, *place] for output, place in marked], dtype=np.int32).reshape(-1, 4)
    return LearntVolume(values, classes, places)


@settings(max_examples=100, deadline=None)
@given(shape=st.tuples(*[st.integers(1, 12)] * 3), side=st.tuples(*[st.integers(1, 12)] * 3), seed=st.integers(0, 999))
def test_a_patch_is_a_part_of_the_volume_with_zeros_around_it(shape: Triple, side: Triple, seed: int) -> None:
    middle: Triple = (shape[0] // 2, shape[1] // 2, shape[2] // 2)
    whole = volume(shape, (3, middle))
    patch = draw([whole], side, np.random.default_rng(seed))
    assert patch.values.shape == (1, *side)
    found = patch.values[0].numpy()
    inside = np.argwhere(found > 0)
    box = tuple(slice(low, high + 1) for low, high in zip(inside.min(axis=0), inside.max(axis=0), strict=True))
    assert found[box].size == len(inside) == np.prod(np.minimum(shape, side))
    start = np.unravel_index(int(found[box].min()) - 1, shape)
    cut = tuple(slice(int(s), int(s) + n) for s, n in zip(start, found[box].shape, strict=True))
    assert np.array_equal(found[box], whole.values[0][cut])
    assert np.array_equal(patch.classes.numpy()[box], whole.classes[cut])


def test_a_third_of_the_patches_lie_around_a_structure_and_each_structure_alike() -> None:
    whole = volume((64, 64, 64), (1, (32, 32, 32)), (2, (10, 50, 20)), (2, (11, 50, 20)), (2, (12, 50, 20)))
    random = np.random.default_rng(5)
    patches = [draw([whole], (3, 3, 3), random) for _ in range(900)]
    counts = [sum(int((patch.classes == output).any()) for patch in patches) for output in (1, 2)]
    # 900 draws with a probability of one sixth each: 150, and four standard deviations of 11.
    assert all(abs(count - 150) < 45 for count in counts)


def test_a_volume_without_structures_gives_patches_of_background() -> None:
    assert not draw([volume((8, 8, 8))], (4, 4, 4), np.random.default_rng(1)).classes.any()


def patch() -> Patch:
    classes = torch.zeros(16, 16, 16, dtype=torch.int64)
    classes[4:12, 5:11, 3:9] = 300
    return Patch(torch.where(classes > 0, 2.0, -1.0)[None], classes)


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_the_same_seed_changes_a_patch_in_the_same_way(strength: str) -> None:
    change = VolumeAugmentation("light" if strength == "light" else "strong", mirror=True)
    first = [change(patch(), seed) for seed in range(12)]
    again = [change(patch(), seed) for seed in reversed(range(12))][::-1]
    assert all(
        torch.equal(a.values, b.values) and torch.equal(a.classes, b.classes) for a, b in zip(first, again, strict=True)
    )
    assert len({float(one.values.sum()) for one in first}) > 6
    assert all(set(one.classes.flatten().tolist()) <= {0, 300} for one in first)
    assert all(type(one.values) is torch.Tensor for one in first)


def test_light_augmentation_leaves_everything_in_its_place() -> None:
    change = VolumeAugmentation("light", mirror=True)
    assert all(torch.equal(change(patch(), seed).classes, patch().classes) for seed in range(12))


def test_strong_augmentation_moves_image_and_mask_together() -> None:
    change = VolumeAugmentation("strong", mirror=True)
    moved = 0
    for seed in range(30):
        changed = change(patch(), seed)
        inside, outside = changed.values[0][changed.classes == 300], changed.values[0][changed.classes == 0]
        assert inside.median() > outside.median() + 1
        moved += not torch.equal(changed.classes, patch().classes)
    assert moved > 15


def test_what_must_not_be_mirrored_is_not() -> None:
    half = Patch(torch.zeros(1, 8, 8, 8), torch.zeros(8, 8, 8, dtype=torch.int64))
    half.classes[:, :, :2] = 1
    kept = VolumeAugmentation("strong", mirror=False)
    mirrored = VolumeAugmentation("strong", mirror=True)
    assert not any(kept(half, seed).classes[:, :, -1].all() for seed in range(30))
    assert any(mirrored(half, seed).classes[:, :, -1].all() for seed in range(30))


def test_nothing_is_changed_when_nothing_is_asked_for() -> None:
    given_patch = patch()
    assert VolumeAugmentation("none", mirror=True)(given_patch, 1) is given_patch


@pytest.mark.parametrize(
    ("structures", "allowed"),
    [(["liver", "spleen"], True), (["kidney_left"], False), (["rib_right_1"], False), (["cleft"], True)],
)
def test_sided_structures_forbid_mirroring(structures: list[str], allowed: bool) -> None:  # noqa: FBT001
    assert may_mirror(structures) is allowed


def test_an_augmentation_of_pictures_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        VolumeAugmentation("randaugment", mirror=True)
    assert caught.value.code == "recipe.setting"
    assert "light" in caught.value.hint
