"""What a photograph is centred on, against masks of the disc, against eyes looked at one by one, and on phantoms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from medtransfer_fundus_trio import centring, field_of_view
from medtransfer_fundus_trio.plugin import FundusTrio
from numpy.typing import NDArray
from PIL import Image as Pillow

from medtransfer.cohort.phantom_anatomy import make_eye, reflectance
from medtransfer.cohort.phantom_camera import CAMERAS, Camera, photograph
from medtransfer.cohort.phantom_canvas import Grid
from medtransfer.sdk import Image, Region

DISC = ("IDRiD_010", "IDRiD_180", "IDRiD_253", "IDRiD_352")
"""Centred on the disc, by eye; others of the set lie between disc and macula."""


def opened(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Pillow.open(path).convert("RGB"))


def guess(rgb: NDArray[np.uint8]) -> centring.Centre | None:
    return centring.guess(rgb, field_of_view.find(rgb).region)


def test_it_is_where_the_masks_of_idrid_say(data_folder: Path) -> None:
    answered = right = 0
    for path in sorted((data_folder / "fundus" / "idrid-lesions" / "images").glob("*.jpg")):
        rgb = opened(path)
        region = field_of_view.find(rgb).region
        rows, columns = np.nonzero(opened(path.parents[1] / "masks" / f"{path.stem}_od.png")[..., 0])
        below = rows.mean() - region.top - region.height / 2
        beside = columns.mean() - region.left - region.width / 2
        true = "disc" if np.hypot(below, beside) < 0.31 * region.width / 2 else "macula"
        found = centring.guess(rgb, region)
        answered += found is not None
        right += found == true
    assert right == answered >= 48  # of 54


def test_photographs_of_the_macula_are_not_called_photographs_of_the_disc(data_folder: Path) -> None:
    folder = data_folder / "fundus"
    for path in sorted((folder / "hrf" / "images").iterdir()):
        assert guess(opened(path)) == "macula"
    found = [guess(opened(path)) for path in sorted((folder / "rfmid" / "images").iterdir())]
    assert found.count("macula") >= 9
    assert found.count("disc") == 0


def test_those_that_are_centred_on_the_disc_are_told_and_no_eye_is_guessed(data_folder: Path) -> None:
    for name in DISC:
        rgb = opened(data_folder / "fundus" / "idrid" / "images" / f"{name}.jpg")
        assert guess(rgb) == "disc"
        image = Image(array=rgb, axes="yxc", modality="OP", units="display", meaning="rgb")
        codes = [notice.code for notice in FundusTrio().notices(image)]
        assert "fundus.disc-centred" in codes
        assert "fundus.laterality-guessed" not in codes


def drawn(camera: Camera, seed: int, *, on_disc: bool) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    eye = make_eye(rng, 0.5, 0.1)
    centre = eye.disc if on_disc else (0.0, 0.0)
    grid = Grid(camera.height, camera.width, camera.circle / camera.field_mm, (float(centre[0]), float(centre[1])))
    return photograph(rng, camera, reflectance(rng, eye, grid))[0]


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.name)
def test_phantoms_drawn_about_disc_or_fovea_are_told(camera: Camera) -> None:
    assert [guess(drawn(camera, seed, on_disc=True)) for seed in range(3)] == ["disc"] * 3
    assert [guess(drawn(camera, seed, on_disc=False)) for seed in range(3)] == ["macula"] * 3


@pytest.mark.parametrize("shape", [(4, 4), (60, 500), (300, 300), (2000, 300)])
def test_without_a_disc_it_says_nothing(shape: tuple[int, int]) -> None:
    for rgb in (np.zeros((*shape, 3), np.uint8), np.full((*shape, 3), 128, np.uint8)):
        assert centring.guess(rgb, Region(0, 0, *shape)) is None
