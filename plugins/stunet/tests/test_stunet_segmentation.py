"""A CT in DICOM, segmented by the starter, as a DICOM segmentation: valid, and read back by others voxel by voxel."""

from __future__ import annotations

from pathlib import Path

import highdicom
import medtransfer_stunet
import numpy as np
import pytest
from medtransfer_stunet.plugin import StuNet

from medtransfer import study
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.manifest import read_manifest
from medtransfer.result.dicom_seg_writing import SEG_FILE, write_seg
from medtransfer.result.importing import read_on
from medtransfer.result.model import Segmentation
from medtransfer.study.annotation import read_annotation
from medtransfer.study.model import Series
from tests.result.standard import complaints
from tests.study.builders import ct_slice, save
from tests.transfer.small import PlainContext, request

PACKAGE = Path(medtransfer_stunet.__file__).parent
PART = (slice(40, 72), slice(20, 84), slice(30, 94))
"""A part of the golden CT, as large as one tile across: enough for a dozen structures, and segmented in a moment."""


def as_dicom(folder: Path) -> Series:
    """Write that part of the golden CT as a DICOM series, its slices numbered from the head down, and open it."""
    golden = study.open(PACKAGE / "golden" / "ct.nii.gz")[0].series[0].image()
    assert golden.affine is not None
    assert golden.spacing is not None
    spacing = golden.spacing
    down, across = (golden.affine[:3, axis] / spacing[axis] for axis in (1, 2))
    values = (golden.array[PART].astype(np.int32) + 1024).clip(0, 4095).astype(np.uint16)
    for number, pixels in enumerate(values):
        corner = golden.affine @ [number + PART[0].start, PART[1].start, PART[2].start, 1.0]
        elements = {
            "ImageOrientationPatient": [f"{value:.9f}" for value in (*across, *down)],
            "PixelSpacing": [float(spacing[1]), float(spacing[2])],
            "SliceThickness": float(spacing[0]),
            "InstanceNumber": len(values) - number,
            "SeriesNumber": 3,
            "StudyDate": "20260101",
            "StudyTime": "101500",
            "StudyID": "1",
            "AccessionNumber": "",
            "ReferringPhysicianName": "",
        }
        save(ct_slice(pixels, corner[:3].tolist(), **elements), folder / f"{number:03}.dcm")
    return study.open(folder)[0].series[0]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Series, Segmentation]:
    folder = tmp_path_factory.mktemp("stunet")
    (folder / "ct").mkdir()
    series = as_dicom(folder / "ct")
    image, model = series.image(), ModelBundle.open(PACKAGE / "starter")
    ctx = PlainContext(folder / "job", manifest=read_manifest(PACKAGE))
    result = StuNet().analyse(image, model, request(model), ctx)
    assert result.segmentation is not None
    write_seg(folder / SEG_FILE, result.segmentation, image, series.files, result.passport)
    return folder / SEG_FILE, series, result.segmentation


def test_the_validator_of_the_standard_has_nothing_to_say(written: tuple[Path, Series, Segmentation]) -> None:
    assert complaints(written[0]) == []


def test_highdicom_and_we_read_the_same_structures_back(written: tuple[Path, Series, Segmentation]) -> None:
    path, series, segmentation = written
    shown = [one for one in segmentation.structures if one.volume_ml > 0]
    assert len(shown) > 10
    theirs = highdicom.seg.segread(path)
    pixels = theirs.get_pixels_by_source_instance(list(series.image().instances), combine_segments=True)
    assert np.array_equal(pixels, segmentation.array)
    described = {segment.segment_number: segment for segment in theirs.SegmentSequence}
    for structure in shown:
        own = described[structure.value]
        assert own.segment_label == structure.name
        assert own.segmented_property_type.value == structure.code
        assert own.segmented_property_type.scheme_designator == "SCT"
    annotation = read_annotation(path)
    assert annotation is not None
    again = read_on(annotation, series.image())
    assert np.array_equal(again.segmentation.array, segmentation.array)
    assert again.notices == ()
