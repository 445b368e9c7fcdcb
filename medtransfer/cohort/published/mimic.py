"""MIMIC-CXR-JPG (Johnson et al. 2019, arXiv 1901.07042): 377,110 radiographs of 65,379 patients.

The findings of a study are in ``mimic-cxr-2.0.0-chexpert.csv.gz`` (or ``-negbio``), written as in CheXpert, and count
for all its pictures; ``-metadata`` has the view of each picture, ``-split`` the part that the authors put it into.
Pictures lie in ``files/p10/p10000032/s50414267``. Only views that are stated to be AP or PA are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medtransfer.cohort.model import Partition
from medtransfer.cohort.published import chest_labels, chexpert
from medtransfer.cohort.published.columns import Columns
from medtransfer.cohort.published.folder import Folder
from medtransfer.cohort.published.listing import Entry, Listing, remark
from medtransfer.errors import DataError

VERSION = r"mimic-cxr-\d+\.\d+\.\d+"
TABLE = rf"{VERSION}-metadata\.csv(\.gz)?"
_PARTS: dict[str, Partition] = {"train": "train", "validate": "validation", "test": "test"}
_NO_SPLIT = remark(
    "no-official-test",
    "the table of the authors' split is not there: the test patients are drawn here, and are not those of published"
    " figures",
    "Put mimic-cxr-2.0.0-split.csv.gz beside the other tables to keep their test set.",
)


def read(folder: Folder, tables: Sequence[Path]) -> Listing:
    """Read the tables of findings, views and parts.

    Raises
    ------
    DataError
        When there is no table of findings.
    """
    pictures = Columns(tables[0])
    findings = _findings(folder)
    observed = chexpert.observations(findings)
    labels = [chest_labels.chest_label(heading) for heading in observed]
    cells = zip(*(findings.texts(heading) for heading in observed), strict=True)
    said = {study: chexpert.answers(labels, row) for study, row in zip(findings.texts("study_id"), cells, strict=True)}
    silent = (dict.fromkeys(labels), frozenset[str]())
    parts = _parts(folder)
    base = next((place for place in (tables[0].parent, folder.root) if (place / "files").is_dir()), folder.root)
    rows = zip(
        pictures.texts("dicom_id"),
        pictures.texts("subject_id"),
        pictures.texts("study_id"),
        pictures.texts("ViewPosition"),
        strict=True,
    )
    entries = []
    for picture, patient, study, position in rows:
        view = chest_labels.view(position)
        if view:
            known, uncertain = said.get(study, silent)
            image = _image(base, patient, study, picture)
            entries.append(Entry(image, patient, known, uncertain, parts.get(picture), attributes=view))
    problems = (
        chexpert.BLANKS,
        *chest_labels.laterals_left_out(len(pictures) - len(entries)),
        *(() if parts else (_NO_SPLIT,)),
    )
    return Listing(chest_labels.names(observed), entries, problems)


def _findings(folder: Folder) -> Columns:
    found = [folder.table(rf"{VERSION}-{labeller}\.csv(\.gz)?") for labeller in ("chexpert", "negbio")]
    path = next((path for path in found if path), None)
    if path is None:
        raise DataError(
            "the findings of MIMIC-CXR-JPG are not in this folder",
            code="published.table-missing",
            hint="Put mimic-cxr-2.0.0-chexpert.csv.gz beside the table of metadata.",
        )
    return Columns(path)


def _parts(folder: Folder) -> dict[str, Partition]:
    path = folder.table(rf"{VERSION}-split\.csv(\.gz)?")
    if path is None:
        return {}
    table = Columns(path)
    named = zip(table.texts("dicom_id"), table.texts("split"), strict=True)
    return {picture: _PARTS[part] for picture, part in named if part in _PARTS}


def _image(base: Path, patient: str, study: str, picture: str) -> Path | None:
    if not (patient.isalnum() and study.isalnum() and picture.replace("-", "").isalnum()):
        return None
    below = Path(f"p{patient[:2]}", f"p{patient}", f"s{study}", f"{picture}.jpg")
    return base / "files" / below
