"""Several volumes of one case as one image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medtransfer.errors import DataError
from medtransfer.study import exchange
from medtransfer.study.companions import joined
from medtransfer.study.model import Image
from medtransfer.study.pixels import pixel_sha256

AFFINE = np.array([[0, 0, 0.5, -7], [0, 0.8, 0, 3], [2.0, 0, 0, 1], [0, 0, 0, 1]])


def volume(seed: int, affine: np.ndarray = AFFINE, shape: tuple[int, int, int] = (3, 4, 5)) -> Image:
    values = np.random.default_rng(seed).integers(0, 99, shape, dtype=np.int16)
    return Image(array=values, axes="zyx", modality="MR", units="stored", affine=affine.copy(), view=str(seed))


def test_the_first_volume_keeps_its_place_and_the_others_go_with_it() -> None:
    first, second, third = volume(1), volume(2), volume(3)
    case = joined([first, second, third])
    assert case.companions == (second, third)
    assert case.array is first.array
    assert case.view == "1"
    assert joined([first]) is first


@pytest.mark.parametrize("shift", [(0, 3, 0.3), (2, 2, 0.2), (1, 0, 0.5)])
def test_a_volume_on_another_grid_is_refused_by_its_number(shift: tuple[int, int, float]) -> None:
    other = AFFINE.copy()
    other[shift[:2]] += shift[2]
    with pytest.raises(DataError, match="volume 3") as caught:
        joined([volume(1), volume(2), volume(3, other)])
    assert caught.value.code == "volume.other-grid"
    with pytest.raises(DataError, match="volume 2"):
        joined([volume(1), volume(2, shape=(3, 4, 6))])


def test_rounding_of_a_header_is_no_other_grid() -> None:
    assert len(joined([volume(1), volume(2, AFFINE + np.eye(4) * [1e-3, 1e-3, 1e-3, 0])]).companions) == 1


def test_companions_have_none_themselves() -> None:
    with pytest.raises(ValueError, match="companions"):
        joined([volume(1), joined([volume(2), volume(3)])])


def test_companions_cross_to_another_process_and_count_as_pixels(tmp_path: Path) -> None:
    case = joined([volume(1), volume(2), volume(3)])
    exchange.save(case, tmp_path)
    loaded = exchange.load(tmp_path)
    assert [other.view for other in loaded.companions] == ["2", "3"]
    for one, other in zip((loaded, *loaded.companions), (case, *case.companions), strict=True):
        assert np.array_equal(one.array, other.array)
        assert np.array_equal(np.asarray(one.affine), np.asarray(other.affine))
    assert pixel_sha256(loaded) == pixel_sha256(case)
    assert (
        len({pixel_sha256(joined(order)) for order in ([volume(1)], [volume(1), volume(2)], [volume(1), volume(3)])})
        == 3
    )
    assert pixel_sha256(replace(case, companions=())) == pixel_sha256(volume(1))
