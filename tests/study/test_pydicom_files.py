"""Every file that pydicom brings along: opened as pydicom decodes it, or refused for a reason that is true.

``pydicom_files.toml`` is the table: one row for each file of pydicom's own test and character set folders and of the
package ``pydicom-data``.
"""

from __future__ import annotations

import tomllib
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom import FileDataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, JPEGExtended12Bit

from medtransfer import study
from medtransfer.errors import MedTransferError
from medtransfer.study.model import Image

OWN = Path(pydicom.__file__).parent / "data"
ADDED = "pydicom-data"
NOT_FILES = {".py", ".pyc", ".json", ".txt", ".md"}

Array = NDArray[Any]


@cache
def table() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "pydicom_files.toml").read_text(encoding="utf-8"))


def rows() -> list[tuple[str, str]]:
    """Return every file of the table with its code, empty for those that open."""
    refused = [(name, row["code"]) for name, row in table()["refused"].items()]
    return [*((name, "") for name in table()["opens"]), *refused]


def folders() -> dict[str, Path]:
    try:
        import data_store
    except ImportError:
        return {"pydicom": OWN}
    return {"pydicom": OWN, ADDED: Path(data_store.__file__).parent / "data"}


def located(name: str) -> Path:
    package, _, relative = name.partition("/")
    if package not in folders():
        pytest.skip("the package pydicom-data is absent: install the extra `test`")
    return folders()[package] / relative


def test_the_table_lists_every_file() -> None:
    there = {
        f"{package}/{path.relative_to(folder).as_posix()}"
        for package, folder in folders().items()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in NOT_FILES and not path.name.startswith("README")
    }
    listed = {
        name for name in (*table()["directories"], *(name for name, _ in rows())) if name.split("/")[0] in folders()
    }
    assert there == listed


@pytest.mark.parametrize(("name", "counts"), table()["directories"].items())
def test_each_directory_gives_the_series_of_its_studies(name: str, counts: list[int]) -> None:
    assert [len(entry.series) for entry in study.open(located(name))] == counts


def open_one(path: Path) -> Image:
    (entry,) = study.open(path)
    (series,) = entry.series
    return series.image()


@pytest.mark.parametrize(("name", "code"), rows(), ids=[name for name, _ in rows()])
def test_each_file_opens_rightly_or_says_why_not(name: str, code: str) -> None:
    path = located(name)
    if code:
        with pytest.raises(MedTransferError) as caught:
            open_one(path)
        assert caught.value.code == code
        return
    image = open_one(path)
    dataset, expected = displayed(path, image)
    found = image.array if expected.ndim == image.array.ndim else image.array[0]
    assert found.shape == expected.shape
    difference = np.abs(found.astype(np.float64) - expected)
    if syntax(dataset) in {JPEGBaseline8Bit, JPEGExtended12Bit}:
        # Decoders of lossy JPEG may round the cosine transform (ITU-T T.83) and interpolate halved colours differently.
        assert difference.mean() < 0.5
        assert difference.max() <= 8
    else:
        assert difference.max() <= np.abs(expected).max() * (1e-6 if found.dtype == np.float32 else 0.0)


def displayed(path: Path, image: Image) -> tuple[FileDataset, Array]:
    """Decode a file with pydicom and take the standard's steps to what is meant to be seen."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, force=True)
        dataset.file_meta.TransferSyntaxUID = syntax(dataset)
        frames = int(dataset.get("NumberOfFrames") or 1)
        pixels = pixel_array(dataset, index=None if image.is_volume and frames > 1 else 0)
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            return dataset, apply_color_lut(pixels, dataset)[..., :3]
        if pixels.ndim == 3 and pixels.shape[-1] == 3:
            return dataset, pixels >> 16 if pixels.dtype.itemsize == 4 else pixels
        if pixels.ndim == 3:
            pixels = pixels[along_normal(dataset)]
        low, high = stored_range(dataset)
        values = np.asarray(apply_modality_lut(pixels, shared(dataset)), dtype=np.float64)
        if dataset.PhotometricInterpretation != "MONOCHROME1":
            return dataset, values
        ends = np.asarray(apply_modality_lut(np.array([low, high]), shared(dataset)), dtype=np.float64)
        return dataset, ends.sum() - values


def along_normal(dataset: FileDataset) -> Array:
    """Return the order of an enhanced image's frames along the normal of its slices."""
    orientation = dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient
    places = [f.PlanePositionSequence[0].ImagePositionPatient for f in dataset.PerFrameFunctionalGroupsSequence]
    return np.argsort(np.array(places, dtype=float) @ np.cross(orientation[:3], orientation[3:]))


def shared(dataset: FileDataset) -> Any:
    """Return what holds the rescale: the functional groups of an enhanced image, else the data set."""
    groups = dataset.get("SharedFunctionalGroupsSequence")
    found = groups[0].get("PixelValueTransformationSequence") if groups else None
    return found[0] if found else dataset


def syntax(dataset: FileDataset) -> Any:
    return dataset.file_meta.get("TransferSyntaxUID", ExplicitVRLittleEndian)


def stored_range(dataset: FileDataset) -> tuple[int, int]:
    bits = dataset.BitsStored
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if dataset.PixelRepresentation else (0, (1 << bits) - 1)
