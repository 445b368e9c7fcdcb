"""RT structure sets read onto the grid of their image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.data import get_testdata_file

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.result.importing import read_on
from medtransfer.study.annotation import read_annotation
from medtransfer.study.model import Image
from tests.result.drawn import affine_of, circle, code, dice, inside, item, roi, rotation, rtstruct, volume

AXES = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])  # k to the head, j to the back, i to the left
PLAIN = affine_of(AXES, (2.0, 1.0, 1.0), (-20.0, -20.0, -20.0))
CUBE = (21, 41, 41)
quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Vector = NDArray[np.float64]


def sphere(radius: float) -> Any:
    return lambda points: np.linalg.norm(points, axis=-1) < radius


def ball(directions: Vector, distance: float, radius: float) -> list[Vector]:
    """Return circles around a ball at the origin, in planes that the first column of ``directions`` stands on."""
    heights = np.arange(-radius, radius + distance, distance)
    heights -= heights[np.argmin(np.abs(heights))]
    return [
        circle(directions[:, 0] * h, float(np.sqrt(radius**2 - h**2)), directions) for h in heights if abs(h) < radius
    ]


def square(half: float, z: float, centre: tuple[float, float] = (0.0, 0.0)) -> Vector:
    x, y = centre
    corners = [(-half, -half), (half, -half), (half, half), (-half, half)]
    return np.array([(x + a, y + b, z) for a, b in corners])


def one(path: Path, contours: list[Vector], image: Image, **more: Any) -> Any:
    return read_on(rtstruct(path, {1: "Ball"}, [roi(1, contours, **more)]), image)


@quick
@given(
    turn=st.tuples(*[st.floats(-180, 180)] * 3),
    spacing=st.tuples(*[st.floats(0.8, 3.0)] * 3),
    axis=st.sampled_from([0, 1, 2]),
)
def test_contours_along_any_axis_of_an_image_in_any_orientation_fill_its_voxels(
    tmp_path: Path, turn: tuple[float, ...], spacing: tuple[float, ...], axis: int
) -> None:
    directions = rotation(turn) @ AXES
    shape = tuple(int(32 / step) + 1 for step in spacing)
    middle = directions @ (np.asarray(spacing) * (np.asarray(shape) // 2))
    image = volume(affine_of(directions, spacing, -middle), (shape[0], shape[1], shape[2]))
    drawn = np.roll(directions, -axis, axis=1)
    got = one(tmp_path / "a.dcm", ball(drawn, spacing[axis], 12.0), image)
    truth = inside(image, sphere(12.0))
    assert dice(got.segmentation.array == 1, truth) > 0.99  # circles are drawn as polygons of 90 corners
    assert got.notices == ()


@quick
@given(turn=st.tuples(*[st.floats(10, 40)] * 3))
def test_contours_oblique_to_the_image_are_filled_in_their_own_planes(tmp_path: Path, turn: tuple[float, ...]) -> None:
    image = volume(PLAIN, CUBE)
    got = one(tmp_path / "a.dcm", ball(rotation(turn) @ AXES, 1.0, 12.0), image)
    assert dice(got.segmentation.array == 1, inside(image, sphere(12.0))) > 0.95
    assert [notice.code for notice in got.notices] == ["annotation.resampled"]


def test_a_contour_inside_another_is_a_hole_and_one_inside_that_is_not(tmp_path: Path) -> None:
    image = volume(PLAIN, CUBE)
    contours = [square(half, 0.0) for half in (9.5, 6.5, 3.5)]
    filled = one(tmp_path / "a.dcm", contours, image).segmentation.array[10]
    assert int(filled.sum()) == 19**2 - 13**2 + 7**2
    assert filled[20, 20] == 1
    assert filled[20, 25] == 0
    assert filled[20, 28] == 1
    exclusive = one(tmp_path / "b.dcm", contours, image, kind="CLOSEDPLANAR_XOR").segmentation.array[10]
    assert np.array_equal(exclusive, filled)


def test_a_hole_joined_by_a_keyhole_and_a_contour_stored_twice_are_read_as_meant(tmp_path: Path) -> None:
    image = volume(PLAIN, CUBE)
    outer, inner = square(9.5, 0.0), square(4.5, 0.0)[::-1]
    keyhole = np.concatenate([outer, outer[:1], inner, inner[:1]])
    got = one(tmp_path / "a.dcm", [keyhole, keyhole], image)
    assert int(got.segmentation.array.sum()) == 19**2 - 9**2


def test_contours_on_every_second_slice_fill_those_between_and_far_ones_do_not(tmp_path: Path) -> None:
    image = volume(PLAIN, CUBE)
    got = one(tmp_path / "a.dcm", [square(4.5, z) for z in (-4.0, 0.0, 4.0)], image)
    assert np.flatnonzero(got.segmentation.array.any(axis=(1, 2))).tolist() == [7, 8, 9, 10, 11, 12]
    assert [notice.code for notice in got.notices] == ["annotation.resampled"]
    far = one(tmp_path / "b.dcm", [square(4.5, z) for z in (-16.0, 16.0)], image)
    assert np.ptp(np.flatnonzero(far.segmentation.array[:10].any(axis=(1, 2)))) * 2.0 <= 10.0


def test_a_box_on_voxel_borders_has_its_analytic_volume(tmp_path: Path) -> None:
    contours = [square(7.5, z, (1.0, -2.0)) for z in np.arange(-6.0, 7.0, 2.0)]
    (structure,) = one(tmp_path / "a.dcm", contours, volume(PLAIN, CUBE)).segmentation.structures
    assert structure.volume_ml == 15 * 15 * 14 / 1000.0


def test_several_regions_keep_names_colours_codes_and_order(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    regions = [
        roi(7, [square(9.5, 0.0)], ROIDisplayColor=[255, 128, 0]),
        roi(3, [square(3.5, 0.0)]),
        roi(9, [np.array([[0.0, 0.0, 0.0]])], kind="POINT"),
    ]
    annotation = rtstruct(path, {3: "Tumour", 7: "Body", 9: "Isocentre"}, regions)
    from pydicom import dcmread

    dataset = dcmread(path)
    observed = item(ReferencedROINumber=7, RTROIIdentificationCodeSequence=[code("38266002", "SCT", "Entire body")])
    dataset.RTROIObservationsSequence = [observed]
    dataset.save_as(path)
    got = read_on(annotation, volume(PLAIN, CUBE))
    body, tumour = got.segmentation.structures
    assert (body.value, body.name, body.colour, body.code) == (1, "Body", "#ff8000", "38266002")
    assert (tumour.value, tumour.name, tumour.code) == (2, "Tumour", "")
    assert body.volume_ml == pytest.approx(19**2 * 2 / 1000.0, abs=1e-3)
    assert int((got.segmentation.array == 2).sum()) == 7**2
    assert [notice.code for notice in got.notices] == ["annotation.no-area", "annotation.overlap"]


def test_regions_of_another_frame_and_bent_contours_are_left_out_and_said(tmp_path: Path) -> None:
    bent = square(8.0, 0.0)
    bent[1::2, 2] = 5.0
    got = one(tmp_path / "a.dcm", [square(5.5, 2.0), bent], volume(PLAIN, CUBE))
    assert [notice.code for notice in got.notices] == ["annotation.not-planar"]
    assert int(got.segmentation.array.sum()) == 11**2
    elsewhere = rtstruct(tmp_path / "b.dcm", {1: "A"}, [roi(1, [square(5.5, 0.0)])], frame="1.2.77")
    named = read_on(elsewhere, volume(PLAIN, CUBE))
    assert [notice.code for notice in named.notices] == ["annotation.other-frame"]


def test_a_structure_set_of_points_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        one(tmp_path / "a.dcm", [np.zeros((1, 3))], volume(PLAIN, CUBE), kind="POINT")
    assert caught.value.code == "annotation.empty"


def test_contours_far_outside_or_with_absurd_numbers_cost_nothing(tmp_path: Path) -> None:
    image = volume(PLAIN, CUBE)
    huge = one(tmp_path / "a.dcm", [square(1e9, 0.0)], image)
    assert huge.segmentation.array[10].all()
    away = one(tmp_path / "b.dcm", [square(4.0, 0.0, (1e8, 0.0))], image)
    assert not away.segmentation.array.any()
    path = tmp_path / "c.dcm"
    annotation = rtstruct(path, {1: "A"}, [roi(1, [square(4.0, 0.0)])])
    path.write_bytes(path.read_bytes().replace(b"-4\\-4\\0\\", b"xx\\-4\\0\\"))
    with pytest.raises(DataError) as caught:
        read_on(annotation, image)
    assert caught.value.code == "study.damaged"


def test_pydicoms_structure_set_is_found_and_read() -> None:
    path = Path(str(get_testdata_file("rtstruct.dcm")))
    annotation = read_annotation(path)
    assert annotation is not None
    image = volume(affine_of(AXES, (100.0, 5.0, 5.0), (-250.0, -200.0, -200.0)), (5, 81, 101))
    placed = Image(
        **{name: getattr(image, name) for name in image.__slots__} | {"uids": {"series": annotation.series[0]}}
    )
    got = read_on(annotation, placed)
    assert [structure.name for structure in got.segmentation.structures] == ["patient"]
    assert got.segmentation.array[0, 40, 50] == 1
    assert "annotation.no-area" in [notice.code for notice in got.notices]


def test_a_scan_finds_structure_sets_beside_the_images_and_refuses_them_alone(tmp_path: Path) -> None:
    annotation = rtstruct(tmp_path / "a.dcm", {1: "A"}, [roi(1, [square(4.0, 0.0)])])
    assert study.scan(tmp_path).annotations == (annotation,)
    with pytest.raises(DataError) as caught:
        study.open(tmp_path)
    assert caught.value.code == "study.not-an-image"
