"""The sound files that the fuzzer damages: small, and of every format that can be opened."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from PIL import Image as Pillow
from pydicom.data import get_testdata_file

DICOM = (
    "CT_small.dcm", "MR_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "JPEG2000.dcm", "JPGExtended.dcm",
    "image_dfl.dcm", "SC_rgb_small_odd.dcm", "SC_rgb_jpeg_dcmd.dcm", "liver_1frame.dcm", "rtplan.dcm",
    "examples_palette.dcm", "ExplVR_BigEnd.dcm", "nested_priv_SQ.dcm", "no_meta.dcm", "empty_charset_LEI.dcm",
    "test-SR.dcm", "reportsi.dcm", "DICOMDIR",
)  # fmt: skip
NIBABEL: Any = nibabel  # it is untyped
LARGEST = 160 * 1024
"""Bytes of the largest sound file: a mutation of a long run of pixels teaches little."""


def dicom() -> Mapping[str, bytes]:
    """Return small DICOM files of many transfer syntaxes."""
    paths = {name: get_testdata_file(name, download=False) for name in DICOM}
    found = {name: Path(str(path)).read_bytes() for name, path in paths.items() if path is not None}
    return {name: content for name, content in found.items() if len(content) <= LARGEST}


def nifti() -> Mapping[str, bytes]:
    """Return NIfTI-1 and -2 volumes, plain and compressed, in three and four dimensions."""
    volume = np.arange(5 * 6 * 7, dtype=np.int16).reshape(5, 6, 7)
    affine = np.diag([1.5, 1.5, 3.0, 1.0])
    series = np.stack([volume, volume], axis=-1)
    first = NIBABEL.Nifti1Image(volume, affine).to_bytes()
    return {
        "a.nii": first,
        "b.nii": NIBABEL.Nifti2Image(volume.astype(np.float32), affine).to_bytes(),
        "c.nii": NIBABEL.Nifti1Image(series, affine).to_bytes(),
        "d.nii.gz": gzip.compress(first, mtime=0),
    }


def picture() -> Mapping[str, bytes]:
    """Return pictures in every format, depth and kind of colour."""
    grey = np.arange(40 * 30, dtype=np.uint16).reshape(40, 30)
    colour = np.stack([grey, grey // 2, grey // 3], axis=-1).astype(np.uint8)
    made: dict[str, tuple[Pillow.Image, dict[str, Any]]] = {
        "a.png": (Pillow.fromarray(grey), {}),
        "b.png": (Pillow.fromarray(colour), {}),
        "c.png": (Pillow.fromarray(colour).convert("P"), {}),
        "d.png": (Pillow.fromarray(colour).convert("RGBA"), {}),
        "e.jpg": (Pillow.fromarray(colour), {"quality": 80}),
        "f.tif": (Pillow.fromarray(grey), {}),
        "g.tif": (Pillow.fromarray(colour), {"compression": "tiff_lzw"}),
        "h.bmp": (Pillow.fromarray(colour), {}),
    }
    found = {}
    for name, (image, options) in made.items():
        stream = io.BytesIO()
        image.save(stream, {"jpg": "JPEG", "tif": "TIFF"}.get(name[2:], name[2:].upper()), **options)
        found[name] = stream.getvalue()
    return found


def research() -> Mapping[str, bytes]:
    """Return volumes in NRRD and MetaImage, plain and compressed."""
    volume = np.arange(5 * 6 * 7, dtype=np.int16).reshape(5, 6, 7)
    nrrd = "NRRD0004\ntype: int16\ndimension: 3\nspace: left-posterior-superior\nsizes: 7 6 5\nendian: little\n"
    nrrd += "space directions: (1,0,0) (0,1,0) (0,0,3)\nspace origin: (0,0,0)\nencoding: "
    meta = "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nDimSize = 7 6 5\n"
    meta += "ElementSpacing = 1 1 3\nElementType = MET_SHORT\n"
    raw = volume.tobytes()
    return {
        "a.nrrd": f"{nrrd}raw\n\n".encode() + raw,
        "b.nrrd": f"{nrrd}gzip\n\n".encode() + gzip.compress(raw, mtime=0),
        "c.mha": f"{meta}ElementDataFile = LOCAL\n".encode() + raw,
        "d.mha": f"{meta}CompressedData = True\nElementDataFile = LOCAL\n".encode() + zlib.compress(raw),
    }


def archive() -> Mapping[str, bytes]:
    """Return zip archives of the others: stored, deflated, nested."""
    inside = {"scan/a.dcm": dicom()["CT_small.dcm"], "photo.png": picture()["b.png"], "v.nii.gz": nifti()["d.nii.gz"]}
    plain, packed = _zip(inside, zipfile.ZIP_STORED), _zip(inside, zipfile.ZIP_DEFLATED)
    return {"a.zip": plain, "b.zip": packed, "c.zip": _zip({"inner.zip": packed}, zipfile.ZIP_DEFLATED)}


KINDS: Mapping[str, Callable[[], Mapping[str, bytes]]] = {
    "dicom": dicom,
    "nifti": nifti,
    "picture": picture,
    "research": research,
    "archive": archive,
}


def _zip(members: Mapping[str, bytes], method: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content, method)
    return stream.getvalue()
