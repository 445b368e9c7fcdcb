from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow
from torchvision import transforms

from medtransfer.contract.bundle import Preprocessing
from medtransfer.study.model import Image
from medtransfer.transfer.pictures import Region, as_unit, normalised, onto_picture, seen, square

PREPROCESSING = Preprocessing(size=64, mean=(0.5, 0.4, 0.3), std=(0.5, 0.25, 0.2))


def picture(array: NDArray[np.generic], bits: int = 8) -> Image:
    colour = array.ndim == 3
    return Image(
        array=array,
        axes="yxc" if colour else "yx",
        modality="OT",
        units="display",
        meaning="rgb" if colour else "monochrome",
        bits=bits,
    )


def centre(values: NDArray[np.floating]) -> tuple[float, float]:
    """Centre of mass (y, x) in pixels."""
    rows, columns = np.indices(values.shape)
    return float((rows * values).sum() / values.sum()), float((columns * values).sum() / values.sum())


@settings(max_examples=60, deadline=None)
@given(data=st.data(), size=st.integers(32, 160))
def test_a_blob_comes_back_to_where_it_was(data: st.DataObject, size: int) -> None:
    height, width = data.draw(st.integers(60, 300)), data.draw(st.integers(60, 300))
    top, left = data.draw(st.integers(0, height - 50)), data.draw(st.integers(0, width - 50))
    region = Region(top, left, data.draw(st.integers(50, height - top)), data.draw(st.integers(50, width - left)))
    y = data.draw(st.floats(top + 15, top + region.height - 16))
    x = data.draw(st.floats(left + 15, left + region.width - 16))
    rows, columns = np.indices((height, width))
    blob = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * 4.0**2))
    image = picture(np.repeat((blob * 255).astype(np.uint8)[..., None], 3, axis=2))
    small = square(image, region, PREPROCESSING.model_copy(update={"size": size}))
    back = onto_picture(small[..., 1].astype(np.float32), region, image)
    assert back.shape == (height, width)
    outside = back.copy()
    outside[top : top + region.height, left : left + region.width] = 0
    assert not outside.any()
    assert np.hypot(*np.subtract(centre(back), (y, x))) < 1.0


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_the_part_is_centred_on_black(interpolation: str) -> None:
    image = picture(np.full((100, 200, 3), 200, np.uint8))
    preprocessing = Preprocessing.model_validate({**PREPROCESSING.model_dump(), "interpolation": interpolation})
    seen = square(image, Region(0, 0, 50, 100), preprocessing)
    assert seen.shape == (64, 64, 3)
    assert not seen[:14].any()
    assert not seen[-14:].any()
    assert (seen[20:-20] == 200).all()


def test_a_part_of_odd_size_keeps_every_pixel() -> None:
    array = np.random.default_rng(0).integers(1, 255, (31, 64, 3), dtype=np.uint8)
    seen = square(picture(array), Region(0, 0, 31, 64), PREPROCESSING)
    assert np.array_equal(seen[16:47], array)


def test_sixteen_bits_come_through_as_eight() -> None:
    array = np.zeros((64, 64), np.uint16)
    array[:32] = 4095
    array[32:] = 2048
    seen = square(picture(array, bits=12), Region(0, 0, 64, 64), PREPROCESSING)
    assert (seen[:30] == 255).all()
    assert np.allclose(seen[34:], 128, atol=1)
    colour = np.full((64, 64, 3), (65535, 0, 32768), np.uint16)
    assert square(picture(colour, bits=16), Region(0, 0, 64, 64), PREPROCESSING)[5, 5].tolist() == [255, 0, 128]


def test_normalisation_is_torchvisions() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    pixels.flags.writeable = False
    got = normalised(as_unit(pixels), PREPROCESSING)
    expected = (pixels / 255.0 - np.array(PREPROCESSING.mean)) / np.array(PREPROCESSING.std)
    assert got.dtype == torch.float32
    assert np.allclose(got.numpy(), expected.transpose(0, 3, 1, 2), atol=1e-6)


def test_the_whole_picture_is_a_region_too() -> None:
    assert Region.whole(picture(np.zeros((7, 9, 3), np.uint8))) == Region(0, 0, 7, 9)


@settings(max_examples=40, deadline=None)
@given(height=st.integers(40, 400), width=st.integers(40, 400), size=st.sampled_from([32, 96, 224]))
def test_the_centre_is_cut_out_as_torchvision_does(height: int, width: int, size: int) -> None:
    """Networks are published with these two steps, so what they saw in their tests must be seen here."""
    pixels = np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    steps: Any = transforms
    resize = steps.Resize(round(size * 256 / 224), interpolation=transforms.InterpolationMode.BICUBIC)
    expected = np.asarray(steps.CenterCrop(size)(resize(Pillow.fromarray(pixels))))
    image = picture(pixels)
    centred = PREPROCESSING.model_copy(update={"size": size, "framing": "centre"})
    assert np.array_equal(square(image, Region.whole(image), centred), expected)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(120, 300), width=st.integers(120, 300), share=st.tuples(st.floats(0.3, 0.7), st.floats(0.3, 0.7))
)
def test_what_lies_in_the_centre_comes_back_to_where_it_was(
    height: int, width: int, share: tuple[float, float]
) -> None:
    region = Region.whole(picture(np.zeros((height, width, 3), np.uint8)))
    centred = PREPROCESSING.model_copy(update={"framing": "centre"})
    part = seen(region, centred)
    y, x = part.top + share[0] * part.height, part.left + share[1] * part.width
    rows, columns = np.indices((height, width))
    blob = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * 4.0**2))
    image = picture(np.repeat((blob * 255).astype(np.uint8)[..., None], 3, axis=2))
    back = onto_picture(square(image, region, centred)[..., 0].astype(np.float32), part, image)
    cell = part.height / centred.size  # the cut is rounded to half a pixel of the network's along each axis
    assert np.hypot(*np.subtract(centre(back), (y, x))) < 1.0 + np.hypot(0.5, 0.5) * cell
    assert seen(region, PREPROCESSING) == region
