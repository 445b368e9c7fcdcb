"""A DICOM file after the basic confidentiality profile: its data set, its file meta information, what was changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, FileDataset, dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from medtransfer import __version__
from medtransfer.errors import DataError
from medtransfer.study import dicom_values as values
from medtransfer.study.confidentiality.changes import Changes
from medtransfer.study.confidentiality.codestream import bare
from medtransfer.study.confidentiality.dummies import dummy, empty
from medtransfer.study.confidentiality.guard import Reason, reason_to_hold
from medtransfer.study.confidentiality.profile import Action, Options, action_for, title, vr_of
from medtransfer.study.confidentiality.pseudonyms import Pseudonyms, shifted
from medtransfer.study.dicom import READ_ERRORS, damaged
from medtransfer.study.quiet import quiet

_CODES = {
    "basic": ("113100", "Basic Application Confidentiality Profile"),
    "keep-dates": ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    "shift-dates": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "keep-uids": ("113110", "Retain UIDs Option"),
}  # CID 7050 (PS3.16)
_TEMPORAL = {"keep": "UNMODIFIED", "shift": "MODIFIED", "remove": "REMOVED"}
_MAXIMUM_DEPTH = 32
_NAMED_ANEW = frozenset({0x00100010, 0x00100020})  # Patient's Name and Patient ID
# Transfer syntaxes by whether the VR is implicit, and whether the least significant byte comes first (PS3.5 A).
_NATIVE = {
    (True, True): ImplicitVRLittleEndian,
    (False, True): ExplicitVRLittleEndian,
    (False, False): ExplicitVRBigEndian,
}


@dataclass(frozen=True, slots=True)
class Person:
    """A patient as the key file names them: the id in the source, what replaced it, by how many days dates moved."""

    original: str
    pseudonym: str
    days: int


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A de-identified object in memory, ready to be written."""

    source: Path
    dataset: FileDataset
    person: Person
    changes: Changes
    held: Reason | None

    def write(self, path: Path) -> None:
        """Write it as a DICOM file with a preamble of zeros.

        Raises
        ------
        DataError
            ``deidentify.not-writable`` when the data set is not one that a DICOM file may hold.
        """
        try:
            with quiet():
                self.dataset.save_as(path, enforce_file_format=True)
        except OSError:
            raise
        except READ_ERRORS as error:
            raise DataError(
                "it cannot be written as DICOM: its UIDs are missing, or a value does not fit its kind",
                code="deidentify.not-writable",
                hint="Export the file again from where it comes from.",
                subject=self.source.name,
            ) from error


def clean(path: Path, options: Options, pseudonyms: Pseudonyms) -> Cleaned:
    """Read a DICOM file and take out of it what may identify the patient.

    Raises
    ------
    DataError
        When the file is damaged.
    """
    try:
        with quiet():
            dataset = dcmread(path, force=True)
            held = reason_to_hold(dataset)
            _require_object(dataset)
            person = _person(dataset, pseudonyms)
            work = _Cleaning(options, pseudonyms, person.days, strict="SharedFunctionalGroupsSequence" in dataset)
            instance = _instance(dataset, options, pseudonyms)
            work.clean(dataset)
            work.changes += _name_anew(dataset, person)
            dataset.SOPInstanceUID = instance
            _state(dataset, options)
            _strip_pixels(dataset)
            return Cleaned(path, _with_own_meta(dataset), person, work.changes, held)
    except RecursionError as error:
        raise damaged(path) from error
    except READ_ERRORS as error:
        raise damaged(path) from error


class _Cleaning:
    """Goes through a data set and the items of its sequences, and counts what it changes."""

    def __init__(self, options: Options, pseudonyms: Pseudonyms, days: int, *, strict: bool) -> None:
        self._options = options
        self._pseudonyms = pseudonyms
        self._days = days
        self._strict = strict
        self.changes: Changes = Counter()
        self._changing: dict[Action, Callable[[Dataset, BaseTag, str], DataElement]] = {
            Action.EMPTY: _emptied,
            Action.DUMMY: self._dummy,
            Action.MAP: self._mapped,
            Action.SHIFT: self._shifted,
        }

    def clean(self, dataset: Dataset, depth: int = 0) -> None:
        if depth > _MAXIMUM_DEPTH:
            raise RecursionError("sequences are nested deeper than any device does")
        for tag in list(dataset.keys()):
            vr = vr_of(tag, dataset.get_item(tag).VR)
            action = action_for(tag, vr, self._options, strict=self._strict)
            if action is Action.KEEP or (depth == 0 and tag in _NAMED_ANEW):
                continue
            if action is Action.DESCEND:
                for item in _items(dataset, tag):
                    self.clean(item, depth + 1)
            elif action is Action.REMOVE:
                del dataset[tag]
                self.changes[(title(tag), action.value)] += 1
            else:
                self._change(dataset, tag, vr, action)

    def _change(self, dataset: Dataset, tag: BaseTag, vr: str, action: Action) -> None:
        changed = self._changing[action](dataset, tag, vr)
        before = _texts(dataset, tag) if action is Action.MAP else []
        dataset[tag] = changed
        if action is not Action.MAP or _texts(dataset, tag) != before:  # DICOM's own UIDs stay as they are
            self.changes[(title(tag), action.value)] += 1

    def _dummy(self, dataset: Dataset, tag: BaseTag, vr: str) -> DataElement:
        if vr == "UI":
            return self._mapped(dataset, tag, vr)
        if vr != "SQ":
            return dummy(tag, vr)
        items = _items(dataset, tag)
        for item in items:
            self._blank(item)
        return DataElement(tag, vr, Sequence(items))

    def _blank(self, item: Dataset) -> None:
        """Replace every value of an item, whatever it is."""
        for tag in list(item.keys()):
            vr = vr_of(tag, item.get_item(tag).VR)
            if tag.is_private or vr == "UN":
                del item[tag]
            else:
                item[tag] = self._dummy(item, tag, vr)

    def _mapped(self, dataset: Dataset, tag: BaseTag, vr: str) -> DataElement:
        return DataElement(tag, vr, [self._pseudonyms.uid(uid) for uid in _texts(dataset, tag)] or None)

    def _shifted(self, dataset: Dataset, tag: BaseTag, vr: str) -> DataElement:
        return DataElement(tag, vr, [shifted(date, self._days) for date in _texts(dataset, tag)] or None)


def _emptied(dataset: Dataset, tag: BaseTag, vr: str) -> DataElement:  # noqa: ARG001 - as its neighbours
    return empty(tag, vr)


def _require_object(dataset: FileDataset) -> None:
    """Refuse as damaged what does not even name a SOP class: it is no document to be held back."""
    if not (values.text(dataset, "SOPClassUID") or values.text(dataset.file_meta, "MediaStorageSOPClassUID")):
        raise ValueError("the SOP class is missing")


def _items(dataset: Dataset, tag: BaseTag) -> list[Dataset]:
    found = dataset[tag].value
    if not isinstance(found, Sequence):
        raise TypeError("a sequence holds no items")
    return list(found)


def _texts(dataset: Dataset, tag: BaseTag) -> list[str]:
    found = dataset[tag].value
    several = found if isinstance(found, MultiValue | list) else [found]
    return [str(value).strip() for value in several if value]


def _person(dataset: Dataset, pseudonyms: Pseudonyms) -> Person:
    """Return who the patient is; without an id, by name and birth date, and without those by the study."""
    original = values.text(dataset, "PatientID")
    named = values.text(dataset, "PatientName") + values.text(dataset, "PatientBirthDate")
    identity = original or named or values.text(dataset, "StudyInstanceUID")
    return Person(original, pseudonyms.patient(identity), pseudonyms.days(identity))


def _instance(dataset: FileDataset, options: Options, pseudonyms: Pseudonyms) -> str:
    """Return the object's new SOP Instance UID; the file meta information may have it where the data set has none."""
    original = values.text(dataset, "SOPInstanceUID") or values.text(dataset.file_meta, "MediaStorageSOPInstanceUID")
    if not original:
        return generate_uid()
    return original if options.uids == "keep" else pseudonyms.uid(original)


def _name_anew(dataset: Dataset, person: Person) -> Changes:
    dataset.PatientID = dataset.PatientName = person.pseudonym
    return Counter({(title(Tag(tag)), "replaced by a pseudonym"): 1 for tag in _NAMED_ANEW})


def _state(dataset: Dataset, options: Options) -> None:
    """Write down that and how the object was de-identified (PS3.15 E.1.1, PS3.3 C.12.1 and C.7.1.1)."""
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = [f"medtransfer {__version__}", "PS3.15 2024b table E.1-1"]
    dataset.LongitudinalTemporalInformationModified = _TEMPORAL[options.dates]
    chosen = ["basic", f"{options.dates}-dates", f"{options.uids}-uids"]
    dataset.DeidentificationMethodCodeSequence = Sequence(_code(*_CODES[key]) for key in chosen if key in _CODES)


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def _with_own_meta(dataset: FileDataset) -> FileDataset:
    """Replace the file meta information: the old one names the application, and its version, that sent the file."""
    meta = FileMetaDataset()
    implicit, little = map(bool, dataset.original_encoding)
    meta.TransferSyntaxUID = dataset.file_meta.get("TransferSyntaxUID") or _NATIVE[implicit, little]
    dataset.SOPClassUID = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID", "")
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta = meta
    dataset.preamble = bytes(128)
    return dataset


def _strip_pixels(dataset: FileDataset) -> None:
    """Take comments and application data out of compressed frames."""
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax and syntax.is_compressed and not syntax.is_deflated and "PixelData" in dataset:
        frames = generate_frames(dataset.PixelData, number_of_frames=values.whole(dataset, "NumberOfFrames", 1))
        try:
            stripped = [bare(frame) for frame in frames]
        except DataError as error:
            raise ValueError(error.message) from error
        dataset.PixelData = encapsulate(stripped)
        dataset["PixelData"].is_undefined_length = True
        for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
            if keyword in dataset:
                del dataset[keyword]
