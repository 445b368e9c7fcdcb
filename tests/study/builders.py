"""Small files for the tests: DICOM slices in any orientation, DICOM pictures, NIfTI volumes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from medtransfer.study.model import Image

CT_STORAGE = UID("1.2.840.10008.5.1.4.1.1.2")
DX_STORAGE = UID("1.2.840.10008.5.1.4.1.1.1.1")
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)

Pixels = NDArray[np.generic]

# Neither library carries types.
nifti: Any = nibabel
simple_itk: Any = SimpleITK


def dataset(pixels: Pixels, *, modality: str, sop_class: UID, bits: int | None = None, **elements: Any) -> FileDataset:
    """Return an uncompressed single-frame data set holding ``pixels``, ``(y, x)`` or ``(y, x, 3)``."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("made", {}, file_meta=meta, preamble=b"\0" * 128)
    made.SOPClassUID = sop_class
    made.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    made.Modality = modality
    made.PatientName = "Secret^Patient"
    made.PatientID = "MRN-4711"
    made.StudyInstanceUID = "1.2.3"
    made.SeriesInstanceUID = "1.2.3.4"
    made.Rows, made.Columns = pixels.shape[:2]
    made.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    made.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        made.PlanarConfiguration = 0
    made.BitsAllocated = pixels.dtype.itemsize * 8
    made.BitsStored = bits or made.BitsAllocated
    made.HighBit = made.BitsStored - 1
    made.PixelRepresentation = int(pixels.dtype.kind == "i")
    made.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    made["PixelData"].VR = "OW" if pixels.dtype.itemsize == 2 else "OB"
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def ct_slice(pixels: Pixels, position: Sequence[float], **elements: Any) -> FileDataset:
    """Return an axial CT slice with slope 1 and intercept -1024; ``elements`` change it, None leaves one out."""
    placed: dict[str, Any] = {
        "ImagePositionPatient": [f"{v:.10g}"[:16] for v in position],
        "ImageOrientationPatient": list(AXIAL),
        "PixelSpacing": [0.8, 0.5],
        "SliceThickness": 2.0,
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "FrameOfReferenceUID": "1.2.3.5",
    }
    stated = {keyword: value for keyword, value in (placed | elements).items() if value is not None}
    return dataset(pixels, modality="CT", sop_class=CT_STORAGE, **stated)


def write_axial(folder: Path, heights: Sequence[float], **elements: Any) -> Path:
    """Write one CT slice per height into a folder; a slice's values name its height."""
    for number, height in enumerate(heights):
        pixels = np.full((4, 6), round(height * 10) + 100, dtype=np.uint16)
        save(ct_slice(pixels, (10.0, 20.0, height), InstanceNumber=number + 1, **elements), folder / f"{number:03}.dcm")
    return folder


def save(made: Dataset, path: Path) -> Path:
    """Write a data set as a DICOM file."""
    made.save_as(path, enforce_file_format=True)
    return path


def assert_same_corners(image: Image, peer: Any) -> None:
    """Hold every corner voxel's place and value to those of a SimpleITK image."""
    assert image.affine is not None
    for i, j, k in itertools.product(*[(0, n - 1) for n in peer.GetSize()]):
        theirs = peer.TransformIndexToPhysicalPoint((i, j, k))
        np.testing.assert_allclose((image.affine @ [k, j, i, 1])[:3], theirs, atol=0.01)
        assert float(image.array[k, j, i]) == pytest.approx(float(peer.GetPixel(i, j, k)), rel=1e-6)
