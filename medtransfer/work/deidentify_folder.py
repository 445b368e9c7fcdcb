"""The output folder of a de-identification: apart from the source, and all of it made in one way."""

from __future__ import annotations

from pathlib import Path

from medtransfer.errors import UserError
from medtransfer.study.confidentiality.profile import Options
from medtransfer.study.confidentiality.pseudonyms import Pseudonyms
from medtransfer.work import same_settings

SETTINGS, LOCK = ".settings.json", ".lock"


def require_apart(source: Path, out: Path, key_file: Path | None) -> None:
    """Refuse folders in which originals, key and de-identified files would be mixed up.

    Raises
    ------
    UserError
        When the source is not there, one folder lies within the other, the key would lie in the output, or that holds
        files that no de-identification wrote.
    """
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


def require_same_settings(out: Path, options: Options, pseudonyms: Pseudonyms) -> None:
    """Write down what the files of this folder are made with, or refuse to mix them with others.

    Raises
    ------
    UserError
        When the folder was begun with other options or another secret.
    """
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
