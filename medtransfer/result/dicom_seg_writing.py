"""Writing a label map as a DICOM segmentation (PS3.3 A.51) of the series that it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

from medtransfer.errors import DataError
from medtransfer.result.model import RESEARCH_USE_ONLY, Passport, Segmentation, Structure
from medtransfer.study.dicom import READ_ERRORS
from medtransfer.study.model import Image
from medtransfer.study.quiet import quiet

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription

SEG_FILE = "segmentation.dcm"
MANUFACTURER = "medtransfer"
PRIVATE_SCHEME = "99MEDTRANSFER"
"""Coding scheme of structures without a SNOMED CT code: their own label ids (PS3.16 8.2 keeps "99" for such)."""

_LESIONS = frozenset(getattr(codes.cid7159, name).value for name in codes.cid7159.dir())
_SIDES = {"left": codes.SCT.Left, "right": codes.SCT.Right}
_MAY_BE_EMPTY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
    "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
_SERIES_NUMBER_STEP = 1000  # away from the scanner's own numbers


def write_seg(path: Path, segmentation: Segmentation, image: Image, files: Sequence[Path], passport: Passport) -> None:
    """Write a binary DICOM segmentation; empty frames are left out.

    Segments are numbered from 1 without gaps, as the standard wants it (C.8.20.2); numbers that are so already stay.
    Each names its structure, code, colour, and the plug-in and model that drew it. The file appears complete or not
    at all.

    Parameters
    ----------
    path
        Where to write.
    segmentation
        A label map on the grid of ``image``.
    image
        What was analysed: its affine places the frames.
    files
        The DICOM files of its series, from whose headers patient, study and frame of reference are taken.

    Raises
    ------
    DataError
        ``result.seg-source`` when the headers lack what every segmentation needs.
    OSError
        When the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        with quiet():
            made = _segmentation_object(segmentation, image, [_header(file) for file in files], passport)
            made.save_as(partial, enforce_file_format=True)
        partial.replace(path)
    except OSError:
        raise
    except READ_ERRORS as error:
        raise DataError(
            "the headers of the images lack what a DICOM segmentation needs",
            code="result.seg-source",
            hint="Choose the format nifti, or export the original images again.",
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _header(file: Path) -> Dataset:
    """Read a header; what must be there but may be empty is added where a conversion left it out (PS3.5 7.4.3)."""
    header = dcmread(file, stop_before_pixels=True, force=True)
    for keyword in _MAY_BE_EMPTY:
        if keyword not in header:
            setattr(header, keyword, None)
    _state_method(header)
    return header


def _state_method(header: Dataset) -> None:
    """Make an empty De-identification Method whole: it must not be empty, and be there without a patient (C.7.1.1)."""
    if header.get("DeidentificationMethod") or header.get("DeidentificationMethodCodeSequence"):
        return
    if header.get("PatientIdentityRemoved") == "YES":
        header.DeidentificationMethod = "not stated by the images"
    elif "DeidentificationMethod" in header:
        del header.DeidentificationMethod


def _segmentation_object(
    segmentation: Segmentation, image: Image, headers: Sequence[Dataset], passport: Passport
) -> Dataset:
    from highdicom.seg import Segmentation as DicomSegmentation
    from highdicom.seg import SegmentationTypeValues

    labels, structures = _renumbered(segmentation)
    return DicomSegmentation(
        source_images=list(headers),
        pixel_array=labels,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(number, s, passport) for number, s in enumerate(structures, start=1)],
        series_instance_uid=generate_uid(),
        series_number=_SERIES_NUMBER_STEP + int(headers[0].get("SeriesNumber") or 0),
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=passport.plugin[:64],
        software_versions=passport.versions.get("medtransfer", "unknown"),
        device_serial_number=passport.model_sha256[:64] or "none",
        content_label="SEGMENTATION",
        content_description=RESEARCH_USE_ONLY,
        series_description=f"{passport.plugin} (research use only)"[:64],
        specific_character_set="ISO_IR 192",  # UTF-8, whatever the images' own is
        **_geometry(image),
    )


def _renumbered(segmentation: Segmentation) -> tuple[NDArray[np.unsignedinteger], list[Structure]]:
    structures = sorted(segmentation.structures, key=lambda structure: structure.value)
    if [structure.value for structure in structures] == list(range(1, len(structures) + 1)):
        return segmentation.array, structures
    numbers = np.zeros(int(np.iinfo(segmentation.array.dtype).max) + 1, segmentation.array.dtype)
    for number, structure in enumerate(structures, start=1):
        numbers[structure.value] = number
    return numbers[segmentation.array], structures


def _description(number: int, structure: Structure, passport: Passport) -> SegmentDescription:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.color import CIELabColor
    from highdicom.seg import SegmentAlgorithmTypeValues
    from highdicom.seg import SegmentDescription as Description

    side = next((side for side in _SIDES if side in structure.label.split("_")), "")
    kind = _kind(structure)
    abnormal = structure.code in _LESIONS
    red, green, blue = bytes.fromhex(structure.colour.removeprefix("#"))
    described = Description(
        segment_number=number,
        segment_label=structure.name[:64],
        segmented_property_category=(
            codes.cid7150.MorphologicallyAbnormalStructure if abnormal else codes.cid7150.AnatomicalStructure
        ),
        segmented_property_type=kind,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name=passport.plugin[:64],
            family=codes.cid7162.ArtificialIntelligence,
            version=passport.plugin_version,
            source=MANUFACTURER,
            parameters={"model": passport.model, "model_sha256": passport.model_sha256},
        ),
        display_color=CIELabColor.from_rgb(red, green, blue),
    )
    if side and kind.scheme_designator == "SCT":
        described.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [_item(_SIDES[side])]
    return described


def _kind(structure: Structure) -> Code:
    """Return what a structure is: its SNOMED CT code, whose meaning leaves the side out, or its own label id."""
    if structure.code:
        words = [word for word in structure.name.split() if word.lower() not in _SIDES]
        return Code(structure.code, "SCT", " ".join(words)[:64] or structure.name[:64])
    return Code(structure.label, PRIVATE_SCHEME, structure.name[:64])


def _item(code: Code) -> Dataset:
    from highdicom.sr import CodedConcept

    return CodedConcept(code.value, code.scheme_designator, code.meaning)


def _geometry(image: Image) -> dict[str, Any]:
    """Return where the frames lie; nothing for a picture, whose one frame lies on that of its source."""
    if image.affine is None or image.spacing is None:
        return {}
    from highdicom import PixelMeasuresSequence, PlaneOrientationSequence, PlanePositionSequence

    step, down, across = image.affine[:3, :3].T
    directions = [across / np.linalg.norm(across), down / np.linalg.norm(down)]
    apart = abs(float(step @ np.cross(*directions)))
    corners = [image.affine[:3, :3] @ (k, 0.0, 0.0) + image.affine[:3, 3] for k in range(image.array.shape[0])]
    return {
        "pixel_measures": PixelMeasuresSequence(
            pixel_spacing=image.spacing[1:], slice_thickness=apart, spacing_between_slices=apart
        ),
        "plane_orientation": PlaneOrientationSequence("PATIENT", np.concatenate(directions).tolist()),
        "plane_positions": [PlanePositionSequence("PATIENT", corner.tolist()) for corner in corners],
    }
