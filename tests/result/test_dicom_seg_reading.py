"""DICOM segmentations read onto the grid of their image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
import SimpleITK
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.result.importing import read_on
from medtransfer.study.annotation import SEGMENTATION
from medtransfer.study.model import Image
from tests.result.drawn import (
    FRAME,
    affine_of,
    code,
    dice,
    inside,
    item,
    rotation,
    seg,
    segment,
    volume,
    whole_frames,
    written,
)

simple_itk: Any = SimpleITK  # has no types
AXES = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])  # k to the head, j to the back, i to the left
PLAIN = affine_of(AXES, (2.5, 0.8, 0.7), (-10.0, -20.0, 30.0))
quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def codes(notices: tuple[Any, ...]) -> list[str]:
    return [notice.code for notice in notices]


def test_real_segmentations_equal_highdicoms_reading_and_the_authors_own_volume(data_folder: Path) -> None:
    folder = data_folder / "dicom" / "ct-with-seg"
    found = study.scan(folder)
    image = found.studies[0].series[0].image()
    by_name = {annotation.path.name: annotation for annotation in found.annotations}
    assert set(by_name) == {"liver.dcm", "partial_overlaps.dcm", "sparse-labelmap-ppv5.dcm"}
    liver = read_on(by_name["liver.dcm"], image)
    truth = simple_itk.GetArrayFromImage(simple_itk.ReadImage(str(folder / "liver_seg.nrrd"))) > 0
    assert np.array_equal(liver.segmentation.array == 1, truth)
    assert liver.notices == ()
    assert liver.segmentation.structures[0].name == "Liver"
    assert liver.segmentation.structures[0].colour == "#dd8265"

    several = read_on(by_name["partial_overlaps.dcm"], image)
    peer = highdicom.seg.segread(folder / "partial_overlaps.dcm").get_volume(allow_missing_positions=True)
    assert image.affine is not None
    assert image.spacing is not None
    corners = np.array([(n, 0.0, 0.0, 1.0) for n in range(len(peer.array))]) @ peer.affine.T
    slices = np.rint(corners @ np.linalg.inv(image.affine).T)[:, 0].astype(int)
    for structure in several.segmentation.structures:
        theirs = peer.array[..., structure.value - 1]
        assert structure.volume_ml == pytest.approx(theirs.sum() * np.prod(image.spacing) / 1000.0, abs=1e-3)
        seen = several.segmentation.array[slices] == structure.value
        assert not np.any(seen & (theirs == 0))
    assert codes(several.notices) == ["annotation.overlap"]
    assert several.segmentation.structures[1].code == "51114001"

    with pytest.raises(DataError) as caught:
        read_on(by_name["sparse-labelmap-ppv5.dcm"], image)
    assert caught.value.code == "annotation.other-image"


def test_a_label_map_segmentation_is_read_and_its_padding_left_out(data_folder: Path) -> None:
    path = data_folder / "dicom" / "ct-with-seg" / "sparse-labelmap-ppv5.dcm"
    (annotation,) = study.scan(path).annotations
    peer = highdicom.seg.segread(path).get_volume(combine_segments=True, allow_missing_positions=True)
    image = volume(np.asarray(peer.affine), peer.array.shape)
    image = type(image)(**{f: getattr(image, f) for f in image.__slots__} | {"uids": {"series": annotation.series[0]}})
    got = read_on(annotation, image)
    assert [structure.name for structure in got.segmentation.structures] == ["Liver"]
    assert np.array_equal(got.segmentation.array == 1, peer.array == 1)


@quick
@given(
    turn=st.tuples(*[st.floats(-180, 180)] * 3),
    spacing=st.tuples(*[st.floats(0.4, 5.0)] * 3),
    order=st.permutations([0, 1, 2]),
    mirrored=st.tuples(*[st.booleans()] * 3),
    seed=st.integers(0, 2**16),
)
def test_the_same_grid_in_any_orientation_gives_the_same_label_map(
    tmp_path: Path,
    turn: tuple[float, ...],
    spacing: tuple[float, ...],
    order: list[int],
    mirrored: tuple[bool, ...],
    seed: int,
) -> None:
    """The segmentation is stored with its axes in another order and direction than the image's."""
    rng = np.random.default_rng(seed)
    shape = (4, 7, 9)
    affine = affine_of(rotation(turn) @ AXES, spacing, rng.uniform(-200, 200, 3))
    labels = rng.integers(0, 3, shape)
    stored, place = labels.transpose(order), np.eye(4)
    place[:3, :3] = np.eye(3)[:, order]
    for axis, flip in enumerate(mirrored):
        if flip:
            place[:3, 3] += place[:3, axis] * (stored.shape[axis] - 1)
            place[:3, axis] *= -1
            stored = np.flip(stored, axis)
    other = affine @ place
    frames = [frame for number in (1, 2) for frame in whole_frames(number, stored == number, other)]
    frames = [frames[n] for n in rng.permutation(len(frames))]
    annotation = seg(tmp_path / "a.dcm", frames, other, [segment(1, "One"), segment(2, "Two")])
    got = read_on(annotation, volume(affine, shape))
    assert np.array_equal(got.segmentation.array, labels)
    assert got.notices == ()


@quick
@given(turn=st.tuples(*[st.floats(-40, 40)] * 3), spacing=st.tuples(*[st.floats(1.0, 2.0)] * 3))
def test_another_grid_is_resampled_and_said_so(
    tmp_path: Path, turn: tuple[float, ...], spacing: tuple[float, ...]
) -> None:
    drawn = affine_of(AXES, (1.0, 1.0, 1.0), (-20.0, -20.0, -20.0))
    sphere = lambda points: np.linalg.norm(points, axis=-1) < 12.0  # noqa: E731 - a body in one line
    fine = inside(volume(drawn, (41, 41, 41)), sphere)
    directions = rotation(turn) @ AXES
    shape = (44, 44, 44)
    image = volume(affine_of(directions, spacing, -directions @ (np.asarray(spacing) * 21.5)), shape)
    annotation = seg(tmp_path / "a.dcm", whole_frames(1, fine, drawn), drawn, [segment(1, "Ball")])
    got = read_on(annotation, image)
    off = np.sqrt(3.0) / 2.0  # mm: the nearest of the voxels drawn lies no further than half their diagonal
    assert dice(got.segmentation.array == 1, inside(image, sphere)) > 1.0 - 1.5 * off / 12.0
    assert "annotation.resampled" in codes(got.notices)
    expected, certain = nearest(fine, drawn, image)
    assert np.array_equal(got.segmentation.array[certain] == 1, expected[certain])


def nearest(labels: NDArray[Any], affine: NDArray[Any], image: Image) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the value of the voxel nearest to each of the image's, and where no other is as near."""
    assert image.affine is not None
    place = inside(image, lambda points: (points - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T)
    padded, index = np.pad(labels, 1), np.floor(place + 0.5).astype(int) + 1
    k, j, i = np.clip(index, 0, np.array(padded.shape) - 1).transpose(3, 0, 1, 2)
    return padded[k, j, i], np.all(np.abs(place - np.floor(place) - 0.5) > 1e-4, axis=-1)


def test_frames_of_thick_slices_fill_thin_ones_without_gaps(tmp_path: Path) -> None:
    thick = affine_of(AXES, (5.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    block = np.ones((3, 4, 4), np.uint8)
    annotation = seg(tmp_path / "a.dcm", whole_frames(1, block, thick), thick, [segment(1, "Block")])
    thin = volume(affine_of(AXES, (1.0, 1.0, 1.0), (0.0, 0.0, -5.0)), (20, 6, 6))
    filled = (read_on(annotation, thin).segmentation.array == 1).all(axis=(1, 2), where=np.pad(block[0], (0, 2)) > 0)
    assert np.flatnonzero(filled).tolist() == list(range(3, 18))  # -2.5 mm up to, not including, 12.5 mm


def test_sparse_frames_leave_the_slices_between_empty(tmp_path: Path) -> None:
    labels = np.zeros((9, 5, 5), np.uint8)
    labels[[1, 6], 1:3, 1:4] = 1
    annotation = seg(tmp_path / "a.dcm", whole_frames(1, labels, PLAIN), PLAIN, [segment(1, "A")])
    got = read_on(annotation, volume(PLAIN, labels.shape))
    assert np.array_equal(got.segmentation.array, labels)
    assert got.notices == ()


def test_frames_on_a_sheared_volume_lie_where_its_slices_lie(tmp_path: Path) -> None:
    sheared = PLAIN.copy()
    sheared[:3, 0] = (0.0, 0.9, 2.4)  # the slices of a tilted gantry
    labels = np.random.default_rng(3).integers(0, 2, (5, 6, 7))
    annotation = seg(tmp_path / "a.dcm", whole_frames(1, labels, sheared), sheared, [segment(1, "A")])
    assert np.array_equal(read_on(annotation, volume(sheared, labels.shape)).segmentation.array, labels)


def test_a_fractional_segmentation_is_drawn_where_it_reaches_one_half(tmp_path: Path) -> None:
    values = np.array([[[0, 99, 100, 101, 200]]])
    annotation = seg(
        tmp_path / "a.dcm",
        whole_frames(1, values, PLAIN),
        PLAIN,
        [segment(1, "Soft")],
        kind="FRACTIONAL",
        MaximumFractionalValue=200,
        SegmentationFractionalType="PROBABILITY",
    )
    got = read_on(annotation, volume(PLAIN, (1, 1, 5)))
    assert got.segmentation.array.ravel().tolist() == [0, 0, 1, 1, 1]
    assert codes(got.notices) == ["annotation.fractional"]


def test_the_smaller_of_two_overlapping_segments_is_drawn_and_both_are_measured_whole(tmp_path: Path) -> None:
    organ, tumour = np.zeros((2, 3, 8, 8), np.uint8)
    organ[:, 1:7, 1:7] = 1
    tumour[1, 3:5, 3:5] = 1
    values = np.full(organ.shape, 50, np.int16)
    values[tumour > 0] = 90
    frames = [*whole_frames(1, tumour, PLAIN), *whole_frames(2, organ, PLAIN)]
    annotation = seg(tmp_path / "a.dcm", frames, PLAIN, [segment(1, "Tumour"), segment(2, "Organ")])
    got = read_on(annotation, volume(PLAIN, organ.shape, values))
    assert np.array_equal(got.segmentation.array, np.where(tumour > 0, 1, organ * 2))
    voxel_ml = 2.5 * 0.8 * 0.7 / 1000.0
    small, large = got.segmentation.structures
    assert (small.volume_ml, small.mean_hu) == (round(4 * voxel_ml, 3), 90.0)
    assert (large.volume_ml, large.mean_hu) == (round(108 * voxel_ml, 3), round(50 + 40 * 4 / 108, 1))
    assert codes(got.notices) == ["annotation.overlap"]


def test_names_codes_and_colours_come_along(tmp_path: Path) -> None:
    labels = np.ones((1, 2, 2), np.uint8)
    kinds = [
        segment(
            1,
            "Left kidney",
            SegmentedPropertyTypeCodeSequence=[code("64033007", "SCT", "Kidney")],
            RecommendedDisplayCIELabValue=list(highdicom.color.CIELabColor.from_rgb(185, 102, 83).value),
        ),
        segment(300, "2nd", SegmentedPropertyTypeCodeSequence=[code("T-62000", "SRT", "Liver")]),
    ]
    got = read_on(seg(tmp_path / "a.dcm", whole_frames(1, labels, PLAIN), PLAIN, kinds), volume(PLAIN, (1, 2, 2)))
    kidney, second = got.segmentation.structures
    assert (kidney.label, kidney.name, kidney.code, kidney.colour) == (
        "left_kidney",
        "Left kidney",
        "64033007",
        "#b96653",
    )
    assert (second.label, second.value, second.code, second.volume_ml) == ("structure_2nd", 300, "", 0.0)
    assert got.segmentation.array.dtype == np.uint16


def test_what_lies_outside_the_image_is_said(tmp_path: Path) -> None:
    labels = np.ones((4, 3, 3), np.uint8)
    annotation = seg(tmp_path / "a.dcm", whole_frames(1, labels, PLAIN), PLAIN, [segment(1, "A")])
    got = read_on(annotation, volume(PLAIN, (2, 3, 3)))
    assert codes(got.notices) == ["annotation.outside"]
    assert got.segmentation.array.all()
    away = PLAIN.copy()
    away[:3, 3] += 500.0
    nothing = read_on(annotation, volume(away, (2, 3, 3)))
    assert not nothing.segmentation.array.any()
    assert codes(nothing.notices) == ["annotation.outside"]


def test_another_series_of_the_same_frame_is_fit_and_said(tmp_path: Path) -> None:
    labels = np.ones((2, 3, 3), np.uint8)
    frames = whole_frames(1, labels, PLAIN)
    annotation = seg(tmp_path / "a.dcm", frames, PLAIN, [segment(1, "A")], series="1.2.99")
    image = volume(PLAIN, labels.shape)
    assert annotation.fits(image)
    assert not annotation.drawn_on(image)
    assert codes(read_on(annotation, image).notices) == ["annotation.other-series"]


@pytest.mark.parametrize("damage", ["turned", "scattered", "nowhere"])
def test_frames_that_form_no_stack_are_refused(tmp_path: Path, damage: str) -> None:
    frames = whole_frames(1, np.ones((3, 3, 3), np.uint8), PLAIN)
    if damage == "scattered":
        frames[1] = (1, frames[1][1] + (40.0, 0.0, 0.0), frames[1][2])
    annotation = seg(tmp_path / "a.dcm", frames, PLAIN, [segment(1, "A")])
    from pydicom import dcmread

    dataset = dcmread(annotation.path)
    first = dataset.PerFrameFunctionalGroupsSequence[0]
    if damage == "turned":
        first.PlaneOrientationSequence = [item(ImageOrientationPatient=[0, 1, 0, 0, 0, 1])]
    if damage == "nowhere":
        del first.PlanePositionSequence
    dataset.save_as(annotation.path)
    with pytest.raises(DataError) as caught:
        read_on(annotation, volume(PLAIN, (3, 3, 3)))
    assert caught.value.code == "annotation.no-position"


def test_damaged_files_are_refused_and_never_crash(tmp_path: Path) -> None:
    labels = np.ones((2, 6, 6), np.uint8)
    annotation = seg(tmp_path / "a.dcm", whole_frames(1, labels, PLAIN), PLAIN, [segment(1, "A")])
    image = volume(PLAIN, labels.shape)
    whole = annotation.path.read_bytes()
    rng = np.random.default_rng(11)
    refused = 0
    for _ in range(150):
        spoilt = bytearray(whole)
        for at in rng.integers(132, len(whole), 3):
            spoilt[at] = rng.integers(0, 256)
        annotation.path.write_bytes(spoilt[: rng.integers(200, len(whole) + 1)])
        try:
            read_on(annotation, image)
        except DataError:
            refused += 1
    assert refused > 50


def test_an_announcement_beyond_the_limit_is_refused_before_anything_is_decoded(tmp_path: Path) -> None:
    annotation = written(
        tmp_path / "a.dcm",
        SEGMENTATION,
        "SEG",
        FrameOfReferenceUID=FRAME,
        NumberOfFrames=2_000_000,
        Rows=65535,
        Columns=65535,
        BitsAllocated=1,
    )
    with pytest.raises(DataError) as caught:
        read_on(annotation, volume(PLAIN, (2, 2, 2)))
    assert caught.value.code == "study.too-large"
