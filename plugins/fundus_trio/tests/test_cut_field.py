"""Fields of view that the picture's edge cuts on one side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medtransfer_fundus_trio import field_of_view
from numpy.typing import NDArray
from PIL import Image as Pillow

from medtransfer.sdk import Region

Rgb = NDArray[np.uint8]


def cut(rgb: Rgb, region: Region, side: str, share: float) -> Rgb:
    """Take away so much of the field's width or height on one side, and the ground beside it."""
    rows, columns = int(share * region.height), int(share * region.width)
    return {
        "left": rgb[:, region.left + columns :],
        "right": rgb[:, : region.left + region.width - columns],
        "top": rgb[region.top + rows :],
        "bottom": rgb[: region.top + region.height - rows],
    }[side]


@pytest.fixture(scope="module")
def photographs(data_folder: Path) -> list[Rgb]:
    folder = data_folder / "fundus"
    paths = [path for name in ("idrid", "hrf", "rfmid") for path in sorted((folder / name / "images").glob("*.jpg"))]
    return [np.asarray(Pillow.open(path).convert("RGB")) for path in paths[::18]]


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
@pytest.mark.parametrize("share", [0.1, 0.3])
def test_a_real_field_that_is_cut_is_found_and_said_to_be_cut(photographs: list[Rgb], side: str, share: float) -> None:
    told = 0
    for rgb in photographs:
        whole = field_of_view.find(rgb)
        assert whole.found
        assert whole.missing == 0
        part = cut(rgb, whole.region, side, share)
        found = field_of_view.find(part)
        told += found.missing > 0
        if found.missing:
            visible = part.max(axis=2) > 40
            assert found.region.width >= 0.95 * np.ptp(np.flatnonzero(visible.mean(axis=0) > 0.05))
    assert len(photographs) >= 20
    assert told >= len(photographs) - 1


@settings(max_examples=40, deadline=None)
@given(
    share=st.floats(0.06, 0.42), side=st.sampled_from(["left", "right", "top", "bottom"]), radius=st.integers(80, 150)
)
def test_the_missing_share_is_that_of_the_circle(share: float, side: str, radius: int) -> None:
    rows, columns = np.indices((2 * radius + 40, 2 * radius + 60))
    inside = (rows - radius - 20) ** 2 + (columns - radius - 30) ** 2 <= radius**2
    rgb = np.full((*inside.shape, 3), 3, np.uint8)
    rgb[inside] = (180, 100, 50)
    part = cut(rgb, Region(20, 30, 2 * radius, 2 * radius), side, share)
    found = field_of_view.find(part)
    true = 1 - (part[..., 0] > 100).sum() / inside.sum()
    assert found.found
    assert found.missing == pytest.approx(true, abs=0.02)


def test_what_has_no_colour_is_no_cut_field() -> None:
    rows, columns = np.indices((200, 200))
    inside = (rows - 100) ** 2 + (columns - 40) ** 2 <= 90**2
    grey = np.repeat((inside * 180).astype(np.uint8)[..., None], 3, axis=2)
    assert not field_of_view.find(grey).found
    red = grey.copy()
    red[..., 2] //= 2
    assert field_of_view.find(red).missing > 0
