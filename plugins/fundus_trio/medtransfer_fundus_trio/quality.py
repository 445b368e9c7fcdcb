"""What is wrong with a photograph, so that the reader of a result knows: exposure, sharpness, field of view, colour.

The limits were set on 447 photographs: 413 of IDRiD's training set, 24 of HRF and 10 of RFMiD. As they are, 6 of them
(1.3 %) are called blurred, and none dark or bright. At 0.3 of their brightness all are called dark; after a Gaussian
blur of 3 pixels in 512, 439 (98 %) are called blurred.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from medtransfer.sdk import Notice
from medtransfer_fundus_trio.field_of_view import FieldOfView

_Number = TypeVar("_Number", np.uint8, np.float32)

_TOO_DARK = 0.3
"""Median of the brightest channel in the middle of the field; 0.33 to 0.96 in the photographs above."""
_TOO_BRIGHT = 0.75
"""Median of the green channel there; up to 0.67 above. The red channel saturates in good photographs as well."""
_COLOURED = 1.15
"""Mean of the red channel over that of the blue one; from 1.65 on above, and 1 in any grey picture."""
_BLURRED = 1.3
"""See :func:`sharpness`; 1.8 is the median above, and 1.1 after the blur."""
_GRID = 512
"""Pixels on the short side at which sharpness is measured."""
_KERNEL = np.exp(-0.5 * (np.arange(-6, 7) / 2.0) ** 2)
"""Gaussian with a standard deviation of 2 pixels, cut at 3 of them."""


def notices(rgb: NDArray[np.uint8], field: FieldOfView) -> list[Notice]:
    """Return what the reader must know about a photograph.

    Parameters
    ----------
    rgb
        uint8 (y, x, 3).
    field
        The field of view in it.
    """
    region = field.region
    retina = rgb[region.top : region.top + region.height, region.left : region.left + region.width]
    noticed = _of_field(field)
    if float(retina[..., 0].mean()) < _COLOURED * float(retina[..., 2].mean()):
        message = "The picture has no colour of a retina: the detectors know colour photographs of the fundus only."
        noticed.append(Notice(code="fundus.no-colour", level="warning", message=message))
    middle = _middle(retina, 0.25)
    if float(np.median(middle.max(axis=2))) / 255.0 < _TOO_DARK:
        noticed.append(Notice(code="fundus.dark", level="warning", message="The photograph is underexposed."))
    elif float(np.median(middle[..., 1])) / 255.0 > _TOO_BRIGHT:
        noticed.append(Notice(code="fundus.bright", level="warning", message="The photograph is overexposed."))
    if sharpness(retina) < _BLURRED:
        message = "The photograph is blurred: small lesions may be missed."
        noticed.append(Notice(code="fundus.blurred", level="warning", message=message))
    return noticed


def _of_field(field: FieldOfView) -> list[Notice]:
    if not field.found:
        message = "No round field of view was found: this may not be a fundus photograph, or it was cut."
        return [Notice(code="fundus.no-field-of-view", level="warning", message=message)]
    if field.missing > 0:
        message = (
            f"The field of view is cut on one side: about {field.missing:.0%} of it is not in the picture, and what "
            "lies there is not judged."
        )
        return [Notice(code="fundus.field-cut", level="warning", message=message)]
    return []


def sharpness(retina: NDArray[np.uint8]) -> float:
    """Return how much of its edges' steepness a photograph loses when it is blurred: 1 when it was blurred before.

    After Crete et al. 2007 (SPIE 6492, 64920I): blurring again changes little in what is blurred already. Unlike the
    steepness itself, the ratio does not depend on the contrast of the photograph. Compared is the 99th percentile of
    the green channel's gradient in the middle of the field: vessel walls are the steepest thing there.

    Parameters
    ----------
    retina
        uint8 (y, x, 3): the field of view.
    """
    green = _middle(_reduced(retina[..., 1], max(1, min(retina.shape[:2]) // _GRID)), 0.2)
    if min(green.shape) < 2 * len(_KERNEL):
        return 1.0
    margin = len(_KERNEL) // 2
    before = _steepness(green[margin:-margin, margin:-margin])
    after = _steepness(_smoothed(_smoothed(green).T).T)
    return before / after if after > 0 else 1.0


def _middle(values: NDArray[_Number], margin: float) -> NDArray[_Number]:
    """Return an array's middle, without that share of its rows and columns at each edge."""
    height, width = values.shape[:2]
    rows, columns = int(height * margin), int(width * margin)
    return values[rows : height - rows, columns : width - columns]


def _reduced(values: NDArray[np.uint8], step: int) -> NDArray[np.float32]:
    """Return the means of blocks of ``step`` x ``step`` pixels; what is left over at the far edges is dropped."""
    height, width = values.shape[0] // step, values.shape[1] // step
    blocks = values[: height * step, : width * step].reshape(height, step, width, step)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def _smoothed(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blur along the first axis; shorter by the kernel's length less one."""
    length = values.shape[0] - len(_KERNEL) + 1
    weights = _KERNEL / _KERNEL.sum()
    return np.asarray(sum(weight * values[i : i + length] for i, weight in enumerate(weights)), dtype=np.float32)


def _steepness(values: NDArray[np.float32]) -> float:
    vertical, horizontal = np.gradient(values)
    return float(np.percentile(np.hypot(vertical, horizontal), 99))
