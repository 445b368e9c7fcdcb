from __future__ import annotations

from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from medtransfer import cohort
from medtransfer.cohort import boxes
from medtransfer.cohort.model import Box
from medtransfer.cohort.published import chestxray14
from medtransfer.cohort.published.chest_labels import CHESTXRAY14
from tests.cohort.published import miniatures
from tests.cohort.published.miniatures import codes, picture, write

_ANSWERS = st.lists(st.integers(0, 1), min_size=14, max_size=14)


def _of(read: cohort.Cohort, name: str) -> cohort.Case:
    return next(case for case in read.cases if case.image.name == name)


def test_labels_patients_and_the_authors_test_list(tmp_path: Path) -> None:
    read = cohort.read(miniatures.chestxray14(tmp_path))
    assert read.source == "NIH ChestX-ray14"
    assert len(read.cases) == 48
    assert len({case.patient for case in read.cases}) == 24
    assert Counter(case.split for case in read.cases) == {"train": 32, "test": 16}
    assert {case.patient for case in read.cases if case.split == "test"} == {str(number) for number in range(1, 9)}
    assert read.labels == (
        "atelectasis", "cardiomegaly", "effusion", "infiltration", "mass", "nodule", "pneumonia", "pneumothorax",
        "consolidation", "edema", "emphysema", "fibrosis", "pleural_thickening", "hernia",
    )  # fmt: skip
    both = _of(read, "00000003_001.png")
    assert [label for label, value in both.labels.items() if value] == ["cardiomegaly", "mass"]
    assert not any(_of(read, "00000002_000.png").labels.values())
    assert both.attributes == {"view": "PA", "sex": "male", "age": "40 to 59"}
    assert codes(read) == ["published.read"]


def test_without_the_authors_lists_the_split_is_made_here_and_said_so(tmp_path: Path) -> None:
    root = miniatures.chestxray14(tmp_path)
    (root / "train_val_list.txt").unlink()
    (root / "test_list.txt").unlink()
    read = cohort.read(root)
    assert {case.split for case in read.cases} == {None}
    assert "published.no-official-test" in codes(read)


def test_pictures_are_found_in_another_folder_and_another_format(tmp_path: Path) -> None:
    root = miniatures.chestxray14(tmp_path / "set", patients=6)
    for number, image in enumerate(sorted((root / "images_001").rglob("*.png"))):
        picture(root / "small" / image.with_suffix(".jpg").name, seed=500 + number)
        image.unlink()
    assert len(cohort.read(root).cases) == 12


def test_pictures_that_are_missing_are_counted_and_the_others_read(tmp_path: Path) -> None:
    root = miniatures.chestxray14(tmp_path)
    for number in (1, 5, 7):
        (root / "images_002" / "images" / f"{number:08d}_000.png").unlink()
    read = cohort.read(root)
    assert len(read.cases) == 45
    assert "3 of the 48 pictures" in miniatures.message(read, "published.images-missing")


def test_boxes_lie_in_pixels_of_the_picture_at_hand(tmp_path: Path) -> None:
    root = miniatures.chestxray14(tmp_path)  # pictures of 20 x 16 in place of 1024 x 1024
    write(
        root / "BBox_List_2017.csv",
        [
            "Image Index,Finding Label,Bbox [x,y,w,h],,,",
            "00000001_000.png,Mass,256.0,512.0,102.4,64.0,,,",
            "00000001_000.png,Infiltrate,0.0,0.0,1024.0,1024.0,,,",
            "00009999_000.png,Mass,1,1,1,1,,,",
        ],
    )
    read = cohort.read(root)
    key = _of(read, "00000001_000.png").key
    assert read.boxes == {key: (Box("mass", 5.0, 8.0, 2.0, 1.0), Box("infiltration", 0.0, 0.0, 20.0, 16.0))}
    assert boxes.of(read, key, "infiltration")[0].width == 20.0


def test_lists_of_fourteen_columns(tmp_path: Path) -> None:
    rows = {
        "train": ("00000001_000.png", "0 1 0 0 0 0 0 0 0 0 0 0 0 0"),
        "val": ("00000010_000.png", "0 0 0 1 0 0 0 0 0 0 0 0 0 0"),
        "test": ("00000003_000.png", "0 0 0 0 0 0 0 0 0 0 0 0 0 1"),
    }
    for seed, (part, (name, answers)) in enumerate(rows.items()):
        write(tmp_path / f"{part}_official.txt", [f"{name} {answers}"])
        picture(tmp_path / "images" / name, seed)
    read = cohort.read(tmp_path)
    assert {(case.patient, case.split, *(k for k, v in case.labels.items() if v)) for case in read.cases} == {
        ("00000001", "train", "cardiomegaly"),
        ("00000010", "validation", "infiltration"),
        ("00000003", "test", "hernia"),
    }


@given(findings=st.sets(st.sampled_from(CHESTXRAY14)))
def test_every_set_of_findings_is_read_back(findings: set[str]) -> None:
    labels = chestxray14.findings_in("|".join(sorted(findings)) or "No Finding")
    assert len(labels) == 14
    assert {label for label, value in labels.items() if value} == {finding.lower() for finding in findings}


@given(answers=_ANSWERS, patient=st.integers(0, 99_999_999), blank=st.sampled_from([" ", "\t", "  "]))
def test_every_line_of_a_list_is_read_back(answers: list[int], patient: int, blank: str) -> None:
    name = f"{patient:08d}_{patient % 1000:03d}.png"
    ((read, labels),) = chestxray14.listed(f"{name}{blank}{blank.join(map(str, answers))}\n")
    assert read == name
    assert list(labels.values()) == answers


@given(text=st.text(max_size=60))
def test_other_text_is_no_line_of_a_list(text: str) -> None:
    assert all(len(labels) == 14 for _, labels in chestxray14.listed(text))
