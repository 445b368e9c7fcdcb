"""The basic confidentiality profile: every attribute of table E.1-1 planted with a secret, and nothing of it left."""

from __future__ import annotations

import csv
import json
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.tag import Tag
from pydicom.uid import UID

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study import confidentiality
from medtransfer.study.confidentiality import guard
from medtransfer.study.confidentiality.dicom import Cleaned, clean
from medtransfer.study.confidentiality.profile import Action, Options, action_for, table, vr_of
from medtransfer.study.confidentiality.pseudonyms import Pseudonyms, shifted
from tests.study.builders import ct_slice, save

PSEUDONYMS = Pseudonyms(b"a secret of the tests")
SECRET = "SECRETSECRET"  # noqa: S105 - what must not be found again
SECRETS: dict[str, Any] = {
    **dict.fromkeys(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"), SECRET),
    **dict.fromkeys(("OB", "OW", "OF", "OD", "UN"), SECRET.encode()),
    **dict.fromkeys(("US", "SS", "UL", "SL", "FL", "FD"), 31337),
    **dict.fromkeys(("DS", "IS"), "31337"),
    "AS": "037Y",
    "DA": "19370731",
    "DT": "19370731121314",
    "TM": "121314",
    "UI": "1.9.31337.31337",
    "UR": f"https://{SECRET}.org",
}
TRACES = (SECRET.encode(), b"31337", b"037Y", b"19370731", b"121314")
LISTED = list(csv.DictReader(
    resources.files(confidentiality).joinpath("table-e1-1.csv").read_text(encoding="utf-8").splitlines()
))  # fmt: skip
META = {0x00020003}
SINGLE = [tag for tag in table() if tag not in META and tag >> 16 > 2 and dictionary_has_tag(tag)]


def planted(tag: int) -> DataElement:
    vr = vr_of(Tag(tag), None)
    if vr == "SQ":
        item = Dataset()
        item.PatientComments = SECRET
        item.ReferencedSOPInstanceUID = SECRETS["UI"]
        return DataElement(tag, vr, Sequence([item]))
    return DataElement(tag, vr, SECRETS[vr])


def image(**elements: Any) -> pydicom.FileDataset:
    return ct_slice(np.arange(24, dtype=np.uint16).reshape(4, 6), (0, 0, 0), **elements)


def cleaned(made: Dataset, folder: Path, options: Options = Options()) -> tuple[Cleaned, bytes]:  # noqa: B008 - frozen
    done = clean(save(made, folder / "source.dcm"), options, PSEUDONYMS)
    done.write(folder / "clean.dcm")
    return done, (folder / "clean.dcm").read_bytes()


def read(content: bytes) -> pydicom.FileDataset:
    return dcmread(BytesIO(content))


def test_the_table_is_whole() -> None:
    assert len(LISTED) == len({row["tag"] for row in LISTED}) == 621
    assert {row["basic"] for row in LISTED} == {"D", "Z", "X", "U", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*"}
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber"):
        assert table()[Tag(keyword)].basic in {"Z", "Z/D"}, keyword
    assert not table()[Tag("PatientBirthDate")].is_time  # no option retains it


@pytest.mark.parametrize("enhanced", [False, True])
def test_every_attribute_of_the_table_leaves_no_trace(tmp_path: Path, *, enhanced: bool) -> None:
    made = image()
    nested = Dataset()
    for tag in SINGLE:
        if tag not in {Tag("SOPInstanceUID"), Tag("StudyInstanceUID")}:
            made[tag] = planted(tag)
        nested[tag] = planted(tag)
    made.RequestAttributesSequence = Sequence([nested])
    made.DeidentificationMethodCodeSequence = Sequence([nested])
    made.ReferencedImageEvidenceSequence = Sequence([nested])
    made.ReferencedInstanceSequence = Sequence([nested])  # kept by the profile, and cleaned inside
    if enhanced:
        made.SharedFunctionalGroupsSequence = Sequence([nested])
    done, content = cleaned(made, tmp_path)
    found = read(content)
    for trace in TRACES:
        assert trace not in content, trace
    assert np.array_equal(found.pixel_array, made.pixel_array)
    assert "ReferencedInstanceSequence" in found
    assert sum(done.changes.values()) > len(SINGLE)


@pytest.mark.parametrize("row", [row for row in LISTED if row["tag"].isalnum() and "x" not in row["tag"]][::7])
def test_the_action_is_one_that_the_table_offers(row: dict[str, str]) -> None:
    if row["tag"] == "private":
        return
    tag = Tag(int(row["tag"], 16))
    words = {"X": Action.REMOVE, "Z": Action.EMPTY, "D": Action.DUMMY, "U": Action.MAP, "U*": Action.DESCEND}
    allowed = {words[letter] for letter in row["basic"].split("/")}
    for strict in (False, True):
        known = dictionary_has_tag(tag)
        action = action_for(tag, vr_of(tag, None), Options(), strict=strict)
        assert action in allowed if known else action is Action.REMOVE


def test_private_unknown_and_unlisted_personal_elements_go(tmp_path: Path) -> None:
    made = image()
    made.private_block(0x0009, "SECRET CREATOR", create=True).add_new(1, "LO", SECRET)
    made.add_new(0x60000022, "LO", SECRET)
    made.add_new(0x60003000, "OW", SECRET.encode())
    made.add_new(0x60000102, "US", 0)
    made.add_new(0x50003000, "OW", SECRET.encode())
    made.add_new(0x00080099, "LO", SECRET)  # in no dictionary
    item = Dataset()
    item.private_block(0x0011, "SECRET CREATOR", create=True).add_new(1, "UN", SECRET.encode())
    made.ReferencedInstanceSequence = Sequence([item])
    _, content = cleaned(made, tmp_path)
    assert b"SECRET" not in content
    assert all(element.tag.group % 2 == 0 for element in read(content).iterall())


def test_preamble_and_meta_information_are_new(tmp_path: Path) -> None:
    made = image()
    made.preamble = SECRET.encode().ljust(128, b"!")
    made.file_meta.SourceApplicationEntityTitle = SECRET
    made.file_meta.ImplementationVersionName = SECRET
    made.file_meta.PrivateInformationCreatorUID = UID("1.9.31337")
    made.file_meta.PrivateInformation = SECRET.encode()
    _, content = cleaned(made, tmp_path)
    found = read(content)
    assert content[:128] == bytes(128)
    assert SECRET.encode() not in content
    assert b"31337" not in content
    assert found.file_meta.MediaStorageSOPInstanceUID == found.SOPInstanceUID != made.SOPInstanceUID


def test_what_was_done_is_stated_with_codes_of_context_group_7050(tmp_path: Path) -> None:
    stated = {}
    for options in (Options(), Options("keep", "keep"), Options("shift")):
        _, content = cleaned(image(StudyDate="20200229"), tmp_path, options)
        found = read(content)
        assert found.PatientIdentityRemoved == "YES"
        assert found.DeidentificationMethod
        items = found.DeidentificationMethodCodeSequence
        stated[options.dates] = {item.CodeValue for item in items}, found.LongitudinalTemporalInformationModified
        known = {getattr(codes.cid7050, name).value: getattr(codes.cid7050, name).meaning for name in _methods()}
        assert all(known[item.CodeValue] == item.CodeMeaning for item in items)
    assert stated == {
        "remove": ({"113100"}, "REMOVED"),
        "keep": ({"113100", "113106", "113110"}, "UNMODIFIED"),
        "shift": ({"113100", "113107"}, "MODIFIED"),
    }


def _methods() -> list[str]:
    return [name for name in dir(codes.cid7050) if name[0].isupper()]


def test_uids_and_references_stay_consistent(tmp_path: Path) -> None:
    first = image(StudyInstanceUID="1.2.3")
    second = image(StudyInstanceUID="1.2.3")
    reference = Dataset()
    reference.ReferencedSOPClassUID = first.SOPClassUID
    reference.ReferencedSOPInstanceUID = first.SOPInstanceUID
    second.SourceImageSequence = Sequence([reference])
    one, two = (read(cleaned(made, tmp_path)[1]) for made in (first, second))
    assert two.SourceImageSequence[0].ReferencedSOPInstanceUID == one.SOPInstanceUID
    assert two.SourceImageSequence[0].ReferencedSOPClassUID == first.SOPClassUID
    assert one.StudyInstanceUID == two.StudyInstanceUID != "1.2.3"
    assert one.FrameOfReferenceUID == two.FrameOfReferenceUID
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert one.StudyInstanceUID.is_valid
    assert one.PatientID == two.PatientID != "MRN-4711"
    other = clean(tmp_path / "source.dcm", Options(), Pseudonyms(b"another secret of tests"))
    assert other.dataset.PatientID != one.PatientID


def test_dates_move_together_or_stay(tmp_path: Path) -> None:
    made = image(StudyDate="20200229", AcquisitionDateTime="20200310121314.5+0100", PatientBirthDate="19700101")
    made.StudyTime = "121314"
    moved = read(cleaned(made, tmp_path, Options("shift"))[1])
    days = clean(tmp_path / "source.dcm", Options("shift"), PSEUDONYMS).person.days
    assert -3650 <= days <= -1
    assert moved.StudyDate == shifted("20200229", days) != "20200229"
    assert moved.AcquisitionDateTime == shifted("20200310", days) + "121314.5+0100"
    assert (moved.StudyTime, moved.PatientBirthDate) == ("121314", "")
    kept = read(cleaned(made, tmp_path, Options("keep"))[1])
    assert (kept.StudyDate, kept.PatientBirthDate) == ("20200229", "")
    removed = read(cleaned(made, tmp_path)[1])
    assert (removed.StudyDate, removed.StudyTime) == ("", "")


@pytest.mark.parametrize("text", ["", "2020", "20200231", "20200101Miller", "Miller^A", "00010101", "2020.01.01"])
def test_what_is_no_date_is_not_shifted_but_emptied(text: str) -> None:
    assert shifted(text, -10) == ""


@pytest.mark.parametrize(
    ("elements", "kind"),
    [
        ({"BurnedInAnnotation": "YES"}, "burned-in"),
        ({"Modality": "US"}, "unstated"),
        ({"Modality": "US", "BurnedInAnnotation": "NO"}, None),
        ({"Modality": "XA"}, "unstated"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "unstated"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.4"}, "unstated"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4"}, None),
        ({"ConversionType": "WSD"}, "unstated"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "unstated"),
        ({"SequenceOfUltrasoundRegions": []}, "unstated"),
        ({}, None),
    ],
)
def test_what_may_show_text_is_held_back(elements: dict[str, Any], kind: str | None) -> None:
    reason = guard.reason_to_hold(image(**elements))
    assert (reason.kind if reason else None) == kind


def test_documents_and_overlays_within_pixels_are_held_back_for_good() -> None:
    document = image()
    del document.PixelData
    drawn = image()
    drawn.add_new(0x60000102, "US", 12)
    for made in (document, drawn):
        reason = guard.reason_to_hold(made)
        assert reason is not None
        assert not reason.releasable
    assert guard.reason_to_hold(dcmread(str(get_testdata_file("reportsi.dcm")))) == guard.NO_PIXELS


def test_comments_in_compressed_pixels_go_and_the_pixels_stay(tmp_path: Path) -> None:
    made = dcmread(str(get_testdata_file("SC_rgb_jpeg_dcmtk.dcm")))
    before = made.pixel_array
    frame = next(pydicom.encaps.generate_frames(made.PixelData, number_of_frames=1))
    comment = b"\xff\xfe" + (len(SECRET) + 2).to_bytes(2) + SECRET.encode()
    made.PixelData = pydicom.encaps.encapsulate([frame[:2] + comment + frame[2:]])
    _, content = cleaned(made, tmp_path)
    assert SECRET.encode() not in content
    assert np.array_equal(read(content).pixel_array, before)


SAMPLES = [
    "CT_small.dcm", "MR_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "image_dfl.dcm",
    "693_J2KR.dcm", "JPEG-LL.dcm", "MR_small_jpeg_ls_lossless.dcm", "SC_rgb_jpeg_dcmtk.dcm", "MR_small_RLE.dcm",
    "emri_small.dcm", "rtdose.dcm", "ExplVR_BigEndNoMeta.dcm", "liver_1frame.dcm", "examples_palette.dcm",
]  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_real_files_keep_their_pixels_and_lose_their_patient(tmp_path: Path, name: str) -> None:
    path = Path(str(get_testdata_file(name)))
    original = dcmread(path, force=True)
    done = clean(path, Options(), PSEUDONYMS)
    done.write(tmp_path / "clean.dcm")
    content = (tmp_path / "clean.dcm").read_bytes()
    found = read(content)
    assert found.file_meta.TransferSyntaxUID
    if found.file_meta.TransferSyntaxUID.is_compressed:
        before, after = (study.open(at)[0].series[0].image().array for at in (path, tmp_path / "clean.dcm"))
        assert np.array_equal(before, after)
    elif original.file_meta.get("TransferSyntaxUID"):
        assert np.array_equal(found.pixel_array, original.pixel_array)
    assert found.PatientID == done.person.pseudonym
    for keyword in ("PatientName", "InstitutionName", "ReferringPhysicianName", "StudyInstanceUID", "SOPInstanceUID"):
        value = str(original.get(keyword) or "")
        assert len(value) < 4 or value in str(original.get("Manufacturer")) or value.encode() not in content, keyword
    assert not json.dumps(sorted(done.changes.items())).count(str(original.get("PatientName") or SECRET))


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 300)
    with pytest.raises(DataError) as caught:
        clean(tmp_path / "a.dcm", Options(), PSEUDONYMS).write(tmp_path / "b.dcm")
    assert caught.value.subject == "a.dcm"


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Pseudonyms(b"short")


def test_every_kind_of_value_has_a_dummy() -> None:
    kinds = {dictionary_VR(tag)[:2] for tag in SINGLE}
    assert kinds - {"SQ", "UI"} <= set(SECRETS)
