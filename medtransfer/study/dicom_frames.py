"""A multi-frame DICOM file as one header per frame when its frames are slices; a film stays one header."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pydicom import Dataset, dcmread
from pydicom.uid import (
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    EnhancedPETImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
    LegacyConvertedEnhancedMRImageStorage,
    LegacyConvertedEnhancedPETImageStorage,
)

from medtransfer.study import dicom_values as values
from medtransfer.study.dicom import ACQUISITION, READ_ERRORS, Header
from medtransfer.study.dicom_voi import FRAME_VOI_LUT
from medtransfer.study.quiet import quiet
from medtransfer.study.volume import normal

# Position and rescale are in the functional groups even when there is a single frame.
_ENHANCED = frozenset({
    EnhancedCTImageStorage, EnhancedMRImageStorage, EnhancedPETImageStorage, LegacyConvertedEnhancedCTImageStorage,
    LegacyConvertedEnhancedMRImageStorage, LegacyConvertedEnhancedPETImageStorage,
})  # fmt: skip
_TAGS = [
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "DimensionIndexSequence",
    "RepresentativeFrameNumber", "DetectorInformationSequence", "SliceVector", "TimeSlotVector", "EnergyWindowVector",
    "SpacingBetweenSlices",
]  # fmt: skip
_FRAME_TYPES = (
    "CTImageFrameTypeSequence", "MRImageFrameTypeSequence", "PETFrameTypeSequence", "XRay3DFrameTypeSequence",
    "OphthalmicFrameTypeSequence",
)  # fmt: skip
# Dimensions that count frames through space: stack, number in the stack, position, plane position.
_THROUGH_SPACE = frozenset({0x00209056, 0x00209057, 0x00200032, 0x00209113})
_RECONSTRUCTED = frozenset({"RECON TOMO", "RECON GATED TOMO"})
_OWN_SPACE = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def frames(header: Header) -> tuple[Header, ...]:
    """Return one header per frame of a file whose frames are slices, and otherwise the header of one picture.

    Frames are slices when each states its position and orientation (functional groups, PS3.3 C.7.6.16), when they are a
    nuclear medicine reconstruction (PS3.3 C.8.4.15), or when they are an optical coherence tomography with known
    distances. What is left is a film: its header describes the representative frame (0028,6010), else the first.
    A header with ``frames`` above 1 states a position only when it came from a file that was divided here.
    """
    if header.frames == 1 and header.sop_class not in _ENHANCED:
        return (header,)
    try:
        with quiet():
            dataset = dcmread(header.path, stop_before_pixels=True, specific_tags=list(_TAGS), force=True)
            return _slices(header, dataset) or (_film(header, dataset),)
    except (*READ_ERRORS, RecursionError):  # what cannot be placed is no volume; the pixels may be sound nevertheless
        return (replace(header, position=()),)


def _film(header: Header, dataset: Dataset) -> Header:
    chosen = values.whole(dataset, "RepresentativeFrameNumber", 1)
    frame = chosen - 1 if 0 < chosen <= header.frames else 0
    groups = _groups(header, dataset)
    described = _shown_as(header, groups[frame]) if groups else header
    return replace(described, frame=frame, position=())


def _slices(header: Header, dataset: Dataset) -> tuple[Header, ...]:
    described = tuple(_described(header, frame, item) for frame, item in enumerate(_groups(header, dataset)))
    if described and all(h.position and h.orientation for h in described):
        return described
    if described and header.modality == "OPT" and all(h.pixel_spacing and h.thickness for h in described):
        return tuple(_in_own_space(h) for h in described)
    if header.modality in {"NM", "PT"} and _RECONSTRUCTED.intersection(header.image_type[2:3]):
        return tuple(_reconstructed(header, dataset))
    return ()


def _groups(header: Header, dataset: Dataset) -> list[_Groups]:
    """Return the functional groups of each frame; nothing when there is not one item per frame."""
    own = values.value(dataset, "PerFrameFunctionalGroupsSequence") or ()
    if len(own) != header.frames:
        return []
    shared = _item(dataset, "SharedFunctionalGroupsSequence")
    dimensions = values.value(dataset, "DimensionIndexSequence") or ()
    pointers = [values.whole(dimension, "DimensionIndexPointer") for dimension in dimensions]
    return [_Groups(item, shared, pointers) for item in own]


def _shown_as(header: Header, groups: _Groups) -> Header:
    """Return the header with the display that a frame's groups ask for, where they do."""
    group = groups.item(FRAME_VOI_LUT)
    if not len(group):
        return header
    return replace(header, windows=values.windows(group), has_voi_lut="VOILUTSequence" in group)


def _described(header: Header, frame: int, groups: _Groups) -> Header:
    """Return the header of one frame; what its groups leave out stays as the file's header has it."""
    measures = groups.item("PixelMeasuresSequence")
    spacing = values.numbers(measures, "PixelSpacing")
    rescale = groups.item("PixelValueTransformationSequence")
    frame_type = values.texts(groups.item(*_FRAME_TYPES), "FrameType") or header.image_type
    return replace(
        _shown_as(header, groups),
        frame=frame,
        number=frame + 1,
        image_type=frame_type,
        acquisition=_acquisition(groups, frame_type),
        laterality=values.laterality(groups.item("FrameAnatomySequence")) or header.laterality,
        slope=values.number(rescale, "RescaleSlope") if rescale else header.slope,
        intercept=values.number(rescale, "RescaleIntercept") if rescale else header.intercept,
        rescale_type=values.text(rescale, "RescaleType") if rescale else header.rescale_type,
        position=values.numbers(groups.item("PlanePositionSequence"), "ImagePositionPatient"),
        orientation=values.numbers(groups.item("PlaneOrientationSequence"), "ImageOrientationPatient"),
        pixel_spacing=(spacing[0], spacing[1]) if len(spacing) == 2 and min(spacing) > 0 else header.pixel_spacing,
        thickness=values.number(measures, "SpacingBetweenSlices")
        or values.number(measures, "SliceThickness")
        or header.thickness,
    )


class _Groups:
    """The functional groups of one frame: its own come before those that all frames share."""

    def __init__(self, own: Dataset, shared: Dataset, pointers: Sequence[int]) -> None:
        self._levels = (own, shared)
        self._pointers = pointers

    def item(self, *keywords: str) -> Dataset:
        """Return the first of the named groups that the frame has, an empty one when it has none."""
        found = (_item(level, keyword) for keyword in keywords for level in self._levels)
        return next((group for group in found if len(group)), Dataset())

    def converted(self, keyword: str) -> str:
        """Return what a converter kept of the single-frame image (PS3.3 C.7.6.16.2.25)."""
        kept = self.item("UnassignedPerFrameConvertedAttributesSequence")
        return "\\".join(values.texts(kept, keyword))

    def dimensions(self) -> str:
        """Return the frame's place along the dimensions other than space (PS3.3 C.7.6.17)."""
        counted = values.texts(self.item("FrameContentSequence"), "DimensionIndexValues")
        kept = [count for count, at in zip(counted, self._pointers, strict=False) if at not in _THROUGH_SPACE]
        return "\\".join(kept)


def _acquisition(groups: _Groups, frame_type: tuple[str, ...]) -> tuple[str, ...]:
    content, diffusion = groups.item("FrameContentSequence"), groups.item("MRDiffusionSequence")
    stated = {
        "AcquisitionNumber": values.text(content, "FrameAcquisitionNumber"),
        "TemporalPositionIdentifier": values.text(content, "TemporalPositionIndex"),
        "EchoTime": values.text(groups.item("MREchoSequence"), "EffectiveEchoTime"),
        "InversionTime": values.text(groups.item("MRModifierSequence"), "InversionTimes"),
        "DiffusionBValue": values.text(diffusion, "DiffusionBValue"),
        "DiffusionGradientOrientation": values.text(
            _item(diffusion, "DiffusionGradientDirectionSequence"), "DiffusionGradientOrientation"
        ),
        "ImageType": "\\".join(frame_type),
        "DimensionIndexValues": groups.dimensions(),
        "TriggerTime": values.text(groups.item("CardiacSynchronizationSequence"), "NominalCardiacTriggerDelayTime"),
        "AcquisitionTime": values.text(content, "FrameAcquisitionDateTime"),
        "ContentTime": values.text(content, "FrameReferenceDateTime"),
    }
    return tuple(stated.get(keyword, "") or groups.converted(keyword) for keyword in ACQUISITION)


def _in_own_space(header: Header) -> Header:
    """Place a frame that knows its distance to the next, and nothing of the patient, in a space of its own."""
    height = header.frame * (header.thickness or 0.0)
    return replace(header, position=(0.0, 0.0, height), orientation=_OWN_SPACE, frame_uid="")


def _reconstructed(header: Header, dataset: Dataset) -> Iterator[Header]:
    """Stack the frames from the first slice on; a negative distance runs against the normal (PS3.3 C.8.4.15)."""
    detector = _item(dataset, "DetectorInformationSequence")
    origin = values.numbers(detector, "ImagePositionPatient")
    orientation = values.numbers(detector, "ImageOrientationPatient")
    distance = values.number(dataset, "SpacingBetweenSlices") or header.thickness
    if len(origin) != 3 or len(orientation) != 6 or not distance:
        return
    step = normal(orientation) * distance
    numbers = values.numbers(dataset, "SliceVector")
    counts = {
        "TemporalPositionIdentifier": values.texts(dataset, "TimeSlotVector"),
        "AcquisitionNumber": values.texts(dataset, "EnergyWindowVector"),
    }
    for frame in range(header.frames):
        number = numbers[frame] - 1 if len(numbers) == header.frames else frame
        yield replace(
            header,
            frame=frame,
            number=frame + 1,
            position=tuple(float(v) for v in origin + step * number),
            orientation=orientation,
            thickness=abs(distance),
            acquisition=tuple("".join(counts.get(keyword, ())[frame : frame + 1]) for keyword in ACQUISITION),
        )


def _item(dataset: Dataset, keyword: str) -> Dataset:
    """Return the only item of a sequence, an empty one when it is absent."""
    found = values.value(dataset, keyword)
    return found[0] if found else Dataset()
