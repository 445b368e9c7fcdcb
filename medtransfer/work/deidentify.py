"""De-identify a folder: every image below it is written anew without what may identify the patient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from medtransfer import logs
from medtransfer.errors import DataError, UserError
from medtransfer.store import secret
from medtransfer.store.files import full_disk_explained
from medtransfer.store.lock import exclusive
from medtransfer.study.confidentiality import dicom
from medtransfer.study.confidentiality.changes import Changes
from medtransfer.study.confidentiality.nifti import clean_nifti
from medtransfer.study.confidentiality.pictures import clean_picture
from medtransfer.study.confidentiality.profile import Options
from medtransfer.study.confidentiality.pseudonyms import Pseudonyms
from medtransfer.study.sniff import named_like_an_image, sniff
from medtransfer.work import same_settings
from medtransfer.work.deidentify_ledger import Register, Written
from medtransfer.work.deidentify_report import KeyFile, write_report
from medtransfer.work.session import Session
from medtransfer.work.walk import directories

LEDGER, SETTINGS, LOCK, PARTIAL = ".written.jsonl", ".settings.json", ".lock", ".partial"


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
    _require_apart(source, out, wishes.key_file)
    key = secret.given(wishes.secret_file) if wishes.secret_file else secret.own(session.home)
    with exclusive(out / LOCK, "a de-identification"):
        run = _Run(source, out, wishes, Pseudonyms(key))
        for path in _files(source, out):
            session.check()
            run.take(path)
            session.on_progress("de-identifying", None, {"files": run.seen, "held back": len(run.outcome.held)})
        (out / PARTIAL).unlink(missing_ok=True)
        write_report(out, wishes.options, run.outcome, run.register)
    logs.event("deidentify.done", done=run.outcome.written, failed=len(run.outcome.failed))
    return run.outcome


class _Run:
    """One run over the source."""

    def __init__(self, source: Path, out: Path, wishes: Wishes, pseudonyms: Pseudonyms) -> None:
        _same_settings(out, wishes.options, pseudonyms)
        self._root = source if source.is_dir() else source.parent
        self._out = out
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
        """De-identify one file and count what came of it."""
        try:
            kind = sniff(path)
            digest = self._digest(path)
            before = self.register.file_of(digest)
            if before and (self._out / before).exists():
                self.outcome.already += 1
            elif kind == "dicom":
                self._dicom(path, digest)
            elif kind == "picture":
                self._copy(digest, clean_picture(path, self._partial), "pictures", _suffix(path))
            elif kind == "nifti":
                self._copy(digest, clean_nifti(path, self._partial), "volumes", _nifti_suffix(path))
            elif kind == "dicomdir" or (kind is None and not named_like_an_image(path)):
                self.outcome.left_out += 1
            else:
                self.outcome.failed.append((path, _not_supported(path)))
        except DataError as error:
            self.outcome.failed.append((path, error))

    @property
    def _partial(self) -> Path:
        return self._out / PARTIAL

    def _digest(self, path: Path) -> str:
        state = path.stat()
        name = path.relative_to(self._root).as_posix()
        return self._pseudonyms.digest("file", f"{name}\0{state.st_size}\0{state.st_mtime_ns}").hex()[:32]

    def _dicom(self, path: Path, digest: str) -> None:
        cleaned = dicom.clean(path, self._wishes.options, self._pseudonyms)
        held = cleaned.held
        if held is not None and not (held.releasable and self._wishes.include_burned_in):
            self.outcome.held.append(Held(path, held.kind, held.sentence))
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


def _require_apart(source: Path, out: Path, key_file: Path | None) -> None:
    if not source.exists():
        raise UserError(
            "there is no such file or folder", code="input.missing", hint="Check the path.", subject=str(source)
        )
    inside, outside = out.resolve(), source.resolve()
    if inside.is_relative_to(outside) or outside.is_relative_to(inside):
        raise UserError(
            "the output lies within the source, or the source within the output",
            code="deidentify.overlap",
            hint="Choose a folder elsewhere, so that originals and de-identified files cannot be mixed up.",
            subject=str(out),
        )
    if key_file is not None and key_file.resolve().is_relative_to(inside):
        raise UserError(
            "the key file would lie among the de-identified files",
            code="deidentify.key-file",
            hint="Whoever has both can undo the de-identification: keep it elsewhere.",
            subject=str(key_file),
        )
    if out.exists() and not (out / SETTINGS).exists() and any(entry.name != LOCK for entry in out.iterdir()):
        raise UserError(
            "the output folder holds other files", code="deidentify.not-empty", hint="Choose a new or empty folder.",
            subject=str(out),
        )  # fmt: skip


def _same_settings(out: Path, options: Options, pseudonyms: Pseudonyms) -> None:
    """Write down what the files of this folder are made with, or refuse to mix them with others."""
    settings = {
        "dates": options.dates,
        "uids": options.uids,
        "secret": pseudonyms.digest("settings", "").hex()[:16],
    }
    same_settings.require(
        out / SETTINGS,
        settings,
        UserError(
            "this folder was de-identified with other options or another secret",
            code="deidentify.other-settings",
            hint="Give the same options to go on, or choose another folder.",
            subject=str(out),
        ),
    )


def _not_supported(path: Path) -> DataError:
    return DataError(
        "the file is none that medtransfer can de-identify",
        code="study.unknown-format",
        hint="DICOM, NIfTI, PNG, JPEG, TIFF and BMP files can be; unpack archives first.",
        subject=path.name,
    )
