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
    return [notice.code for notice in quality.notices(rgb, field_of_view.find(rgb))]


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
        (lambda picture: picture.crop((400, 0, *picture.size)), ["fundus.field-cut"]),
        (lambda picture: picture.convert("L").convert("RGB"), ["fundus.no-colour"]),
    ],
    ids=["as it is", "blurred", "dark", "bright", "from its middle", "cut on one side", "without colour"],
)
def test_the_demo_photograph(change: Change, expected: list[str]) -> None:
    with Pillow.open(resource("demo/retina.jpg")) as opened:
        assert codes(change(opened.convert("RGB"))) == expected


def test_how_much_is_missing_is_told() -> None:
    with Pillow.open(resource("demo/retina.jpg")) as opened:
        rgb = np.asarray(opened.convert("RGB"))
    whole = field_of_view.find(rgb).region
    half = rgb[:, whole.left + whole.width // 2 - 60 :]
    (notice,) = quality.notices(half, field_of_view.find(half))
    assert notice.level == "warning"
    share = int(notice.message.partition("about ")[2].partition("%")[0])
    assert 40 <= share <= 50


def test_a_radiograph_saved_in_colour_is_called_what_it_is(data_folder: Path) -> None:
    for path in sorted((data_folder / "chest" / "nih" / "images").iterdir())[:20]:
        with Pillow.open(path) as opened:
            found = codes(opened.convert("L").convert("RGB"))
        assert {"fundus.no-field-of-view", "fundus.no-colour"} <= set(found)


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
