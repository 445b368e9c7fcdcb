"""De-identify a folder: every image below it is written anew without what may identify the patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from medtransfer import logs
from medtransfer.errors import DataError
from medtransfer.store import secret
from medtransfer.store.files import full_disk_explained
from medtransfer.store.lock import exclusive
from medtransfer.study.archive import ArchiveFormat, nested, unpack
from medtransfer.study.confidentiality import dicom
from medtransfer.study.confidentiality.changes import Changes
from medtransfer.study.confidentiality.grids import clean_metaimage, clean_nrrd
from medtransfer.study.confidentiality.nifti import clean_nifti
from medtransfer.study.confidentiality.pictures import clean_picture
from medtransfer.study.confidentiality.profile import Options
from medtransfer.study.confidentiality.pseudonyms import Pseudonyms
from medtransfer.study.limits import DEFAULT
from medtransfer.study.place import Folders, Place
from medtransfer.study.sniff import Format, named_like_an_image, sniff
from medtransfer.study.unpacked import Unpacked
from medtransfer.work import deidentify_folder
from medtransfer.work.deidentify_ledger import Register, Written
from medtransfer.work.deidentify_report import KeyFile, write_report
from medtransfer.work.session import Session
from medtransfer.work.walk import directories

LEDGER, PARTIAL = ".written.jsonl", ".partial"


@dataclass(frozen=True)
class Wishes:
    """How to de-identify.

    Attributes
    ----------
    options
        What the confidentiality profile retains.
    include_burned_in
        Write images also when their pixels may show text: somebody has looked at them.
    secret_file
        A file whose content makes the pseudonyms; None for the home's own secret.
    key_file
        Where to write which patient became which pseudonym; None for nowhere.
    """

    options: Options = field(default_factory=Options)
    include_burned_in: bool = False
    secret_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True)
class Held:
    """A file that needs a look; the path is for the screen alone."""

    path: Path
    kind: str
    sentence: str


@dataclass
class Outcome:
    """What came of it. Held-back files and failures are those of this run; the paths are for the screen alone."""

    written: int = 0
    already: int = 0
    left_out: int = 0
    held: list[Held] = field(default_factory=list)
    failed: list[tuple[Path, DataError]] = field(default_factory=list)


def deidentify(session: Session, source: Path, out: Path, wishes: Wishes) -> Outcome:
    """Write every image at or below ``source`` to ``out`` without what may identify the patient.

    The source is only read. Files that were written by an earlier, stopped run of the same command are kept. Files that
    are no images are left out, files that may show or hold text are held back.

    Raises
    ------
    MedTransferError
        When it cannot start, the disk is full, or the person wishes to stop.
    """
    deidentify_folder.require_apart(source, out, wishes.key_file)
    key = secret.given(wishes.secret_file) if wishes.secret_file else secret.own(session.home)
    with exclusive(out / deidentify_folder.LOCK, "a de-identification"):
        run = _Run(source, out, wishes, Pseudonyms(key), session.check)
        for path in _files(source, out):
            session.check()
            run.take(path)
            session.on_progress("de-identifying", None, {"files": run.seen, "held back": len(run.outcome.held)})
        (out / PARTIAL).unlink(missing_ok=True)
        write_report(out, wishes.options, run.outcome, run.register)
    logs.event("deidentify.done", done=run.outcome.written, failed=len(run.outcome.failed))
    return run.outcome


@dataclass(frozen=True)
class _File:
    """A file of the source or a member of an archive.

    ``shown`` is what it is called on the screen; ``name`` and ``modified`` (nanoseconds) tell it from all others in
    every run: a member has those of its archive.
    """

    path: Path
    shown: Path
    name: str
    modified: int
    place: Place


class _Run:
    """One run over the source."""

    def __init__(
        self, source: Path, out: Path, wishes: Wishes, pseudonyms: Pseudonyms, check: Callable[[], None]
    ) -> None:
        deidentify_folder.require_same_settings(out, wishes.options, pseudonyms)
        self._root = source if source.is_dir() else source.parent
        self._out = out
        self._check = check
        self._wishes = wishes
        self._pseudonyms = pseudonyms
        self._key_file = KeyFile(wishes.key_file) if wishes.key_file else None
        self.register = Register(out / LEDGER)
        self.outcome = Outcome()

    @property
    def seen(self) -> int:
        """How many files were looked at."""
        done = self.outcome
        return done.written + done.already + done.left_out + len(done.held) + len(done.failed)

    def take(self, path: Path) -> None:
        """De-identify one file, or every member of an archive, and count what came of it."""
        state = path.stat()
        self._take(_File(path, path, path.relative_to(self._root).as_posix(), state.st_mtime_ns, Folders()))

    def _take(self, file: _File) -> None:
        try:
            kind = sniff(file.path)
            digest = self._digest(file)
            before = self.register.file_of(digest)
            if before and (self._out / before).exists():
                self.outcome.already += 1
                return
            match kind:
                case "zip" | "tar":
                    self._archive(file, kind)
                case "dicom":
                    self._dicom(file, digest)
                case "dicomdir":
                    self.outcome.left_out += 1
                case None if not named_like_an_image(file.shown):
                    self.outcome.left_out += 1
                case _:
                    self._loose(file, kind, digest)
        except DataError as error:
            self.outcome.failed.append((file.shown, error))

    def _loose(self, file: _File, kind: Format | None, digest: str) -> None:
        """De-identify a file that is an image of its own."""
        path, partial = file.path, self._partial
        with full_disk_explained():
            match kind:
                case "picture":
                    self._copy(digest, clean_picture(path, partial), "pictures", _suffix(path))
                case "nifti":
                    self._copy(digest, clean_nifti(path, partial), "volumes", _nifti_suffix(path))
                case "nrrd":
                    self._copy(digest, clean_nrrd(path, partial, DEFAULT, file.place), "volumes", ".nrrd")
                case "metaimage":
                    self._copy(digest, clean_metaimage(path, partial, DEFAULT, file.place), "volumes", ".mha")
                case _:
                    raise _not_supported(file.shown)

    def _archive(self, file: _File, kind: ArchiveFormat) -> None:
        """De-identify what is in an archive; the same members have the same digest in every run."""
        if isinstance(file.place, Unpacked):
            raise nested(file.shown)
        contents = unpack(file.path, kind, DEFAULT)
        self.outcome.left_out += contents.left_out
        for member in contents.unpacked.files:
            self._check()
            shown = file.shown / contents.unpacked.name_of(member)
            name = f"{file.name}\0{member.parent.name}/{member.name}"
            self._take(_File(member, shown, name, file.modified, contents.unpacked))

    @property
    def _partial(self) -> Path:
        return self._out / PARTIAL

    def _digest(self, file: _File) -> str:
        told = f"{file.name}\0{file.path.stat().st_size}\0{file.modified}"
        return self._pseudonyms.digest("file", told).hex()[:32]

    def _dicom(self, file: _File, digest: str) -> None:
        cleaned = dicom.clean(file.path, self._wishes.options, self._pseudonyms)
        held = cleaned.held
        if held is not None and not (held.releasable and self._wishes.include_burned_in):
            self.outcome.held.append(Held(file.shown, held.kind, held.sentence))
            return
        if self._key_file is not None:
            self._key_file.add(cleaned.person)
        with full_disk_explained():
            cleaned.write(self._partial)
        study, series = (str(cleaned.dataset.get(f"{level}InstanceUID", "")) for level in ("Study", "Series"))
        target = self.register.place_in_series(study, series)
        changes = _listed(cleaned.changes)
        self._place(Written(source=digest, file=target.as_posix(), study=study, series=series, changes=changes))

    def _copy(self, digest: str, changes: Changes, folder: str, suffix: str) -> None:
        target = self.register.place_in(folder, suffix)
        self._place(Written(source=digest, file=target.as_posix(), changes=_listed(changes)))

    def _place(self, line: Written) -> None:
        """Give a finished file its name. A kill between this and the line costs one number, and no file."""
        path = self._out / line.file
        path.parent.mkdir(parents=True, exist_ok=True)
        self._partial.replace(path)
        self.register.append(line)
        self.outcome.written += 1


def _files(source: Path, out: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
        return
    for here, names in directories(source, out):
        yield from (here / name for name in names)


def _listed(changes: Changes) -> list[tuple[str, str, int]]:
    return [(what, action, count) for (what, action), count in sorted(changes.items())]


def _suffix(path: Path) -> str:
    """Return the suffix that a picture's content asks for: its own name is not used."""
    with path.open("rb") as file:
        head = file.read(2)
    return {b"\x89P": ".png", b"\xff\xd8": ".jpg", b"BM": ".bmp"}.get(head, ".tif")


def _nifti_suffix(path: Path) -> str:
    with path.open("rb") as file:
        return ".nii.gz" if file.read(2) == b"\x1f\x8b" else ".nii"


def _not_supported(path: Path) -> DataError:
    return DataError(
        "the file is none that medtransfer can de-identify",
        code="study.unknown-format",
        hint="DICOM, NIfTI, NRRD, MetaImage, PNG, JPEG, TIFF and BMP files can be.",
        subject=path.name,
    )
