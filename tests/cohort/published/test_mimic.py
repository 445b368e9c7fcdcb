from __future__ import annotations

from pathlib import Path

import pytest

from medtransfer import cohort
from medtransfer.errors import DataError
from tests.cohort.published.miniatures import OBSERVATIONS, codes, message, picture, table

FINDINGS = "mimic-cxr-2.0.0-chexpert.csv.gz"
SPLIT = "mimic-cxr-2.0.0-split.csv.gz"
PICTURES = [  # dicom, patient, study, view, part
    ("02aa804e-bde0afdd", "10000032", "50414267", "PA", "train"),
    ("174413ec-4ec4c1f7", "10000032", "50414267", "LATERAL", "train"),
    ("2a2277a9-b0ded155", "10000764", "57375967", "AP", "validate"),
    ("68b5c4b1-227d0485", "10000898", "50771383", "AP", "test"),
    ("e084de3b-be89b11e", "10000935", "50578979", "", "train"),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for seed, (dicom, patient, study, _, _) in enumerate(PICTURES):
        picture(tmp_path / "files" / f"p{patient[:2]}" / f"p{patient}" / f"s{study}" / f"{dicom}.jpg", seed)
    table(
        tmp_path / "mimic-cxr-2.0.0-metadata.csv.gz",
        ["dicom_id", "subject_id", "study_id", "PerformedProcedureStepDescription", "ViewPosition", "Rows", "Columns"],
        [(dicom, patient, study, "CHEST", view, 3056, 2544) for dicom, patient, study, view, _ in PICTURES],
    )
    headings = sorted(OBSERVATIONS)
    said = {"50414267": {"Pneumonia": "1.0"}, "57375967": {"Edema": "-1.0"}}
    rows = [
        (patient, study, *(said[study].get(heading, "") for heading in headings))
        for patient, study in (("10000032", "50414267"), ("10000764", "57375967"))
    ]
    table(tmp_path / FINDINGS, ["subject_id", "study_id", *headings], rows)
    table(
        tmp_path / SPLIT,
        ["dicom_id", "study_id", "subject_id", "split"],
        [(dicom, study, patient, part) for dicom, patient, study, _, part in PICTURES],
    )
    return tmp_path


def test_frontal_views_with_the_findings_of_their_study_and_the_authors_split(root: Path) -> None:
    read = cohort.read(root)
    assert read.source == "MIMIC-CXR-JPG"
    assert [(case.patient, case.split, case.attributes["view"]) for case in read.cases] == [
        ("10000032", "train", "PA"),
        ("10000764", "validation", "AP"),
        ("10000898", "test", "AP"),
    ]
    assert [case.labels["pneumonia"] for case in read.cases] == [1, 0, None]
    assert [case.labels["edema"] for case in read.cases] == [0, None, None]
    assert "2 radiographs are left out" in message(read, "published.lateral")
    assert [case.labels["edema"] for case in cohort.read(root, uncertain="positive").cases] == [0, 1, None]


def test_the_folder_above_the_version_is_read_too(root: Path) -> None:
    version = root / "mimic-cxr-jpg" / "2.0.0"
    version.mkdir(parents=True)
    for path in [*root.glob("*.gz"), root / "files"]:
        path.rename(version / path.name)
    assert len(cohort.read(root).cases) == 3


def test_without_the_split_the_test_patients_are_drawn_here_and_said_so(root: Path) -> None:
    (root / SPLIT).unlink()
    read = cohort.read(root)
    assert {case.split for case in read.cases} == {None}
    assert "published.no-official-test" in codes(read)


def test_the_other_labeller_is_read_where_chexperts_table_is_not_there(root: Path) -> None:
    (root / FINDINGS).rename(root / "mimic-cxr-2.0.0-negbio.csv.gz")
    assert cohort.read(root).cases[0].labels["pneumonia"] == 1


def test_a_folder_without_findings_is_refused(root: Path) -> None:
    (root / FINDINGS).unlink()
    with pytest.raises(DataError) as refused:
        cohort.read(root)
    assert refused.value.code == "published.table-missing"


def test_a_damaged_archive_is_refused(root: Path) -> None:
    whole = (root / FINDINGS).read_bytes()
    (root / FINDINGS).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError) as refused:
        cohort.read(root)
    assert refused.value.code == "table.unreadable"
