"""The plan, against what nnU-Net v2's planner is known to choose and against its rules worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medtransfer.contract.plan import VolumePlan
from medtransfer.transfer.volume_planning import SMALLEST_SIDE, CaseFacts, Kept, plan_for, poolings, smaller

VALUES = np.linspace(-100.0, 300.0, 1001)
STUNET = Kept((*[(2, 2, 2)] * 4, (1, 1, 2)), None)
Three = tuple[float, float, float]


def case(shape: tuple[int, int, int], spacing: Three) -> CaseFacts:
    return CaseFacts(shape, spacing, VALUES)


def plan(*cases: CaseFacts, side: int = 128, spacing: float = 0.0, kept: Kept | None = None) -> VolumePlan:
    return plan_for(cases, voxels=side**3, spacing=spacing, ct=True, kept=kept)


def divisor(found: VolumePlan) -> list[int]:
    return [int(np.prod([stride[axis] for stride in found.pools])) for axis in range(3)]


def test_totalsegmentator_gets_the_patch_and_the_poolings_of_nnunet() -> None:
    found = plan(case((228, 228, 240), (1.5, 1.5, 1.5)))
    assert (found.spacing, found.patch) == ((1.5, 1.5, 1.5), (128, 128, 128))
    assert found.pools == ((2, 2, 2),) * 5


def test_thick_slices_are_pooled_later_and_get_a_flat_patch() -> None:
    found = plan(case((80, 512, 512), (5.0, 0.8, 0.8)))
    # 5.0 mm is less than twice as far as the others only when those were pooled twice: 3.2 mm.
    assert found.pools == ((1, 2, 2), (1, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2))
    assert found.patch[0] < found.patch[1] == found.patch[2]


def test_the_spacing_is_the_median() -> None:
    found = plan(case((90, 90, 90), (1.0, 1.0, 2.0)), case((90, 90, 90), (2.0, 1.5, 1.0)), case((90,) * 3, (3.0,) * 3))
    assert found.spacing == (2.0, 1.5, 2.0)


def test_a_coarse_and_short_axis_gets_its_finest_tenth_but_no_finer_than_the_others() -> None:
    slices = [float(mm) for mm in range(4, 15)]
    cases = [case((20, 300, 300), (mm, 0.7, 0.7)) for mm in slices]
    assert plan(*cases).spacing == pytest.approx((5.0, 0.7, 0.7))  # the 10th percentile of 4 to 14
    cases = [case((20, 300, 300), (mm, 0.7, 0.7)) for mm in (0.2, 9.0, 9.0, 9.0, 9.0)]
    assert plan(*cases).spacing == pytest.approx((3.72, 0.7, 0.7))
    cases = [case((20, 300, 300), (mm, 0.7, 0.7)) for mm in (0.1, 0.1, 9.0, 9.0, 9.0)]
    assert plan(*cases).spacing == (0.7, 0.7, 0.7)


def test_a_coarse_axis_that_is_long_keeps_its_median() -> None:
    assert plan(*[case((200, 300, 300), (mm, 0.7, 0.7)) for mm in (4.0, 5.0, 6.0)]).spacing == (5.0, 0.7, 0.7)


def test_a_spacing_asked_for_is_taken() -> None:
    found = plan(case((100, 100, 100), (1.0, 1.0, 1.0)), spacing=3.0)
    assert found.spacing == (3.0, 3.0, 3.0)
    assert found.patch == (40, 40, 40)  # 33 voxels are pooled three times: multiples of eight


def test_hounsfield_units_are_scaled_by_what_the_structures_show() -> None:
    found = plan(case((64, 64, 64), (1.0, 1.0, 1.0))).intensities
    assert found is not None
    assert (found.mean, found.low, found.high) == pytest.approx((100.0, -98.0, 298.0))
    assert found.std == pytest.approx(VALUES.std())


def test_other_values_get_a_z_score() -> None:
    found = plan_for([case((64, 64, 64), (1.0,) * 3)], voxels=64**3, spacing=0.0, ct=False, kept=None)
    assert (found.normalisation, found.intensities) == ("z-score", None)


def test_pretrained_weights_keep_their_poolings_and_normalisation() -> None:
    found = plan(case((300, 300, 300), (1.0, 1.0, 1.0)), kept=STUNET)
    assert (found.pools, found.normalisation) == (STUNET.pools, "z-score")
    assert found.spacing == (1.0, 1.0, 1.0)  # the target's own, as the authors transfer
    assert found.patch == (128, 128, 128)


@settings(max_examples=150, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 600)] * 3),
    spacing=st.tuples(*[st.floats(0.3, 12.0)] * 3),
    side=st.integers(32, 160),
    kept=st.sampled_from([None, STUNET]),
)
def test_any_patch_can_be_pooled_and_normalised(
    shape: tuple[int, int, int], spacing: Three, side: int, kept: Kept | None
) -> None:
    found = plan(case(shape, spacing), side=side, kept=kept)
    step = divisor(found)
    assert len(found.pools) <= 5
    assert all(length % one == 0 for length, one in zip(found.patch, step, strict=True))
    if kept or max(shape) > 8:
        assert np.prod(found.patch) > np.prod(step)  # more than one voxel is left at the coarsest resolution
    if kept is None:
        assert np.prod(found.patch) <= max(side**3, 8 * 2**10)


def test_short_axes_are_not_pooled_below_four_voxels() -> None:
    assert poolings((1.0, 1.0, 1.0), (7, 16, 64)) == ((1, 2, 2), (1, 2, 2), (1, 1, 2))


@pytest.mark.parametrize(
    ("patch", "pools"),
    [
        ((128, 128, 128), ((2, 2, 2),) * 4 + ((1, 1, 2),)),
        ((48, 48, 48), ((2, 2, 2),) * 3),
        ((8, 160, 96), ((1, 2, 2),)),
    ],
)
def test_smaller_patches_suit_the_poolings_down_to_a_smallest_one(
    patch: tuple[int, int, int], pools: tuple[tuple[int, int, int], ...]
) -> None:
    divisor = np.prod(pools, axis=0)
    voxels = []
    while (found := smaller(patch, pools)) is not None:
        assert not np.any(found % divisor)
        assert all(new <= old for new, old in zip(found, patch, strict=True))
        voxels.append(np.prod(found) / np.prod(patch))
        patch = found
    assert voxels
    assert max(voxels[:-1], default=0.0) <= 0.5
    assert np.prod(patch) >= SMALLEST_SIDE**3
