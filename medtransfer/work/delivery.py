"""Bring a worker's result into its final folder, in the formats that the person asked for."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from medtransfer.contract.manifest import Manifest
from medtransfer.errors import UserError
from medtransfer.result.model import Finding, Result, Structure
from medtransfer.store.files import full_disk_explained, write_text
from medtransfer.store.results import RESULT_FILE
from medtransfer.study.model import Series

Format = Literal["json", "csv", "png", "nifti", "seg"]
FORMATS: tuple[Format, ...] = get_args(Format)
_OF_SEGMENTATIONS: dict[Format, str] = {"nifti": "NIfTI", "seg": "DICOM SEG"}


def check_formats(formats: Sequence[Format], manifest: Manifest) -> None:
    """Refuse a format that the plug-in's results cannot have.

    Raises
    ------
    UserError
        When a file of segmentations is asked of a plug-in that does not segment.
    """
    wanted = [name for name in formats if name in _OF_SEGMENTATIONS]
    if wanted and manifest.task.kind != "segmentation":
        raise UserError(
            f"only a segmentation can be written as {_OF_SEGMENTATIONS[wanted[0]]}, and this plug-in does not segment",
            code="analyse.format",
            hint=f"Choose among {', '.join(name for name in FORMATS if name not in _OF_SEGMENTATIONS)}.",
            subject=f"--format {wanted[0]}",
        )


def check_source(formats: Sequence[Format], series: Series) -> None:
    """Refuse a format that needs what a series' files do not carry.

    Raises
    ------
    UserError
        When a DICOM segmentation is asked of an image that is not DICOM.
    """
    if "seg" in formats and not series.files:
        raise UserError(
            "a DICOM segmentation needs a DICOM image: patient, study and frame of reference come from its headers",
            code="analyse.format",
            hint="Leave seg out of --format: the label map is always written as NIfTI.",
            subject=", ".join(series.source.names[:1]),
        )


def refuse_existing(out: Path) -> None:
    """Refuse to write over an earlier result.

    Raises
    ------
    UserError
        When ``out`` holds a result, or is a file.
    """
    if (out / RESULT_FILE).exists() or out.is_file():
        raise UserError(
            "there is a result here already, and results are never overwritten",
            code="result.exists",
            hint="Choose another folder with --out.",
            subject=str(out),
        )


def deliver(made: Path, result: Result, target: Path, formats: Sequence[Format]) -> None:
    """Copy a result folder, each file complete or not there, ``result.json`` last.

    ``result.json`` and the files that belong to it (heat maps as ``.npy``, label maps as NIfTI, pictures of similar
    cases) are always delivered: they are the result. Pictures of heat maps and the tables are delivered when
    ``formats`` names ``png`` and ``csv``.

    Raises
    ------
    EnvironmentFailure
        When the disk is full.
    """
    unwanted = set() if "png" in formats else {heatmap.info.picture for heatmap in result.heatmaps}
    with full_disk_explained():
        target.mkdir(parents=True, exist_ok=True)
        for file in sorted(made.iterdir()):
            if file.name != RESULT_FILE and file.name not in unwanted:
                _copy(file, target)
        if "csv" in formats:
            _write_tables(result, target)
        _copy(made / RESULT_FILE, target)


def _write_tables(result: Result, target: Path) -> None:
    segmentation = result.segmentation
    if segmentation is not None:
        write_text(target / "structures.csv", structures_csv(segmentation.structures))
    if result.findings or segmentation is None:
        write_text(target / "findings.csv", findings_csv(result.findings))


def structures_csv(structures: Sequence[Structure]) -> str:
    """Return the structures as a table, one row per structure.

    ``value`` is its number in the label map; ``first_z`` to ``last_x`` are the smallest and the largest index of its
    voxels, both included.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    box = [f"{end}_{axis}" for end in ("first", "last") for axis in "zyx"]
    writer.writerow(["label", "name", "value", "code", "volume_ml", "mean_hu", "sd_hu", *box])
    for structure in structures:
        values = [structure.volume_ml, structure.mean_hu, structure.sd_hu]
        ends = [str(index) for corner in structure.box for index in corner] if structure.box else [""] * len(box)
        writer.writerow([structure.label, structure.name, structure.value, structure.code, *values, *ends])
    return text.getvalue()


def findings_csv(findings: Sequence[Finding]) -> str:
    """Return the findings as a table, one row per label."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["label", "name", "probability", "threshold", "positive", "calibrated", "uncertainty"])
    for finding in findings:
        spread = "" if finding.uncertainty is None else finding.uncertainty
        calls = [int(finding.positive), int(finding.calibrated), spread]
        writer.writerow([finding.label, finding.name, finding.probability, finding.threshold, *calls])
    return text.getvalue()


def _copy(file: Path, target: Path) -> None:
    partial = target / f".{file.name}.partial"
    try:
        shutil.copyfile(file, partial)
        partial.replace(target / file.name)
    finally:
        partial.unlink(missing_ok=True)
