"""Segmentations and structure sets from other programs, read as segmentations on an image's own grid."""

from __future__ import annotations

from dataclasses import dataclass

from medtransfer.errors import DataError
from medtransfer.result.composing import Part, compose
from medtransfer.result.dicom_seg_reading import read_segments, segment_names
from medtransfer.result.model import Notice, Segmentation
from medtransfer.result.rtstruct import read_rois, roi_names
from medtransfer.study.annotation import Annotation
from medtransfer.study.dicom import READ_ERRORS, damaged
from medtransfer.study.limits import DEFAULT, Limits
from medtransfer.study.model import Image
from medtransfer.study.quiet import quiet


@dataclass(frozen=True, eq=False)
class Imported:
    """What was read, and what the reader of it must know: overlaps, resampling, parts left out."""

    segmentation: Segmentation
    notices: tuple[Notice, ...]


def read_on(annotation: Annotation, image: Image, limits: Limits = DEFAULT) -> Imported:
    """Read a segmentation or a structure set onto the grid of an image that it fits.

    Parameters
    ----------
    annotation
        As a scan found it.
    image
        A volume for which :meth:`Annotation.fits` holds.

    Raises
    ------
    DataError
        ``annotation.other-image`` when it does not fit the image, ``annotation.empty`` when it holds no structure,
        ``annotation.no-position``, ``study.damaged`` or ``study.too-large``.
    """
    if not annotation.fits(image):
        raise DataError(
            f"the {annotation.kind} was drawn on another image, in another frame of reference",
            code="annotation.other-image",
            hint="Open it together with the images that it refers to.",
            subject=annotation.name,
        )
    try:
        with quiet():
            parts, notices = _read(annotation, image, limits)
    except (*READ_ERRORS, RecursionError) as error:
        raise damaged(annotation.path) from error
    if not parts:
        raise DataError(
            f"the {annotation.kind} holds no structure that fills a region",
            code="annotation.empty",
            hint="Points and open lines are not shown.",
            subject=annotation.name,
        )
    segmentation, composed = compose(parts, image)
    return Imported(segmentation, (*_other_series(annotation, image), *notices, *composed))


def names_of(annotation: Annotation) -> tuple[str, ...]:
    """Return the names of the structures that a segmentation or structure set has drawn; no pixels are read.

    Raises
    ------
    DataError
        ``study.damaged``.
    """
    try:
        with quiet():
            return segment_names(annotation) if annotation.kind == "segmentation" else roi_names(annotation)
    except (*READ_ERRORS, RecursionError) as error:
        raise damaged(annotation.path) from error


def _read(annotation: Annotation, image: Image, limits: Limits) -> tuple[list[Part], list[Notice]]:
    if annotation.kind == "segmentation":
        return read_segments(annotation, image, limits)
    return read_rois(annotation, image, limits)


def _other_series(annotation: Annotation, image: Image) -> tuple[Notice, ...]:
    """Say when series and frame of reference do not both speak for the image."""
    frame = image.uids.get("frame_of_reference", "")
    if not annotation.drawn_on(image):
        message = "It was drawn on another series of the same frame of reference."
        return (Notice(code="annotation.other-series", level="info", message=message),)
    if annotation.frames and frame not in annotation.frames:
        message = "It names this series but another frame of reference: check that it lies where it should."
        return (Notice(code="annotation.other-frame", level="warning", message=message),)
    return ()
