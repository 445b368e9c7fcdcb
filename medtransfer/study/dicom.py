"""The header of one DICOM file: read without its pixels, only the elements that are needed."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom import FileDataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.errors import BytesLengthException
from pydicom.uid import UID

from medtransfer.errors import DataError
from medtransfer.study import dicom_values as values
from medtransfer.study import private_diffusion
from medtransfer.study.dicom_elements import Elements, UnfamiliarError, scan, vocabulary
from medtransfer.study.dicom_values import Values
from medtransfer.study.limits import Limits, require_within
from medtransfer.study.model import Laterality, Patient, Window
from medtransfer.study.quiet import quiet

_META_HEAD = 4096
DEFLATED = "1.2.840.10008.1.2.1.99"
IMPLICIT = "1.2.840.10008.1.2"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
EXPLICIT = "1.2.840.10008.1.2.1"
NATIVE = frozenset({IMPLICIT, EXPLICIT, BIG_ENDIAN})
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

# What pydicom raises on damaged files; RecursionError on sequences nested without end.
READ_ERRORS = (
    OSError, EOFError, ValueError, TypeError, KeyError, AttributeError, IndexError, NotImplementedError,
    OverflowError, MemoryError, struct.error, zlib.error, BytesLengthException,
)  # fmt: skip

# What may tell slices at one place apart (PS3.3 C.7.6.1, C.7.6.2, C.8.3.1, C.8.13.5.9): see Header.acquisition.
ACQUISITION = (
    "AcquisitionNumber", "TemporalPositionIdentifier", "EchoNumbers", "EchoTime", "InversionTime", "DiffusionBValue",
    "DiffusionGradientOrientation", "ImageType", "DimensionIndexValues", "TriggerTime", "AcquisitionTime",
    "ContentTime",
)  # fmt: skip

_TAGS = [
    *ACQUISITION,
    "SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "StudyDate", "SeriesDate", "ContentDate",
    "AcquisitionDate", "Modality", "StudyDescription", "SeriesDescription", "PatientName", "PatientID",
    "PatientBirthDate", "PatientSex", "BodyPartExamined", "ViewPosition", "SliceThickness", "SpacingBetweenSlices",
    "ImagerPixelSpacing", "StudyInstanceUID", "SeriesInstanceUID", "InstanceNumber", "ImagePositionPatient",
    "ImageOrientationPatient", "FrameOfReferenceUID", "Laterality", "ImageLaterality", "SamplesPerPixel",
    "PhotometricInterpretation", "Units",
    "NumberOfFrames", "Rows", "Columns", "PixelSpacing", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "BurnedInAnnotation", "RescaleIntercept", "RescaleSlope", "RescaleType", "WindowCenter",
    "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction", "VOILUTSequence", "ModalityLUTSequence",
    "PixelPaddingValue", "PixelPaddingRangeLimit", "LossyImageCompression",
]  # fmt: skip
_KNOWN = vocabulary(_TAGS, private_diffusion.TAGS)


@dataclass(frozen=True, slots=True)
class Header:
    """What one DICOM image says about itself.

    Lengths are millimetres, positions and directions LPS. ``pixel_offset`` is where the pixel data element begins in
    the file, -1 when it has to be looked for (deflated files).

    ``frames`` is how many frames the file holds and ``frame`` which of them, from 0, this header describes.
    ``acquisition`` holds the values named by :data:`ACQUISITION`, each as text, its parts joined by backslashes.
    ``padding`` is the range of stored values that stand for no measurement. ``units`` is what a nuclear medicine
    scanner measured in, ``BQML`` for Bq/ml (PS3.3 C.8.9.1.1.3).
    """

    path: Path
    transfer_syntax: str
    sop_class: str
    sop_instance: str
    study_uid: str
    series_uid: str
    frame_uid: str
    modality: str
    patient: Patient
    study_date: str
    date: str
    study_description: str
    description: str
    image_type: tuple[str, ...]
    number: int
    acquisition: tuple[str, ...]
    body_part: str
    view: str
    laterality: Laterality | None
    burned_in: bool
    lossy: bool
    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    slope: float | None
    intercept: float | None
    rescale_type: str
    units: str
    has_modality_lut: bool
    has_voi_lut: bool
    padding: tuple[int, int] | None
    windows: tuple[Window, ...]
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    pixel_spacing: tuple[float, float] | None
    thickness: float | None
    pixel_offset: int
    file_bytes: int
    frame: int = 0

    @property
    def frame_bytes(self) -> int:
        """Bytes of one decoded frame."""
        return self.rows * self.columns * self.samples * ((self.bits_allocated + 7) // 8)

    @property
    def announced_bytes(self) -> int:
        """Bytes of the file's decoded pixels, all frames together, as the header announces them."""
        return self.frame_bytes * self.frames

    @property
    def is_localizer(self) -> bool:
        """Whether the image is a scout on which other slices are planned (PS3.3 C.8.2.1.1.1)."""
        return "LOCALIZER" in self.image_type


def read_header(path: Path, limits: Limits) -> Header:
    """Read what is needed of a DICOM file's header and check it against the limits and the file's length.

    Raises
    ------
    DataError
        ``study.damaged``, ``study.truncated``, ``study.no-pixels``, ``study.too-deep``, ``study.too-large``, or
        ``study.not-an-image`` when the file is a report, a plan, a segmentation or the like.
    """
    with path.open("rb") as file:
        try:
            header = _scanned(file, path)
        except UnfamiliarError:
            file.seek(0)
            header = _read(file, path, limits)
    require_within(header.announced_bytes, limits.image_bytes, path)
    _require_pixels(header)
    return header


def _scanned(file: BinaryIO, path: Path) -> Header:
    meta, elements, offset = scan(file, _KNOWN)
    _require_image(elements, meta, path)
    return _header(elements, meta, path, values.text(meta, "TransferSyntaxUID"), offset)


def _read(file: BinaryIO, path: Path, limits: Limits) -> Header:
    """Read any file with pydicom."""
    with quiet():  # pydicom converts values, and complains, when they are asked for
        dataset = _dataset(file, path, limits)
        offset = file.tell()
        _require_image(dataset, dataset.file_meta, path)
        syntax = values.text(dataset.file_meta, "TransferSyntaxUID")
        syntax = _as_found(dataset) if syntax in NATIVE or not syntax else syntax
        return _header(dataset, dataset.file_meta, path, syntax, -1 if syntax == DEFLATED else offset)


def _dataset(file: BinaryIO, path: Path, limits: Limits) -> FileDataset:
    try:
        _require_bounded_inflation(file, path, limits)
        return dcmread(file, stop_before_pixels=True, specific_tags=list(_KNOWN.representations), force=True)
    except RecursionError as error:
        raise DataError(
            "its header nests sequences deeper than any scanner does",
            code="study.too-deep",
            hint="The file is damaged or was made to do harm: leave it out.",
            subject=path.name,
        ) from error
    except READ_ERRORS as error:
        raise damaged(path) from error


def _as_found(dataset: FileDataset) -> str:
    """Return the transfer syntax of an uncompressed file: not every one states it, and some state another."""
    is_implicit, is_little_endian = dataset.original_encoding
    if is_implicit:
        return IMPLICIT
    return EXPLICIT if is_little_endian else BIG_ENDIAN


def damaged(path: Path) -> DataError:
    """Return the error for a DICOM file whose structure cannot be followed."""
    return DataError(
        "the DICOM file is damaged or incomplete: its header does not describe an image",
        code="study.damaged",
        hint="Export or copy the file again.",
        subject=path.name,
    )


def truncated(path: Path) -> DataError:
    """Return the error for an image whose pixels are not all there."""
    return DataError(
        "the file ends before its pixels do",
        code="study.truncated",
        hint="Copy or export it again: the transfer was cut short.",
        subject=path.name,
    )


def _require_bounded_inflation(file: BinaryIO, path: Path, limits: Limits) -> None:
    """Inflate a deflated file piece by piece, keeping nothing, before pydicom inflates it as a whole."""
    head = file.read(_META_HEAD)
    if DEFLATED.encode() in head:
        file.seek(144 + int.from_bytes(head[140:144], "little"))  # (0002,0000) says how long the meta header is
        inflator = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        length, rest = 0, file.read()
        while rest and not inflator.eof:
            length += len(inflator.decompress(rest, 1 << 20))
            require_within(length, limits.inflated_bytes, path)
            rest = inflator.unconsumed_tail
    file.seek(0)


def _require_image(dataset: Values, meta: Values, path: Path) -> None:
    has_size = values.whole(dataset, "Rows") > 0 and values.whole(dataset, "Columns") > 0
    is_result = values.text(dataset, "Modality") in {"SEG", "RTDOSE"}
    kind = values.text(dataset, "SOPClassUID") or values.text(meta, "MediaStorageSOPClassUID")
    if not has_size and (not kind or values.value(dataset, "Rows") is not None):
        raise damaged(path)
    if not has_size and "Image Storage" in UID(kind).name:
        raise DataError(
            "the DICOM file describes an image but holds no pixels",
            code="study.no-pixels",
            hint="Copy or export it again, with its pixels: they were removed, or the transfer was cut short.",
            subject=path.name,
        )
    if is_result or not has_size:
        raise DataError(
            "the DICOM file is not an image to analyse but a report, a plan, a dose, a signal, a palette or the like",
            code="study.not-an-image",
            hint="Give the images that it refers to.",
            subject=path.name,
        )


def _require_pixels(header: Header) -> None:
    """Compare uncompressed pixels with what is left of the file; compressed ones must only be there."""
    if header.pixel_offset < 0:
        return
    left = header.file_bytes - header.pixel_offset
    needed = 1
    if header.transfer_syntax in NATIVE and header.photometric != "YBR_FULL_422":
        needed = header.announced_bytes if header.bits_allocated > 1 else header.announced_bytes // 8
    if left < needed + 8:
        raise truncated(header.path)


def _header(dataset: Values, meta: Values, path: Path, syntax: str, offset: int) -> Header:
    allocated = values.whole(dataset, "BitsAllocated", 8)
    stored = values.whole(dataset, "BitsStored", allocated)
    stored = stored if 0 < stored <= allocated else allocated
    high = values.whole(dataset, "HighBit", stored - 1)
    return Header(
        path=path,
        transfer_syntax=syntax,
        sop_class=values.text(dataset, "SOPClassUID") or values.text(meta, "MediaStorageSOPClassUID"),
        sop_instance=values.text(dataset, "SOPInstanceUID") or values.text(meta, "MediaStorageSOPInstanceUID"),
        study_uid=values.text(dataset, "StudyInstanceUID"),
        series_uid=values.text(dataset, "SeriesInstanceUID"),
        frame_uid=values.text(dataset, "FrameOfReferenceUID"),
        modality=values.text(dataset, "Modality") or "OT",
        patient=_patient(dataset),
        study_date=values.iso_date(dataset, "StudyDate"),
        date=values.iso_date(dataset, "SeriesDate", "AcquisitionDate", "ContentDate", "StudyDate"),
        study_description=values.text(dataset, "StudyDescription"),
        description=values.text(dataset, "SeriesDescription"),
        image_type=values.texts(dataset, "ImageType"),
        number=values.whole(dataset, "InstanceNumber"),
        acquisition=tuple(_acquisition(dataset, keyword) for keyword in ACQUISITION),
        body_part=values.text(dataset, "BodyPartExamined"),
        view=values.text(dataset, "ViewPosition"),
        laterality=values.laterality(dataset),
        burned_in=values.text(dataset, "BurnedInAnnotation") == "YES",
        lossy=values.text(dataset, "LossyImageCompression") == "01",
        rows=values.whole(dataset, "Rows"),
        columns=values.whole(dataset, "Columns"),
        frames=max(1, values.whole(dataset, "NumberOfFrames", 1)),
        samples=values.whole(dataset, "SamplesPerPixel", 1),
        photometric=values.text(dataset, "PhotometricInterpretation") or "MONOCHROME2",
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high if stored <= high < allocated else stored - 1,
        signed=values.whole(dataset, "PixelRepresentation") == 1,
        slope=values.number(dataset, "RescaleSlope"),
        intercept=values.number(dataset, "RescaleIntercept"),
        rescale_type=values.text(dataset, "RescaleType"),
        units=values.text(dataset, "Units"),
        has_modality_lut=bool(values.value(dataset, "ModalityLUTSequence")),
        has_voi_lut=bool(values.value(dataset, "VOILUTSequence")),
        padding=values.padding(dataset),
        windows=values.windows(dataset),
        position=values.numbers(dataset, "ImagePositionPatient"),
        orientation=values.numbers(dataset, "ImageOrientationPatient"),
        pixel_spacing=_pixel_spacing(dataset),
        thickness=values.number(dataset, "SpacingBetweenSlices") or values.number(dataset, "SliceThickness"),
        pixel_offset=offset,
        file_bytes=path.stat().st_size,
    )


def _acquisition(dataset: Values, keyword: str) -> str:
    stated = values.text(dataset, keyword)
    if stated or keyword != "DiffusionBValue":
        return stated
    return private_diffusion.b_value(lambda tag: _raw(dataset, tag))


def _raw(dataset: Values, tag: int) -> bytes | None:
    """Return an element's bytes as they are in a file in little endian; None when it is absent, or in big endian."""
    if isinstance(dataset, Elements):
        return dataset.raw(tag)
    if not isinstance(dataset, FileDataset) or not dataset.original_encoding[1]:
        return None
    element = dataset.get_item(tag) if tag in dataset else None
    return element.value if isinstance(element, RawDataElement) else None


def _patient(dataset: Values) -> Patient:
    return Patient(
        id=values.text(dataset, "PatientID"),
        name=values.text(dataset, "PatientName"),
        birth_date=values.iso_date(dataset, "PatientBirthDate"),
        sex=values.text(dataset, "PatientSex"),
    )


def _pixel_spacing(dataset: Values) -> tuple[float, float] | None:
    """Return row and column spacing in mm; Imager Pixel Spacing is measured at the detector (PS3.3 C.8.1.2)."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        found = values.numbers(dataset, keyword)
        if len(found) == 2 and min(found) > 0:
            return found[0], found[1]
    return None
