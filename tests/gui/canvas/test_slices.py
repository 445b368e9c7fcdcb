from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from medtransfer import study
from medtransfer.gui.canvas.slices import Letters, Plane, nearest_axes, side, slicing
from medtransfer.study.model import Image

SPLEEN, RIGHT_KIDNEY, LEFT_KIDNEY, LIVER, BLADDER, SACRUM = 1, 2, 3, 5, 21, 25
SIGNED_AXES = [
    (order, signs) for order in itertools.permutations(range(3)) for signs in itertools.product((1.0, -1.0), repeat=3)
]


def rotation(axis: int, degrees: float) -> NDArray[np.float64]:
    turn, (first, second) = np.eye(3), [other for other in range(3) if other != axis]
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn[first, first] = turn[second, second] = cosine
    turn[first, second], turn[second, first] = -sine, sine
    return turn


def image_with(directions: NDArray[np.float64], spacing: tuple[float, ...] = (3.0, 2.0, 1.0)) -> Image:
    affine = np.eye(4)
    affine[:3, :3] = directions * np.array(spacing)
    affine[:3, 3] = (-12.0, 34.0, 56.0)
    array = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    return Image(array=array, axes="zyx", modality="CT", units="HU", affine=affine, bits=16)


def signed_axes(order: tuple[int, ...], signs: tuple[float, ...]) -> NDArray[np.float64]:
    return np.asarray(np.eye(3)[:, list(order)] * np.array(signs), dtype=np.float64)


def middle_of(organs: NDArray[np.generic], image: Image, plane: Plane, value: int) -> tuple[float, float]:
    """Return the mean row and column at which an organ is shown in a plane, over all slices."""
    way = slicing(image, plane)
    places = [way.place(tuple(voxel)) for voxel in np.argwhere(organs == value)[::7]]
    return float(np.mean([row for row, _, _ in places])), float(np.mean([column for _, column, _ in places]))


def test_the_patients_right_is_on_the_left_of_a_real_ct(abdomen: tuple[Image, NDArray[np.uint8]]) -> None:
    image, organs = abdomen
    for plane in (Plane.AXIAL, Plane.CORONAL):
        liver, spleen = (middle_of(organs, image, plane, organ) for organ in (LIVER, SPLEEN))
        right, left = (middle_of(organs, image, plane, organ) for organ in (RIGHT_KIDNEY, LEFT_KIDNEY))
        assert liver[1] < spleen[1]
        assert right[1] < left[1]


def test_the_front_is_on_the_left_of_a_real_sagittal_slice_and_the_head_on_top(
    abdomen: tuple[Image, NDArray[np.uint8]],
) -> None:
    image, organs = abdomen
    bladder, sacrum = (middle_of(organs, image, Plane.SAGITTAL, organ) for organ in (BLADDER, SACRUM))
    assert bladder[1] < sacrum[1]
    for plane in (Plane.SAGITTAL, Plane.CORONAL):
        assert middle_of(organs, image, plane, LIVER)[0] < middle_of(organs, image, plane, BLADDER)[0]
    front, back = (middle_of(organs, image, Plane.AXIAL, organ) for organ in (BLADDER, SACRUM))
    assert front[0] < back[0]


def test_the_pixels_shown_are_those_of_the_organ(abdomen: tuple[Image, NDArray[np.uint8]]) -> None:
    image, organs = abdomen
    way = slicing(image, Plane.AXIAL)
    shown = way.slice(organs, 90 if np.any(way.slice(organs, 90) == LIVER) else way.count // 2)
    rows, columns = np.nonzero(shown == LIVER)
    assert len(rows) > 0
    assert columns.mean() < shown.shape[1] / 2


def test_a_real_dicom_series_keeps_the_convention(data_folder: Path) -> None:
    image = study.open(data_folder / "dicom" / "ct-siemens-j2k")[0].series[0].image()
    assert slicing(image, Plane.AXIAL).letters == Letters("R", "L", "A", "P")
    assert slicing(image, Plane.CORONAL).letters == Letters("R", "L", "S", "I")
    assert slicing(image, Plane.SAGITTAL).letters == Letters("A", "P", "S", "I")


@pytest.mark.parametrize(("order", "signs"), SIGNED_AXES)
def test_however_the_array_lies_the_picture_is_the_same_way_round(
    order: tuple[int, ...], signs: tuple[float, ...]
) -> None:
    image = image_with(signed_axes(order, signs))
    for plane, right, down, letters in (
        (Plane.AXIAL, (1, 0, 0), (0, 1, 0), Letters("R", "L", "A", "P")),
        (Plane.CORONAL, (1, 0, 0), (0, 0, -1), Letters("R", "L", "S", "I")),
        (Plane.SAGITTAL, (0, 1, 0), (0, 0, -1), Letters("A", "P", "S", "I")),
    ):
        way = slicing(image, plane)
        assert way.letters == letters
        corner, beside, below = (np.array(way.lps(way.voxel(*place, 1))) for place in ((0, 0), (0, 1), (1, 0)))
        assert np.allclose((beside - corner) / np.linalg.norm(beside - corner), right)
        assert np.allclose((below - corner) / np.linalg.norm(below - corner), down)


@given(
    axes=st.sampled_from(SIGNED_AXES),
    turns=st.tuples(*[st.floats(-40, 40)] * 3),
    plane=st.sampled_from(Plane),
    shear=st.floats(-0.5, 0.5),
)
def test_pixels_places_and_millimetres_agree(
    axes: tuple[tuple[int, ...], tuple[float, ...]], turns: tuple[float, ...], plane: Plane, shear: float
) -> None:
    directions = signed_axes(*axes)
    for axis, degrees in enumerate(turns):
        directions = rotation(axis, degrees) @ directions
    directions[:, 0] = directions[:, 0] + shear * directions[:, 1]
    directions[:, 0] /= np.linalg.norm(directions[:, 0])
    image = image_with(directions)
    way = slicing(image, plane)
    index = way.count - 1
    shown = way.slice(image.array, index)
    assert shown.shape == (way.rows, way.columns)
    for row, column in ((0, 0), (way.rows - 1, 0), (0, way.columns - 1), (1, 2)):
        voxel = way.voxel(row, column, index)
        assert shown[row, column] == image.array[tuple(int(place) for place in voxel)]
        assert way.place(voxel) == (row, column, index)
        assert np.allclose(way.pixel(*way.scene(row, column)), (row, column))
    first, second = (0.0, 0.0), (way.rows - 1.0, way.columns - 1.0)
    on_scene = math.dist(way.scene(*first), way.scene(*second))
    in_patient = math.dist(*(way.lps(way.voxel(*place, index)) or () for place in (first, second)))
    assert on_scene == pytest.approx(in_patient)


@given(turns=st.tuples(*[st.floats(-25, 25)] * 3), axes=st.sampled_from(SIGNED_AXES))
def test_every_axis_is_used_once_and_the_nearest(
    turns: tuple[float, ...], axes: tuple[tuple[int, ...], tuple[float, ...]]
) -> None:
    directions = signed_axes(*axes)
    small = rotation(0, turns[0] / 3) @ rotation(1, turns[1] / 3) @ rotation(2, turns[2] / 3)
    found = nearest_axes(np.block([[small @ directions, np.zeros((3, 1))], [np.zeros((1, 3)), np.ones((1, 1))]]))
    assert found == tuple(axes[0].index(world) for world in range(3))


def test_an_oblique_volume_gets_combined_letters_and_says_its_tilt() -> None:
    axes = np.eye(3)[:, ::-1]
    turned = slicing(image_with(rotation(2, 30) @ axes), Plane.AXIAL)
    assert (turned.letters.right, turned.letters.left) == ("LP", "RA")
    assert (turned.letters.bottom, turned.letters.top) == ("PR", "AL")
    assert turned.title == "axial"
    tilted = slicing(image_with(rotation(0, 18) @ axes), Plane.AXIAL)
    assert (tilted.letters.left, tilted.letters.right) == ("R", "L")
    assert (tilted.letters.top, tilted.letters.bottom) == ("AI", "PS")
    assert tilted.title == "axial oblique 18°"


def test_a_tilted_gantry_leans_the_sagittal_slice() -> None:
    axes = np.eye(3)[:, ::-1].copy()
    axes[:, 0] = (0.0, -math.sin(math.radians(20)), math.cos(math.radians(20)))
    way = slicing(image_with(axes), Plane.SAGITTAL)
    assert way.steps[0, 1] == pytest.approx(3.0 * math.sin(math.radians(20)))
    assert way.steps[1, 1] == pytest.approx(3.0 * math.cos(math.radians(20)))


@pytest.mark.parametrize(
    ("direction", "name"),
    [
        ((1, 0, 0), "L"),
        ((-1, 0, 0), "R"),
        ((0, 1, 0), "P"),
        ((0, -1, 0), "A"),
        ((0, 0, 1), "S"),
        ((0, 0, -1), "I"),
        ((0.9, 0.0, -0.43), "LI"),
        ((-0.5, -0.7, 0.5), "ARS"),
        ((0.999, 0.04, 0.0), "L"),
    ],
)
def test_directions_have_names(direction: tuple[float, ...], name: str) -> None:
    assert side(np.array(direction, dtype=np.float64)) == name


def test_eyes_have_a_nasal_and_a_temporal_side_only_when_the_file_names_the_eye(picture: Image) -> None:
    assert slicing(picture).letters == Letters("N", "T")
    assert slicing(replace(picture, laterality="R")).letters == Letters("T", "N")
    assert slicing(replace(picture, laterality=None)).letters == Letters()
    assert slicing(replace(picture, modality="DX")).letters == Letters()


def test_pictures_are_measured_in_pixels_unless_their_size_is_known(picture: Image) -> None:
    assert slicing(picture).unit == "px"
    way = slicing(replace(picture, pixel_spacing=(0.5, 0.25)))
    assert way.unit == "mm"
    assert way.scene(1.5, 3.5) == (1.0, 1.0)
    with pytest.raises(ValueError, match="no planes"):
        slicing(picture, Plane.AXIAL)
