"""The fingerprint of an image's pixels."""

from __future__ import annotations

import hashlib

import numpy as np

from medtransfer.study.model import Image


def pixel_sha256(image: Image) -> str:
    """Return the SHA-256 over dtype, shape and the values in C order and little-endian bytes, in hexadecimal.

    Two images with the same fingerprint have the same pixels, whatever file or byte order they came from. Those of
    companions count too.
    """
    array = image.array
    portable = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{portable.dtype.str}{array.shape}".encode())
    digest.update(portable.data)
    for other in image.companions:
        digest.update(pixel_sha256(other).encode())
    return digest.hexdigest()
