from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from medtransfer.contract.plan import VolumePlan
from medtransfer.study.model import Image
from medtransfer.transfer.body import body
from medtransfer.transfer.volume_frame import frame

PLAN = VolumePlan(spacing=(2.0, 2.0, 2.0), patch=(16, 16, 16), pools=((2, 2, 2),))
AXIAL = np.array([[0.0, 0.0, 2.0, 0.0], [0.0, 2.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])


def ct() -> NDArray[np.int16]:
    """Return a trunk with a lung, on a table, in air."""
    values = np.full((12, 40, 40), -1000, np.int16)
    values[:, 8:28, 8:32] = 40
    values[:, 14:20, 14:20] = -850
    values[:, 33:35, 4:36] = 120
    return values


def found(image: Image) -> NDArray[np.bool_] | None:
    assert image.affine is not None
    return body(image, frame(image.array, image.affine, PLAN))


def as_image(values: NDArray[np.int16]) -> Image:
    return Image(array=values, axes="zyx", modality="CT", units="HU", affine=AXIAL.copy())


def test_the_body_has_its_lungs_and_not_the_table() -> None:
    mask = found(as_image(ct()))
    assert mask is not None
    front_to_back = mask[:, ::-1]  # the canonical rows run to the front
    assert front_to_back[:, 8:28].sum() == 12 * 20 * 24
    assert not front_to_back[:, 29:].any()


def test_there_is_none_without_hounsfield_units_or_tissue() -> None:
    assert found(replace(as_image(ct()), units="stored")) is None
    assert found(as_image(np.full((4, 4, 4), -1000, np.int16))) is None
