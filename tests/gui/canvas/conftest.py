"""Images whose geometry is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from medtransfer import study
from medtransfer.result.model import Structure
from medtransfer.study.model import Image


def affine_of(
    directions: NDArray[np.float64], spacing: tuple[float, float, float], origin: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Return an affine whose columns are the directions of k, j and i, scaled."""
    affine = np.eye(4)
    affine[:3, :3] = directions * np.array(spacing)
    affine[:3, 3] = origin
    return affine


@pytest.fixture
def volume() -> Image:
    """A CT of 10 x 20 x 30 voxels of 3 x 2 x 1 mm, axes as scanners make them; each value is its place in the array."""
    array = np.arange(6000, dtype=np.int16).reshape(10, 20, 30)
    directions = np.eye(3)[:, ::-1].copy()
    affine = affine_of(directions, (3.0, 2.0, 1.0), (-15.0, -20.0, 100.0))
    return Image(array=array, axes="zyx", modality="CT", units="HU", affine=affine, bits=16)


@pytest.fixture
def picture() -> Image:
    """A colour picture of 40 x 60 pixels whose red is the column and whose green is the row."""
    array = np.zeros((40, 60, 3), dtype=np.uint8)
    array[..., 0] = np.arange(60)
    array[..., 1] = np.arange(40)[:, None]
    return Image(array=array, axes="yxc", modality="OP", units="display", meaning="rgb", laterality="L")


@pytest.fixture
def structures() -> tuple[Structure, Structure]:
    return (
        Structure(label="a", name="Liver", value=1, volume_ml=1.0, colour="#ff0000"),
        Structure(label="b", name="Spleen", value=2, volume_ml=1.0, colour="#00ff00"),
    )


@pytest.fixture(scope="session")
def abdomen(data_folder: Path) -> tuple[Image, NDArray[np.uint8]]:
    """A real CT and its organs (TotalSegmentator's numbers)."""
    image = study.open(data_folder / "ct" / "ct_a.nii.gz")[0].series[0].image()
    organs = study.open(data_folder / "ct" / "ct_a_seg.nii.gz")[0].series[0].image()
    return image, organs.array.astype(np.uint8)
