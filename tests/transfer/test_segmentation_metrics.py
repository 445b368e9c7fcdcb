"""Figures of segmentations against MONAI's, and by hand where MONAI leaves them open."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from medtransfer import study
from medtransfer.transfer.segmentation_metrics import StructureScore, score, scores

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MONAI's imports use what torch and Python deprecate
    from monai.metrics.hausdorff_distance import compute_hausdorff_distance
    from monai.metrics.meandice import compute_dice
    from monai.metrics.surface_dice import compute_surface_dice

# Within MONAI itself: a function of its own is called with an argument that it deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")

ndi: Any = ndimage


def blob(seed: int, shape: tuple[int, ...], share: float) -> NDArray[np.bool_]:
    smooth = ndi.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.5)
    return np.asarray(smooth > np.quantile(smooth, 1 - share))


def monai(found: NDArray[np.bool_], reference: NDArray[np.bool_], spacing: Any, tolerance: float) -> list[float]:
    """Dice, NSD and HD95 as MONAI computes them."""
    one, other = (torch.from_numpy(mask)[None, None].float() for mask in (found, reference))
    dice = compute_dice(one, other)
    nsd = compute_surface_dice(one, other, [tolerance], include_background=True, spacing=spacing)
    distance = compute_hausdorff_distance(one, other, include_background=True, percentile=95, spacing=spacing)
    return [float(value[0, 0]) for value in (dice, nsd, distance)]


@given(
    seed=st.integers(0, 999),
    shape=st.tuples(*[st.integers(5, 16)] * 3),
    spacing=st.tuples(*[st.sampled_from([0.7, 1.0, 1.5, 3.0, 5.0])] * 3),
    tolerance=st.sampled_from([0.61, 1.27, 2.03, 4.09]),  # between the distances on these grids
    shares=st.tuples(*[st.floats(0.05, 0.6)] * 2),
)
@settings(max_examples=40, deadline=None)
def test_figures_equal_monais(
    seed: int,
    shape: tuple[int, ...],
    spacing: tuple[float, ...],
    tolerance: float,
    shares: tuple[float, float],
) -> None:
    found, reference = blob(seed, shape, shares[0]), blob(seed + 1, shape, shares[1])
    result = score(found, reference, spacing, tolerance)
    assert [result.dice, result.nsd, result.hd95_mm] == pytest.approx(
        monai(found, reference, spacing, tolerance), rel=1e-4, abs=1e-5
    )


def test_real_structures_equal_monais(data_folder: Path) -> None:
    labels = study.open(data_folder / "ct" / "ct_a_seg.nii.gz")[0].series[0].image().array.astype(np.uint8)
    moved = np.roll(labels, (1, 2, 0), axis=(0, 1, 2))
    values = [1, 5, 7, 52]
    result = scores(moved, labels, values, (3.0, 3.0, 3.0))
    for value in values:
        own = result[value]
        expected = monai(moved == value, labels == value, (3.0, 3.0, 3.0), 3.0)
        assert [own.dice, own.nsd, own.hd95_mm] == pytest.approx(expected, rel=1e-4)
        assert own.reference_ml == pytest.approx(np.count_nonzero(labels == value) * 0.027)


def test_a_shift_is_measured_in_millimetres() -> None:
    reference = np.zeros((20, 20, 20), dtype=bool)
    reference[5:15, 5:15, 5:15] = True
    found = np.roll(reference, 2, axis=0)
    result = score(found, reference, (4.0, 1.0, 1.0), tolerance_mm=3.0)
    assert result.dice == pytest.approx(0.8)
    assert result.hd95_mm == 8.0
    assert result.volume_error == 0.0
    assert result.volume_ml == result.reference_ml == 4.0


@pytest.mark.parametrize(
    ("found", "reference", "expected"),
    [
        (0, 0, {"dice": None, "nsd": None, "hd95_mm": None, "volume_error": None}),
        (1, 0, {"dice": 0.0, "nsd": 0.0, "hd95_mm": None, "volume_error": None}),
        (0, 1, {"dice": 0.0, "nsd": 0.0, "hd95_mm": None, "volume_error": -1.0}),
        (1, 1, {"dice": 1.0, "nsd": 1.0, "hd95_mm": 0.0, "volume_error": 0.0}),
    ],
)
def test_absent_structures(found: int, reference: int, expected: dict[str, float | None]) -> None:
    maps = [np.zeros((4, 4, 4), dtype=np.uint8) for _ in range(2)]
    maps[0][1:3, 1:3, 1:3] = found
    maps[1][1:3, 1:3, 1:3] = reference
    result: StructureScore = scores(maps[0], maps[1], [1], (1.0, 1.0, 1.0))[1]
    assert result.model_dump(include=set(expected)) == expected


@pytest.mark.parametrize("spacing", [0.1, 0.3, 0.6, 0.7])
def test_rounding_does_not_decide_what_is_within_the_tolerance(spacing: float) -> None:
    reference = np.zeros((16, 3, 3), dtype=bool)
    reference[5:9] = True
    found = np.roll(reference, 3, axis=0)
    assert score(found, reference, (spacing, 9.0, 9.0), tolerance_mm=3 * spacing).nsd == 1.0


def test_a_structure_at_the_edge_of_the_volume_has_a_surface_there() -> None:
    whole = np.ones((6, 6, 6), dtype=bool)
    result = score(whole, whole, (1.0, 1.0, 1.0))
    assert (result.nsd, result.hd95_mm) == (1.0, 0.0)


def test_maps_on_different_grids_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="different grids"):
        scores(np.zeros((2, 2, 2), int), np.zeros((2, 2, 3), int), [1], (1.0, 1.0, 1.0))
