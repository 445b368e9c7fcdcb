"""Which machine a volume came from, when its file does not say: stated by a person, or suspected from the values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medtransfer.errors import DataError, UserError
from medtransfer.study.display import HOUNSFIELD, SOFT_TISSUE
from medtransfer.study.model import Check, Image, Level, Series

UNSTATED: Final = "OT"
"""The modality of a series whose file names none."""

STATABLE: Final = ("CT", "MR")
STATED: Final = "modality.stated"
LOOKS_LIKE_CT: Final = "modality.looks-like-ct"

_SAMPLE = 1_000_000
# Hounsfield units: air -1000, lung -900 to -500, fat -100, water 0, organs up to 80, with contrast up to 300 (J. Hsieh,
# Computed Tomography, 3rd edition, 2015, chapter 2). Scanners fill what they do not see with values below -1100.
_PADDING = -1100.0
_AIR = (-1100.0, -900.0)
_LUNG = (-900.0, -300.0)
_SOFT = (-200.0, 300.0)
_LEAST_AIR, _LEAST_SOFT, _LEAST_EXPLAINED = 0.02, 0.10, 0.75
_FAT = -150.0  # below every organ: a CT of a body always holds fat or air


def stated(series: Series, modality: str) -> Series:
    """Return the same series, now said by a person to be of ``modality``.

    Its image has that modality and a check ``modality.stated``. A CT is in Hounsfield units and has the usual windows;
    a check ``modality.unlike-ct`` warns when the values cannot be Hounsfield units.

    Parameters
    ----------
    series
        A volume whose file names no modality, or this one.
    modality
        ``"CT"`` or ``"MR"``.

    Raises
    ------
    UserError
        ``modality.unknown`` for any other modality.
    DataError
        ``modality.contradicts`` when the file itself names another one, ``modality.picture`` when it is no volume.
    """
    if modality not in STATABLE:
        raise UserError(
            "only CT and MR can be stated",
            code="modality.unknown",
            hint=f"Use one of {', '.join(STATABLE)}.",
            subject=modality,
        )
    if series.modality == modality:
        return series
    subject = next(iter(series.source.names), None)
    if series.modality != UNSTATED:
        raise DataError(
            f"the file says of itself that it is {series.modality}, not {modality}",
            code="modality.contradicts",
            hint="Open it as what it says it is.",
            subject=subject,
        )
    if series.axes != "zyx":
        raise DataError(
            f"a picture cannot be taken for a {modality}",
            code="modality.picture",
            hint=f"Give the {modality} as a volume: DICOM, NIfTI, NRRD or MetaImage.",
            subject=subject,
        )
    return replace(
        series,
        modality=modality,
        load=partial(_load, series, modality),
        checks=(*series.checks, _said(modality)),
    )


def stated_where_missing(series: Series, modality: str) -> Series:
    """Return :func:`stated` for a volume that names no modality, and any other series as it is."""
    return stated(series, modality) if series.modality == UNSTATED and series.axes == "zyx" else series


def modality_stated(image: Image) -> str:
    """Return the modality that a person stated, empty when the file itself named it or nobody did."""
    return image.modality if any(check.code == STATED for check in image.checks) else ""


def looks_like_ct(image: Image) -> bool:
    """Whether a volume's values look like Hounsfield units: air around the patient, soft tissue, little else.

    Conservative: a CT cropped so closely that no air is left is not recognised. Looks at a million voxels at most.
    """
    if not image.is_volume:
        return False
    values = _sample(image.array)
    values = values[values >= _PADDING]
    if not values.size:
        return False
    air, lung, soft = (_share(values, bounds) for bounds in (_AIR, _LUNG, _SOFT))
    return air >= _LEAST_AIR and soft >= _LEAST_SOFT and air + lung + soft >= _LEAST_EXPLAINED


def suspicion(image: Image) -> Iterable[Check]:
    """Tell of a volume of unknown modality whose values look like Hounsfield units."""
    if image.modality == UNSTATED and looks_like_ct(image):
        yield Check(
            LOOKS_LIKE_CT,
            Level.INFO,
            "The file does not say what it is; its values look like Hounsfield units.",
            "If it is a CT, say so: in the window's list of series, or with --modality CT.",
        )


def _load(series: Series, modality: str) -> Image:
    image = series.image()
    kept = tuple(check for check in image.checks if check.code != LOOKS_LIKE_CT)
    image = replace(image, modality=modality, checks=(*kept, _said(modality)))
    if modality != "CT":
        return image
    windows = (SOFT_TISSUE, *(window for window in HOUNSFIELD if window != SOFT_TISSUE))
    return replace(image, units="HU", windows=windows).with_checks(*_unlike_ct(image))


def _said(modality: str) -> Check:
    return Check(
        STATED, Level.INFO, f"A person stated that this is a {modality}; the file itself does not say what it is."
    )


def _unlike_ct(image: Image) -> Iterable[Check]:
    values = _sample(image.array)
    if not values.size or float(values.min()) > _FAT:
        yield Check(
            "modality.unlike-ct",
            Level.WARNING,
            "No value is as low as fat or air, so these are hardly Hounsfield units.",
            "Check that it is a CT, and that the conversion kept its values.",
        )


def _sample(array: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return finite values, evenly picked; the step is odd so that it does not run along one column of the volume."""
    flat = array.reshape(-1)
    values = np.asarray(flat[:: max(1, flat.size // _SAMPLE) | 1], dtype=np.float32)
    return values[np.isfinite(values)]


def _share(values: NDArray[np.float32], bounds: tuple[float, float]) -> float:
    return float(np.count_nonzero((values >= bounds[0]) & (values < bounds[1]))) / values.size
