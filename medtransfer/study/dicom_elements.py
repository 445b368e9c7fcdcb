"""The first data elements of a DICOM file, found in its bytes without building a data set (PS3.5 chapter 7).

pydicom reads every file there is, and takes a few milliseconds for each; a folder holds thousands. What is here knows
the two encodings that nearly all files have, explicit and implicit VR in little endian. At the first thing that it does
not recognise as entirely regular it raises :class:`UnfamiliarError`, and the file is pydicom's.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

from pydicom.charset import convert_encodings, python_encoding
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian
from pydicom.values import convert_value

from medtransfer.study.quiet import quiet

_HEADS = (1 << 14, 1 << 18, 1 << 22)  # nearly every header fits the first, scanners' private elements need the second
_UNDEFINED = 0xFFFFFFFF
_DEEPEST = 64
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_META_START, _META_END = 0x00020000, 0x00030000
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})  # Float, Double Float and Pixel Data
_FIRST_PIXELS = min(_PIXELS)
_NO_PIXELS = struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OW", 0, 0)  # set behind a file that ends without pixels
# Value representations with a length of four bytes, and of two (PS3.5 table 7.1-1 and 7.1-2).
_LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_SHORT = frozenset({
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS",
    b"ST", b"TM", b"UI", b"UL", b"US",
})  # fmt: skip
_PLAIN_TEXT = frozenset({"AS", "CS", "DA", "DT", "TM", "UI"})
_TEXT = frozenset({"LO", "PN", "SH"})
_BINARY = {"US": "H", "US or SS": "H", "UL": "I", "FD": "d"}
_EITHER = b"US or SS"
_ANY = b""
_NUMBER = {
    "IS": re.compile(r" *[+-]?\d{1,11} *", re.ASCII),
    "DS": re.compile(r" *[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)? *", re.ASCII),
}
_TRANSFER_SYNTAX = 0x00020010
_CHARACTER_SET = 0x00080005

_short_head = struct.Struct("<HH2sH").unpack_from
_implicit_head = struct.Struct("<HHL").unpack_from
_length = struct.Struct("<L").unpack_from

Found = dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The elements to look for: tag and value representation by keyword, and the representation by tag.

    An empty representation stands for any: of private elements the bytes alone are kept, see :meth:`Elements.raw`.
    """

    words: dict[str, tuple[int, str]]
    representations: dict[int, bytes]


class UnfamiliarError(Exception):
    """The file holds something that is left to pydicom; it may be right nevertheless."""


class _ShortError(Exception):
    """More of the file is needed."""


def vocabulary(keywords: Iterable[str], private: Iterable[int] = ()) -> Vocabulary:
    """Return tag and value representation of each keyword, from the data dictionary, and private tags beside them."""
    tags = {keyword: tag_for_keyword(keyword) for keyword in keywords}
    words = {keyword: (tag, dictionary_VR(tag)) for keyword, tag in tags.items() if tag is not None}
    return Vocabulary(words, dict.fromkeys(private, _ANY) | {tag: vr.encode() for tag, vr in words.values()})


_META = vocabulary(["TransferSyntaxUID", "MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID"])


class Elements:
    """Values by keyword, as ``pydicom.Dataset.get`` returns them; decimal and integer strings stay strings."""

    def __init__(self, found: Found, known: Vocabulary) -> None:
        self._found = found
        self._words = known.words

    def get(self, keyword: str, /) -> Any:
        """Return a value, a list of values, or None when the element is absent or empty.

        Raises
        ------
        UnfamiliarError
            When the value is not written as its value representation demands.
        """
        tag, vr = self._words[keyword]
        raw = self._found.get(tag)
        if not raw:
            return None
        if vr in _BINARY:
            return _binary(raw, _BINARY[vr])
        if vr in _TEXT and not _is_plain(raw):
            return self._decoded(tag, vr, raw)
        if vr in _TEXT or vr in _PLAIN_TEXT:
            return _split(raw)
        if vr in _NUMBER:
            return _numbers(raw, _NUMBER[vr])
        raise UnfamiliarError

    def raw(self, tag: int, /) -> bytes | None:
        """Return an element's bytes, None when it is absent."""
        return self._found.get(tag)

    def _decoded(self, tag: int, vr: str, raw: bytes) -> Any:
        """Let pydicom decode text by the file's character sets (PS3.5 chapter 6.1)."""
        terms = _split(self._found.get(_CHARACTER_SET, b""))
        if any(term.strip() not in python_encoding for term in ([terms] if isinstance(terms, str) else terms)):
            raise UnfamiliarError
        element = RawDataElement(
            BaseTag(tag), vr, len(raw), raw, 0, is_implicit_VR=False, is_little_endian=True, is_raw=True
        )
        with quiet():
            return convert_value(vr, element, convert_encodings(terms))


def scan(file: BinaryIO, known: Vocabulary) -> tuple[Elements, Elements, int]:
    """Return the meta header, the known elements before the pixels, and where the pixel data element begins.

    That place is the file's length when there are no pixels. At most four mebibytes are read.

    Raises
    ------
    UnfamiliarError
        When the file is better read by pydicom.
    """
    head = b""
    for size in _HEADS:
        head += file.read(size - len(head))
        try:
            whole = len(head) < size
            meta, found, offset = _parse(head + _NO_PIXELS if whole else head, known, whole=whole)
        except _ShortError:
            continue
        return Elements(meta, _META), Elements(found, known), offset
    raise UnfamiliarError


def _parse(head: bytes, known: Vocabulary, *, whole: bool) -> tuple[Found, Found, int]:
    if head[128:132] != b"DICM":
        raise UnfamiliarError
    meta, found = Found(), Found()
    try:
        at = _explicit(head, 132, _META.representations, meta, range(_META_START, _META_END))
        syntax = meta.get(_TRANSFER_SYNTAX, b"").rstrip(b" \0").decode("ascii", "replace")
        if syntax in {"", DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian}:
            raise UnfamiliarError
        read = _implicit if syntax == ImplicitVRLittleEndian else _explicit
        return meta, found, read(head, at, known.representations, found, range(_META_END, _FIRST_PIXELS))
    except (struct.error, _ShortError):
        if whole:
            raise UnfamiliarError from None
        raise _ShortError from None


def _explicit(head: bytes, at: int, wanted: dict[int, bytes], found: Found, within: range) -> int:
    """Collect wanted elements in explicit VR until a tag beyond ``within``; return where that element begins.

    Tags have to ascend, as the standard asks (PS3.5 7.1): where they do not, bytes may have been lost or changed.
    """
    size, last, end = len(head), within.start - 1, within.stop
    while True:
        group, number, vr, length = _short_head(head, at)
        tag = group << 16 | number
        if tag >= end:
            return _ended(tag, at, end)
        if tag <= last:
            raise UnfamiliarError
        last = tag
        start = at + 8
        if vr in _LONG:
            (length,) = _length(head, start)
            start += 4
        elif vr not in _SHORT:
            raise UnfamiliarError
        if length == _UNDEFINED:
            if vr != b"SQ" or tag in wanted:
                raise UnfamiliarError
            at = _skip_sequence(head, start, _explicit_element)
            continue
        at = start + length
        if at > size:
            raise _ShortError
        if tag in wanted:
            _require_plain(vr, wanted[tag], length)
            found[tag] = head[start:at]


def _implicit(head: bytes, at: int, wanted: dict[int, bytes], found: Found, within: range) -> int:
    """Do the same in implicit VR."""
    size, last, end = len(head), within.start - 1, within.stop
    if head[at + 4 : at + 6] in _LONG | _SHORT:  # the transfer syntax is wrong: the elements state their VR
        raise UnfamiliarError
    while True:
        group, number, length = _implicit_head(head, at)
        tag = group << 16 | number
        if tag >= end:
            return _ended(tag, at, end)
        if tag <= last:
            raise UnfamiliarError
        last = tag
        start = at + 8
        if length == _UNDEFINED:
            if tag in wanted:
                raise UnfamiliarError
            at = _skip_sequence(head, start, _implicit_element)
            continue
        at = start + length
        if at > size:
            raise _ShortError
        if tag in wanted:
            _require_plain(wanted[tag], wanted[tag], length)
            found[tag] = head[start:at]


def _require_plain(vr: bytes, expected: bytes, length: int) -> None:
    if expected == _ANY or (expected == _EITHER and vr in {b"US", b"SS"}):
        return
    if vr != expected or (vr == b"SQ" and length):
        raise UnfamiliarError


def _ended(tag: int, at: int, end: int) -> int:
    if end == _FIRST_PIXELS and tag not in _PIXELS:
        raise UnfamiliarError
    return at


def _explicit_element(head: bytes, at: int) -> tuple[int, int, int]:
    """Return tag, start of the value and length of an element inside a sequence."""
    group, number, vr, length = _short_head(head, at)
    tag = group << 16 | number
    if tag == _ITEM_END:
        return tag, at + 8, 0
    if vr in _LONG:
        (length,) = _length(head, at + 8)
        if length == _UNDEFINED and vr != b"SQ":
            raise UnfamiliarError
        return tag, at + 12, length
    if vr not in _SHORT:
        raise UnfamiliarError
    return tag, at + 8, length


def _implicit_element(head: bytes, at: int) -> tuple[int, int, int]:
    group, number, length = _implicit_head(head, at)
    return group << 16 | number, at + 8, length


def _skip_sequence(head: bytes, at: int, element: Callable[[bytes, int], tuple[int, int, int]]) -> int:
    """Return where a sequence of undefined length ends that begins at ``at`` (PS3.5 chapter 7.5)."""
    in_item = [False]  # for each level: whether elements follow, or items
    while in_item:
        if len(in_item) > _DEEPEST:
            raise UnfamiliarError
        tag, start, length = (element if in_item[-1] else _implicit_element)(head, at)
        at = start
        if tag == (_ITEM_END if in_item[-1] else _SEQUENCE_END):
            in_item.pop()
        elif not in_item[-1] and tag != _ITEM:
            raise UnfamiliarError
        elif length == _UNDEFINED:
            in_item.append(not in_item[-1])
        else:
            at += length
    return at


def _is_plain(raw: bytes) -> bool:
    """Whether every character set reads the bytes as ASCII: no escape sequence, no second component group."""
    return raw.isascii() and b"\x1b" not in raw and b"=" not in raw


def _split(raw: bytes) -> str | list[str]:
    text = raw.rstrip(b" \0")
    if not text.isascii() or b"\0" in text:
        raise UnfamiliarError
    return text.decode().split("\\") if b"\\" in text else text.decode()


def _numbers(raw: bytes, form: re.Pattern[str]) -> str | list[str]:
    found = _split(raw)
    for part in [found] if isinstance(found, str) else found:
        if not form.fullmatch(part):
            raise UnfamiliarError
    return found


def _binary(raw: bytes, kind: str) -> Any:
    count, rest = divmod(len(raw), struct.calcsize(kind))
    if rest:
        raise UnfamiliarError
    found = struct.unpack(f"<{count}{kind}", raw)
    return found[0] if count == 1 else list(found)
