"""Label maps written as DICOM segmentations, read back by others, by us, and checked against the standard."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import dcmread

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.result.dicom_seg_writing import PRIVATE_SCHEME, SEG_FILE, write_seg
from medtransfer.result.importing import read_on
from medtransfer.result.model import Segmentation, Structure
from medtransfer.study.annotation import read_annotation
from medtransfer.study.model import Image
from tests.result.drawn import rotation
from tests.result.results import passport
from tests.result.standard import complaints
from tests.study.builders import ct_slice, save

STRUCTURES = (
    Structure(label="kidney_left", name="Kidney left", value=1, code="64033007", volume_ml=1.0, colour="#b96653"),
    Structure(label="soft_tissue_of_no_code", name="Soft tissue", value=2, volume_ml=1.0, colour="#6aa8f7"),
    Structure(label="nodule", name="Nodule", value=3, code="27925004", volume_ml=0.0, colour="#ff0000"),
)


def series_of(folder: Path, turn: tuple[float, ...] = (0.0, 0.0, 0.0), spacing: float = 2.0, **more: Any) -> Any:
    """Write a CT of 5 slices of 6 x 7 pixels in any orientation and open it."""
    directions = rotation(turn)
    for n in range(5):
        position = (10.0, -20.0, 30.0) + directions[:, 2] * n * spacing
        elements = {
            "ImageOrientationPatient": [f"{v:.9f}" for v in (*directions[:, 0], *directions[:, 1])],
            "SliceThickness": spacing,
            "InstanceNumber": 5 - n,
            "SeriesNumber": 4,
        } | more
        save(ct_slice(np.full((6, 7), 100 + n, np.uint16), position.tolist(), **elements), folder / f"{n}.dcm")
    return study.open(folder)[0].series[0]


def labels_of(image: Image, seed: int = 0) -> NDArray[np.uint8]:
    labels = np.random.default_rng(seed).integers(0, 3, image.array.shape, dtype=np.uint8)
    labels[2] = 0  # a frame that is left out
    return labels


def written(folder: Path, series: Any, labels: NDArray[Any], structures: tuple[Structure, ...] = STRUCTURES) -> Path:
    path = folder / SEG_FILE
    write_seg(path, Segmentation(labels, structures), series.image(), series.files, passport())
    return path


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turn=st.tuples(*[st.floats(-180, 180)] * 3), spacing=st.floats(0.5, 6.0), seed=st.integers(0, 99))
def test_reading_back_gives_the_same_label_map_in_any_orientation(
    tmp_path: Path, turn: tuple[float, ...], spacing: float, seed: int
) -> None:
    folder = tmp_path / "ct"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    series = series_of(folder, turn, spacing)
    image = series.image()
    labels = labels_of(image, seed)
    annotation = read_annotation(written(tmp_path, series, labels))
    assert annotation is not None
    assert annotation.drawn_on(image)
    got = read_on(annotation, image)
    assert np.array_equal(got.segmentation.array, labels)
    assert got.notices == ()
    assert [(s.name, s.code, s.colour) for s in got.segmentation.structures] == [
        (s.name, s.code, s.colour) for s in STRUCTURES
    ]


def test_highdicom_reads_the_same_voxels_by_their_source_images(tmp_path: Path) -> None:
    series = series_of(tmp_path)
    image = series.image()
    labels = labels_of(image)
    theirs = highdicom.seg.segread(written(tmp_path, series, labels)).get_pixels_by_source_instance(
        list(image.instances), combine_segments=True
    )
    assert np.array_equal(theirs, labels)


def test_the_file_names_who_drew_it_and_that_it_is_for_research_only(tmp_path: Path) -> None:
    series = series_of(tmp_path)
    made = dcmread(written(tmp_path, series, labels_of(series.image())))
    assert (made.PatientID, made.StudyInstanceUID, made.FrameOfReferenceUID) == ("MRN-4711", "1.2.3", "1.2.3.5")
    assert made.ContentDescription == "Research use only. Not for clinical decisions."
    assert "research use only" in made.SeriesDescription
    kidney, tissue, nodule = made.SegmentSequence
    kind = kidney.SegmentedPropertyTypeCodeSequence[0]
    assert (kind.CodeValue, kind.CodingSchemeDesignator, kind.CodeMeaning) == ("64033007", "SCT", "Kidney")
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeValue == "7771000"
    own = tissue.SegmentedPropertyTypeCodeSequence[0]
    assert (own.LongCodeValue, own.CodingSchemeDesignator) == ("soft_tissue_of_no_code", PRIVATE_SCHEME)
    assert nodule.SegmentedPropertyCategoryCodeSequence[0].CodeMeaning == "Morphologically Abnormal Structure"
    for segment in made.SegmentSequence:
        algorithm = segment.SegmentationAlgorithmIdentificationSequence[0]
        assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("medtransfer.fundus-trio", "0.1.0")
        assert passport().model_sha256 in algorithm.AlgorithmParameters


def test_numbers_with_gaps_are_closed_up(tmp_path: Path) -> None:
    series = series_of(tmp_path)
    labels = labels_of(series.image())
    apart = tuple(s.model_copy(update={"value": s.value * 70}) for s in STRUCTURES)
    annotation = read_annotation(written(tmp_path, series, labels * np.uint8(70), apart))
    assert annotation is not None
    assert np.array_equal(read_on(annotation, series.image()).segmentation.array, labels)


def test_names_in_other_alphabets_survive(tmp_path: Path) -> None:
    series = series_of(tmp_path, SpecificCharacterSet="GB18030", PatientName="王^小东")
    made = dcmread(written(tmp_path, series, labels_of(series.image())))
    assert str(made.PatientName) == "王^小东"
    assert made.SpecificCharacterSet == "ISO_IR 192"


def test_images_without_a_frame_of_reference_are_refused_and_nothing_is_left_behind(tmp_path: Path) -> None:
    folder = tmp_path / "ct"
    folder.mkdir()
    series = series_of(folder, FrameOfReferenceUID=None)
    with pytest.raises(DataError) as caught:
        written(tmp_path, series, labels_of(series.image()))
    assert caught.value.code == "result.seg-source"
    assert [path.name for path in tmp_path.iterdir()] == ["ct"]


@pytest.mark.parametrize("source", ["generated", "bare", "anonymous", "ct-with-seg", "head-ct-tilted"])
def test_the_validator_of_the_standard_finds_no_error(
    tmp_path: Path, source: str, request: pytest.FixtureRequest
) -> None:
    if source in _GENERATED:
        series = series_of(tmp_path, **_GENERATED[source])
    else:
        files = sorted((request.getfixturevalue("data_folder") / "dicom" / source).rglob("*.dcm"))
        series = study.scan(files).studies[0].series[0]
    path = written(tmp_path, series, labels_of(series.image()))
    found = complaints(path)
    assert [line for line in found if line.startswith("Error")] == []
    ours = [line for line in found if not any(known in line for known in _OF_THE_SOURCE)]
    assert {line.partition(" for value")[0] for line in ours} <= {
        f"Warning - Unrecognized defined term <{PRIVATE_SCHEME}>"  # for structures without a SNOMED CT code
    }


_WHOLE = {"StudyDate": "20260101", "StudyTime": "101500", "StudyID": "1", "AccessionNumber": ""}
_GENERATED: dict[str, dict[str, Any]] = {
    "generated": {**_WHOLE, "ReferringPhysicianName": ""},
    "bare": {},
    "anonymous": {**_WHOLE, "PatientIdentityRemoved": "YES", "DeidentificationMethod": ""},
}
_OF_THE_SOURCE = ("needed to build DICOMDIR", "Patient's Name")
"""Warnings about what the images themselves lack or say."""


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"PatientIdentityRemoved": "YES"}, "not stated by the images"),
        ({"PatientIdentityRemoved": "YES", "DeidentificationMethod": ""}, "not stated by the images"),
        ({"PatientIdentityRemoved": "YES", "DeidentificationMethod": "by hand"}, "by hand"),
        ({"DeidentificationMethod": ""}, None),
    ],
)
def test_how_images_were_de_identified_is_stated_or_left_out_but_never_empty(
    tmp_path: Path, stated: dict[str, Any], expected: str | None
) -> None:
    series = series_of(tmp_path, **stated)
    made = dcmread(written(tmp_path, series, labels_of(series.image())))
    assert made.get("DeidentificationMethod") == expected
