from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medtransfer_fundus_trio import field_of_view
from numpy.typing import NDArray
from PIL import Image as Pillow

from medtransfer.cohort import phantom
from medtransfer.cohort.phantom_camera import CAMERAS
from medtransfer.resources import resource
from medtransfer.sdk import Region

ROOT = Path(__file__).resolve().parents[3]


def small(path: Path, longest: int = 320) -> NDArray[np.uint8]:
    with Pillow.open(path) as opened:
        opened.draft("RGB", (longest, longest))
        picture = opened.convert("RGB")
    picture.thumbnail((longest, longest))
    return np.asarray(picture)


def lit(rgb: NDArray[np.uint8]) -> Region:
    """The box of what is brighter than a dark grey, taken simply: rows and columns with twenty such pixels."""
    bright = rgb.max(axis=2) > 40
    rows, columns = np.flatnonzero(bright.sum(axis=1) > 20), np.flatnonzero(bright.sum(axis=0) > 20)
    return Region(int(rows[0]), int(columns[0]), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1)


def edges(region: Region) -> NDArray[np.int64]:
    return np.array([region.top, region.left, region.top + region.height, region.left + region.width])


def distance(one: Region, other: Region) -> int:
    """The largest distance between edges of two boxes, in pixels."""
    return int(np.abs(edges(one) - edges(other)).max())


def photographs(data_folder: Path) -> Iterator[Path]:
    for name in ("idrid", "idrid-lesions", "hrf", "rfmid"):
        yield from sorted(path for path in (data_folder / "fundus" / name / "images").rglob("*.jpg"))


def test_it_is_found_on_every_real_photograph(data_folder: Path) -> None:
    paths = list(photographs(data_folder))
    assert len(paths) >= 490
    missed, off = [], []
    for path in paths:
        rgb = small(path)
        found = field_of_view.find(rgb)
        if not found.found:
            missed.append(path.name)
        if distance(found.region, lit(rgb)) > 10:
            off.append(path.name)
    assert missed == []
    assert len(off) <= 0.01 * len(paths), off


def test_it_is_found_on_the_demo_photograph() -> None:
    with Pillow.open(resource("demo/retina.jpg")) as opened:
        rgb = np.asarray(opened.convert("RGB"))
    found = field_of_view.find(rgb)
    assert found.found
    assert distance(found.region, lit(rgb)) < 15
    assert 0.97 < found.region.width / found.region.height < 1.03


@pytest.mark.parametrize("camera", [camera.name for camera in CAMERAS])
def test_it_is_found_on_phantoms_of_every_camera(camera: str) -> None:
    seen = 0
    for number in range(60):
        drawn = next(phantom.patient(11, number))
        if drawn.camera.name == camera:
            seen += 1
            found = field_of_view.find(drawn.picture)
            assert found.found
            assert found.region.width == pytest.approx(min(drawn.camera.circle, drawn.camera.width), abs=8)
        if seen == 2:
            return
    pytest.fail("no phantom of this camera")


def test_it_is_not_found_on_chest_radiographs(data_folder: Path) -> None:
    paths = sorted((data_folder / "chest" / "nih" / "images").iterdir())
    assert len(paths) >= 600
    found = [path.name for path in paths if field_of_view.find(small(path, 256)).found]
    assert len(found) <= 0.01 * len(paths), found
    rgb = small(paths[0])
    assert field_of_view.find(rgb).region == Region(0, 0, *rgb.shape[:2])


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(200, 420),
    width=st.integers(200, 520),
    share=st.floats(0.55, 0.95),
    seed=st.integers(0, 1000),
)
def test_a_drawn_disc_is_found_where_it_is(height: int, width: int, share: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    diameter = share * width
    if diameter > 1.15 * height:  # no corners would be left
        diameter = 1.1 * height
    y0 = height / 2 if diameter > height - 10 else generator.uniform(diameter / 2 + 2, height - diameter / 2 - 2)
    x0 = generator.uniform(diameter / 2 + 2, width - diameter / 2 - 2)
    rows, columns = np.indices((height, width))
    inside = (rows - y0) ** 2 + (columns - x0) ** 2 <= (diameter / 2) ** 2
    rgb = np.clip(generator.normal(4, 2, (height, width, 3)), 0, 255)
    rgb[inside] = np.clip(generator.normal((180, 100, 50), 20, (int(inside.sum()), 3)), 0, 255)
    found = field_of_view.find(rgb.astype(np.uint8))
    expected = lit(np.repeat((inside * 255).astype(np.uint8)[..., None], 3, axis=2))
    assert found.found
    assert distance(found.region, expected) <= 0.02 * diameter + 2


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((100, 120, 3), np.uint8),
        np.full((100, 120, 3), 200, np.uint8),
        np.random.default_rng(0).integers(0, 256, (100, 120, 3), dtype=np.uint8),
        np.pad(np.full((12, 12, 3), 200, np.uint8), ((60, 60), (60, 60), (0, 0))),
        np.pad(np.full((80, 80, 3), 200, np.uint8), ((20, 20), (20, 20), (0, 0))),
        np.zeros((1, 1, 3), np.uint8),
    ],
    ids=["black", "even", "noise", "a speck", "a square", "one pixel"],
)
def test_what_is_no_disc_is_not_cut(rgb: NDArray[np.uint8]) -> None:
    found = field_of_view.find(rgb)
    assert not found.found
    assert found.region == Region(0, 0, *rgb.shape[:2])


def test_large_photographs_are_found_in_their_own_pixels() -> None:
    with Pillow.open(resource("demo/retina.jpg")) as opened:
        picture = opened.convert("RGB")
    once = field_of_view.find(np.asarray(picture)).region
    thrice = field_of_view.find(np.asarray(picture.resize((picture.width * 3, picture.height * 3)))).region
    expected = Region(once.top * 3, once.left * 3, once.height * 3, once.width * 3)
    assert distance(thrice, expected) <= 12
