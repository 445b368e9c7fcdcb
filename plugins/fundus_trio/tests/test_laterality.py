"""The side of the optic disc against masks of it, against eyes looked at one by one, and in the mirror."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from medtransfer_fundus_trio import field_of_view, laterality
from numpy.typing import NDArray
from PIL import Image as Pillow

from medtransfer.sdk import Laterality, Region

HRF = "LRRRLLLRRRLLLRRRLLLRRRLL"
"""The eyes of its 24 photographs in the order of their names, by the side of disc and macula."""


def opened(path: Path) -> tuple[NDArray[np.uint8], Region]:
    rgb = np.asarray(Pillow.open(path).convert("RGB"))
    return rgb, field_of_view.find(rgb).region


def test_it_lies_where_the_masks_of_idrid_say(data_folder: Path) -> None:
    answered = right = 0
    for path in sorted((data_folder / "fundus" / "idrid-lesions" / "images").glob("*.jpg")):
        rgb, region = opened(path)
        mask = np.asarray(Pillow.open(path.parents[1] / "masks" / f"{path.stem}_od.png").convert("L")) > 0
        disc = float(np.nonzero(mask)[1].mean())
        guess = laterality.guess(rgb, region)
        answered += guess is not None
        right += guess == ("R" if disc > region.left + region.width / 2 else "L")
    assert right == answered >= 50  # of 54


def test_every_eye_of_another_camera_is_told(data_folder: Path) -> None:
    for path, eye in zip(sorted((data_folder / "fundus" / "hrf" / "images").iterdir()), HRF, strict=True):
        assert laterality.guess(*opened(path)) == eye


@pytest.mark.parametrize(
    ("stated", "codes"),
    [(None, ["fundus.laterality-guessed"]), ("L", []), ("R", ["fundus.laterality-doubtful"])],
)
def test_what_the_file_says_is_believed_and_a_contradiction_told(
    data_folder: Path, stated: Laterality | None, codes: list[str]
) -> None:
    rgb, region = opened(data_folder / "fundus" / "hrf" / "images" / "01_dr.jpg")
    found = laterality.notices(rgb, region, stated)
    assert [notice.code for notice in found] == codes
    mirrored = laterality.notices(rgb[:, ::-1], field_of_view.find(rgb[:, ::-1]).region, "R")
    assert mirrored == []


@pytest.mark.parametrize("shape", [(4, 4), (60, 500), (300, 300), (2000, 300)])
def test_without_a_disc_it_does_not_guess(shape: tuple[int, int]) -> None:
    for rgb in (np.zeros((*shape, 3), np.uint8), np.full((*shape, 3), 128, np.uint8)):
        assert laterality.guess(rgb, Region(0, 0, *shape)) is None
