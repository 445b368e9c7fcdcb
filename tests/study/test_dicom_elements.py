"""Scanned headers: the same as pydicom's on every file there is and on generated ones, and never a step too far."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from medtransfer.errors import DataError
from medtransfer.study import dicom
from medtransfer.study.dicom_elements import UnfamiliarError, scan, vocabulary
from medtransfer.study.limits import DEFAULT
from medtransfer.study.quiet import quiet
from tests.study.builders import ct_slice, save

KNOWN = vocabulary(["PatientName", "SeriesDescription", "Rows", "WindowCenter", "InstanceNumber", "ImageType"])
LITTLE_ENDIAN = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]


def by_pydicom(path: Path) -> dicom.Header | str:
    with path.open("rb") as file:
        try:
            return dicom._read(file, path, DEFAULT)
        except DataError as problem:
            return problem.code


def by_scan(path: Path) -> dicom.Header | str:
    with path.open("rb") as file:
        try:
            return dicom._scanned(file, path)
        except DataError as problem:
            return problem.code


def own_files() -> Iterator[Path]:
    data_store = pytest.importorskip("data_store")
    for package, folder in ((pydicom, "data/test_files"), (data_store, "data")):
        root = Path(package.__file__ or "").parent / folder
        yield from (path for path in sorted(root.rglob("*")) if path.is_file() and path.suffix in {"", ".dcm"})


def assert_alike(paths: Iterator[Path]) -> tuple[int, int]:
    """Compare both ways on files; return how many were scanned, and how many there were."""
    scanned = total = 0
    for path in paths:
        total += 1
        try:
            found = by_scan(path)
        except UnfamiliarError:
            continue
        scanned += 1
        assert found == by_pydicom(path), path.name
    return scanned, total


def test_the_scan_says_what_pydicom_says_on_its_own_files() -> None:
    scanned, total = assert_alike(own_files())
    assert scanned > 150
    assert scanned > 0.8 * total


def test_the_scan_says_what_pydicom_says_on_real_studies(data_folder: Path) -> None:
    files = (path for path in sorted((data_folder / "dicom").rglob("*")) if path.suffix == ".dcm" or "CT." in path.name)
    scanned, total = assert_alike(files)
    assert scanned == total > 40


ascii_text = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
decimal = st.one_of(
    st.floats(-1e6, 1e6).map(lambda v: f"{v:.8g}"),
    st.integers(-99999, 99999).map(str),
    st.sampled_from([" 1.5", "+2", "1e3"]),
)
HANDS = {
    "ISO_IR 100": st.text(st.sampled_from("äöüéñ AZ^"), max_size=16),
    "ISO_IR 192": st.text(st.characters(min_codepoint=32, exclude_characters="\\"), max_size=12),
    "GB18030": st.text(st.sampled_from("王小东张^= a"), max_size=12),
    "ISO_IR 13": st.text(st.sampled_from("ﾔﾏﾀﾞ^A"), max_size=12),
    "": ascii_text,
}


@st.composite
def headers(draw: st.DrawFn) -> dict[str, Any]:
    charset = draw(st.sampled_from(list(HANDS)))
    words = HANDS[charset]
    return {
        "SpecificCharacterSet": charset,
        "PatientName": draw(words),
        "SeriesDescription": draw(words),
        "PatientID": draw(ascii_text),
        "InstanceNumber": draw(st.one_of(st.none(), st.integers(-99, 99999))),
        "ImageType": draw(st.lists(st.sampled_from(["ORIGINAL", "PRIMARY", "", "LOCALIZER", "M "]), max_size=4)),
        "ImagePositionPatient": draw(st.lists(decimal, min_size=3, max_size=3)),
        "ImageOrientationPatient": draw(st.lists(st.floats(-1, 1).map(lambda v: f"{v:.6f}"), min_size=6, max_size=6)),
        "WindowCenter": draw(st.lists(decimal, max_size=3)),
        "WindowWidth": draw(st.lists(decimal, max_size=3)),
        "StudyDate": draw(st.sampled_from(["20260228", "20260230", "", "2026"])),
        "EchoTime": draw(decimal),
        "DiffusionBValue": draw(st.one_of(st.none(), st.floats(0, 5000))),
        "DimensionIndexValues": draw(st.lists(st.integers(0, 2**32 - 1), max_size=4)) or None,
    }


def nested(depth: int, *, undefined: bool) -> Sequence:
    """Return a sequence that holds sequences, with lengths or with delimiters."""
    item = Dataset()
    item.PatientName = "not the patient's"
    item.Rows = 7
    item.is_undefined_length_sequence_item = undefined
    if depth:
        item.ReferencedSeriesSequence = nested(depth - 1, undefined=undefined)
        item["ReferencedSeriesSequence"].is_undefined_length = undefined
    return Sequence([item, Dataset()])


@settings(max_examples=150, deadline=None)
@given(
    elements=headers(), syntax=st.sampled_from(LITTLE_ENDIAN), depth=st.integers(0, 4), undefined=st.booleans(),
    private=st.binary(max_size=40),
)  # fmt: skip
def test_the_scan_says_what_pydicom_says_on_generated_headers(
    tmp_path_factory: pytest.TempPathFactory,
    elements: dict[str, Any],
    syntax: pydicom.uid.UID,
    depth: int,
    undefined: bool,  # noqa: FBT001 (hypothesis draws it)
    private: bytes,
) -> None:
    with quiet():  # pydicom complains of what it is made to write
        made = ct_slice(np.zeros((4, 6), np.int16), (0, 0, 0), **elements)
        made.file_meta.TransferSyntaxUID = syntax
        made.ReferencedStudySequence = nested(depth, undefined=undefined)
        made["ReferencedStudySequence"].is_undefined_length = undefined
        made.private_block(0x0009, "MAKER", create=True).add_new(1, "OB", private + b"\0" * (len(private) % 2))
        path = save(made, tmp_path_factory.getbasetemp() / "generated.dcm")
    assert by_scan(path) == by_pydicom(path)


def head_of(made: FileDataset) -> bytes:
    stream = io.BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def changed(tag: bytes, value: bytes) -> bytes:
    """Return a CT slice's file with one element put before those of group 0010."""
    content = head_of(ct_slice(np.zeros((4, 6), np.int16), (0, 0, 0)))
    at = content.index(b"\x10\x00\x10\x00PN")
    return content[:at] + tag + value + content[at:]


@settings(max_examples=150, deadline=None)
@given(flips=st.lists(st.tuples(st.integers(132, 900), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_headers_are_read_alike_or_left_to_pydicom(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]]
) -> None:
    content = bytearray(head_of(ct_slice(np.zeros((4, 6), np.int16), (0, 0, 0), SeriesDescription="Abdomen")))
    for at, value in flips:
        content[at % len(content)] = value
    path = tmp_path_factory.getbasetemp() / "damaged.dcm"
    path.write_bytes(content)
    try:
        found = by_scan(path)
    except UnfamiliarError:
        return
    assert found == by_pydicom(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 128 + b"DICM",
        changed(b"\x08\x00\x15\x11SQ\0\0", b"\xff" * 4 + b"\xfe\xff\x00\xe0" + b"\xff" * 4),  # never ends
        changed(b"\x09\x00\x01\x10UN\0\0", b"\xff" * 4),  # a sequence without saying so
        changed(b"\x09\x00\x01\x10OB\0\0", b"\xf0\xff\xff\x7f"),  # two gibibytes that are not there
        changed(b"\x09\x00\x01\x10QQ", b"\x02\0ab"),  # no such value representation
        changed(b"\x09\x00\x01\x10", struct.pack("<L", 2) + b"ab"),  # one element in implicit VR
        changed(b"\xfe\xff\x0d\xe0", b"\0" * 4),  # the end of an item that never began
        changed(b"\x08\x00\x15\x11SQ\0\0", b"\xff" * 4)[:600],  # cut in a sequence
    ],
)
def test_what_is_not_regular_is_left_to_pydicom(content: bytes) -> None:
    with pytest.raises(UnfamiliarError):
        scan(io.BytesIO(content), KNOWN)


def test_sequences_nested_without_end_are_left_to_pydicom() -> None:
    level = b"\x08\x00\x15\x11SQ\0\0" + b"\xff" * 4 + b"\xfe\xff\x00\xe0" + b"\xff" * 4
    with pytest.raises(UnfamiliarError):
        scan(io.BytesIO(changed(level * 5000, b"")), KNOWN)


@pytest.mark.parametrize("name", ["MR_small_bigendian.dcm", "image_dfl.dcm"])
def test_other_encodings_are_left_to_pydicom(name: str) -> None:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    with Path(path).open("rb") as file, pytest.raises(UnfamiliarError):
        scan(file, KNOWN)


@pytest.mark.parametrize(
    ("keyword", "value"), [("WindowCenter", "forty"), ("WindowCenter", "1_0"), ("InstanceNumber", "1.0")]
)
def test_malformed_numbers_are_left_to_pydicom(keyword: str, value: str) -> None:
    made = ct_slice(np.zeros((4, 6), np.int16), (0, 0, 0))
    made.add(pydicom.DataElement(keyword, "LO", value))
    content = head_of(made)
    vr = {"WindowCenter": b"DS", "InstanceNumber": b"IS"}[keyword]
    tag = struct.pack("<HH", *divmod(pydicom.tag.Tag(keyword), 1 << 16))
    _, elements, _ = scan(io.BytesIO(content.replace(tag + b"LO", tag + vr)), KNOWN)
    with pytest.raises(UnfamiliarError):
        elements.get(keyword)


def test_a_long_private_element_before_the_pixels_is_passed_over() -> None:
    made = ct_slice(np.zeros((4, 6), np.int16), (0, 0, 0), SeriesDescription="Thorax")
    made.private_block(0x0029, "MAKER", create=True).add_new(1, "OB", b"\1" * 300_000)
    content = head_of(made)
    _, elements, offset = scan(io.BytesIO(content), KNOWN)
    assert elements.get("SeriesDescription") == "Thorax"
    assert elements.get("Rows") == 4
    assert elements.get("ImageType") is None
    assert content[offset : offset + 4] == b"\xe0\x7f\x10\x00"
