"""What a file is, told from its first bytes and never from its name."""

from __future__ import annotations

import re
import zlib
from pathlib import Path, PurePath
from typing import Literal

from medtransfer.errors import DataError
from medtransfer.study.headless import starts_like_dicom

Format = Literal["dicom", "dicomdir", "nifti", "nrrd", "metaimage", "picture", "zip", "tar"]

HEAD_BYTES = 4096
_NIFTI1_MAGIC = slice(344, 348)
_NIFTI2_MAGIC = slice(4, 12)
_DOCUMENT_MEMBERS = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"mimetype", b"META-INF/")  # of zips by name
_TAR_MAGIC = slice(257, 262)
_META_IMAGE = re.compile(rb"\s*[A-Za-z]+[ \t]*=[^\0]{0,2000}?^NDims[ \t]*=", re.MULTILINE)
_DIRECTORY_CLASS = re.compile(rb"\x02\x00\x02\x00UI.\x001\.2\.840\.10008\.1\.3\.10", re.DOTALL)  # element (0002,0002)
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BMP_HEADER_SIZES = frozenset({12, 40, 52, 56, 64, 108, 124})
_ENVELOPED_DATA = bytes.fromhex("06092a864886f70d010703")  # the object identifier of CMS EnvelopedData, RFC 5652
_ENCRYPTED = (b"Salted__", b"age-encryption.org/", b"-----BEGIN PGP MESSAGE", b"-----BEGIN CMS", b"-----BEGIN PKCS7")
_IMAGE_SUFFIXES = (
    ".dcm", ".dicom", ".ima", ".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".png", ".jpg", ".jpeg", ".tif",
    ".tiff", ".bmp",
)  # fmt: skip


def sniff(path: Path) -> Format | None:
    """Return the format of a file, or None when it is not an image that medtransfer knows.

    Raises
    ------
    DataError
        ``study.empty``, ``study.encrypted``, or ``study.unreadable`` when the file cannot be read at all.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise DataError(
            "the file cannot be read", code="study.unreadable", hint="Check that it exists and that you may read it.",
            subject=path.name,
        ) from error  # fmt: skip
    if not head:
        raise DataError(
            "the file is empty", code="study.empty", hint="Copy or export it again: the transfer was cut short.",
            subject=path.name,
        ) from None  # fmt: skip
    if _is_encrypted(head):
        raise DataError(
            "the file is encrypted", code="study.encrypted", hint="Decrypt it with the program that wrote it first.",
            subject=path.name,
        )  # fmt: skip
    return format_of(head)


def named_like_an_image(path: PurePath) -> bool:
    """Whether the file's name promises an image: then it is reported when its content is none."""
    return path.name.lower().endswith(_IMAGE_SUFFIXES)


def format_of(head: bytes) -> Format | None:
    """Return the format of a file that begins with ``head``, of which 4 KiB are enough."""
    if head[128:132] == b"DICM":
        return "dicomdir" if _DIRECTORY_CLASS.search(head, 132, 1024) else "dicom"
    if head.startswith(_PICTURES) or _is_bmp(head):
        return "picture"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return None if head[30:].startswith(_DOCUMENT_MEMBERS) else "zip"
    plain = _gunzipped(head) if head.startswith(b"\x1f\x8b") else head
    if _is_nifti(plain):
        return "nifti"
    if plain[_TAR_MAGIC] == b"ustar":
        return "tar"
    return _headless_format(head)


def _headless_format(head: bytes) -> Format | None:
    if head.startswith(b"NRRD000"):
        return "nrrd"
    if _META_IMAGE.match(head):
        return "metaimage"
    return "dicom" if starts_like_dicom(head) else None


def _is_nifti(head: bytes) -> bool:
    """Whether the header is NIfTI's: of one file (``n+1``, ``n+2``) or of a pair (``ni1``, ``ni2``)."""
    return head[_NIFTI1_MAGIC] in {b"n+1\0", b"ni1\0"} or head[_NIFTI2_MAGIC] in {
        b"n+2\0\r\n\x1a\n",
        b"ni2\0\r\n\x1a\n",
    }


def _is_bmp(head: bytes) -> bool:
    return (
        head.startswith(b"BM") and head[6:10] == bytes(4) and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES
    )


def _is_encrypted(head: bytes) -> bool:
    encrypted_zip = head.startswith(b"PK\x03\x04") and len(head) > 6 and bool(head[6] & 1)
    return encrypted_zip or head.startswith(_ENCRYPTED) or _ENVELOPED_DATA in head[:64]


def _gunzipped(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 600)
    except zlib.error:
        return b""
