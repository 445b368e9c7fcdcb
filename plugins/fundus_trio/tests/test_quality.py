from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from medtransfer_fundus_trio import field_of_view, quality
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFilter

from medtransfer.resources import resource

Change = Callable[[Pillow.Image], Pillow.Image]


def as_it_is(picture: Pillow.Image) -> Pillow.Image:
    return picture


def blurred(picture: Pillow.Image) -> Pillow.Image:
    return picture.filter(ImageFilter.GaussianBlur(3 * min(picture.size) / 512))


def dark(picture: Pillow.Image) -> Pillow.Image:
    return picture.point(lambda value: int(value * 0.3))


def bright(picture: Pillow.Image) -> Pillow.Image:
    return picture.point(lambda value: min(255, int(value * 2.5)))


def codes(picture: Pillow.Image) -> list[str]:
    rgb = np.asarray(picture)
    field = field_of_view.find(rgb)
    return [notice.code for notice in quality.notices(rgb, field.region, found=field.found)]


def counted(paths: list[Path], change: Change) -> Counter[str]:
    found: Counter[str] = Counter()
    for path in paths:
        with Pillow.open(path) as opened:
            found.update(codes(change(opened.convert("RGB"))))
    return found


@pytest.fixture(scope="session")
def photographs(data_folder: Path) -> list[Path]:
    """Every eighth photograph of IDRiD, and those of two other cameras."""
    fundus = data_folder / "fundus"
    others = [*(fundus / "hrf" / "images").glob("*.jpg"), *(fundus / "rfmid" / "images").rglob("*.jpg")]
    return [*sorted((fundus / "idrid" / "images").rglob("*.jpg"))[::8], *sorted(others)]


def test_good_photographs_are_not_complained_about(photographs: list[Path]) -> None:
    found = counted(photographs, as_it_is)
    assert len(photographs) >= 80
    assert found.total() < 0.05 * len(photographs), found


@pytest.mark.parametrize(("change", "code"), [(blurred, "fundus.blurred"), (dark, "fundus.dark")])
def test_spoilt_photographs_are_called_what_they_are(photographs: list[Path], change: Change, code: str) -> None:
    some = photographs[::3]
    found = counted(some, change)
    assert found[code] >= 0.95 * len(some)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (as_it_is, []),
        (blurred, ["fundus.blurred"]),
        (dark, ["fundus.dark"]),
        (bright, ["fundus.bright"]),
        (lambda picture: picture.crop((500, 500, 900, 900)), ["fundus.no-field-of-view"]),
    ],
    ids=["as it is", "blurred", "dark", "bright", "cut"],
)
def test_the_demo_photograph(change: Change, expected: list[str]) -> None:
    with Pillow.open(resource("demo/retina.jpg")) as opened:
        assert codes(change(opened.convert("RGB"))) == expected


def test_sharpness_does_not_depend_on_contrast_or_size() -> None:
    with Pillow.open(resource("demo/retina.jpg")) as opened:
        picture = opened.convert("RGB").resize((1024, 1024), Pillow.Resampling.BOX)
    sharp = quality.sharpness(np.asarray(picture))
    assert quality.sharpness(np.asarray(picture.point(lambda value: int(value * 0.6)))) == pytest.approx(
        sharp, rel=0.05
    )
    assert quality.sharpness(np.asarray(picture.resize((2048, 2048)))) == pytest.approx(sharp, rel=0.05)
    assert quality.sharpness(np.asarray(blurred(picture))) < 1.3 < sharp


@pytest.mark.parametrize("shape", [(1, 1), (20, 300), (40, 40)])
def test_any_picture_has_a_sharpness(shape: tuple[int, int]) -> None:
    even: NDArray[np.uint8] = np.full((*shape, 3), 90, np.uint8)
    assert quality.sharpness(even) == 1.0
