"""A multi-frame DICOM file, read once, that gives each of its frames as a data set with one frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import Dataset, FileDataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID

from medtransfer.study.dicom import DEFLATED, NATIVE, PIXELS, READ_ERRORS, Header, damaged, truncated

_IMAGE_PIXEL = 0x0028


class FrameFile:
    """The frames of one file.

    Raises
    ------
    DataError
        ``study.damaged`` when the file cannot be read, ``study.truncated`` when it holds no pixels.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._dataset: FileDataset = dcmread(path, force=True)
            self._keyword = next((keyword for keyword in PIXELS if keyword in self._dataset), "PixelData")
            self._pixels: bytes = getattr(self._dataset, self._keyword)
        except AttributeError as error:
            raise truncated(path) from error
        except (*READ_ERRORS, RecursionError) as error:
            raise damaged(path) from error
        self._compressed: list[bytes] = []

    def frame(self, header: Header) -> Dataset:
        """Return what describes the pixels, and the pixels of ``header.frame``.

        Raises
        ------
        DataError
            ``study.truncated`` when that frame is not there.
        """
        alone = Dataset()
        alone.update(self._dataset.group_dataset(_IMAGE_PIXEL))
        alone.file_meta = FileMetaDataset()
        alone.file_meta.TransferSyntaxUID = UID(header.transfer_syntax)
        alone.set_original_encoding(*self._dataset.original_encoding)
        alone.NumberOfFrames = 1
        setattr(alone, self._keyword, self._bytes(header))
        alone[self._keyword].VR = self._dataset[self._keyword].VR
        return alone

    def _bytes(self, header: Header) -> bytes:
        if header.bits_allocated == 1:
            return self._bits(header)
        if header.transfer_syntax in NATIVE | {DEFLATED}:
            # Two chroma values serve two pixels: four bytes where full colour has six (PS3.3 C.7.6.3.1.2).
            length = header.frame_bytes * 2 // 3 if header.photometric == "YBR_FULL_422" else header.frame_bytes
            found = self._pixels[header.frame * length : (header.frame + 1) * length]
            if len(found) < length:
                raise truncated(header.path)
            return found + b"\0" * (length % 2)
        return encapsulate([self._of_frame(header)], has_bot=False)

    def _bits(self, header: Header) -> bytes:
        """Return a frame of one bit per pixel; it may begin within a byte (PS3.5 8.1.1)."""
        bits = np.unpackbits(np.frombuffer(self._pixels, np.uint8), bitorder="little")
        found = bits[header.frame * header.frame_bytes : (header.frame + 1) * header.frame_bytes]
        if len(found) < header.frame_bytes:
            raise truncated(header.path)
        packed = np.packbits(found, bitorder="little").tobytes()
        return packed + b"\0" * (len(packed) % 2)

    def _of_frame(self, header: Header) -> bytes:
        try:
            if not self._compressed:
                self._compressed = list(generate_frames(self._pixels, number_of_frames=header.frames))
            return self._compressed[header.frame]
        except (*READ_ERRORS, RuntimeError) as error:
            raise truncated(header.path) from error
